"""How long the endurance runs are: short by default, long in `make test-endurance`."""

import os

LONG = bool(os.environ.get("ENDURANCE"))


def rounds(short, long):
    """Return the number of rounds for a slow test."""
    return long if LONG else short
