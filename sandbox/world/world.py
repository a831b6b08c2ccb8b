"""Everything the sandbox knows: people, events, webhook subscriptions, and every change. Pure.

Generated events are numbered from 0 in start order. Booked or changed ones are kept whole; booked ones
take the numbers after the generated ones and lie in `added`, sorted by start.
"""

from bisect import insort
from dataclasses import dataclass, field
from typing import NamedTuple

from . import times
from .conferences import Conferences
from .diary import Diary
from .holdings import Holdings
from .ids import Ids
from .offices import Offices
from .population import LARGE, Member, Offer, Population
from .schedules import Schedules
from .shapes import Links, Record
from .writer import MOST_INVITEES, Writer

CAST_EVENTS = 2
LINK_LIFE = 90 * times.DAY
NO_LIMITS: Record = {"daily_limit": None, "weekly_limit": None, "monthly_limit": None}
_OWNER_LIMITS: Record = NO_LIMITS | {"daily_limit": 6}


@dataclass
class Kept:
    """An event that is held rather than generated."""

    organization: int
    hosts: tuple[int, ...]
    event: Record
    invitees: list[Record]


class Added(NamedTuple):
    """An event beside the generated ones, by start (microseconds) and number."""

    start: int
    number: int


@dataclass
class Subscription:
    """A webhook subscription with what its record does not show."""

    organization: int
    record: Record
    signing_key: str | None = None


class Link(NamedTuple):
    """A link that one meeting can be booked with: event type id, and the moment it was made."""

    offer: str
    made: int


@dataclass
class World:
    """A whole Calendly for one seed; `anchor` is the first microsecond of the day it lies around."""

    seed: int
    events: int
    users: int
    anchor: int
    origin: str
    version: int = field(default=0, init=False)  # rises with every change

    def __post_init__(self) -> None:
        self.links = Links(self.origin)
        self.ids = Ids(self.seed)
        self.population = Population(users=self.users, ids=self.ids, links=self.links, anchor=self.anchor)
        self.diary = Diary(
            seed=self.seed,
            count=self.events - CAST_EVENTS,
            users=self.users,
            anchor=self.anchor,
            offers=[offer for offer in self.population.offers if offer.organization == LARGE],
        )
        self.writer = Writer(self.diary, self.population, self.ids, self.links, self.anchor)
        self.schedules = Schedules(
            members=self.population.members, ids=self.ids, links=self.links, anchor=self.anchor
        )
        self.offices = Offices(self.population, self.ids, self.links, self.anchor)
        self.single_use: dict[str, Link] = {}  # by booking URL
        self._meeting_limits: dict[int, Record] = {0: _OWNER_LIMITS}
        self.kept: dict[int, Kept] = {}
        self.added: list[Added] = []
        self.subscriptions: dict[str, Subscription] = {}
        self.holdings = Holdings()
        self.conferences = Conferences()
        self.samples: dict[str, Record] = {}  # payloads of sample webhook data, by event name
        self._made = 0
        self._by_mail: dict[str, list[Added]] = {}
        self._named_events: dict[str, int] = {}
        self._named_invitees: dict[str, tuple[int, int]] = {}

    # People

    def member(self, user_uuid: str) -> Member | None:
        """Give the user with this id."""
        return self.population.by_user.get(user_uuid)

    def member_of_mail(self, email: str) -> Member | None:
        """Give the user with this mail address."""
        members = self.population.by_user.values()
        return next((member for member in members if member.user["email"] == email.lower()), None)

    def group_organization(self, group_uuid: str) -> int | None:
        """Give the organization number of the group with this id."""
        return LARGE if group_uuid in self.population.groups else None

    def group_members(self, group_uuid: str) -> frozenset[int]:
        """Give the member numbers of the group with this id, none for one that is not there."""
        return self.population.groups.get(group_uuid, frozenset())

    def leave(self, member: Member) -> list[Offer]:
        """Take a user out of their organization; give the event types that went with them."""
        self.version += 1
        return self.population.leave(member)

    def put_offer(self, offer: Offer) -> None:
        """Put in an event type, new or changed; events that are there keep what they were booked with."""
        self.version += 1
        self.population.by_offer[offer.uuid] = offer

    def remove_offer(self, uuid: str) -> Offer:
        """Take out an event type and give it; events that are there keep what they were booked with."""
        self.version += 1
        return self.population.by_offer.pop(uuid)

    def linked(self, booking_url: str, now: int) -> str:
        """Give the event type id of a single-use link; LookupError for one that is used, stale or unknown."""
        link = self.single_use.get(booking_url)
        if link is None or now - link.made > LINK_LIFE or link.offer not in self.population.by_offer:
            raise LookupError("no such single-use link, or not any more")
        return link.offer

    def use_link(self, booking_url: str) -> None:
        """Say that a single-use link was used."""
        self.version += 1
        del self.single_use[booking_url]

    def meeting_limits(self, member: Member) -> Record:
        """Give how many meetings a user takes."""
        return self._meeting_limits.get(member.number, NO_LIMITS)

    def limit_meetings(self, member: Member, changes: Record) -> Record:
        """Change how many meetings a user takes."""
        self.version += 1
        self._meeting_limits[member.number] = self.meeting_limits(member) | changes
        return self._meeting_limits[member.number]

    # Events

    def event_number(self, uuid: str) -> int | None:
        """Give the number of the event with this id."""
        if uuid in self._named_events:
            return self._named_events[uuid]
        number = self.ids.number("event", uuid)
        return number if number is not None and number < self.diary.count + len(self.added) else None

    def invitee_place(self, uuid: str) -> tuple[int, int] | None:
        """Give the event number of the invitee with this id and their place among its invitees."""
        if uuid in self._named_invitees:
            return self._named_invitees[uuid]
        number = self.ids.number("invitee", uuid)
        if number is None:
            return None
        event, place = divmod(number, MOST_INVITEES)
        if event >= self.diary.count + len(self.added) or place >= len(self.invitees(event)):
            return None
        return event, place

    def event(self, number: int) -> Record:
        """Give the Event with this number."""
        kept = self.kept.get(number)
        return kept.event if kept else self.writer.event(number)

    def invitees(self, number: int) -> list[Record]:
        """Give the Invitees of the event with this number."""
        kept = self.kept.get(number)
        return kept.invitees if kept else self.writer.invitees(number)

    def hosts(self, number: int) -> tuple[int, ...]:
        """Give the host numbers of the event with this number."""
        kept = self.kept.get(number)
        return kept.hosts if kept else self.diary.facts(number).hosts

    def organization_of(self, number: int) -> int:
        """Give the organization number of the event with this number."""
        kept = self.kept.get(number)
        return kept.organization if kept else LARGE

    def canceled(self, number: int) -> bool:
        """Whether the event with this number is canceled."""
        kept = self.kept.get(number)
        return kept.event["status"] == "canceled" if kept else self.diary.canceled(number)

    def joined_by(self, email: str) -> list[Added]:
        """Give the events that this mail address was put into, by start; one may be there more than once."""
        return self._by_mail.get(email.lower(), [])

    # Changes

    def keep(self, number: int) -> Kept:
        """Hold an event so that it can be changed; whoever asks is about to change it."""
        self.version += 1
        if number not in self.kept:
            hosts, organization = self.hosts(number), self.organization_of(number)
            self.kept[number] = Kept(organization, hosts, self.event(number), self.invitees(number))
        return self.kept[number]

    def next_number(self) -> int:
        """Give the number that the next added event will have."""
        return self.diary.count + len(self.added)

    def add(self, kept: Kept) -> int:
        """Put in an event and give its number."""
        number = self.next_number()
        self.version += 1
        self.kept[number] = kept
        insort(self.added, Added(times.read(kept.event["start_time"]), number))
        for invitee in kept.invitees:
            self._index(number, invitee)
        return number

    def invite(self, number: int, invitee: Record) -> None:
        """Put one more invitee into an event."""
        self.keep(number).invitees.append(invitee)
        self._index(number, invitee)

    def _index(self, number: int, invitee: Record) -> None:
        start = times.read(self.event(number)["start_time"])
        insort(self._by_mail.setdefault(invitee["email"].lower(), []), Added(start, number))

    def add_named(self, uuid: str, invitee_uuid: str, kept: Kept) -> None:
        """Put in an event of one invitee whose ids are given rather than made."""
        number = self.add(kept)
        self._named_events[uuid] = number
        self._named_invitees[invitee_uuid] = (number, 0)

    def subscribe(self, subscription: Subscription) -> None:
        """Put in a webhook subscription."""
        self.version += 1
        self.subscriptions[subscription.record["uri"].rpartition("/")[2]] = subscription

    def unsubscribe(self, uuid: str) -> None:
        """Take out a webhook subscription."""
        self.version += 1
        del self.subscriptions[uuid]

    def touch(self) -> None:
        """Say that something changed."""
        self.version += 1

    def new_uuid(self, kind: str) -> str:
        """Give an id for a thing that is made while the sandbox runs."""
        self._made += 1
        return self.ids.make(kind, self._made)
