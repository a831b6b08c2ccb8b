"""The scope of events: organization, group or user, as the events and the role permit. Pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

from ..auth.identity import ADMIN_ROLES, Identity
from ..catalog.models import TriggerSpec
from ..errors import InvalidParams, Problem
from ..support.redaction import quoted

Scope = Literal["organization", "user", "group"]
NO_EVENTS: Final = Problem("", "at least one event is required")


@dataclass(frozen=True, slots=True)
class ScopeAssignment:
    """Events of one scope; `owner` is a URI, and `reason` says why the scope isn't wider."""

    scope: Scope
    owner: str
    events: tuple[str, ...]
    reason: str


def source_events(events: Iterable[str], specs: Mapping[str, TriggerSpec]) -> tuple[str, ...]:
    """Return the events of Calendly that these are made from. Raises InvalidParams for an unknown one."""
    names = list(dict.fromkeys(events))
    unknown = [name for name in names if name not in specs]
    if unknown or not names:
        problems = [Problem("", f"unknown event {quoted(str(name))}") for name in unknown] or [NO_EVENTS]
        raise InvalidParams("events", problems, fix=f"Available: {', '.join(specs)}.")
    return tuple(dict.fromkeys(source for name in names for source in specs[name].sources or (name,)))


def assign_scopes(
    events: Iterable[str],
    specs: Mapping[str, TriggerSpec],
    identity: Identity,
    *,
    scope: str = "",
    group: str = "",
) -> list[ScopeAssignment]:
    """Split Calendly's events among the fewest scopes that can carry them.

    The default scope is the widest: the group if one is named, else the organization for its admins and
    owners, and the user for everyone else. Raises InvalidParams if an event isn't available in that scope.
    """
    asked = scope or ("group" if group else "")
    problems = list(_problems(events, specs, identity, asked, group))
    if problems:
        raise InvalidParams("events", problems)
    by_scope: dict[Scope, list[str]] = {}
    for event in events:
        allowed = specs[event].subscriptions
        chosen = next(one for one in _preferred(identity, asked) if one in allowed)
        by_scope.setdefault(chosen, []).append(event)
    owners: dict[Scope, str] = {"organization": identity.organization, "user": identity.user, "group": group}
    return [
        ScopeAssignment(chosen, owners[chosen], tuple(found), _reason(chosen, found, specs, identity, asked))
        for chosen, found in by_scope.items()
    ]


def _preferred(identity: Identity, asked: str) -> tuple[Scope, ...]:
    if asked:
        return tuple(one for one in get_args(Scope) if one == asked)
    return ("organization", "user") if identity.role in ADMIN_ROLES else ("user",)


def _problems(
    events: Iterable[str], specs: Mapping[str, TriggerSpec], identity: Identity, asked: str, group: str
) -> Iterable[Problem]:
    if asked and asked not in get_args(Scope):
        yield Problem("scope", "must be organization, user or group")
        return
    if asked == "group" and not group:
        yield Problem("group", "is required with scope group")
    if group and asked != "group":
        yield Problem("group", f"can't be used with scope {asked}")
    for event in events:
        allowed = specs[event].subscriptions
        if set(_preferred(identity, asked)) & set(allowed):
            continue
        available = f"{event} is only available with scope {' or '.join(allowed)}"
        if asked:
            yield Problem("", f"{available}, not {asked}")
        else:
            yield Problem("", f"{available}, for admins and owners; {_role(identity)}")


def _reason(
    chosen: Scope, events: Collection[str], specs: Mapping[str, TriggerSpec], identity: Identity, asked: str
) -> str:
    if asked:
        return "as requested"
    if all(specs[event].subscriptions == (chosen,) for event in events):
        return f"these events are only available with scope {chosen}"
    if chosen == "organization":
        return f"the token's user is {identity.role} of the organization"
    return f"scope organization is for admins and owners; {_role(identity)}"


def _role(identity: Identity) -> str:
    return (
        f"the token's user is {identity.role}" if identity.role else "the role of the token's user is unknown"
    )
