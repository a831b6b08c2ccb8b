"""The scopes that a webhook subscription needs: missing ones are named before the call, or after it. Pure.

Calendly answers 400 where the token lacks the read scope of an event, and names no scope
(https://github.com/n8n-io/n8n/pull/33286), so nothing in the answer tells what to change.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final

from ..errors import InvalidParams, Problem, Rejected
from .manifest import manifest
from .scopes import covers, least

Lacks = Callable[[str], bool | None]
"""Tells whether the credential lacks a scope; None where that is not known."""

_ACTION: Final = "webhook_subscriptions.create"
_PATH: Final = "/webhook_subscriptions"
_SUBSCRIBE: Final = "webhooks:write"


def unknown(_scope: str) -> None:
    """Tell nothing about any scope."""


def lacks(scope: str, granted: Collection[str] | None, checked: Mapping[str, str]) -> bool | None:
    """Tell whether a scope is missing from what a sign-in granted, or else from what a check found."""
    if granted is not None:
        return not covers(granted, scope)
    seen = checked.get(scope, "untried")
    return None if seen == "untried" else seen == "refused"


def subscribed(method: str, path: str, body: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Return the events that a request subscribes to; none for a request that does something else."""
    if (method, path.rstrip("/")) != ("POST", _PATH):
        return ()
    events = (body or {}).get("events")
    if not isinstance(events, list | tuple):
        return ()
    return tuple(one for one in events if isinstance(one, str) and one in manifest().triggers)


def check(events: Iterable[str], is_missing: Lacks) -> None:
    """Raise InvalidParams where the credential is known to lack a scope that one of the events needs."""
    events = tuple(events)
    missing = {
        scope: event
        for event in events
        for scope in (_SUBSCRIBE, *manifest().triggers[event].scopes)
        if is_missing(scope)
    }
    if missing:
        lacking = "{} needs {}, which this credential lacks"
        problems = [Problem("events", lacking.format(event, scope)) for scope, event in missing.items()]
        raise InvalidParams(_ACTION, problems, fix=_get(events))


def explain(error: Rejected, events: Iterable[str], is_missing: Lacks) -> None:
    """Name the scopes as a likely cause of a refusal, unless it names another or all of them are held."""
    events = tuple(events)
    if not events or error.status != HTTPStatus.BAD_REQUEST:
        return
    named = [one["parameter"] for one in error.details if one.get("parameter") not in (None, "", "events")]
    if not named and any(is_missing(scope) is None for scope in needed(events)):
        error.fix = f"The token probably lacks a scope of these events. {_get(events)}"


def needed(events: Iterable[str]) -> tuple[str, ...]:
    """Return all scopes that a subscription to these events needs."""
    triggers = manifest().triggers
    return least((_SUBSCRIBE, *(scope for event in events for scope in triggers[event].scopes)))


def _get(events: Iterable[str]) -> str:
    return f"Create a token with {' and '.join(needed(events))}, or sign in again with these scopes."
