"""Writes out the records of generated events and their invitees from the diary's facts. Pure."""

from . import names, shapes, times
from .diary import Diary, Facts, person_mail, person_name
from .ids import Dice, Ids
from .population import Offer, Population
from .shapes import Links, Record

MOST_INVITEES = 8  # invitee ids are numbered event number * this + place

_NO_LOCATION_PERCENT = 4
_GUEST_PERCENT = 10
_TRACKED_PERCENT = 15
_FULL_NAME_PERCENT = 40
_LONGEST_LEAD_MINUTES = 14 * 24 * 60


class Writer:
    """Makes a record from an event's number; the same number gives the same record."""

    def __init__(self, diary: Diary, population: Population, ids: Ids, links: Links, anchor: int) -> None:
        self._diary = diary
        self._population = population
        self._ids = ids
        self._links = links
        self._anchor = anchor

    def event(self, number: int) -> Record:
        """Give the Event."""
        facts, dice = self._diary.facts(number), Dice("event", number, self._diary.start(number))
        offer = self._population.offers[facts.offer]
        start, created = self._diary.start(number), self._created(number)
        end = start + offer.record["duration"] * times.MINUTE
        record = shapes.event(
            self._uri(number),
            event_type=offer.record,
            location=self._location(offer, facts, dice),
            hosts=self.hosts(facts.hosts, start, end, offer),
            start_time=times.write(start),
            end_time=times.write(end),
            created_at=times.write(created),
            updated_at=times.write(created + 2_348_777),
        )
        total = len(facts.persons)
        record["invitees_counter"] = {
            "total": total,
            "active": 0 if facts.canceled else total,
            "limit": offer.seats,
        }
        if dice.chance(_GUEST_PERCENT):
            stamp = times.write(created + 28_766)
            guest = f"guest{dice.roll(900)}@client.example"
            record["event_guests"] = [{"email": guest, "created_at": stamp, "updated_at": stamp}]
        if dice.chance(50):
            record["calendar_event"] = {"kind": "google", "external_id": f"made{number:024d}"}
        if facts.canceled:
            record["status"] = "canceled"
            record["cancellation"] = self._cancellation(number, facts)
            record["updated_at"] = record["cancellation"]["created_at"]
        return record

    def invitees(self, number: int) -> list[Record]:
        """Give the event's Invitees."""
        facts = self._diary.facts(number)
        return [self._invitee(number, place, facts) for place in range(len(facts.persons))]

    def hosts(self, members: tuple[int, ...], start: int, end: int, offer: Offer) -> list[Record]:
        """Give the EventMemberships of hosts, buffers of the event type included."""
        before = times.write(start - offer.record["before_buffer"] * times.MINUTE)
        after = times.write(end + offer.record["after_buffer"] * times.MINUTE)
        return [shapes.host(self._population.members[member].user, before, after) for member in members]

    def _uri(self, number: int) -> str:
        return self._links.to("scheduled_events", self._ids.make("event", number))

    def _created(self, number: int) -> int:
        """Give when the booking was made: before the start and before the anchor day."""
        dice = Dice("created", number)
        lead = (1 + dice.roll(_LONGEST_LEAD_MINUTES)) * times.MINUTE + dice.roll(times.MINUTE)
        return min(self._diary.start(number), self._anchor) - lead

    def _location(self, offer: Offer, facts: Facts, dice: Dice) -> Record | None:
        kinds = offer.record["locations"]
        if not kinds or dice.chance(_NO_LOCATION_PERCENT):
            return None
        return shapes.event_location(dice.pick(kinds), "Room " + person_name(facts.persons[0])[1])

    def _cancellation(self, number: int, facts: Facts) -> Record:
        dice = Dice("cancellation", number)
        created = self._created(number)
        latest = min(self._diary.start(number), self._anchor)
        moment = created + (latest - created) * (1 + dice.roll(9)) // 10
        by_host = len(facts.persons) > 1 or dice.chance(50)
        host = self._population.members[facts.hosts[0]].user["name"]
        name = host if by_host else " ".join(person_name(facts.persons[0]))
        kind = "host" if by_host else "invitee"
        return shapes.cancellation(name, kind, dice.pick(names.CANCEL_REASONS), times.write(moment))

    def _invitee(self, number: int, place: int, facts: Facts) -> Record:
        dice = Dice("invitee", number, place)
        first, last = person_name(facts.persons[place])
        questions = self._population.offers[facts.offer].record["custom_questions"]
        record = shapes.invitee(
            self._uri(number),
            self._ids.make("invitee", number * MOST_INVITEES + place),
            email=person_mail(facts.persons[place]),
            name=f"{first} {last}",
            created_at=times.write(self._created(number) + 38_766 + place * times.SECOND),
            timezone=dice.pick(names.TIMEZONES),
            questions_and_answers=[shapes.answer(asked, _reply(asked, dice)) for asked in questions],
        )
        if not dice.chance(_FULL_NAME_PERCENT):
            record |= {"first_name": first, "last_name": last}
        if dice.chance(_TRACKED_PERCENT):
            record["tracking"] = shapes.NO_TRACKING | {"utm_campaign": dice.pick(names.CAMPAIGNS)}
        if facts.canceled:
            cancellation = self._cancellation(number, facts)
            record |= {
                "status": "canceled",
                "cancellation": cancellation,
                "updated_at": cancellation["created_at"],
            }
        return record


def _reply(question: Record, dice: Dice) -> str:
    """Give an answer; several choices are one text with line breaks, as Calendly sends them."""
    choices = question["answer_choices"]
    if not choices:
        return dice.pick(names.ANSWERS)
    return "\n".join(choices[: 1 + dice.roll(len(choices))])
