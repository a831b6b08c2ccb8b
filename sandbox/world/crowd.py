"""Many people at once who book, cancel and reschedule: a mix that is the same for the same seed. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from . import bookings, diary
from .bookings import Booking, NotPossibleError, Place
from .happenings import Happening
from .openings import Openings
from .population import LARGE, Offer
from .shapes import Record
from .world import World

BOOKING, CANCELLATION, RESCHEDULE = "booking", "cancellation", "reschedule"

_PEOPLE = 20_000  # with names and addresses of their own
_JOIN_PERCENT = 60


@dataclass(frozen=True)
class Deed:
    """What somebody did: the truth in words, and what subscribers hear of it."""

    truth: Record
    happened: list[Happening]


class Crowd:
    """People who book through any event type of the large organization; it knows whom it may cancel."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._openings = Openings(world)
        self._booked: list[Place] = []
        self._open: dict[str, list[int]] = {}  # numbers of group meetings with seats left, by event type id
        self._people = 0

    def mix(self, wanted: dict[str, int], seed: int) -> Iterator[str]:
        """Give kinds in an order in which there is always somebody to cancel; NotPossibleError beforehand."""
        self._booked = [place for place in self._booked if self._is_active(place)]
        people = len(self._booked)
        if wanted[CANCELLATION] > people + wanted[BOOKING]:
            raise NotPossibleError(f"only {people + wanted[BOOKING]} invitees could be canceled")
        if wanted[RESCHEDULE] and not people + wanted[BOOKING]:
            raise NotPossibleError("there is nobody to reschedule")
        return _order(dict(wanted), people, Random(seed))

    def act(self, kind: str, now: int, dice: Random) -> Deed:
        """Let somebody do something."""
        if kind == BOOKING:
            return self._book(now, dice)
        place = self._pick(dice)
        return self._cancel(now, place, dice) if kind == CANCELLATION else self._move(now, place)

    def _book(self, now: int, dice: Random) -> Deed:
        offer = dice.choice(self._offers())
        hosts = offer.hosts if offer.together else (dice.choice(offer.hosts),)
        first, last = diary.person_name(self._people % _PEOPLE)
        mail = f"{first}.{last}.{self._people}@crowd.example".lower()
        self._people += 1
        shared = self._shared(offer, dice)
        if shared is None:
            start = self._openings.take(offer, hosts, now)
            place = bookings.book(self._world, now, Booking(offer, hosts, start, f"{first} {last}", mail))
            if offer.seats > 1:
                self._open.setdefault(offer.uuid, []).append(place.number)
        else:
            booking = Booking(offer, hosts, 0, f"{first} {last}", mail)
            place = bookings.join(self._world, now, shared, booking)
        self._booked.append(place)
        return Deed({"kind": BOOKING, "invitee": self._uri(place)}, [self._told("invitee.created", place)])

    def _offers(self) -> list[Offer]:
        return [
            offer
            for offer in self._world.population.by_offer.values()
            if offer.organization == LARGE
            and offer.hosts
            and offer.dates is None
            and offer.record["active"]
            and offer.record["booking_method"] == "instant"
        ]

    def _shared(self, offer: Offer, dice: Random) -> int | None:
        """Give a group meeting that one more person joins, None where they begin a new one."""
        numbers = self._open.get(offer.uuid, [])
        while numbers and not bookings.has_room(self._world, numbers[-1]):
            numbers.pop()
        return numbers[-1] if numbers and dice.randrange(100) < _JOIN_PERCENT else None

    def _pick(self, dice: Random) -> Place:
        """Give somebody who is booked, and forget them."""
        while True:
            chosen = dice.randrange(len(self._booked)) if self._booked else -1
            if chosen < 0:
                raise NotPossibleError("everybody was canceled by others meanwhile")
            self._booked[chosen], self._booked[-1] = self._booked[-1], self._booked[chosen]
            place = self._booked.pop()
            if self._is_active(place):
                return place

    def _cancel(self, now: int, place: Place, dice: Random) -> Deed:
        by = dice.choice(("host", "invitee"))
        bookings.cancel(self._world, now, place.number, [place.place], reason=None, by=by)
        truth = {"kind": CANCELLATION, "invitee": self._uri(place)}
        return Deed(truth, [self._told("invitee.canceled", place)])

    def _move(self, now: int, old: Place) -> Deed:
        offer = bookings.offer_of(self._world, old.number)
        start = self._openings.take(offer, self._world.hosts(old.number), now)
        new = bookings.reschedule(self._world, now, old, start)
        self._booked.append(new)
        truth = {"kind": RESCHEDULE, "invitee": self._uri(new), "old_invitee": self._uri(old)}
        return Deed(truth, [self._told("invitee.canceled", old), self._told("invitee.created", new)])

    def _is_active(self, place: Place) -> bool:
        return bool(self._invitee(place)["status"] == "active")

    def _invitee(self, place: Place) -> Record:
        return self._world.invitees(place.number)[place.place]

    def _uri(self, place: Place) -> str:
        uri: str = self._invitee(place)["uri"]
        return uri

    def _told(self, event: str, place: Place) -> Happening:
        return bookings.told(self._world, event, place)


def _order(left: dict[str, int], people: int, dice: Random) -> Iterator[str]:
    while sum(left.values()):
        possible = dict(left)
        if not people:
            possible[CANCELLATION] = possible[RESCHEDULE] = 0
        elif people == 1 and left[RESCHEDULE] and not left[BOOKING]:
            possible[CANCELLATION] = 0  # the last one is needed
        [kind] = dice.choices(list(possible), weights=list(possible.values()))
        left[kind] -= 1
        people += {BOOKING: 1, CANCELLATION: -1, RESCHEDULE: 0}[kind]
        yield kind
