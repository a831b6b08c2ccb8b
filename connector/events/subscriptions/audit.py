"""What is to be said of each subscription: ours and well, in need of repair, or none of ours. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from ...contract import Record
from ..filters import last_part
from .remote import Listing
from .store import Kept, newest_first
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

_Address = tuple[str, str, str]  # callback address without id, scope, id of the owner
_SETTLED: Final = ("healthy", "retrying", "pending", "disabled")  # those that tell, may tell, or told
_REPAIRS: Final[Mapping[Kind, str]] = {
    "disabled": "make it anew, then delete this one",
    "pending": "look for it, and make it where it is not there",
    "duplicated": "delete it and forget its key",
    "orphaned": "delete it",
    "forgotten": "forget its key",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One subscription and how it stands.

    `id` is ours ("" for a foreign one), `uri` Calendly's ("" where it has none), `url` the whole callback
    address. `repair` is what `prune` would do, "" where there is nothing to do.
    """

    kind: Kind
    id: str
    url: str
    events: tuple[str, ...]
    scope: str
    owner: str
    message: str
    uri: str = ""

    @property
    def repair(self) -> str:
        """What would put it right."""
        return _REPAIRS.get(self.kind, "")

    @property
    def base(self) -> str:
        """The callback address without our id."""
        return base_of(self.url)

    def to_dict(self) -> dict[str, Any]:
        """Give it as plain JSON values; holds no key."""
        fields = {name: getattr(self, name) for name in self.__slots__}
        return {**fields, "events": list(self.events), "repair": self.repair}


def judge(kept: Iterable[Kept], listing: Listing, organization: str) -> list[Finding]:
    """Hold what is kept against what Calendly lists: ours first, the newest first, then all others."""
    newest = newest_first(kept)
    records = {found: record for record in listing.records if (found := id_in(record["callback_url"]))}
    ours = [_ours(one, records.get(one.id), listing, organization) for one in newest]
    known = {one.id for one in newest}
    others = [_others(record) for record in listing.records if id_in(record["callback_url"]) not in known]
    return [*_doubles(ours), *others, *_unlisted(listing)]


def _ours(kept: Kept, record: Record | None, listing: Listing, organization: str) -> Finding:
    kind, message = _state(kept, record, listing, organization)
    uri = str(record["uri"]) if record else kept.uri
    return Finding(kind, kept.id, kept.url, kept.events, kept.scope, kept.owner, message, uri)


def _state(kept: Kept, record: Record | None, listing: Listing, organization: str) -> tuple[Kind, str]:
    place = (kept.scope, last_part(kept.owner))
    if record is None and place not in listing.read:
        if last_part(kept.organization) != last_part(organization):
            return "unseen", "It belongs to another organization than this sign-in's."
        return "unseen", f"It cannot be seen with this sign-in: {listing.unread.get(place, 'not listed')}"
    if record is None and kept.uri:
        return "forgotten", (
            "Its key is held, but Calendly no longer has it. If nobody deleted it, the address answered 410, "
            "or something in front of it did: `webhooks doctor` shows the answer."
        )
    if record is not None and record["state"] != "active":
        return "disabled", (
            "Calendly gave it up after 24 hours without an answer of 2xx; what happens meanwhile is not sent."
        )
    if record is None or not kept.uri:
        return "pending", "Its creation was begun, and no answer is known."
    if since := record.get("retry_started_at"):
        return "retrying", f"Posts to it have failed since {since}; after 24 hours it is disabled."
    return "healthy", ""


def _doubles(ours: Sequence[Finding]) -> Iterator[Finding]:
    """Mark those of whose events all, or some, are told to the same address by another, newer one.

    What tells comes first. What does not tell is a double of what tells, however old, and of what is
    still to be made.
    """
    told: dict[_Address, dict[str, str]] = {}  # event -> id of who tells it
    for one in sorted(ours, key=_is_silent):
        others = told.setdefault((one.base, one.scope, last_part(one.owner)), {})
        twice = [event for event in one.events if event in others]
        if one.kind in _SETTLED and len(twice) == len(one.events):
            by = ", ".join(dict.fromkeys(others[event] for event in twice))
            yield replace(one, kind="duplicated", message=f"All its events are told to its address by {by}.")
            continue
        if one.kind in _SETTLED and one.kind != "disabled":
            others.update({event: one.id for event in one.events if event not in others})
        if twice and one.kind in {"healthy", "retrying"}:
            events = ", ".join(twice)
            yield replace(
                one, kind="overlapping", message=f"{others[twice[0]]} tells its address of {events}, too."
            )
        else:
            yield one


def _is_silent(one: Finding) -> int:
    if one.kind in {"healthy", "retrying"} or (one.kind == "pending" and one.uri):
        return 0
    return 1 if one.kind == "pending" else 2


def _others(record: Record) -> Finding:
    scope = record["scope"]
    found = id_in(record["callback_url"])
    return Finding(
        "orphaned" if found else "foreign",
        found,
        record["callback_url"],
        tuple(record["events"]),
        scope,
        str(record.get(scope) or ""),
        "Its address is of our making, but no key of it is held here." if found else "Made by somebody else.",
        str(record["uri"]),
    )


def _unlisted(listing: Listing) -> Iterator[Finding]:
    for (scope, owner), why in listing.unread.items():
        yield Finding(
            "unlisted", "", "", (), scope, owner, f"Subscriptions of scope {scope} were not read: {why}"
        )
