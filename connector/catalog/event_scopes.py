"""Checks the scopes of a webhook subscription before the call, or explains its rejection. Pure.

Calendly answers 400 if the token lacks the read scope of an event, and doesn't name the scope
(https://github.com/n8n-io/n8n/pull/33286), so its reply doesn't say what to change.

See docs/decisions/scopes-checked-where-calendly-is-silent.md.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final

from ..errors import InvalidParams, Problem, Rejected
from .manifest import manifest
from .scopes import SUBSCRIBE, covers, minimal, scope_advice

Lacks = Callable[[str], bool | None]
"""Returns whether the credential lacks a scope; None if that isn't known."""

_ACTION: Final = "webhook_subscriptions.create"
_PATH: Final = "/webhook_subscriptions"


def unknown_scope(_scope: str) -> None:
    """Return None: nothing is known about any scope."""


def is_missing(scope: str, granted: Collection[str] | None, checked: Mapping[str, str]) -> bool | None:
    """Return whether a scope is missing from those granted by a sign-in, else by the results of a check."""
    if granted is not None:
        return not covers(granted, scope)
    result = checked.get(scope, "untried")
    return None if result == "untried" else result == "refused"


def subscribed_events(method: str, path: str, body: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Return the events that a request subscribes to; empty for any other request."""
    if (method, path.rstrip("/")) != ("POST", _PATH):
        return ()
    events = (body or {}).get("events")
    if not isinstance(events, list | tuple):
        return ()
    return tuple(one for one in events if isinstance(one, str) and one in manifest().triggers)


def check(events: Iterable[str], lacks: Lacks) -> None:
    """Raise InvalidParams if the credential is known to lack a scope that one of the events needs."""
    events = tuple(events)
    missing = {
        scope: event
        for event in events
        for scope in (SUBSCRIBE, *manifest().triggers[event].scopes)
        if lacks(scope)
    }
    if missing:
        problems = [
            Problem("events", f"{event} needs {scope}, which this credential lacks")
            for scope, event in missing.items()
        ]
        raise InvalidParams(_ACTION, problems, fix=scope_advice(required_for(events)))


def explained(error: Rejected, events: Iterable[str], lacks: Lacks) -> Rejected:
    """Return the rejection with scopes as its likely cause, unless another cause is known."""
    events = tuple(events)
    if not events or error.status != HTTPStatus.BAD_REQUEST:
        return error
    names_another_input = any(one.get("parameter") not in (None, "", "events") for one in error.details)
    if names_another_input or all(lacks(scope) is not None for scope in required_for(events)):
        return error
    return Rejected(
        error.message,
        fix=f"The token probably lacks a scope of these events. {scope_advice(required_for(events))}",
        status=error.status,
        request_id=error.request_id,
        details=error.details,
        retryable=error.retryable,
    )


def required_for(events: Iterable[str]) -> tuple[str, ...]:
    """Return all scopes that a subscription to these events needs."""
    triggers = manifest().triggers
    return minimal((SUBSCRIBE, *(scope for event in events for scope in triggers[event].scopes)))
