"""How things look: classes of text, links and panels, and the icons and colors of states.

Each color has its pair for dark pages. A word always stands beside an icon, so that color alone says nothing.
"""

from dataclasses import dataclass
from typing import Final

GREY: Final = "text-gray-700 dark:text-gray-300"
"""Classes of text that is less important."""
QUIET: Final = f"text-sm {GREY}"
LINK: Final = "text-primary"
ANYWHERE: Final = "[overflow-wrap:anywhere]"
"""Breaks a word that is longer than its line, and no other."""
RED: Final = "text-red-800 dark:text-red-300"
AMBER: Final = "text-amber-800 dark:text-amber-300"
GREEN: Final = "text-green-800 dark:text-green-300"
BLUE: Final = "text-blue-800 dark:text-blue-300"
FAULT: Final = "bg-red-100 text-red-950 dark:bg-red-950 dark:text-red-100"
"""Classes of a panel that says what is wrong."""
WARNING: Final = "bg-amber-100 text-amber-950 dark:bg-amber-950 dark:text-amber-100"


@dataclass(frozen=True, slots=True)
class Look:
    """An icon, the classes of its color, and that color on a timeline, where the icon is white."""

    icon: str
    color: str
    dot: str = "grey-8"


_GOOD: Final = Look("check_circle", GREEN, "green-9")
_BAD: Final = Look("error", RED, "red-9")
_UNSURE: Final = Look("live_help", AMBER, "orange-10")
_PAUSED: Final = Look("pause_circle", AMBER, "orange-10")
_OTHER: Final = Look("help", GREY)

_RUNS: Final = {
    "waiting": Look("schedule", BLUE),
    "running": Look("sync", BLUE),
    "delayed": Look("hourglass_empty", BLUE),
    "paused": _PAUSED,
    "done": _GOOD,
    "filtered": Look("filter_alt_off", GREY),
    "failed": _BAD,
    "needs_person": _UNSURE,
}
_ATTEMPTS: Final = {
    "ok": _GOOD,
    "failed": _BAD,
    "unsettled": Look("troubleshoot", AMBER, "orange-10"),
    "not_done": Look("undo", AMBER, "orange-10"),
    "unknown": _UNSURE,
    "paused": _PAUSED,
}
_WEBHOOKS: Final = {
    "active": _GOOD,
    "failing": Look("warning", AMBER),
    "disabled": _BAD,
    "vanished": _BAD,
    "pending": Look("hourglass_empty", AMBER),
    "surplus": Look("content_copy", AMBER),
    "foreign": Look("public", GREY),
}
_SEVERITIES: Final = {
    "ok": _GOOD,
    "warning": Look("warning", AMBER),
    "error": _BAD,
}


def of_run(state: str) -> Look:
    """Return how the state of a run looks."""
    return _RUNS.get(state, _OTHER)


def of_attempt(state: str) -> Look:
    """Return how the state of an attempt looks."""
    return _ATTEMPTS.get(state, _OTHER)


def of_webhook(state: str) -> Look:
    """Return how the state of a webhook subscription looks."""
    return _WEBHOOKS.get(state, _OTHER)


def of_severity(severity: str) -> Look:
    """Return how a finding of the doctor looks."""
    return _SEVERITIES.get(severity, _SEVERITIES["warning"])
