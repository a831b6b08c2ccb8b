"""Scheduling links, shares, and the places at which users meet."""

from .. import errors
from ..api import access
from ..api.body_rules import Field, Form, one_of, uri
from ..api.calls import Call, One, Route, Whole
from ..api.parameters import Parameter
from ..api.parameters import uri as uri_parameter
from ..errors import detail
from ..world import shapes
from ..world.ids import Dice
from ..world.pages import secret_page
from ..world.population import Offer
from ..world.shapes import Record
from ..world.world import Link
from .event_type_forms import SHARE

_ONE_ON_ONE = errors.invalid(detail("must be a one-on-one event type", "event_type"))
_CONFERENCES = ("zoom_conference", "google_conference", "microsoft_teams_conference")
_CONNECTED_PERCENT = 60
_NO_OVERRIDE: Record = {
    "name": None,
    "duration": None,
    "duration_options": None,
    "period_type": None,
    "start_date": None,
    "end_date": None,
    "max_booking_time": None,
    "hide_location": False,
    "location_configurations": None,
    "availability_rule": None,
}


def create_link(call: Call) -> One:
    """Make a link that one meeting can be booked with."""
    offer = access.own_offer(call.world, call.caller, call.body["owner"])
    slug = offer.record["slug"]
    page = secret_page(call.world, "d") + (f"/{slug}" if slug else "")
    link = _link(page, offer)
    call.world.touch()
    call.world.single_use[link["booking_url"]] = Link(offer.uuid, call.now)
    return One(link, status=201)


def _link(page: str, offer: Offer) -> Record:
    return {
        "booking_url": f"{shapes.SCHEDULING_ORIGIN}/{page}",
        "owner": offer.record["uri"],
        "owner_type": "EventType",
    }


def create_share(call: Call) -> One:
    """Make a link to a one-on-one event type that is changed for whom it is sent to."""
    offer = access.own_offer(call.world, call.caller, call.body["event_type"])
    if offer.record["kind"] != "solo" or offer.record["pooling_type"] is not None:
        raise _ONE_ON_ONE
    override = _NO_OVERRIDE | {name: value for name, value in call.body.items() if name != "event_type"}
    places = override["location_configurations"]
    if places is None:
        places = offer.record["locations"]
    if places is not None:
        override["location_configurations"] = [
            {"position": number, **place} for number, place in enumerate(places)
        ]
    link = _link(secret_page(call.world, "s"), offer)
    return One({"scheduling_links": [link], "share_override": override}, status=201)


def list_locations(call: Call) -> Whole:
    """Give the ways in which a user can meet, and whether what they need is connected."""
    member = access.reachable(call.world, call.caller, call.query["user"])
    dice = Dice("locations", call.world.seed, member.number)
    drawn = {kind: dice.chance(_CONNECTED_PERCENT) for kind in _CONFERENCES}
    if not member.number:
        drawn = {"zoom_conference": True, "google_conference": False}  # as the documentation shows the owner
    conferences = [{"kind": kind, "connected": connected} for kind, connected in drawn.items()]
    return Whole([*conferences, {"kind": "physical"}])


_LINK = Form(
    (
        Field("max_event_count", one_of("1"), required=True),
        Field("owner", uri("event_types"), required=True),
        Field("owner_type", one_of("EventType"), required=True),
    )
)

ROUTES = (
    Route(
        "POST /scheduling_links",
        "scheduling_links.create",
        ("scheduling_links:write",),
        create_link,
        body=_LINK,
    ),
    Route("POST /shares", "shares.create", ("shares:write",), create_share, body=SHARE),
    Route(
        "GET /locations",
        "locations.list",
        ("locations:read",),
        list_locations,
        (Parameter("user", uri_parameter("users"), required=True),),
    ),
)
