"""The body schemas for creating and updating event types, one-off event types and shares. Pure."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

from ..api.body_schema import (
    MOMENT,
    BodyField,
    BodySchema,
    Origins,
    array,
    boolean,
    day,
    integer,
    object_of,
    one_of,
    pattern,
    text,
    timezone,
    uri,
)
from ..errors import Body, detail
from ..world import times
from ..world.date_ranges import BookableDates
from ..world.records import Record
from .availability_bodies import OWN_RULES, day_text

KINDS = (
    "ask_invitee",
    "custom",
    "google_conference",
    "gotomeeting_conference",
    "inbound_call",
    "microsoft_teams_conference",
    "outbound_call",
    "physical",
    "webex_conference",
    "zoom_conference",
)
MOVING = ("available_moving", "moving")

_BUFFERS = (0, 5, 10, 15, 30, 45, 60, 90, 120, 150, 180)
_MINUTES = integer(1, 720)
_DURATIONS = array(_MINUTES, max_items=4)
_MAX_DAYS = 365
_MAX_NAME = 55
_MAX_LOCATION = 255

_LOCATION_FIELDS = (
    BodyField("kind", one_of(*KINDS), required=True),
    BodyField("location", text(), nullable=True),
    BodyField("additional_info", text(), nullable=True),
    BodyField("phone_number", text(), nullable=True),
    BodyField("position", integer()),
)


def _phone_problems(location: Record) -> Iterator[Body]:
    if location["kind"] == "inbound_call" and not location.get("phone_number"):
        yield detail("is required when kind is inbound_call", "phone_number")


def _fields(*, creating: bool) -> tuple[BodyField, ...]:
    return (
        BodyField("name", text(min_length=1), required=creating),
        BodyField("active", boolean),
        BodyField("description", text(), null_in_reply=True),
        BodyField("duration", _MINUTES),
        BodyField("duration_options", _DURATIONS, null_in_reply=True),
        BodyField("locations", array(object_of(BodySchema(_LOCATION_FIELDS))), null_in_reply=True),
        BodyField("color", pattern(r"#[a-f\d]{6}", "must be a color such as #0099ff")),
        BodyField("locale", one_of("de", "en", "es", "fr", "it", "nl", "pt", "uk")),
        BodyField("start_time_increment", integer(5, 720)),
        BodyField("before_buffer", one_of(*_BUFFERS)),
        BodyField("after_buffer", one_of(*_BUFFERS)),
    )


NEW_EVENT_TYPE = BodySchema((BodyField("owner", uri("users"), required=True), *_fields(creating=True)))
CHANGED_EVENT_TYPE = BodySchema(_fields(creating=False))


def _range_problems(setting: Record) -> Iterator[Body]:
    if setting["end_date"] < setting["start_date"]:
        yield detail("must not be before start_date", "end_date")
    elif setting["end_date"] - setting["start_date"] >= timedelta(days=_MAX_DAYS):
        yield detail(f"must be less than {_MAX_DAYS} days after start_date", "end_date")


def _spot_problems(spot: Record) -> Iterator[Body]:
    if spot["end_time"] <= spot["start_time"]:
        yield detail("must be after start_time", "end_time")


_SPOT = BodySchema(
    (BodyField("start_time", MOMENT, required=True), BodyField("end_time", MOMENT, required=True)),
    check=_spot_problems,
)
_TYPE = BodyField("type", text(), required=True)
_DATE_SETTINGS = {
    "date_range": BodySchema(
        (_TYPE, BodyField("start_date", day, required=True), BodyField("end_date", day, required=True)),
        check=_range_problems,
    ),
    "days_in_future": BodySchema(
        (_TYPE, BodyField("days", integer(0, _MAX_DAYS), required=True), BodyField("only_weekdays", boolean))
    ),
    "spots": BodySchema((_TYPE, BodyField("spots", array(object_of(_SPOT), min_items=1), required=True))),
}
_ANY_DATE_SETTING = object_of(BodySchema((BodyField("type", one_of(*_DATE_SETTINGS), required=True),)))


def _date_setting(value: Any, origins: Origins) -> Record:
    """Read one of the three kinds of date settings, selected by `type`."""
    chosen: Record = _ANY_DATE_SETTING(value, origins)
    setting: Record = object_of(_DATE_SETTINGS[chosen["type"]])(value, origins)
    return setting


def dates(setting: Record, zone: str, now: int) -> BookableDates:
    """Return the bookable dates of a one-off event type that is created now."""
    if setting["type"] == "date_range":
        return BookableDates(zone, setting["start_date"], setting["end_date"])
    if setting["type"] == "spots":
        return BookableDates(
            zone, spots=tuple((spot["start_time"], spot["end_time"]) for spot in setting["spots"])
        )
    today = times.to_day(now)
    return BookableDates(
        zone,
        first=today - timedelta(days=1),
        last=today + timedelta(days=setting["days"]),
        only_weekdays=setting.get("only_weekdays", False),
    )


ONE_OFF = BodySchema(
    (
        BodyField("name", text(min_length=1, max_length=_MAX_NAME), required=True),
        BodyField("host", uri("users"), required=True),
        BodyField("co_hosts", array(uri("users"))),
        BodyField("duration", _MINUTES, required=True),
        BodyField("timezone", timezone),
        BodyField("date_setting", _date_setting, required=True),
        BodyField("location", object_of(BodySchema(_LOCATION_FIELDS, check=_phone_problems))),
    )
)

_LOCATION_TEXT = text(max_length=_MAX_LOCATION)
_SHARED_LOCATION = BodySchema(
    (
        BodyField("kind", one_of(*KINDS), required=True),
        BodyField("location", _LOCATION_TEXT),
        BodyField("additional_info", _LOCATION_TEXT),
        BodyField("phone_number", text()),
        BodyField("position", integer()),
    )
)


PERIODS_OF = {"start_date": ("fixed",), "end_date": ("fixed",), "max_booking_time": MOVING}
"""The period types that a setting of a share is allowed for."""


def period_problems(values: Record) -> Iterator[Body]:
    """Yield problems for fields that are missing or not allowed for the period type."""
    period = values.get("period_type")
    for name, periods in PERIODS_OF.items():
        if name in values and period not in periods:
            yield detail(f"can only be used when period_type is {' or '.join(periods)}", name)
        elif name not in values and period in periods:
            yield detail(f"is required when period_type is {period}", name)
    if period == "fixed" and "" < values.get("end_date", "") < values.get("start_date", ""):
        yield detail("must not be before start_date", "end_date")


_SHARE_SETTINGS = (
    BodyField("name", text(max_length=_MAX_NAME)),
    BodyField("duration", _MINUTES),
    BodyField("duration_options", _DURATIONS),
    BodyField("period_type", one_of(*MOVING, "fixed", "unlimited")),
    BodyField("start_date", day_text),
    BodyField("end_date", day_text),
    BodyField("hide_location", boolean),
    BodyField("location_configurations", array(object_of(_SHARED_LOCATION))),
    BodyField("availability_rule", OWN_RULES),
)
SHARE = BodySchema(
    (
        BodyField("event_type", uri("event_types"), required=True),
        *_SHARE_SETTINGS,
        BodyField("max_booking_time", integer()),
    ),
    check=period_problems,
)
CHANGED_SHARE = BodySchema(
    tuple(
        replace(field, nullable=True)
        for field in (
            BodyField("contact", uri("contacts")),
            *_SHARE_SETTINGS,
            BodyField("max_booking_time", integer(1)),
            BodyField("min_booking_time", integer(1)),
        )
    ),
    min_fields=1,
)
