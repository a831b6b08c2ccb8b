"""What has changed about webhook subscriptions since the last look. Pure."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from ...contract import SubscriptionState

DISABLED: Final = "webhook.disabled"
VANISHED: Final = "webhook.vanished"
REPAIRED: Final = "webhook.repaired"
BROKEN: Final = ("disabled", "vanished")

SUBSCRIBE_AGAIN: Final = "subscribe again"
"""A repair that is the agent's own: it subscribes the flow to the events again."""

_BY_OTHERS: Final = "Something else created it, such as an action of a flow."
_WORKS: Final = ("active", "failing")
_EVENTS: Final[Mapping[str, str]] = {"disabled": DISABLED, "vanished": VANISHED}
_GONE: Final = "The application no longer has it, and no other one posts its events to the flow."


@dataclass(frozen=True, slots=True)
class Watched:
    """A subscription as the watch knows it.

    `key` is its id, or its URI if it has none. `flow` is the one whose Process Flow URL it posts to, "" if
    it is another address, and `since` when the watch first saw it in this state (unix seconds).
    """

    key: str
    credential: str
    flow: str
    url: str
    events: tuple[str, ...]
    scope: str
    state: str
    message: str
    since: float


@dataclass(slots=True)
class Changes:
    """What to store, and what happened: pairs of an event's kind and the subscription."""

    stored: list[Watched] = field(default_factory=list)
    forgotten: list[Watched] = field(default_factory=list)
    events: list[tuple[str, Watched]] = field(default_factory=list)


def key_of(one: SubscriptionState) -> str:
    """Return what identifies a subscription."""
    return one.id or one.uri


def changes(
    known: Mapping[str, Watched],
    listed: Iterable[SubscriptionState],
    *,
    credential: str,
    flow_of: Callable[[str], str],
    now: float,
) -> Changes:
    """Compare what is known with what a credential lists now.

    What a credential can't see stays as it is known. `flow_of` returns the name of the flow whose Process
    Flow URL an address is, or "".
    """
    found = Changes()
    listed = of_flows(listed, flow_of)
    works = [_watched(one, credential, flow_of, now) for one in listed if one.state in _WORKS]
    seen = {key_of(one) for one in listed if one.state != "surplus"}
    for one in listed:
        if one.state in (*_WORKS, *BROKEN):
            _compare(known.get(key_of(one)), _watched(one, credential, flow_of, now), found)
    for before in known.values():
        if before.credential == credential and before.key not in seen:
            _gone(before, works, flow_of, now, found)
    return found


def of_flows(listed: Iterable[SubscriptionState], flow_of: Callable[[str], str]) -> list[SubscriptionState]:
    """Return subscriptions, with the state that matters to a flow for those that others created for it."""
    listed = list(listed)
    sending = [(flow_of(one.url), set(one.events)) for one in listed if one.sends]
    found = []
    for one in listed:
        flow = flow_of(one.url) if one.state == "foreign" and not one.id else ""
        if flow and one.sends:
            one = replace(one, state="active", message=_BY_OTHERS)  # noqa: PLW2901 - the same one
        elif flow and not any(flow == to and set(one.events) <= events for to, events in sending):
            message = f"The application has stopped sending its events. {_BY_OTHERS}"
            one = replace(one, state="disabled", message=message, repair=SUBSCRIBE_AGAIN)  # noqa: PLW2901
        found.append(one)
    return found


def _compare(before: Watched | None, after: Watched, found: Changes) -> None:
    if before is not None and before.state == after.state:
        after = replace(after, since=before.since)
        if after != before:
            found.stored.append(after)
        return
    found.stored.append(after)
    if after.state in BROKEN:
        found.events.append((_EVENTS[after.state], after))
    elif before is not None and before.state in BROKEN:
        found.events.append((REPAIRED, after))


def _gone(
    before: Watched,
    works: Iterable[Watched],
    flow_of: Callable[[str], str],
    now: float,
    found: Changes,
) -> None:
    """Judge a subscription that isn't listed any more: replaced, no longer needed, or missed by a flow."""
    is_replaced = any(
        other.flow == before.flow and set(before.events) <= set(other.events) for other in works
    )
    if flow_of(before.url) and not is_replaced:
        if before.state != "vanished":
            after = replace(before, state="vanished", message=_GONE, since=now)
            found.stored.append(after)
            found.events.append((VANISHED, after))
        return
    found.forgotten.append(before)
    if before.state in BROKEN and is_replaced:
        found.events.append((REPAIRED, replace(before, state="active", message="", since=now)))


def _watched(one: SubscriptionState, credential: str, flow_of: Callable[[str], str], now: float) -> Watched:
    return Watched(
        key=key_of(one),
        credential=credential,
        flow=flow_of(one.url),
        url=one.url,
        events=one.events,
        scope=one.scope,
        state=one.state,
        message=one.message,
        since=now,
    )
