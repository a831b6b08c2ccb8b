"""What calendars show: free slots, busy times, and how many meetings a user takes."""

from urllib.parse import quote

from .. import errors
from ..api import access
from ..api.body_rules import Field, Form, integer
from ..api.calls import Call, One, Route, Whole
from ..api.parameters import Parameter, moment, uri
from ..world import calendars, slots, spans, times
from ..world.calendars import Busy
from ..world.population import Member
from ..world.shapes import Record

_READ, _WRITE = ("availability:read",), ("availability:write",)
_MOST_SLOT_DAYS, _MOST_BUSY_DAYS = 31, 7
_MOST_MEETINGS = 9999


def list_available_times(call: Call) -> Whole:
    """Give the free slots of an event type."""
    offer = access.offer(call.world, call.caller, call.query["event_type"])
    since, until = _window(call, _MOST_SLOT_DAYS)
    found = slots.free(call.world, offer, now=call.now, since=since, until=until)
    page = offer.record["scheduling_url"]
    return Whole([_available_time(slot.start, slot.remaining, page) for slot in found])


def _window(call: Call, most_days: int) -> tuple[int, int]:
    wrong = spans.wrong_window(call.query, call.now, most_days)
    if wrong:
        raise errors.invalid(*wrong)
    return call.query["start_time"], call.query["end_time"]


def _available_time(start: int, remaining: int, page: str) -> Record:
    written = times.write(start)[:19] + "Z"  # slots come without a fraction
    return {
        "status": "available",
        "invitees_remaining": remaining,
        "start_time": written,
        "scheduling_url": f"{page}/{quote(written, safe=':')}?month={written[:7]}&date={written[:10]}",
    }


def list_busy_times(call: Call) -> Whole:
    """Give when a user is busy."""
    member = access.reachable(call.world, call.caller, call.query["user"])
    since, until = _window(call, _MOST_BUSY_DAYS)
    return Whole([_busy_time(call, one) for one in calendars.busy(call.world, member, since, until)])


def _busy_time(call: Call, one: Busy) -> Record:
    record: Record = {
        "type": one.kind,
        "start_time": times.write(one.start),
        "end_time": times.write(one.end),
    }
    if one.number is not None:
        record |= {
            "buffered_start_time": times.write(one.buffered_start),
            "buffered_end_time": times.write(one.buffered_end),
            "event": {"uri": call.world.event(one.number)["uri"]},
        }
    return record


def list_meeting_limits(call: Call) -> Whole:
    """Give the one row of the caller's limits."""
    return Whole([call.world.meeting_limits(_self(call))])


def update_meeting_limits(call: Call) -> One:
    """Change what is given of the caller's limits; null takes a limit away."""
    return One(call.world.limit_meetings(_self(call), call.body))


def _self(call: Call) -> Member:
    """Give the caller, whom the query must name."""
    if call.query["user"] != call.caller.member.uuid:
        raise errors.denied()
    return call.caller.member


_USER = Parameter("user", uri("users"), required=True)
_WINDOW = (Parameter("start_time", moment, required=True), Parameter("end_time", moment, required=True))
_LIMIT = integer(1, _MOST_MEETINGS)

ROUTES = (
    Route(
        "GET /event_type_available_times",
        "event_type_available_times.list",
        ("availability:read", "event_types:read"),
        list_available_times,
        (Parameter("event_type", uri("event_types"), required=True), *_WINDOW),
    ),
    Route("GET /user_busy_times", "user_busy_times.list", _READ, list_busy_times, (_USER, *_WINDOW)),
    Route("GET /user_meeting_limits", "user_meeting_limits.list", _READ, list_meeting_limits, (_USER,)),
    Route(
        "PATCH /user_meeting_limits",
        "user_meeting_limits.update",
        _WRITE,
        update_meeting_limits,
        (_USER,),
        body=Form(
            tuple(
                Field(name, _LIMIT, nullable=True)
                for name in ("daily_limit", "weekly_limit", "monthly_limit")
            ),
            fewest=1,
        ),
    ),
)
