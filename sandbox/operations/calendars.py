"""Free slots, busy times and meeting limits."""

from urllib.parse import quote

from .. import errors
from ..api import access
from ..api.body_schema import BodyField, BodySchema, integer
from ..api.calls import ApiCall, FullList, Route, SingleRecord
from ..api.parameters import Parameter, moment, uri
from ..world import busy_times, date_ranges, slot_search, times
from ..world.busy_times import BusyTime
from ..world.population import Member
from ..world.records import Record

_READ, _WRITE = ("availability:read",), ("availability:write",)
_MAX_SLOT_DAYS, _MAX_BUSY_DAYS = 31, 7
_MAX_MEETINGS = 9999


def list_available_times(call: ApiCall) -> FullList:
    """List the free slots of an event type."""
    event_type = access.event_type(call.world, call.caller, call.query["event_type"])
    since, until = _window(call, _MAX_SLOT_DAYS)
    slots = slot_search.free_slots(call.world, event_type, now=call.now, since=since, until=until)
    page = event_type.record["scheduling_url"]
    return FullList([_available_time(slot.start, slot.remaining, page) for slot in slots])


def _window(call: ApiCall, max_days: int) -> tuple[int, int]:
    problems = date_ranges.window_problems(call.query, call.now, max_days)
    if problems:
        raise errors.invalid(*problems)
    return call.query["start_time"], call.query["end_time"]


def _available_time(start: int, remaining: int, page: str) -> Record:
    iso = times.isoformat(start)[:19] + "Z"  # slots have no fraction of a second
    return {
        "status": "available",
        "invitees_remaining": remaining,
        "start_time": iso,
        "scheduling_url": f"{page}/{quote(iso, safe=':')}?month={iso[:7]}&date={iso[:10]}",
    }


def list_busy_times(call: ApiCall) -> FullList:
    """List the busy times of a user."""
    member = access.visible_member(call.world, call.caller, call.query["user"])
    since, until = _window(call, _MAX_BUSY_DAYS)
    return FullList(
        [_busy_time(call, busy_time) for busy_time in busy_times.busy_times(call.world, member, since, until)]
    )


def _busy_time(call: ApiCall, busy_time: BusyTime) -> Record:
    record: Record = {
        "type": busy_time.kind,
        "start_time": times.isoformat(busy_time.start),
        "end_time": times.isoformat(busy_time.end),
    }
    if busy_time.number is not None:
        record |= {
            "buffered_start_time": times.isoformat(busy_time.buffered_start),
            "buffered_end_time": times.isoformat(busy_time.buffered_end),
            "event": {"uri": call.world.event(busy_time.number)["uri"]},
        }
    return record


def list_meeting_limits(call: ApiCall) -> FullList:
    """List the caller's limits, always one row."""
    return FullList([call.world.meeting_limits(_caller(call))])


def update_meeting_limits(call: ApiCall) -> SingleRecord:
    """Update the caller's limits; null removes a limit."""
    return SingleRecord(call.world.set_meeting_limits(_caller(call), call.body))


def _caller(call: ApiCall) -> Member:
    """Return the caller; raise 403 if the query names another user."""
    if call.query["user"] != call.caller.member.uuid:
        raise errors.denied()
    return call.caller.member


_USER = Parameter("user", uri("users"), required=True)
_WINDOW = (Parameter("start_time", moment, required=True), Parameter("end_time", moment, required=True))
_LIMIT = integer(1, _MAX_MEETINGS)

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
        body=BodySchema(
            tuple(
                BodyField(name, _LIMIT, nullable=True)
                for name in ("daily_limit", "weekly_limit", "monthly_limit")
            ),
            min_fields=1,
        ),
    ),
)
