"""Who and what events are made of: organizations, users, memberships, the group, event types. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from . import cast, names, shapes, times
from .ids import Ids
from .shapes import Links, Record
from .spans import Dates

LARGE, SMALL = 0, 1  # organizations, by number
GROUP_SIZE = 4

_JOINED_DAYS_AGO = 1100  # before the first event of any world
_WORKSHOP_SEATS = 5


@dataclass(frozen=True)
class Member:
    """A user with their place in an organization; `number` is the position among all users."""

    number: int
    organization: int
    role: str
    uuid: str
    schedule: str
    user: Record
    membership_uuid: str
    membership: Record

    @property
    def leads(self) -> bool:
        """Whether they may see the whole organization."""
        return self.role in {"owner", "admin"}


@dataclass(frozen=True)
class Offer:
    """An event type with what booking needs.

    Attributes:
        hosts: numbers of the users who can be booked.
        together: whether all hosts attend.
        dates: when a one-off event type can be booked; None for the hosts' schedules alone.
    """

    uuid: str
    organization: int
    hosts: tuple[int, ...]
    seats: int
    together: bool
    record: Record
    dates: Dates | None = None


class Population:
    """All people and event types; `users` counts the large organization, the small one has one more.

    `members` and `offers` are what generated events are made of and stay as they are; the indexes `by_user`,
    `by_membership` and `by_offer`, and the groups, say who and what there is now.
    """

    def __init__(self, *, users: int, ids: Ids, links: Links, anchor: int) -> None:
        self._ids = ids
        self._links = links
        morning = 9 * times.HOUR + 14 * times.MINUTE + 3 * times.SECOND
        self._joined = anchor - _JOINED_DAYS_AGO * times.DAY + morning
        self.organizations = (cast.ORGANIZATION, ids.make("organization", SMALL))
        self.members = [self._member(number, LARGE) for number in range(users)] + [self._member(users, SMALL)]
        self.groups = {cast.GROUP: frozenset(range(min(GROUP_SIZE, users)))}  # members by group id
        self.offers = [*self._large_offers(users), self._small_offer(users)]
        self.by_user = {member.uuid: member for member in self.members}
        self.by_membership = {member.membership_uuid: member for member in self.members}
        self.by_offer = {offer.uuid: offer for offer in self.offers}

    def leave(self, member: Member) -> list[Offer]:
        """Take a user out of their organization; give the event types that nobody hosts any more."""
        del self.by_user[member.uuid], self.by_membership[member.membership_uuid]
        self.groups = {uuid: members - {member.number} for uuid, members in self.groups.items()}
        hosted = [offer for offer in self.by_offer.values() if member.number in offer.hosts]
        for offer in hosted:
            rest = tuple(number for number in offer.hosts if number != member.number)
            self.by_offer[offer.uuid] = replace(offer, hosts=rest)
        return [self.by_offer.pop(offer.uuid) for offer in hosted if not self.by_offer[offer.uuid].hosts]

    def _member(self, number: int, organization: int) -> Member:
        uuid, membership_uuid, schedule, name, email, role = self._identity(number, organization)
        joined = self._joined + number * times.HOUR
        user = shapes.user(
            self._links.to("users", uuid),
            name=name,
            email=email,
            organization=self._links.to("organizations", self.organizations[organization]),
            created_at=times.write(joined + 118_204),
            updated_at=times.write(joined + 30 * times.DAY + 904_311),
        )
        membership = shapes.membership(
            self._links.to("organization_memberships", membership_uuid),
            role=role,
            user=user,
            joined_at=times.write(joined + 200_000),
        )
        return Member(number, organization, role, uuid, schedule, user, membership_uuid, membership)

    def _identity(self, number: int, organization: int) -> tuple[str, str, str, str, str, str]:
        """Give user id, membership id, schedule id, name, mail and role."""
        uuid, membership, schedule = (
            self._ids.make(kind, number) for kind in ("user", "membership", "schedule")
        )
        if organization == SMALL:
            return uuid, membership, schedule, cast.SMALL_OWNER_NAME, cast.SMALL_OWNER_MAIL, "owner"
        if number == 0:
            cast_ids = (cast.OWNER, cast.OWNER_MEMBERSHIP, cast.OWNER_SCHEDULE)
            return *cast_ids, cast.OWNER_NAME, cast.OWNER_MAIL, "owner"
        if number == 1:
            return cast.ADMIN, membership, schedule, cast.ADMIN_NAME, cast.ADMIN_MAIL, "admin"
        lap, place = divmod(number * 37, len(names.FIRST))
        first, last = names.FIRST[place], names.LAST[(lap * 11 + number) % len(names.LAST)]
        return (
            uuid,
            membership,
            schedule,
            f"{first} {last}",
            f"{first}.{last}{number}@acme.example".lower(),
            "user",
        )

    def _large_offers(self, users: int) -> list[Offer]:
        everyone = tuple(range(users))
        offers = [
            self._own(0, "Intro call", cast.INTRO_CALL, slug="intro", **_INTRO_CALL),
            self._team(everyone, "Sales demo", cast.SALES_DEMO, "d/cq3b-7xk-2rm/sales-demo", _SALES_DEMO),
            self._team(
                everyone[:GROUP_SIZE],
                "Panel",
                self._ids.make("event_type", 1),
                "d/cq4c-8yl-3sn/panel",
                _PANEL,
            ),
            self._team(
                (), "Old survey", self._ids.make("event_type", 2), "d/cq5d-9zm-4tp/survey", _OLD_SURVEY
            ),
        ]
        for number in everyone[1:]:
            offers.append(self._own(number, "Intro call", self._ids.make("event_type", 10 * number)))
            if number % 3 == 1:
                uuid = self._ids.make("event_type", 10 * number + 1)
                offers.append(self._own(number, "Workshop", uuid, seats=_WORKSHOP_SEATS, **_WORKSHOP))
        return offers

    def _small_offer(self, number: int) -> Offer:
        return self._own(number, "Coffee chat", self._ids.make("event_type", 10 * number), duration=15)

    def _own(
        self, number: int, name: str, uuid: str, *, seats: int = 1, slug: str | None = None, **changes: object
    ) -> Offer:
        """Make an event type that belongs to one user."""
        member = self.members[number]
        page = f"{member.user['slug']}/{slug or shapes.slug_of(name)}"
        profile = {"type": "User", "name": member.user["name"], "owner": member.user["uri"]}
        record = self._record(name, uuid, page, {"profile": profile, **changes})
        return Offer(uuid, member.organization, (number,), seats, together=False, record=record)

    def _team(self, hosts: Sequence[int], name: str, uuid: str, page: str, changes: Record) -> Offer:
        """Make an event type that belongs to the team; what `changes` leave null stays null, as in life."""
        profile = {"type": "Team", "name": "Sales", "owner": self._links.to("teams", cast.TEAM)}
        record = self._record(name, uuid, page, {"profile": profile, **changes})
        together = record["pooling_type"] == "collective"
        return Offer(uuid, LARGE, tuple(hosts), 1, together=together, record=record)

    def _record(self, name: str, uuid: str, page: str, changes: Record) -> Record:
        return shapes.event_type(
            self._links.to("event_types", uuid),
            name=name,
            created_at=times.write(self._joined + times.DAY + 1),
            updated_at=times.write(self._joined + 60 * times.DAY + 447_810),
            page=page,
            **changes,
        )


_INTRO_CALL: Record = {
    "duration_options": [15, 30],
    "custom_questions": [
        shapes.question("What would you like to discuss?", 0, required=True),
        shapes.question("Which products do you use?", 1, choices=("Core", "Reports", "Billing")),
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
