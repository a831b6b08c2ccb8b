"""How long the endurance runs are: short by default, long in `make test-endurance`."""

import os

LONG = bool(os.environ.get("ENDURANCE"))


def rounds(short, long):
    """Return how often to do something that takes a while."""
    return long if LONG else short
