"""Shares: single-use links with settings of their own, which can be listed, changed and revoked."""

from collections.abc import Iterable, Iterator

from .. import errors
from ..api import access
from ..api.calls import Call, Many, Nothing, One, Route
from ..api.parameters import PAGING, Parameter, moment, sort, uri
from ..errors import Body, detail
from ..world import shapes, shares
from ..world.holdings import Share
from ..world.listings import sorted_shelf
from ..world.pages import secret_page
from ..world.population import Offer
from ..world.shapes import Record
from .event_type_forms import CHANGED_SHARE, PERIODS_OF, SHARE, wrong_period

_READ, _WRITE = ("shares:read",), ("shares:write",)
_NEWEST_FIRST = [("created_at", True)]
_ONE_ON_ONE = errors.invalid(detail("must be a one-on-one event type", "event_type"))


def list_shares(call: Call) -> Many:
    """List the shares of event types that the caller hosts."""
    query, world = call.query, call.world
    if query["user"] != call.caller.member.uuid:
        raise errors.denied()
    records = [
        shares.record(world, share, call.now)
        for share in world.holdings.shares.values()
        if _hosts(call, share.offer)
        and query["event_type"] in {None, share.offer}
        and (query["min_created_at"] is None or share.made >= query["min_created_at"])
        and (query["max_created_at"] is None or share.made < query["max_created_at"])
    ]
    return Many(sorted_shelf(records, query["sort"] or _NEWEST_FIRST))


def _hosts(call: Call, offer: str) -> bool:
    found = call.world.population.by_offer.get(offer)
    return found is not None and call.caller.member.number in found.hosts


def create_share(call: Call) -> One:
    """Make a link to a one-on-one event type that is changed for whom it is sent to."""
    offer = access.own_offer(call.world, call.caller, call.body["event_type"])
    if offer.record["kind"] != "solo" or offer.record["pooling_type"] is not None:
        raise _ONE_ON_ONE
    own = {name: value for name, value in call.body.items() if name != "event_type"}
    _refuse(_wrong_duration(own, offer))
    page = f"{shapes.SCHEDULING_ORIGIN}/{secret_page(call.world, 's')}"
    share = Share(call.world.new_uuid("share"), offer.uuid, call.now, page, own)
    shares.add(call.world, share)
    return One(shares.record(call.world, share, call.now), status=201)


def update_share(call: Call) -> One:
    """Change what is given; null puts back the event type's setting, or takes the contact away."""
    share, offer = _share(call)
    if shares.status(call.world, share, call.now) != shares.ACTIVE:
        raise _not_open()
    changes = {name: value for name, value in call.body.items() if name != "contact"}
    own = _merged(share.own, changes)
    _refuse([*wrong_period(own), *_wrong_duration(own, offer)])
    if "contact" in call.body:
        uuid = call.body["contact"]
        share.contact = uuid and access.own_contact(call.world, call.caller, uuid).record["uri"]
    share.own = own
    call.world.touch()
    return One(shares.record(call.world, share, call.now))


def _merged(own: Record, changes: Record) -> Record:
    """Return the settings after a change, without those that only the old period had a use for."""
    merged = {name: value for name, value in (own | changes).items() if value is not None}
    period = merged.get("period_type")
    return {
        name: value
        for name, value in merged.items()
        if name in changes or period in PERIODS_OF.get(name, (period,))
    }


def _wrong_duration(own: Record, offer: Offer) -> Iterator[Body]:
    choices = own.get("duration_options") or offer.record["duration_options"]
    if choices and "duration" in own and own["duration"] not in choices:
        yield detail("must be one of duration_options", "duration")


def _refuse(wrong: Iterable[Body]) -> None:
    details = list(wrong)
    if details:
        raise errors.invalid(*details)


def delete_share(call: Call) -> Nothing:
    """Revoke a share that is not booked."""
    share, _ = _share(call)
    if shares.status(call.world, share, call.now) == shares.BOOKED:
        raise _not_open()
    shares.remove(call.world, share)
    return Nothing()


def _share(call: Call) -> tuple[Share, Offer]:
    share = call.world.holdings.shares.get(call.ids["uuid"])
    if share is None:
        raise errors.not_found()
    return share, access.own_offer(call.world, call.caller, share.offer)


def _not_open() -> errors.ApiError:
    """409: documented for PATCH, what for is a guess."""
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
