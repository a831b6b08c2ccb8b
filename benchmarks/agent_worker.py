"""The processes of the agent's benchmarks. DBOS has one instance per process, so each is one of its own.

- `agent_worker.py steps DATABASE` prints the steps a second of ours and of bare DBOS.
- `agent_worker.py queue DATABASE EVENTS` queues events.
- `agent_worker.py work DATABASE [URL]` carries them out until none is left, or until it is stopped if there
  is a URL to post to.
"""

import json
import logging
import signal
import sys
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, Self

from calendly_connector.agent.engine.connections import Connections
from calendly_connector.agent.engine.engine import QUEUE, Engine, EngineSettings
from calendly_connector.agent.flows.model import Call, Flow, FlowConnection, FlowTrigger, Step
from calendly_connector.contract import Event, Result
from dbos import DBOS, SetWorkflowID

STEPS = 200
ROUNDS = 9
AT_ONCE = 10
_ACTION = SimpleNamespace(effect="read", safe_to_repeat=True, look_up=None, input={})


class Nothing:
    """A connector, its connection and its only call, which do nothing."""

    action = _ACTION

    def connect(self, _credential: Any, **_options: Any) -> Self:
        """Return itself."""
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def prepare(self, _action: str, **_options: Any) -> Self:
        """Return itself."""
        return self

    def run(self, **_options: Any) -> Result:
        """Do nothing."""
        return Result("nothing", record={})


class Loopback:
    """The connector of the agent for any HTTP API, with an address on this machine."""

    def __init__(self, url: str) -> None:
        self._credential = {"kind": "none", "address": url, "private_network": "allowed"}

    def connect(self, _credential: Any, **options: Any) -> Any:
        """Connect to the address."""
        from calendly_connector.agent.destinations.http import connector

        return connector.connect(self._credential, origin=options["origin"])


def _flow(name: str) -> Flow:
    """Return the flow of a name: `long` has many steps, `short` two."""
    connections = {"it": FlowConnection("it", "credential")}
    count = STEPS if name == "long" else 2
    row = ("json", "~{event.payload}~")
    steps = tuple(Step(f"step-{number}", Call("it", "http.send", (row,))) for number in range(count))
    return Flow(name, connections, FlowTrigger(), steps)


def _engine(database: str, connector: Any = None) -> Engine:
    settings = EngineSettings(at_once=AT_ONCE)
    connections = Connections(lambda _name: connector or Nothing())
    return Engine(database, read=_flow, connections=connections, settings=settings)


def _nothing() -> dict[str, str]:
    return {}


def steps(database: str) -> None:
    """Print the steps a second of both sides, in rounds. They run in turns, in one database."""
    engine = _engine(database)

    @DBOS.workflow(name="bare")
    def bare() -> None:
        for _ in range(STEPS):
            DBOS.run_step({"name": "nothing"}, _nothing)

    engine.start()
    engine.deploy("long", _flow("long"))
    rates = []
    for number in range(ROUNDS + 1):
        with SetWorkflowID(f"bare-{number}"):
            DBOS.enqueue_workflow(QUEUE, bare)
        theirs = _rate(f"bare-{number}")
        ours = _rate(engine.start_run("long", _event(number)))
        rates.append([ours, theirs])
    engine.stop()
    print(json.dumps(rates[1:]))  # the first round warms up


def _rate(workflow: str) -> float:
    """Wait until a workflow has ended, and return its steps a second, between its first and last step."""
    DBOS.retrieve_workflow(workflow).get_result()
    recorded = DBOS.list_workflow_steps(workflow)[-STEPS:]
    assert len(recorded) == STEPS, recorded
    return STEPS * 1000 / (recorded[-1]["completed_at_epoch_ms"] - recorded[0]["started_at_epoch_ms"])


def _event(number: int) -> Event:
    return Event(f"event-{number}", "invitee.created", "2026-11-18T09:00:00Z", None, {"number": number})


def queue(database: str, count: str) -> None:
    """Queue events for the short flow."""
    engine = _engine(database)
    engine.start(works=False)
    engine.deploy("short", _flow("short"))
    for number in range(int(count)):
        engine.start_run("short", _event(number))
    engine.stop()


def work(database: str, url: str = "") -> None:
    """Carry out what is queued."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with _engine(database, Loopback(url) if url else None) as engine:
        print("working", flush=True)
        while url or engine.runs.find(states=("waiting",), limit=1):
            time.sleep(0.5)
        assert not engine.dead_letters(limit=1), engine.dead_letters(limit=1)


_COMMANDS: dict[str, Callable[..., None]] = {"steps": steps, "queue": queue, "work": work}

if __name__ == "__main__":
    logging.basicConfig(level=logging.ERROR)  # processes that are stopped are taken over, as they should be
    _COMMANDS[sys.argv[1]](*sys.argv[2:])
