"""Steps a second of the agent's engine, and of bare DBOS steps that do the same nothing.

    python benchmarks/agent_steps.py [DATABASE_URL]

The default is a new SQLite file. Both run in turns in one process and one database; the median of the
ratios counts.
"""

import statistics
import sys
import tempfile
from types import SimpleNamespace
from typing import Any, Self

from calendly_connector.agent.engine.connections import Connections
from calendly_connector.agent.engine.engine import QUEUE, Engine
from calendly_connector.agent.flows.model import Call, Flow, FlowConnection, FlowTrigger, Step
from calendly_connector.contract import Result
from dbos import DBOS, SetWorkflowID

STEPS = 200
ROUNDS = 9
ACTION = SimpleNamespace(effect="read", safe_to_repeat=True, look_up=None, input={})


class Nothing:
    """A connector, its connection and its only call."""

    action = ACTION

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


def flow(_text: str) -> Flow:
    """Return a flow of many steps."""
    steps = tuple(Step(f"step-{number}", Call("it", "nothing")) for number in range(STEPS))
    return Flow("nothing", {"it": FlowConnection("nothing")}, FlowTrigger(), steps)


def nothing() -> dict[str, str]:
    """Do nothing."""
    return {}


def measure(database: str) -> list[tuple[float, float]]:
    """Return the steps a second of the agent and of bare DBOS, in rounds."""
    engine = Engine(database, read=flow, connections=Connections(lambda _name: Nothing()))

    @DBOS.workflow(name="bare")
    def bare() -> None:
        for _ in range(STEPS):
            DBOS.run_step({"name": "nothing"}, nothing)

    engine.start()
    engine.deploy("1", flow("1"))
    rates = []
    for number in range(ROUNDS):
        with SetWorkflowID(f"bare-{number}"):
            DBOS.enqueue_workflow(QUEUE, bare)
        theirs = rate(f"bare-{number}")
        ours = rate(engine.start_run("nothing", run_id=f"agent-{number}"))
        rates.append((ours, theirs))
    engine.stop()
    return rates


def rate(workflow: str) -> float:
    """Wait until a workflow has ended, and return its steps a second, between its first and last step."""
    DBOS.retrieve_workflow(workflow).get_result()
    steps = DBOS.list_workflow_steps(workflow)[-STEPS:]
    return STEPS * 1000 / (steps[-1]["completed_at_epoch_ms"] - steps[0]["started_at_epoch_ms"])


def main() -> None:
    """Print the medians."""
    with tempfile.TemporaryDirectory() as folder:
        rates = measure(sys.argv[1] if len(sys.argv) > 1 else f"sqlite:///{folder}/agent.db")
    ours, theirs = (statistics.median(side) for side in zip(*rates, strict=True))
    ratio = statistics.median(ours / theirs for ours, theirs in rates)
    print(f"agent {ours:.0f} steps/s, bare DBOS {theirs:.0f} steps/s, ratio {ratio:.2f}")


if __name__ == "__main__":
    main()
