"""The world: people, events, webhook subscriptions, and all changes. Pure.

Generated events are numbered from 0, sorted by start. Booked and changed events are stored in full; booked
events get the next numbers and are in `added_events`, sorted by start.
"""

from bisect import insort
from dataclasses import dataclass, field
from typing import NamedTuple

from . import times
from .conferences import Conferences
from .event_builder import MAX_INVITEES, EventBuilder
from .event_generator import EventGenerator
from .ids import Ids, Rng
from .organizations import Organizations
from .population import LARGE, EventType, Member, Population
from .records import Record, ResourceUris
from .schedules import Schedules
from .state import InviteeRef, SingleUseLink, StoredEvent, WebhookSubscription, WorldState

FIXTURE_EVENTS = 2
LINK_LIFETIME = 90 * times.DAY
NO_LIMITS: Record = {"daily_limit": None, "weekly_limit": None, "monthly_limit": None}
_OWNER_LIMITS: Record = NO_LIMITS | {"daily_limit": 6}


_PATH_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
_PATH_PART_SIZES = {"d": (4, 3, 3), "s": (4, 2, 4)}


class EventKey(NamedTuple):
    """An event's start (microseconds) and number, for sorting."""

    start: int
    number: int


@dataclass
class World:
    """A complete Calendly for a seed, around the day that starts at `anchor` (microseconds)."""

    seed: int
    events: int
    users: int
    anchor: int
    origin: str
    more_event_types: int = 0
    version: int = field(default=0, init=False)  # increases with every change

    def __post_init__(self) -> None:
        self.uris = ResourceUris(self.origin)
        self.ids = Ids(self.seed)
        self.population = Population(
            users=self.users,
            ids=self.ids,
            uris=self.uris,
            anchor=self.anchor,
            more_event_types=self.more_event_types,
        )
        self.generator = EventGenerator(
            seed=self.seed,
            count=self.events - FIXTURE_EVENTS,
            users=self.users,
            anchor=self.anchor,
            event_types=[
                event_type for event_type in self.population.event_types if event_type.organization == LARGE
            ],
        )
        self.event_builder = EventBuilder(self.generator, self.population, self.ids, self.uris, self.anchor)
        self.schedules = Schedules(
            members=self.population.members, ids=self.ids, uris=self.uris, anchor=self.anchor
        )
        self.organizations = Organizations(self.population, self.ids, self.uris, self.anchor)
        self.single_use_links: dict[str, SingleUseLink] = {}  # by booking URL
        self._meeting_limits: dict[int, Record] = {0: _OWNER_LIMITS}
        self.stored_events: dict[int, StoredEvent] = {}
        self.added_events: list[EventKey] = []
        self.subscriptions: dict[str, WebhookSubscription] = {}
        self.state = WorldState()
        self.conferences = Conferences()
        self.sample_payloads: dict[str, Record] = {}  # by event name
        self._created = 0
        self._by_email: dict[str, list[EventKey]] = {}
        self._named_events: dict[str, int] = {}
        self._named_invitees: dict[str, InviteeRef] = {}

    # People

    def member(self, user_uuid: str) -> Member | None:
        """Return the user with this id."""
        return self.population.by_user.get(user_uuid)

    def member_by_email(self, email: str) -> Member | None:
        """Return the user with this email address."""
        members = self.population.by_user.values()
        return next((member for member in members if member.user["email"] == email.lower()), None)

    def group_organization(self, group_uuid: str) -> int | None:
        """Return the organization number of the group with this id."""
        return LARGE if group_uuid in self.population.groups else None

    def group_members(self, group_uuid: str) -> frozenset[int]:
        """Return the member numbers of the group with this id; empty if unknown."""
        return self.population.groups.get(group_uuid, frozenset())

    def remove_member(self, member: Member) -> list[EventType]:
        """Remove a user from their organization; return the event types removed with them."""
        self.version += 1
        return self.population.remove_member(member)

    def put_event_type(self, event_type: EventType) -> None:
        """Add or replace an event type; existing events don't change."""
        self.version += 1
        self.population.event_types_by_id[event_type.uuid] = event_type

    def remove_event_type(self, uuid: str) -> EventType:
        """Remove and return an event type; existing events don't change."""
        self.version += 1
        return self.population.event_types_by_id.pop(uuid)

    def event_type_of_link(self, booking_url: str, now: int) -> str:
        """Return the event type id of a single-use link; LookupError if it is used, expired or unknown."""
        link = self.single_use_links.get(booking_url)
        if (
            link is None
            or now - link.created_at > LINK_LIFETIME
            or link.event_type not in self.population.event_types_by_id
        ):
            raise LookupError("the single-use link is unknown, used or expired")
        return link.event_type

    def use_link(self, booking_url: str) -> None:
        """Remove a single-use link after it was used."""
        self.version += 1
        del self.single_use_links[booking_url]

    def meeting_limits(self, member: Member) -> Record:
        """Return a user's meeting limits."""
        return self._meeting_limits.get(member.number, NO_LIMITS)

    def set_meeting_limits(self, member: Member, changes: Record) -> Record:
        """Change a user's meeting limits and return them."""
        self.version += 1
        self._meeting_limits[member.number] = self.meeting_limits(member) | changes
        return self._meeting_limits[member.number]

    # Events

    def event_number(self, uuid: str) -> int | None:
        """Return the number of the event with this id."""
        if uuid in self._named_events:
            return self._named_events[uuid]
        number = self.ids.number("event", uuid)
        return (
            number if number is not None and number < self.generator.count + len(self.added_events) else None
        )

    def find_invitee(self, uuid: str) -> InviteeRef | None:
        """Return a reference to the invitee with this id."""
        if uuid in self._named_invitees:
            return self._named_invitees[uuid]
        number = self.ids.number("invitee", uuid)
        if number is None:
            return None
        event, position = divmod(number, MAX_INVITEES)
        if event >= self.generator.count + len(self.added_events) or position >= len(self.invitees(event)):
            return None
        return InviteeRef(event, position)

    def event(self, number: int) -> Record:
        """Return the Event with this number."""
        stored = self.stored_events.get(number)
        return stored.event if stored else self.event_builder.event(number)

    def invitees(self, number: int) -> list[Record]:
        """Return the Invitees of the event with this number."""
        stored = self.stored_events.get(number)
        return stored.invitees if stored else self.event_builder.invitees(number)

    def hosts(self, number: int) -> tuple[int, ...]:
        """Return the host numbers of the event with this number."""
        stored = self.stored_events.get(number)
        return stored.hosts if stored else self.generator.facts(number).hosts

    def organization_of(self, number: int) -> int:
        """Return the organization number of the event with this number."""
        stored = self.stored_events.get(number)
        return stored.organization if stored else LARGE

    def is_canceled(self, number: int) -> bool:
        """Check whether the event with this number is canceled."""
        stored = self.stored_events.get(number)
        return stored.event["status"] == "canceled" if stored else self.generator.is_canceled(number)

    def events_of_invitee(self, email: str) -> list[EventKey]:
        """Return the added events of an email address, sorted by start; may contain duplicates."""
        return self._by_email.get(email.lower(), [])

    # Changes

    def editable_event(self, number: int) -> StoredEvent:
        """Store an event for changes and return it; counts as a change of the world."""
        self.version += 1
        if number not in self.stored_events:
            hosts, organization = self.hosts(number), self.organization_of(number)
            self.stored_events[number] = StoredEvent(
                organization, hosts, self.event(number), self.invitees(number)
            )
        return self.stored_events[number]

    def next_number(self) -> int:
        """Return the number of the next added event."""
        return self.generator.count + len(self.added_events)

    def add(self, stored: StoredEvent) -> int:
        """Add an event and return its number."""
        number = self.next_number()
        self.version += 1
        self.stored_events[number] = stored
        insort(self.added_events, EventKey(times.parse(stored.event["start_time"]), number))
        for invitee in stored.invitees:
            self._index(number, invitee)
        return number

    def add_invitee(self, number: int, invitee: Record) -> None:
        """Add an invitee to an event."""
        self.editable_event(number).invitees.append(invitee)
        self._index(number, invitee)

    def _index(self, number: int, invitee: Record) -> None:
        start = times.parse(self.event(number)["start_time"])
        insort(self._by_email.setdefault(invitee["email"].lower(), []), EventKey(start, number))

    def add_named(self, uuid: str, invitee_uuid: str, stored: StoredEvent) -> None:
        """Add an event with one invitee and fixed ids for both."""
        number = self.add(stored)
        self._named_events[uuid] = number
        self._named_invitees[invitee_uuid] = InviteeRef(number, 0)

    def subscribe(self, subscription: WebhookSubscription) -> None:
        """Add a webhook subscription."""
        self.version += 1
        self.subscriptions[subscription.record["uri"].rpartition("/")[2]] = subscription

    def unsubscribe(self, uuid: str) -> None:
        """Remove a webhook subscription."""
        self.version += 1
        del self.subscriptions[uuid]

    def touch(self) -> None:
        """Record a change of the world, which invalidates cached replies."""
        self.version += 1

    def new_uuid(self, kind: str) -> str:
        """Return an id for a resource that is created at run time."""
        self._created += 1
        return self.ids.make(kind, self._created)

    def new_booking_path(self, kind: str) -> str:
        """Return a new random path on the booking origin, such as `d/abcd-brv-efg` or `s/x1y2-z3-a4b5`."""
        rng = Rng("page", self.new_uuid("page"))
        sizes = _PATH_PART_SIZES[kind]
        return f"{kind}/" + "-".join(
            "".join(rng.choice(_PATH_LETTERS) for _ in range(size)) for size in sizes
        )
