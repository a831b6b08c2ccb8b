"""Build the records of generated events and invitees from the generator's facts. Pure."""

from . import names, record_factories, times
from .event_generator import EventFacts, EventGenerator, person_email, person_name
from .ids import Ids, Rng
from .population import EventType, Population
from .records import NO_TRACKING, Record, ResourceUris

MAX_INVITEES = 8  # an invitee's id is made from event number * MAX_INVITEES + position

_NO_LOCATION_PERCENT = 4
_GUEST_PERCENT = 10
_TRACKED_PERCENT = 15
_FULL_NAME_PERCENT = 40
_MAX_LEAD_MINUTES = 14 * 24 * 60


class EventBuilder:
    """Builds records from an event's number, always the same for the same number."""

    def __init__(
        self, generator: EventGenerator, population: Population, ids: Ids, uris: ResourceUris, anchor: int
    ) -> None:
        self._generator = generator
        self._population = population
        self._ids = ids
        self._uris = uris
        self._anchor = anchor

    def event(self, number: int) -> Record:
        """Return the Event."""
        facts, rng = self._generator.facts(number), Rng("event", number, self._generator.start(number))
        event_type = self._population.event_types[facts.event_type]
        start, created = self._generator.start(number), self._created(number)
        end = start + event_type.record["duration"] * times.MINUTE
        record = record_factories.event(
            self._uri(number),
            event_type=event_type.record,
            location=self._location(event_type, facts, rng),
            hosts=self.hosts(facts.hosts, start, end, event_type),
            start_time=times.isoformat(start),
            end_time=times.isoformat(end),
            created_at=times.isoformat(created),
            updated_at=times.isoformat(created + 2_348_777),
        )
        total = len(facts.persons)
        record["invitees_counter"] = {
            "total": total,
            "active": 0 if facts.canceled else total,
            "limit": event_type.seats,
        }
        if rng.chance(_GUEST_PERCENT):
            stamp = times.isoformat(created + 28_766)
            guest = f"guest{rng.below(900)}@client.example"
            record["event_guests"] = [{"email": guest, "created_at": stamp, "updated_at": stamp}]
        if rng.chance(50):
            record["calendar_event"] = {"kind": "google", "external_id": f"made{number:024d}"}
        if facts.canceled:
            record["status"] = "canceled"
            record["cancellation"] = self._cancellation(number, facts)
            record["updated_at"] = record["cancellation"]["created_at"]
        return record

    def invitees(self, number: int) -> list[Record]:
        """Return the event's Invitees."""
        facts = self._generator.facts(number)
        return [self._invitee(number, position, facts) for position in range(len(facts.persons))]

    def hosts(self, members: tuple[int, ...], start: int, end: int, event_type: EventType) -> list[Record]:
        """Return the EventMemberships of hosts, with the event type's buffers."""
        before = times.isoformat(start - event_type.record["before_buffer"] * times.MINUTE)
        after = times.isoformat(end + event_type.record["after_buffer"] * times.MINUTE)
        return [
            record_factories.host(self._population.members[member].user, before, after) for member in members
        ]

    def _uri(self, number: int) -> str:
        return self._uris.build("scheduled_events", self._ids.make("event", number))

    def _created(self, number: int) -> int:
        """Return the time of the booking: before the start and before the anchor day."""
        rng = Rng("created", number)
        lead = (1 + rng.below(_MAX_LEAD_MINUTES)) * times.MINUTE + rng.below(times.MINUTE)
        return min(self._generator.start(number), self._anchor) - lead

    def _location(self, event_type: EventType, facts: EventFacts, rng: Rng) -> Record | None:
        kinds = event_type.record["locations"]
        if not kinds or rng.chance(_NO_LOCATION_PERCENT):
            return None
        return record_factories.event_location(rng.choice(kinds), "Room " + person_name(facts.persons[0])[1])

    def _cancellation(self, number: int, facts: EventFacts) -> Record:
        rng = Rng("cancellation", number)
        created = self._created(number)
        latest = min(self._generator.start(number), self._anchor)
        moment = created + (latest - created) * (1 + rng.below(9)) // 10
        by_host = len(facts.persons) > 1 or rng.chance(50)
        host = self._population.members[facts.hosts[0]].user["name"]
        name = host if by_host else " ".join(person_name(facts.persons[0]))
        kind = "host" if by_host else "invitee"
        return record_factories.cancellation(
            name, kind, rng.choice(names.CANCEL_REASONS), times.isoformat(moment)
        )

    def _invitee(self, number: int, position: int, facts: EventFacts) -> Record:
        rng = Rng("invitee", number, position)
        first, last = person_name(facts.persons[position])
        questions = self._population.event_types[facts.event_type].record["custom_questions"]
        record = record_factories.invitee(
            self._uri(number),
            self._ids.make("invitee", number * MAX_INVITEES + position),
            email=person_email(facts.persons[position]),
            name=f"{first} {last}",
            created_at=times.isoformat(self._created(number) + 38_766 + position * times.SECOND),
            timezone=rng.choice(names.TIMEZONES),
            questions_and_answers=[
                record_factories.answer(question, _answer_text(question, rng)) for question in questions
            ],
        )
        if not rng.chance(_FULL_NAME_PERCENT):
            record |= {"first_name": first, "last_name": last}
        if rng.chance(_TRACKED_PERCENT):
            record["tracking"] = NO_TRACKING | {"utm_campaign": rng.choice(names.CAMPAIGNS)}
        if facts.canceled:
            cancellation = self._cancellation(number, facts)
            record |= {
                "status": "canceled",
                "cancellation": cancellation,
                "updated_at": cancellation["created_at"],
            }
        return record


def _answer_text(question: Record, rng: Rng) -> str:
    """Return an answer; multiple choices are joined by line breaks, as Calendly sends them."""
    choices = question["answer_choices"]
    if not choices:
        return rng.choice(names.ANSWERS)
    return "\n".join(choices[: 1 + rng.below(len(choices))])
