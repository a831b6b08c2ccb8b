"""What may be sent about event types: bodies of create, update, one-off and share. Data, with few rules."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

from ..api.body_rules import (
    MOMENT,
    Field,
    Form,
    Origins,
    array,
    boolean,
    day,
    integer,
    matching,
    one_of,
    record,
    text,
    timezone,
    uri,
)
from ..errors import Body, detail
from ..world import times
from ..world.shapes import Record
from ..world.spans import Dates
from .rule_forms import OWN_RULES, day_text

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
_DURATIONS = array(_MINUTES, most=4)
_MOST_DAYS = 365
_LONGEST_NAME = 55
_LONGEST_PLACE = 255

_LOCATION_FIELDS = (
    Field("kind", one_of(*KINDS), required=True),
    Field("location", text(), nullable=True),
    Field("additional_info", text(), nullable=True),
    Field("phone_number", text(), nullable=True),
    Field("position", integer()),
)


def _wrong_call(location: Record) -> Iterator[Body]:
    if location["kind"] == "inbound_call" and not location.get("phone_number"):
        yield detail("is required when kind is inbound_call", "phone_number")


def _fields(*, creating: bool) -> tuple[Field, ...]:
    return (
        Field("name", text(least=1), required=creating),
        Field("active", boolean),
        Field("description", text(), null_in_reply=True),
        Field("duration", _MINUTES),
        Field("duration_options", _DURATIONS, null_in_reply=True),
        Field("locations", array(record(Form(_LOCATION_FIELDS))), null_in_reply=True),
        Field("color", matching(r"#[a-f\d]{6}", "must be a colour like #0099ff")),
        Field("locale", one_of("de", "en", "es", "fr", "it", "nl", "pt", "uk")),
        Field("start_time_increment", integer(5, 720)),
        Field("before_buffer", one_of(*_BUFFERS)),
        Field("after_buffer", one_of(*_BUFFERS)),
    )


NEW_EVENT_TYPE = Form((Field("owner", uri("users"), required=True), *_fields(creating=True)))
CHANGED_EVENT_TYPE = Form(_fields(creating=False))


def _wrong_range(setting: Record) -> Iterator[Body]:
    if setting["end_date"] < setting["start_date"]:
        yield detail("must not be before start_date", "end_date")
    elif setting["end_date"] - setting["start_date"] >= timedelta(days=_MOST_DAYS):
        yield detail(f"must be less than {_MOST_DAYS} days after start_date", "end_date")


def _wrong_spot(spot: Record) -> Iterator[Body]:
    if spot["end_time"] <= spot["start_time"]:
        yield detail("must be after start_time", "end_time")


_SPOT = Form(
    (Field("start_time", MOMENT, required=True), Field("end_time", MOMENT, required=True)), check=_wrong_spot
)
_TYPE = Field("type", text(), required=True)
_DATE_SETTINGS = {
    "date_range": Form(
        (_TYPE, Field("start_date", day, required=True), Field("end_date", day, required=True)),
        check=_wrong_range,
    ),
    "days_in_future": Form(
        (_TYPE, Field("days", integer(0, _MOST_DAYS), required=True), Field("only_weekdays", boolean))
    ),
    "spots": Form((_TYPE, Field("spots", array(record(_SPOT), least=1), required=True))),
}
_ANY_DATE_SETTING = record(Form((Field("type", one_of(*_DATE_SETTINGS), required=True),)))


def _date_setting(value: Any, origins: Origins) -> Record:
    """Read one of the three ways to say when; `type` says which."""
    chosen: Record = _ANY_DATE_SETTING(value, origins)
    setting: Record = record(_DATE_SETTINGS[chosen["type"]])(value, origins)
    return setting


def dates(setting: Record, zone: str, now: int) -> Dates:
    """Give when a one-off event type can be booked that is made now."""
    if setting["type"] == "date_range":
        return Dates(zone, setting["start_date"], setting["end_date"])
    if setting["type"] == "spots":
        return Dates(zone, spots=tuple((spot["start_time"], spot["end_time"]) for spot in setting["spots"]))
    today = times.day_of(now)
    return Dates(
        zone,
        first=today - timedelta(days=1),
        last=today + timedelta(days=setting["days"]),
        only_weekdays=setting.get("only_weekdays", False),
    )


ONE_OFF = Form(
    (
        Field("name", text(least=1, most=_LONGEST_NAME), required=True),
        Field("host", uri("users"), required=True),
        Field("co_hosts", array(uri("users"))),
        Field("duration", _MINUTES, required=True),
        Field("timezone", timezone),
        Field("date_setting", _date_setting, required=True),
        Field("location", record(Form(_LOCATION_FIELDS, check=_wrong_call))),
    )
)

_PLACE = text(most=_LONGEST_PLACE)
_SHARED_LOCATION = Form(
    (
        Field("kind", one_of(*KINDS), required=True),
        Field("location", _PLACE),
        Field("additional_info", _PLACE),
        Field("phone_number", text()),
        Field("position", integer()),
    )
)


PERIODS_OF = {"start_date": ("fixed",), "end_date": ("fixed",), "max_booking_time": MOVING}
"""The period types that a setting of a share belongs to."""


def wrong_period(values: Record) -> Iterator[Body]:
    """Say which of the fields that belong to a period type are missing or too many."""
    period = values.get("period_type")
    for name, periods in PERIODS_OF.items():
        if name in values and period not in periods:
            yield detail(f"can only be used when period_type is {' or '.join(periods)}", name)
        elif name not in values and period in periods:
            yield detail(f"is required when period_type is {period}", name)
    if period == "fixed" and "" < values.get("end_date", "") < values.get("start_date", ""):
        yield detail("must not be before start_date", "end_date")


_SHARE_SETTINGS = (
    Field("name", text(most=_LONGEST_NAME)),
    Field("duration", _MINUTES),
    Field("duration_options", _DURATIONS),
    Field("period_type", one_of(*MOVING, "fixed", "unlimited")),
    Field("start_date", day_text),
    Field("end_date", day_text),
    Field("hide_location", boolean),
    Field("location_configurations", array(record(_SHARED_LOCATION))),
    Field("availability_rule", OWN_RULES),
)
SHARE = Form(
    (
        Field("event_type", uri("event_types"), required=True),
        *_SHARE_SETTINGS,
        Field("max_booking_time", integer()),
    ),
    check=wrong_period,
)
CHANGED_SHARE = Form(
    tuple(
        replace(field, nullable=True)
        for field in (
            Field("contact", uri("contacts")),
            *_SHARE_SETTINGS,
            Field("max_booking_time", integer(1)),
            Field("min_booking_time", integer(1)),
        )
    ),
    fewest=1,
)
