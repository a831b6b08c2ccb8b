"""What flows, runs and states are called where people read them: in the words of docs/how-to/agent.md."""

from typing import Final

from ..flows.model import Flow, Schedule, Step
from .moments import span

RUN_STATES: Final = {
    "waiting": "Waiting",
    "running": "Running",
    "delayed": "Delayed",
    "paused": "Paused",
    "done": "Done",
    "filtered": "Filtered",
    "failed": "Failed",
    "needs_person": "Needs a decision",
}
ATTEMPT_STATES: Final = {
    "ok": "Succeeded",
    "failed": "Failed",
    "unsettled": "No answer: whether it happened is looked up",
    "not_done": "It didn't happen",
    "unknown": "Nobody knows whether it happened",
    "paused": "Stopped until it is repaired",
}
WEBHOOK_STATES: Final = {
    "active": "Active",
    "failing": "Failing",
    "disabled": "Disabled",
    "vanished": "Vanished",
    "pending": "Pending",
    "surplus": "Surplus",
    "foreign": "Not ours",
    "unknown": "Unknown",
}
STARTED_BY: Final = {"triggered": "Webhook", "polling": "Polling", "manual": "By hand"}


def trigger(flow: Flow) -> str:
    """Return what starts a flow: "invitee.created, by webhook", "Every 5 minutes", or "By hand"."""
    events = ", ".join(flow.trigger.events)
    match flow.trigger.type:
        case "triggered":
            return f"{events or 'An event'}, by webhook"
        case "polling" if flow.trigger.schedule is not None:
            when = schedule(flow.trigger.schedule)
            return f"{events}, looked for {when[0].lower()}{when[1:]}" if events else when
        case _:
            return "By hand"


def schedule(wanted: Schedule) -> str:
    """Return when a schedule is due: "Every 5 minutes", or "At 0 8 * * * (Europe/Berlin)"."""
    if wanted.cron:
        return f"At {wanted.cron} ({wanted.time_zone})"
    return f"Every {span(wanted.every_s).removeprefix('1 ')}"


def step(one: Step) -> str:
    """Return what a step does besides its action: for each item, under conditions, again after errors."""
    parts = []
    if one.for_each:
        parts.append(f"for each of {one.for_each}")
    if one.conditions:
        parts.append("if its conditions hold")
    if one.retry.times:
        parts.append(f"tried up to {one.retry.times + 1} times")
    if one.then != "stop":
        parts.append({"continue": "goes on after an error", "compensate": "undoes earlier steps"}[one.then])
    return ", ".join(parts)
