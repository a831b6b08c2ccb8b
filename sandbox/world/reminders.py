"""Reminders: an email a day before each meeting, and a text message if there is a number. Pure."""

from collections.abc import Iterator

from . import times
from .listings import EventListing, EventQuery, Key
from .records import Record
from .world import World

LEAD_TIME = times.DAY  # time between reminder and meeting
RETENTION = 30 * times.DAY
_SENT_AFTER = 5 * times.SECOND
_EMAIL, _SMS = 0, 1


class ReminderListing:
    """The reminders of events; a key is (start, event number, kind)."""

    def __init__(self, world: World, query: EventQuery) -> None:
        self._world = world
        self._events = EventListing(world, query)

    def walk(self, after: Key | None, *, backwards: bool) -> Iterator[Key]:
        """Yield the keys after a key, or before it if `backwards`."""
        if after:
            start, number, last = after
            for kind in self._kinds(number, backwards=backwards):
                if kind < last if backwards else kind > last:
                    yield start, number, kind
        for start, number in self._events.walk(after and after[:2], backwards=backwards):
            # Bookings less than a day ahead get no reminder.
            if times.parse(self._world.event(number)["created_at"]) <= start - LEAD_TIME:
                for kind in self._kinds(number, backwards=backwards):
                    yield start, number, kind

    def _kinds(self, number: int, *, backwards: bool) -> tuple[int, ...]:
        if self._world.invitees(number)[0]["text_reminder_number"] is None:
            return (_EMAIL,)
        return (_SMS, _EMAIL) if backwards else (_EMAIL, _SMS)

    def record(self, key: Key) -> Record:
        """Return the OutgoingCommunication of a key."""
        start, number, kind = key
        event, invitee = self._world.event(number), self._world.invitees(number)[0]
        host = event["event_memberships"][0]
        event_type = self._world.population.event_types_by_id.get(event["event_type"].rpartition("/")[2])
        is_email = kind == _EMAIL
        return {
            "type": "email" if is_email else "sms",
            "to": invitee["email"] if is_email else invitee["text_reminder_number"],
            "from": "notifications@calendly.example" if is_email else "+15550100",
            "subject": f"Reminder: {event['name']}" if is_email else None,
            "body": "See you tomorrow.",
            "sender_uri": host["user"],
            "sender_email": host["user_email"],
            "event_type_uri": event["event_type"],
            "event_uri": event["uri"],
            "sent_at": times.isoformat(start - LEAD_TIME + _SENT_AFTER),
            "created_at": times.isoformat(start - LEAD_TIME),
            "scheduling_url": event_type.record["scheduling_url"] if event_type else None,
        }
