"""Organizations, users, memberships, the group and event types. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from . import fixtures, names, record_factories, times
from .date_ranges import BookableDates
from .ids import Ids
from .records import Record, ResourceUris, slug_of

LARGE, SMALL = 0, 1  # organizations, by number
GROUP_SIZE = 4

_JOINED_DAYS_AGO = 1100  # before the first event of any world
_WORKSHOP_SEATS = 5


@dataclass(frozen=True)
class Member:
    """A user and their membership of an organization; `number` is the position among all users."""

    number: int
    organization: int
    role: str
    uuid: str
    schedule: str
    user: Record
    membership_uuid: str
    membership: Record

    @property
    def is_admin(self) -> bool:
        """Whether the user is an owner or admin, who may see the entire organization."""
        return self.role in {"owner", "admin"}


@dataclass(frozen=True)
class EventType:
    """An event type with the data for booking.

    Attributes:
        hosts: numbers of the users who can be booked.
        collective: whether all hosts attend.
        dates: dates of a one-off event type; None if only the hosts' schedules count.
    """

    uuid: str
    organization: int
    hosts: tuple[int, ...]
    seats: int
    collective: bool
    record: Record
    dates: BookableDates | None = None


class Population:
    """All users and event types: `users` in the large organization, and one in the small organization.

    Generated events depend on `members` and `event_types`, which never change. The indexes `by_user`,
    `by_membership` and `event_types_by_id`, and the groups, reflect the current state. The owner also has
    `more_event_types`, without events.
    """

    def __init__(
        self, *, users: int, ids: Ids, uris: ResourceUris, anchor: int, more_event_types: int = 0
    ) -> None:
        self._ids = ids
        self._uris = uris
        morning = 9 * times.HOUR + 14 * times.MINUTE + 3 * times.SECOND
        self._joined = anchor - _JOINED_DAYS_AGO * times.DAY + morning
        self.organization_ids = (fixtures.ORGANIZATION, ids.make("organization", SMALL))
        self.members = [self._member(number, LARGE) for number in range(users)] + [self._member(users, SMALL)]
        self.groups = {fixtures.GROUP: frozenset(range(min(GROUP_SIZE, users)))}  # members by group id
        self.event_types = [*self._large_event_types(users), self._small_event_type(users)]
        self.by_user = {member.uuid: member for member in self.members}
        self.by_membership = {member.membership_uuid: member for member in self.members}
        more = [self._consultation(number) for number in range(1, more_event_types + 1)]
        self.event_types_by_id = {event_type.uuid: event_type for event_type in [*self.event_types, *more]}

    def remove_member(self, member: Member) -> list[EventType]:
        """Remove a user from their organization; return the event types that no longer have a host."""
        del self.by_user[member.uuid], self.by_membership[member.membership_uuid]
        self.groups = {uuid: members - {member.number} for uuid, members in self.groups.items()}
        hosted = [
            event_type for event_type in self.event_types_by_id.values() if member.number in event_type.hosts
        ]
        for event_type in hosted:
            remaining = tuple(number for number in event_type.hosts if number != member.number)
            self.event_types_by_id[event_type.uuid] = replace(event_type, hosts=remaining)
        return [
            self.event_types_by_id.pop(event_type.uuid)
            for event_type in hosted
            if not self.event_types_by_id[event_type.uuid].hosts
        ]

    def _member(self, number: int, organization: int) -> Member:
        uuid, membership_uuid, schedule, name, email, role = self._identity(number, organization)
        joined = self._joined + number * times.HOUR
        user = record_factories.user(
            self._uris.build("users", uuid),
            name=name,
            email=email,
            organization=self._uris.build("organizations", self.organization_ids[organization]),
            created_at=times.isoformat(joined + 118_204),
            updated_at=times.isoformat(joined + 30 * times.DAY + 904_311),
        )
        membership = record_factories.membership(
            self._uris.build("organization_memberships", membership_uuid),
            role=role,
            user=user,
            joined_at=times.isoformat(joined + 200_000),
        )
        return Member(number, organization, role, uuid, schedule, user, membership_uuid, membership)

    def _identity(self, number: int, organization: int) -> tuple[str, str, str, str, str, str]:
        """Return user id, membership id, schedule id, name, email and role."""
        uuid, membership, schedule = (
            self._ids.make(kind, number) for kind in ("user", "membership", "schedule")
        )
        if organization == SMALL:
            return uuid, membership, schedule, fixtures.SMALL_OWNER_NAME, fixtures.SMALL_OWNER_EMAIL, "owner"
        if number == 0:
            fixture_ids = (fixtures.OWNER, fixtures.OWNER_MEMBERSHIP, fixtures.OWNER_SCHEDULE)
            return *fixture_ids, fixtures.OWNER_NAME, fixtures.OWNER_EMAIL, "owner"
        if number == 1:
            return fixtures.ADMIN, membership, schedule, fixtures.ADMIN_NAME, fixtures.ADMIN_EMAIL, "admin"
        lap, index = divmod(number * 37, len(names.FIRST))
        first, last = names.FIRST[index], names.LAST[(lap * 11 + number) % len(names.LAST)]
        return (
            uuid,
            membership,
            schedule,
            f"{first} {last}",
            f"{first}.{last}{number}@acme.example".lower(),
            "user",
        )

    def _large_event_types(self, users: int) -> list[EventType]:
        everyone = tuple(range(users))
        event_types = [
            self._user_event_type(0, "Intro call", fixtures.INTRO_CALL, slug="intro", **_INTRO_CALL),
            self._team_event_type(
                everyone, "Sales demo", fixtures.SALES_DEMO, "d/cq3b-7xk-2rm/sales-demo", _SALES_DEMO
            ),
            self._team_event_type(
                everyone[:GROUP_SIZE],
                "Panel",
                self._ids.make("event_type", 1),
                "d/cq4c-8yl-3sn/panel",
                _PANEL,
            ),
            self._team_event_type(
                (), "Old survey", self._ids.make("event_type", 2), "d/cq5d-9zm-4tp/survey", _OLD_SURVEY
            ),
        ]
        for number in everyone[1:]:
            event_types.append(
                self._user_event_type(number, "Intro call", self._ids.make("event_type", 10 * number))
            )
            if number % 3 == 1:
                uuid = self._ids.make("event_type", 10 * number + 1)
                event_types.append(
                    self._user_event_type(number, "Workshop", uuid, seats=_WORKSHOP_SEATS, **_WORKSHOP)
                )
        return event_types

    def _consultation(self, number: int) -> EventType:
        return self._user_event_type(0, f"Consultation {number:05}", self._ids.make("consultation", number))

    def _small_event_type(self, number: int) -> EventType:
        return self._user_event_type(
            number, "Coffee chat", self._ids.make("event_type", 10 * number), duration=15
        )

    def _user_event_type(
        self, number: int, name: str, uuid: str, *, seats: int = 1, slug: str | None = None, **changes: object
    ) -> EventType:
        """Return an event type that belongs to one user."""
        member = self.members[number]
        page = f"{member.user['slug']}/{slug or slug_of(name)}"
        profile = {"type": "User", "name": member.user["name"], "owner": member.user["uri"]}
        record = self._record(name, uuid, page, {"profile": profile, **changes})
        return EventType(uuid, member.organization, (number,), seats, collective=False, record=record)

    def _team_event_type(
        self, hosts: Sequence[int], name: str, uuid: str, page: str, changes: Record
    ) -> EventType:
        """Return an event type that belongs to the team; nulls in `changes` stay null, as in real data."""
        profile = {"type": "Team", "name": "Sales", "owner": self._uris.build("teams", fixtures.TEAM)}
        record = self._record(name, uuid, page, {"profile": profile, **changes})
        is_collective = record["pooling_type"] == "collective"
        return EventType(uuid, LARGE, tuple(hosts), 1, collective=is_collective, record=record)

    def _record(self, name: str, uuid: str, page: str, changes: Record) -> Record:
        return record_factories.event_type(
            self._uris.build("event_types", uuid),
            name=name,
            created_at=times.isoformat(self._joined + times.DAY + 1),
            updated_at=times.isoformat(self._joined + 60 * times.DAY + 447_810),
            page=page,
            **changes,
        )


_INTRO_CALL: Record = {
    "duration_options": [15, 30],
    "custom_questions": [
        record_factories.question("What would you like to discuss?", 0, required=True),
        record_factories.question("Which products do you use?", 1, choices=("Core", "Reports", "Billing")),
    ],
}
_SALES_DEMO: Record = {"duration": 45, "position": 1, "pooling_type": "round_robin"}
_PANEL: Record = {
    "duration": 60,
    "position": 2,
    "pooling_type": "collective",
    "admin_managed": True,
    "locations": [{"kind": "google_conference"}],
    "description_html": None,
    "description_plain": None,
    "profile": None,
}
_OLD_SURVEY: Record = {
    "active": False,
    "booking_method": "poll",
    "position": 3,
    "pooling_type": "multi_pool",
    "locations": None,
    "description_html": None,
    "description_plain": None,
    "slug": None,
    "start_time_increment": None,
    "custom_questions": [],
}
_WORKSHOP: Record = {
    "duration": 90,
    "kind": "group",
    "position": 1,
    "color": "#8247f5",
    "locations": [{"kind": "microsoft_teams_conference"}, {"kind": "custom", "location": "Room 4"}],
}
