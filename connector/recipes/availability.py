"""Edits weekly hours and dates of a schedule, and shows what changes before it is written."""

from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from ..contract import Record
from ..errors import InvalidParams, Problem, UnexpectedAnswer
from . import hours_text, lost_replies
from .steps import Inputs, Steps

_ACTION: Final = "availability.edit"


class _Schedule(NamedTuple):
    """Hours as they are now. `uuid` is set for a user's schedule, `event_type` for one of an event type."""

    rule: Record
    uuid: str = ""
    event_type: str = ""


def edit(steps: Steps, inputs: Inputs) -> Record:
    """Change the given days and keep all others. Raises InvalidParams with all problems."""
    schedule = _read(steps, inputs)
    name = schedule.rule["timezone"]
    try:
        today = steps.now.astimezone(ZoneInfo(name)).date()
    except (KeyError, ValueError, OSError):  # not found, not a name, a folder
        raise UnexpectedAnswer(f"The schedule's time zone {name!r} is unknown on this machine.") from None
    wanted, problems = hours_text.read_changes(inputs["hours"], today)
    if problems:
        raise InvalidParams(_ACTION, problems, fix="Nothing was changed.")
    before = schedule.rule["rules"]
    after = hours_text.changed_rules(before, wanted, today)
    changes = hours_text.differences(before, after, today)
    outcome = "unchanged" if not changes else "would_update" if inputs.get("dry_run") else "updated"
    if outcome == "updated":
        _write(steps, inputs, schedule, after)
    return {
        "outcome": outcome,
        "schedule": schedule.rule.get("uri"),
        "name": schedule.rule.get("name"),
        "event_type": schedule.event_type or None,
        "timezone": name,
        "changes": changes,
        "lines": [f"{one['day']}: {one['before']} -> {one['after']}" for one in changes],
    }


def _read(steps: Steps, inputs: Inputs) -> _Schedule:
    """Return the hours to edit: of an event type, a named schedule, or the user's default schedule."""
    if "event_type" in inputs:
        if "schedule" in inputs:
            problem = Problem("schedule", "can't be combined with event_type, which has hours of its own")
            raise InvalidParams(_ACTION, [problem])
        return _of_event_type(steps, inputs)
    if "schedule" in inputs:
        record = steps.run("user_availability_schedules.get", {"uuid": inputs["schedule"]})
        return _Schedule(record, uuid=record["uri"])
    user = inputs.get("user") or steps.user["uri"]
    schedules = steps.records("user_availability_schedules.list", {"user": user})
    for record in sorted(schedules, key=lambda record: not record.get("default")):
        return _Schedule(record, uuid=record["uri"])
    raise InvalidParams(_ACTION, [Problem("user", "has no availability schedule")])


def _of_event_type(steps: Steps, inputs: Inputs) -> _Schedule:
    uri = inputs["event_type"]
    found = steps.records("event_type_availability_schedules.list", {"event_type": uri})
    rules = [record["availability_rule"] for record in found]
    user = inputs.get("user") or (steps.user["uri"] if len(rules) > 1 else None)
    for rule in rules:
        if user in {None, rule.get("user")}:
            return _Schedule(rule, event_type=uri)
    hosts = ", ".join(str(rule.get("user")) for rule in rules) or "none"
    raise InvalidParams(_ACTION, [Problem("user", f"must be a host of the event type: {hosts}")])


def _write(steps: Steps, inputs: Inputs, schedule: _Schedule, rules: list[Record]) -> None:
    def look_up() -> Record | None:
        rule = _read(steps, inputs).rule
        return rule if hours_text.same_rules(rule["rules"], rules) else None

    params: dict[str, Any]
    if schedule.uuid:
        action, params = "user_availability_schedules.update", {"uuid": schedule.uuid, "rules": rules}
    else:
        rule: dict[str, Any] = {"timezone": schedule.rule["timezone"], "rules": rules}
        if schedule.rule.get("user") not in {None, steps.user["uri"]}:
            rule["user"] = schedule.rule["user"]
        action = "event_type_availability_schedules.update"
        params = {"event_type": schedule.event_type, "availability_rule": rule}
    lost_replies.write(steps, action, params, look_up, what="the new hours")
