"""The Scheduling API: book an invitee into a free slot."""

from collections.abc import Iterator

from .. import errors
from ..api.body_schema import (
    EMAIL,
    MOMENT,
    BodyField,
    BodySchema,
    array,
    integer,
    object_of,
    one_of,
    text,
    timezone,
    uri,
)
from ..api.calls import ApiCall, Route, SingleRecord
from ..api.rate_limits import BOOKING_LIMITS
from ..errors import Body, detail
from ..world import bookings, record_factories, slot_search
from ..world.event_builder import MAX_INVITEES
from ..world.population import EventType
from ..world.records import NO_TRACKING, Record
from .event_type_bodies import KINDS

_MAX_GUESTS = 10
_MAX_TRACKING = 255
_LOCATION_FROM_INVITEE = {"physical", "outbound_call", "ask_invitee", "custom"}
_LOCATION_FIXED = {"inbound_call"}


def create_invitee(call: ApiCall) -> SingleRecord:
    """Book an invitee into a free slot."""
    body, world = call.body, call.world
    event_type = world.population.event_types_by_id.get(body["event_type"])
    if (
        event_type is None
        or event_type.organization != call.caller.member.organization
        or not event_type.record["active"]
    ):
        raise errors.not_found()
    problems = [*_location_problems(event_type, body.get("location")), *_answers_problems(event_type, body)]
    if problems:
        raise errors.invalid(*problems)
    slot = slot_search.slot_at(world, event_type, now=call.now, start=body["start_time"])
    if slot is None or not _has_room(call, slot):
        raise errors.not_found()
    booking = bookings.Booking(
        event_type,
        slot.hosts,
        slot.start,
        name=_name(body["invitee"]),
        email=body["invitee"]["email"],
        location=_location(event_type, body),
        guests=body.get("event_guests", ()),
    )
    changes = _changes(call)
    if slot.number is None:
        ref = bookings.book(world, call.now, booking, changes)
    else:
        ref = bookings.join(world, call.now, slot.number, booking, changes)
    call.domain_events.append(bookings.invitee_event(world, "invitee.created", ref))
    return SingleRecord(world.invitees(ref.event)[ref.position], status=201)


def _has_room(call: ApiCall, slot: slot_search.Slot) -> bool:
    """Check whether there is room for one more invitee; canceled ones still count."""
    return slot.number is None or len(call.world.invitees(slot.number)) < MAX_INVITEES


def _name(invitee: Record) -> str:
    name: str = invitee.get("name") or f"{invitee['first_name']} {invitee.get('last_name', '')}".strip()
    return name


def _changes(call: ApiCall) -> Record:
    """Return the fields of the invitee that override defaults."""
    invitee = call.body["invitee"]
    answers = call.body.get("questions_and_answers", [])
    names = ("first_name", "last_name", "timezone", "text_reminder_number")
    return {
        **{name: invitee.get(name) for name in names},
        "questions_and_answers": sorted(answers, key=lambda answer: answer["position"]),
        "tracking": call.body.get("tracking", NO_TRACKING),
        "scheduling_method": "api",
        "invitee_scheduled_by": call.caller.member.user["uri"],
    }


# Locations


def _needs_location(event_type: EventType) -> bool:
    return bool(event_type.record["locations"]) and event_type.record["pooling_type"] != "round_robin"


def _location_problems(event_type: EventType, location: Record | None) -> Iterator[Body]:
    if not _needs_location(event_type):
        if location is not None:
            yield detail("must be left out for this event type", "location")
        return
    kinds = sorted({kind["kind"] for kind in event_type.record["locations"]})
    if location is None:
        yield detail("is required", "location")
    elif location["kind"] not in kinds:
        yield detail(f"must be one of {', '.join(kinds)}", "location.kind")
    elif location["kind"] in _LOCATION_FROM_INVITEE and "location" not in location:
        yield detail(f"is required when kind is {location['kind']}", "location.location")
    elif location["kind"] in _LOCATION_FIXED and "location" in location:
        yield detail(f"must be left out when kind is {location['kind']}", "location.location")


def _location(event_type: EventType, body: Record) -> Record | None:
    """Return the event's location, None for the event type's default."""
    location = body.get("location")
    if location is None:
        return None
    offered = [kind for kind in event_type.record["locations"] if kind["kind"] == location["kind"]]
    if location["kind"] in _LOCATION_FROM_INVITEE:
        from_invitee = {"kind": location["kind"], "location": location["location"]}
        return record_factories.event_location(
            next((kind for kind in offered if kind.get("location") == location["location"]), from_invitee),
            location["location"],
        )
    return record_factories.event_location(offered[0], _name(body["invitee"]))


# Questions


def _answers_problems(event_type: EventType, body: Record) -> Iterator[Body]:
    questions = {
        question["name"]: question
        for question in event_type.record["custom_questions"]
        if question["enabled"]
    }
    answers: dict[str, str] = {}
    for index, answer in enumerate(body.get("questions_and_answers", [])):
        path = f"questions_and_answers[{index}]"
        question = questions.get(answer["question"])
        if question is None:
            yield detail("is not a question of this event type", f"{path}.question")
        elif answer["question"] in answers:
            yield detail("is answered twice", f"{path}.question")
        elif answer["position"] != question["position"]:
            yield detail(f"must be {question['position']}", f"{path}.position")
        elif not _is_allowed_answer(answer["answer"], question):
            yield detail(f"must be among {', '.join(question['answer_choices'])}", f"{path}.answer")
        answers[answer["question"]] = answer["answer"]
    for name, question in questions.items():
        if question["required"] and not answers.get(name, "").strip():
            yield detail(f"must answer {name!r}", "questions_and_answers")


def _is_allowed_answer(answer: str, question: Record) -> bool:
    """Check whether all lines of an answer are among the choices, if there are any."""
    choices = question["answer_choices"]
    return not choices or question["include_other"] or set(filter(None, answer.split("\n"))) <= set(choices)


def _name_problems(invitee: Record) -> Iterator[Body]:
    if "name" not in invitee and "first_name" not in invitee:
        yield detail("name or first_name is required", "name")


_INVITEE = BodySchema(
    (
        BodyField("email", EMAIL, required=True),
        BodyField("timezone", timezone, required=True),
        BodyField("name", text(min_length=1)),
        BodyField("first_name", text(min_length=1), null_in_reply=True),
        BodyField("last_name", text(), null_in_reply=True),
        BodyField("text_reminder_number", text(min_length=1), null_in_reply=True),
    ),
    check=_name_problems,
)
_ANSWER = BodySchema(
    (
        BodyField("question", text(), required=True),
        BodyField("answer", text(), required=True),
        BodyField("position", integer(0), required=True),
    )
)
_LOCATION = BodySchema(
    (
        BodyField("kind", one_of(*KINDS), required=True),
        BodyField("location", text(min_length=1), null_in_reply=True),
    )
)
_TRACKING = BodySchema(
    tuple(
        BodyField(name, text(max_length=_MAX_TRACKING), required=True, nullable=True) for name in NO_TRACKING
    )
)

ROUTES = (
    Route(
        "POST /invitees",
        "invitees.create",
        ("scheduled_events:write",),
        create_invitee,
        body=BodySchema(
            (
                BodyField("event_type", uri("event_types"), required=True),
                BodyField("start_time", MOMENT, required=True),
                BodyField("invitee", object_of(_INVITEE), required=True),
                BodyField("location", object_of(_LOCATION), null_in_reply=True),
                BodyField("questions_and_answers", array(object_of(_ANSWER))),
                BodyField("tracking", object_of(_TRACKING)),
                BodyField("event_guests", array(EMAIL, max_items=_MAX_GUESTS)),
            )
        ),
        limits=BOOKING_LIMITS,
    ),
)
