"""Whose events are told: by organization, group or user, as far as the events and the role allow. Pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

from ..auth.identity import LEADS, Reach
from ..catalog.models import Trigger
from ..errors import InvalidParams, Problem
from ..support.redaction import quoted

Scope = Literal["organization", "user", "group"]
NO_EVENT: Final = Problem("", "none is named")


@dataclass(frozen=True, slots=True)
class Share:
    """Events that go together: whose they are (`owner` is a URI), and why no wider scope was taken."""

    scope: Scope
    owner: str
    events: tuple[str, ...]
    reason: str


def told_by(events: Iterable[str], triggers: Mapping[str, Trigger]) -> tuple[str, ...]:
    """Give the events that Calendly itself sends for these; InvalidParams for an unknown one."""
    wanted = list(dict.fromkeys(events))
    unknown = [event for event in wanted if event not in triggers]
    if unknown or not wanted:
        known = f"Give some of {', '.join(triggers)}."
        raise InvalidParams(
            "events",
            [Problem("", f"there is no event {quoted(str(event))}") for event in unknown] or [NO_EVENT],
            fix=known,
        )
    return tuple(dict.fromkeys(one for event in wanted for one in triggers[event].sources or (event,)))


def share_out(
    events: Iterable[str], triggers: Mapping[str, Trigger], reach: Reach, *, scope: str = "", group: str = ""
) -> list[Share]:
    """Split Calendly's own events among the fewest scopes that may carry them.

    Without a scope the widest is taken: the organization for those who lead it, else the user; the group
    where one is named. Raises InvalidParams where an event cannot be told in the scope that is asked for.
    """
    asked = scope or ("group" if group else "")
    problems = list(_problems(events, triggers, reach, asked, group))
    if problems:
        raise InvalidParams("events", problems)
    shares: dict[Scope, list[str]] = {}
    for event in events:
        allowed = triggers[event].subscriptions
        chosen = next(one for one in _preferred(reach, asked) if one in allowed)
        shares.setdefault(chosen, []).append(event)
    owners: dict[Scope, str] = {"organization": reach.organization, "user": reach.user, "group": group}
    return [
        Share(chosen, owners[chosen], tuple(found), _reason(chosen, found, triggers, reach, asked))
        for chosen, found in shares.items()
    ]


def _preferred(reach: Reach, asked: str) -> tuple[Scope, ...]:
    if asked:
        return tuple(one for one in get_args(Scope) if one == asked)
    return ("organization", "user") if reach.role in LEADS else ("user",)


def _problems(
    events: Iterable[str], triggers: Mapping[str, Trigger], reach: Reach, asked: str, group: str
) -> Iterable[Problem]:
    if asked and asked not in get_args(Scope):
        yield Problem("scope", "must be organization, user or group")
        return
    if asked == "group" and not group:
        yield Problem("group", "is missing: name the group whose events are wanted")
    if group and asked != "group":
        yield Problem("group", f"does not go with scope {asked}")
    for event in events:
        allowed = triggers[event].subscriptions
        if not set(_preferred(reach, asked)) & set(allowed):
            yield Problem("", f"{event} is told of {_whose(allowed)} alone, {_why(reach, asked)}")


def _whose(scopes: Collection[str]) -> str:
    return " or ".join("an organization" if scope == "organization" else f"a {scope}" for scope in scopes)


def _why(reach: Reach, asked: str) -> str:
    if asked:
        return f"not of scope {asked}"
    return f"for which the token's user must be an admin or owner, not {reach.role or 'of unknown role'}"


def _reason(
    chosen: Scope, events: Collection[str], triggers: Mapping[str, Trigger], reach: Reach, asked: str
) -> str:
    if asked:
        return "as asked for"
    if all(triggers[event].subscriptions == (chosen,) for event in events):
        return f"these events are told of {_whose([chosen])} alone"
    if chosen == "organization":
        return f"the token's user is {reach.role} of the organization"
    return f"a whole organization is told to admins and owners alone, the role is {reach.role or 'not known'}"
