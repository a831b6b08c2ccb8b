"""Shares: single-use links with customized settings."""

from collections.abc import Iterable, Iterator

from .. import errors
from ..api import access
from ..api.calls import ApiCall, NoContent, PagedList, Route, SingleRecord
from ..api.parameters import PAGING, Parameter, moment, sort, uri
from ..errors import Body, detail
from ..world import shares
from ..world.listings import sorted_listing
from ..world.population import EventType
from ..world.records import SCHEDULING_ORIGIN, Record
from ..world.state import EventTypeShare
from .event_type_bodies import CHANGED_SHARE, PERIODS_OF, SHARE, period_problems

_READ, _WRITE = ("shares:read",), ("shares:write",)
_NEWEST_FIRST = [("created_at", True)]
_ONE_ON_ONE = errors.invalid(detail("must be a one-on-one event type", "event_type"))


def list_shares(call: ApiCall) -> PagedList:
    """List the shares of event types that the caller hosts."""
    query, world = call.query, call.world
    if query["user"] != call.caller.member.uuid:
        raise errors.denied()
    records = [
        shares.record(world, share, call.now)
        for share in world.state.shares.values()
        if _is_host(call, share.event_type)
        and query["event_type"] in {None, share.event_type}
        and (query["min_created_at"] is None or share.created_at >= query["min_created_at"])
        and (query["max_created_at"] is None or share.created_at < query["max_created_at"])
    ]
    return PagedList(sorted_listing(records, query["sort"] or _NEWEST_FIRST))


def _is_host(call: ApiCall, event_type: str) -> bool:
    hosted = call.world.population.event_types_by_id.get(event_type)
    return hosted is not None and call.caller.member.number in hosted.hosts


def create_share(call: ApiCall) -> SingleRecord:
    """Create a link to a one-on-one event type with customized settings."""
    event_type = access.own_event_type(call.world, call.caller, call.body["event_type"])
    if event_type.record["kind"] != "solo" or event_type.record["pooling_type"] is not None:
        raise _ONE_ON_ONE
    overrides = {name: value for name, value in call.body.items() if name != "event_type"}
    _raise_if_any(_duration_problems(overrides, event_type))
    page = f"{SCHEDULING_ORIGIN}/{call.world.new_booking_path('s')}"
    share = EventTypeShare(call.world.new_uuid("share"), event_type.uuid, call.now, page, overrides)
    shares.add(call.world, share)
    return SingleRecord(shares.record(call.world, share, call.now), status=201)


def update_share(call: ApiCall) -> SingleRecord:
    """Update a share; null restores the event type's setting or removes the contact."""
    share, event_type = _share(call)
    if shares.status(call.world, share, call.now) != shares.ACTIVE:
        raise _not_bookable()
    changes = {name: value for name, value in call.body.items() if name != "contact"}
    overrides = _merged(share.overrides, changes)
    _raise_if_any([*period_problems(overrides), *_duration_problems(overrides, event_type)])
    if "contact" in call.body:
        uuid = call.body["contact"]
        share.contact = uuid and access.own_contact(call.world, call.caller, uuid).record["uri"]
    share.overrides = overrides
    call.world.touch()
    return SingleRecord(shares.record(call.world, share, call.now))


def _merged(overrides: Record, changes: Record) -> Record:
    """Return the settings after a change, without those that don't apply to a new period type."""
    merged = {name: value for name, value in (overrides | changes).items() if value is not None}
    period = merged.get("period_type")
    return {
        name: value
        for name, value in merged.items()
        if name in changes or period in PERIODS_OF.get(name, (period,))
    }


def _duration_problems(overrides: Record, event_type: EventType) -> Iterator[Body]:
    choices = overrides.get("duration_options") or event_type.record["duration_options"]
    if choices and "duration" in overrides and overrides["duration"] not in choices:
        yield detail("must be one of duration_options", "duration")


def _raise_if_any(problems: Iterable[Body]) -> None:
    details = list(problems)
    if details:
        raise errors.invalid(*details)


def delete_share(call: ApiCall) -> NoContent:
    """Revoke a share that isn't booked."""
    share, _ = _share(call)
    if shares.status(call.world, share, call.now) == shares.BOOKED:
        raise _not_bookable()
    shares.remove(call.world, share)
    return NoContent()


def _share(call: ApiCall) -> tuple[EventTypeShare, EventType]:
    share = call.world.state.shares.get(call.ids["uuid"])
    if share is None:
        raise errors.not_found()
    return share, access.own_event_type(call.world, call.caller, share.event_type)


def _not_bookable() -> errors.ApiError:
    """Return the 409; it is documented for PATCH, but its reason is a guess."""
    return errors.already_exists("The share has been booked or has expired")


ROUTES = (
    Route(
        "GET /shares",
        "shares.list",
        _READ,
        list_shares,
        (
            Parameter("user", uri("users"), required=True),
            Parameter("min_created_at", moment),
            Parameter("max_created_at", moment),
            Parameter("event_type", uri("event_types")),
            Parameter("sort", sort("created_at")),
            *PAGING,
        ),
    ),
    Route("POST /shares", "shares.create", _WRITE, create_share, body=SHARE),
    Route("PATCH /shares/{uuid}", "shares.update", _WRITE, update_share, body=CHANGED_SHARE),
    Route("DELETE /shares/{uuid}", "shares.delete", _WRITE, delete_share),
)
