"""An engine that looks often, and waiting for its runs."""

import time

from calendly_connector.agent.engine.engine import EngineSettings
from calendly_connector.agent.engine.moves import Settling

QUICK = EngineSettings(look_every_s=0.02, lease_s=1.0, settling=Settling(grace_s=0.05, most_s=600.0))
PATIENCE_S = 60
UNDER_WAY = {"waiting", "running", "delayed"}


def wait_until_ended(engine, run_id, state=""):
    """Wait until a run is in a state, or isn't under way any more."""

    def find():
        shown = engine.show(run_id)
        now = shown["state"]
        return shown if now == state or (not state and now not in UNDER_WAY) else None

    return wait_for(find)


def wait_for(find, patience_s=PATIENCE_S):
    """Return the first true value that a function returns."""
    deadline = time.monotonic() + patience_s
    while not (found := find()):
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.02)
    return found
