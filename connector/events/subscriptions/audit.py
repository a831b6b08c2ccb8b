"""The state of each subscription: healthy, in need of repair, or foreign. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from ...contract import Record
from ..webhooks.event import last_part
from .remote import Listing
from .store import SubscriptionRecord, newest_first
from .urls import base_of, id_in

Kind = Literal[
    "healthy",
    "retrying",
    "disabled",
    "pending",
    "duplicated",
    "overlapping",
    "orphaned",
    "forgotten",
    "unseen",
    "unlisted",
    "foreign",
]

_Target = tuple[str, str, str]  # callback address without id, scope, id of the owner
_COMPARABLE: Final = ("healthy", "retrying", "pending", "disabled")
_REPAIRS: Final[Mapping[Kind, str]] = {
    "disabled": "create it again, then delete this one",
    "pending": "look it up, and create it if it doesn't exist",
    "duplicated": "delete it and its key",
    "orphaned": "delete it",
    "forgotten": "delete its key",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One subscription and its state.

    `id` is the connector's ("" for a foreign one), `uri` Calendly's ("" if it has none), `url` the whole
    callback address. `repair` is what `prune` would do, "" if there is nothing to do. `since` says since when
    posts to it have failed, and `sends` whether Calendly sends its events.
    """

    kind: Kind
    id: str
    url: str
    events: tuple[str, ...]
    scope: str
    owner: str
    message: str
    uri: str = ""
    since: str = ""
    sends: bool = True

    @property
    def repair(self) -> str:
        """What would repair it."""
        return _REPAIRS.get(self.kind, "")

    @property
    def base(self) -> str:
        """The callback address without its id."""
        return base_of(self.url)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON values, without any key."""
        fields = {name: getattr(self, name) for name in self.__slots__}
        return {**fields, "events": list(self.events), "repair": self.repair}


def audit(stored: Iterable[SubscriptionRecord], listing: Listing, organization: str) -> list[Finding]:
    """Compare stored subscriptions with Calendly's. Return ours first, the newest first, then the others."""
    newest = newest_first(stored)
    listed = {found: record for record in listing.records if (found := id_in(record["callback_url"]))}
    ours = [_own_finding(one, listed.get(one.id), listing, organization) for one in newest]
    known = {one.id for one in newest}
    others = [
        _other_finding(record) for record in listing.records if id_in(record["callback_url"]) not in known
    ]
    unlisted = [
        Finding("unlisted", "", "", (), scope, owner, f"Couldn't list subscriptions of scope {scope}: {why}")
        for (scope, owner), why in listing.unread.items()
    ]
    return [*_find_duplicates(ours), *others, *unlisted]


def _own_finding(
    stored: SubscriptionRecord, record: Record | None, listing: Listing, organization: str
) -> Finding:
    kind, message = _state(stored, record, listing, organization)
    uri = str(record["uri"]) if record else stored.uri
    since = str(record.get("retry_started_at") or "") if record else ""
    sends = record is not None and record["state"] == "active"
    return Finding(
        kind, stored.id, stored.url, stored.events, stored.scope, stored.owner, message, uri, since, sends
    )


def _state(
    stored: SubscriptionRecord, record: Record | None, listing: Listing, organization: str
) -> tuple[Kind, str]:
    key = (stored.scope, last_part(stored.owner))
    if record is None and key not in listing.read:
        if last_part(stored.organization) != last_part(organization):
            return "unseen", "It belongs to a different organization than this credential."
        return "unseen", f"This credential can't see it: {listing.unread.get(key, 'it was not listed')}"
    if record is None and stored.uri:
        return "forgotten", (
            "Its key is stored here, but Calendly no longer has it. If nobody deleted it, the address, or "
            "something in front of it, answered 410: `webhooks doctor` shows the answer."
        )
    if record is not None and record["state"] != "active":
        return "disabled", (
            "Calendly disabled it after 24 hours of failed posts. Events that happen now are not sent."
        )
    if record is None or not stored.uri:
        return "pending", "Its creation was started, but the reply is unknown."
    if since := record.get("retry_started_at"):
        return "retrying", f"Posts to it have failed since {since}. It is disabled after 24 hours."
    return "healthy", ""


def _find_duplicates(ours: Sequence[Finding]) -> Iterator[Finding]:
    """Mark subscriptions whose events a newer one carries to the same address, all or some of them.

    Active ones come first: one that isn't active is a duplicate of one that is, or that is about to be
    created.
    """
    carriers: dict[_Target, dict[str, str]] = {}  # event -> id of the subscription that carries it
    for one in sorted(ours, key=_inactivity):
        carrier_of = carriers.setdefault((one.base, one.scope, last_part(one.owner)), {})
        shared = [event for event in one.events if event in carrier_of]
        if one.kind in _COMPARABLE and len(shared) == len(one.events):
            by = ", ".join(dict.fromkeys(carrier_of[event] for event in shared))
            yield replace(one, kind="duplicated", message=f"{by} posts all its events to its address.")
            continue
        if one.kind in _COMPARABLE and one.kind != "disabled":
            carrier_of.update({event: one.id for event in one.events if event not in carrier_of})
        if shared and one.kind in {"healthy", "retrying"}:
            message = f"{carrier_of[shared[0]]} also posts {', '.join(shared)} to its address."
            yield replace(one, kind="overlapping", message=message)
        else:
            yield one


def _inactivity(one: Finding) -> int:
    if one.kind in {"healthy", "retrying"} or (one.kind == "pending" and one.uri):
        return 0
    return 1 if one.kind == "pending" else 2


def _other_finding(record: Record) -> Finding:
    scope = record["scope"]
    found = id_in(record["callback_url"])
    return Finding(
        "orphaned" if found else "foreign",
        found,
        record["callback_url"],
        tuple(record["events"]),
        scope,
        str(record.get(scope) or ""),
        "Its address was created by this connector, but its key isn't stored here."
        if found
        else "It was not created by this connector.",
        str(record["uri"]),
        sends=record["state"] == "active",
    )
