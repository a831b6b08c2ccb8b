"""The Scheduling API: booking an invitee into a free slot."""

from collections.abc import Iterator

from .. import errors
from ..api.body_rules import EMAIL, MOMENT, Field, Form, array, integer, one_of, record, text, timezone, uri
from ..api.calls import Call, One, Route
from ..api.limits import BOOKING_LIMITS
from ..errors import Body, detail
from ..world import bookings, shapes, slots
from ..world.population import Offer
from ..world.shapes import NO_TRACKING, Record
from ..world.writer import MOST_INVITEES
from .event_type_forms import KINDS

_MOST_GUESTS = 10
_LONGEST_TRACKING = 255
_SAID_BY_INVITEE = {"physical", "outbound_call", "ask_invitee", "custom"}
_SAID_BY_NOBODY = {"inbound_call"}


def create_invitee(call: Call) -> One:
    """Book an invitee into a slot that is free."""
    body, world = call.body, call.world
    offer = world.population.by_offer.get(body["event_type"])
    if offer is None or offer.organization != call.caller.member.organization or not offer.record["active"]:
        raise errors.not_found()
    wrong = [*_wrong_location(offer, body.get("location")), *_wrong_answers(offer, body)]
    if wrong:
        raise errors.invalid(*wrong)
    slot = slots.at(world, offer, now=call.now, start=body["start_time"])
    if slot is None or not _has_place(call, slot):
        raise errors.not_found()
    booking = bookings.Booking(
        offer,
        slot.hosts,
        slot.start,
        name=_name(body["invitee"]),
        email=body["invitee"]["email"],
        location=_location(offer, body),
        guests=body.get("event_guests", ()),
    )
    changes = _changes(call)
    if slot.number is None:
        place = bookings.book(world, call.now, booking, changes)
    else:
        place = bookings.join(world, call.now, slot.number, booking, changes)
    call.happened.append(bookings.told(world, "invitee.created", place))
    return One(world.invitees(place.number)[place.place], status=201)


def _has_place(call: Call, slot: slots.Slot) -> bool:
    """Whether one more invitee can be noted down; canceled ones keep their places."""
    return slot.number is None or len(call.world.invitees(slot.number)) < MOST_INVITEES


def _name(invitee: Record) -> str:
    name: str = invitee.get("name") or f"{invitee['first_name']} {invitee.get('last_name', '')}".strip()
    return name


def _changes(call: Call) -> Record:
    """Give what an invitee booked this way has of their own."""
    invitee = call.body["invitee"]
    answers = call.body.get("questions_and_answers", [])
    own = ("first_name", "last_name", "timezone", "text_reminder_number")
    return {
        **{field: invitee.get(field) for field in own},
        "questions_and_answers": sorted(answers, key=lambda answer: answer["position"]),
        "tracking": call.body.get("tracking", NO_TRACKING),
        "scheduling_method": "api",
        "invitee_scheduled_by": call.caller.member.user["uri"],
    }


# Where


def _is_asked(offer: Offer) -> bool:
    return bool(offer.record["locations"]) and offer.record["pooling_type"] != "round_robin"


def _wrong_location(offer: Offer, location: Record | None) -> Iterator[Body]:
    if not _is_asked(offer):
        if location is not None:
            yield detail("must be left out for this event type", "location")
        return
    kinds = sorted({kind["kind"] for kind in offer.record["locations"]})
    if location is None:
        yield detail("is required", "location")
    elif location["kind"] not in kinds:
        yield detail(f"must be one of {', '.join(kinds)}", "location.kind")
    elif location["kind"] in _SAID_BY_INVITEE and "location" not in location:
        yield detail(f"is required when kind is {location['kind']}", "location.location")
    elif location["kind"] in _SAID_BY_NOBODY and "location" in location:
        yield detail(f"must be left out when kind is {location['kind']}", "location.location")


def _location(offer: Offer, body: Record) -> Record | None:
    """Give the event's location; None leaves it to the event type."""
    given = body.get("location")
    if given is None:
        return None
    offered = [kind for kind in offer.record["locations"] if kind["kind"] == given["kind"]]
    if given["kind"] in _SAID_BY_INVITEE:
        said = {"kind": given["kind"], "location": given["location"]}
        return shapes.event_location(
            next((kind for kind in offered if kind.get("location") == given["location"]), said),
            given["location"],
        )
    return shapes.event_location(offered[0], _name(body["invitee"]))


# What is asked


def _wrong_answers(offer: Offer, body: Record) -> Iterator[Body]:
    asked = {
        question["name"]: question for question in offer.record["custom_questions"] if question["enabled"]
    }
    given: dict[str, str] = {}
    for place, answer in enumerate(body.get("questions_and_answers", [])):
        path = f"questions_and_answers[{place}]"
        question = asked.get(answer["question"])
        if question is None:
            yield detail("is not a question of this event type", f"{path}.question")
        elif answer["question"] in given:
            yield detail("is answered twice", f"{path}.question")
        elif answer["position"] != question["position"]:
            yield detail(f"must be {question['position']}", f"{path}.position")
        elif not _may_be(answer["answer"], question):
            yield detail(f"must be among {', '.join(question['answer_choices'])}", f"{path}.answer")
        given[answer["question"]] = answer["answer"]
    for name, question in asked.items():
        if question["required"] and not given.get(name, "").strip():
            yield detail(f"must answer {name!r}", "questions_and_answers")


def _may_be(answer: str, question: Record) -> bool:
    """Whether an answer is among the choices, one a line, where there are any and no others are allowed."""
    choices = question["answer_choices"]
    return not choices or question["include_other"] or set(filter(None, answer.split("\n"))) <= set(choices)


def _named(invitee: Record) -> Iterator[Body]:
    if "name" not in invitee and "first_name" not in invitee:
        yield detail("name or first_name is required", "name")


_INVITEE = Form(
    (
        Field("email", EMAIL, required=True),
        Field("timezone", timezone, required=True),
        Field("name", text(least=1)),
        Field("first_name", text(least=1), null_in_reply=True),
        Field("last_name", text(), null_in_reply=True),
        Field("text_reminder_number", text(least=1), null_in_reply=True),
    ),
    check=_named,
)
_ANSWER = Form(
    (
        Field("question", text(), required=True),
        Field("answer", text(), required=True),
        Field("position", integer(0), required=True),
    )
)
_LOCATION = Form(
    (
        Field("kind", one_of(*KINDS), required=True),
        Field("location", text(least=1), null_in_reply=True),
    )
)
_TRACKING = Form(
    tuple(Field(name, text(most=_LONGEST_TRACKING), required=True, nullable=True) for name in NO_TRACKING)
)

ROUTES = (
    Route(
        "POST /invitees",
        "invitees.create",
        ("scheduled_events:write",),
        create_invitee,
        body=Form(
            (
                Field("event_type", uri("event_types"), required=True),
                Field("start_time", MOMENT, required=True),
                Field("invitee", record(_INVITEE), required=True),
                Field("location", record(_LOCATION), null_in_reply=True),
                Field("questions_and_answers", array(record(_ANSWER))),
                Field("tracking", record(_TRACKING)),
                Field("event_guests", array(EMAIL, most=_MOST_GUESTS)),
            )
        ),
        limits=BOOKING_LIMITS,
    ),
)
