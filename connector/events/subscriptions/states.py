"""Findings of an audit in the words of the contract. Pure."""

from collections.abc import Iterable, Mapping
from typing import Final, Literal

from ...contract import SubscriptionState
from ..webhooks.event import last_part
from .audit import Finding, Kind

_State = Literal["active", "failing", "disabled", "vanished", "pending", "surplus", "foreign", "unknown"]
_STATES: Final[Mapping[Kind, _State]] = {
    "healthy": "active",
    "overlapping": "active",
    "retrying": "failing",
    "disabled": "disabled",
    "forgotten": "vanished",
    "pending": "pending",
    "duplicated": "surplus",
    "orphaned": "foreign",
    "foreign": "foreign",
    "unseen": "unknown",
    "unlisted": "unknown",
}
_RECREATE: Final = "create it again"
_ELSEWHERE: Final = "It may belong to another installation."


def states(found: Iterable[Finding]) -> list[SubscriptionState]:
    """Return the state of each subscription; a list that couldn't be read isn't one."""
    return [state_of(one) for one in found if one.url]


def state_of(one: Finding) -> SubscriptionState:
    """Return the state of a subscription."""
    return SubscriptionState(
        state=_STATES[one.kind],
        id=one.id,
        uri=one.uri,
        url=one.url,
        events=one.events,
        scope=one.scope,
        owner=one.owner,
        message=f"{one.message} {_ELSEWHERE}" if one.kind == "orphaned" else one.message,
        repair=_RECREATE if one.kind == "forgotten" else one.repair,
        since=one.since,
        sends=one.sends,
    )


def carried(one: Finding, others: Iterable[Finding]) -> bool:
    """Whether another subscription that works posts all its events to its address."""
    return any(
        other.id != one.id
        and other.kind in {"healthy", "overlapping", "retrying"}
        and (other.base, other.scope, last_part(other.owner)) == (one.base, one.scope, last_part(one.owner))
        and set(one.events) <= set(other.events)
        for other in others
    )
