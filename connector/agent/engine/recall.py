"""What a new turn of a run keeps of the outcomes that the earlier ones recorded. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .moves import Outcome

Recorded = Iterable[tuple[str, Any]]
"""Names and outputs of DBOS steps, in their order."""


def recorded_outcomes(steps: Recorded, begin: str) -> dict[str, Outcome]:
    """Return the last outcome of each call of a turn, with those that it started with."""
    outcomes: dict[str, Outcome] = {}
    for name, output in steps:
        if name == begin and isinstance(output, Mapping):
            outcomes |= output["recalled"]
        elif isinstance(output, Mapping) and "attempt" in output:
            outcomes[name] = dict(output)
    return outcomes


def to_go_on(outcomes: Mapping[str, Outcome], *, waited: bool) -> dict[str, Outcome]:
    """Return what a run keeps that goes on after a wait or a repair: everything."""
    kept: dict[str, Outcome] = {}
    for key, outcome in outcomes.items():
        if outcome["state"] != "paused":
            kept[key] = outcome | {"waited": True} if waited else outcome
        elif "was" in outcome:  # it was sent before, and still has to be looked up
            kept[key] = outcome["was"]
    return kept


def to_replay(
    outcomes: Mapping[str, Outcome], steps: Sequence[str], from_step: str | None
) -> dict[str, Outcome]:
    """Return what a replay keeps: the calls that succeeded, only of the steps before `from_step` if given."""
    undone = {step_of(key.removeprefix("undo ")) for key in outcomes if key.startswith("undo ")}
    kept_steps = set(steps[: steps.index(from_step)] if from_step else steps) - undone
    return {
        key: outcome
        for key, outcome in outcomes.items()
        if step_of(key) in kept_steps and outcome["state"] == "ok"
    }


def step_of(key: str) -> str:
    """Return the id of the step that a call belongs to."""
    return key.partition("[")[0]
