"""Availability schedules of users, and availability rules of event types. Pure."""

from collections.abc import Sequence
from datetime import date

from . import fixtures, times
from .ids import Ids
from .population import Member
from .records import Record, ResourceUris

WEEK = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")

_OFFICE_HOURS = ({"from": "09:00", "to": "12:00"}, {"from": "13:00", "to": "17:00"})
_DAYS_OFF = {"sunday", "saturday"}


class Schedules:
    """The schedules of all users. The initial schedule of each user has office hours."""

    def __init__(self, *, members: Sequence[Member], ids: Ids, uris: ResourceUris, anchor: int) -> None:
        self._members = members
        self._ids = ids
        self._uris = uris
        self._office_hours = office_hours(times.to_day(anchor))
        self._stored: dict[int, dict[str, Record]] = {}  # by member number, then by id
        self._owners: dict[str, Member] = {}
        self._own_rules: dict[tuple[str, int], Record] = {}  # by event type id and member number

    def of(self, member: Member) -> list[Record]:
        """Return a user's schedules: at least one, with exactly one default."""
        stored = self._stored.get(member.number)
        return list(stored.values()) if stored else [self._initial_schedule(member)]

    def default(self, member: Member) -> Record:
        """Return a user's default schedule, which their event types use."""
        return next(schedule for schedule in self.of(member) if schedule["default"])

    def owner(self, uuid: str) -> Member | None:
        """Return the owner of a schedule, None for an unknown id."""
        if uuid == fixtures.OWNER_SCHEDULE:
            return self._members[0]
        number = self._ids.number("schedule", uuid)
        if number is not None and number < len(self._members) and self._members[number].schedule == uuid:
            return self._members[number]
        return self._owners.get(uuid)

    def get(self, member: Member, uuid: str) -> Record:
        """Return one of a user's schedules."""
        return next(schedule for schedule in self.of(member) if schedule["uri"].endswith(f"/{uuid}"))

    def create(self, member: Member, uuid: str, fields: Record) -> Record:
        """Add a schedule that isn't the default, and return it."""
        self._owners[uuid] = member
        self._stored_schedules(member)[uuid] = self._schedule(member, uuid, default=False, **fields)
        return self.get(member, uuid)

    def update(self, member: Member, uuid: str, fields: Record) -> Record:
        """Change fields of a schedule and return it; `default: True` replaces the previous default."""
        stored = self._stored_schedules(member)
        if fields.get("default"):
            for other, schedule in stored.items():
                stored[other] = schedule | {"default": False}
        stored[uuid] = stored[uuid] | fields
        return stored[uuid]

    def rule(self, event_type_uuid: str, member: Member) -> Record:
        """Return a host's availability for an event type: its own rules, or the host's schedule."""
        own = self._own_rules.get((event_type_uuid, member.number))
        if own is not None:
            return own
        schedule = self.default(member)
        return {field: schedule[field] for field in ("timezone", "uri", "name", "user", "rules")}

    def uses(self, event_type_uuid: str, member: Member, uuid: str) -> bool:
        """Check whether an event type uses a schedule of a host."""
        uri: str = self.rule(event_type_uuid, member)["uri"]
        return uri.endswith(f"/user_availability_schedules/{uuid}")

    def set_rule(self, event_type_uuid: str, member: Member, uuid: str, fields: Record) -> None:
        """Set an event type's own availability rules for one host."""
        self._own_rules[event_type_uuid, member.number] = {
            "timezone": fields["timezone"],
            "uri": self._uris.build("availability_rules", uuid),
            "name": None,
            "user": member.user["uri"],
            "rules": fields["rules"],
        }

    def _initial_schedule(self, member: Member) -> Record:
        fields = {
            "name": "Working hours",
            "timezone": member.user["timezone"],
            "rules": self._office_hours,
        }
        return self._schedule(member, member.schedule, default=True, **fields)

    def _schedule(self, member: Member, uuid: str, **fields: object) -> Record:
        return {
            "uri": self._uris.build("user_availability_schedules", uuid),
            "default": fields["default"],
            "name": fields["name"],
            "user": member.user["uri"],
            "timezone": fields["timezone"],
            "rules": fields["rules"],
        }

    def _stored_schedules(self, member: Member) -> dict[str, Record]:
        if member.number not in self._stored:
            self._stored[member.number] = {member.schedule: self._initial_schedule(member)}
        return self._stored[member.number]


def office_hours(today: date) -> list[Record]:
    """Return the rules of a regular week, with the next 24 December off."""
    off = date(today.year + ((today.month, today.day) > (12, 24)), 12, 24)
    week: list[Record] = [
        {"type": "wday", "wday": day, "intervals": [] if day in _DAYS_OFF else list(_OFFICE_HOURS)}
        for day in WEEK
    ]
    return [*week, {"type": "date", "date": off.isoformat(), "intervals": []}]
