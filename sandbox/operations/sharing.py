"""Scheduling links, and the places at which users meet."""

from ..api import access
from ..api.body_rules import Field, Form, one_of, uri
from ..api.calls import Call, One, Route, Whole
from ..api.parameters import Parameter
from ..api.parameters import uri as uri_parameter
from ..world import shapes
from ..world.ids import Dice
from ..world.pages import secret_page
from ..world.world import Link

_CONFERENCES = ("zoom_conference", "google_conference", "microsoft_teams_conference")
_CONNECTED_PERCENT = 60


def create_link(call: Call) -> One:
    """Make a link that one meeting can be booked with."""
    offer = access.own_offer(call.world, call.caller, call.body["owner"])
    slug = offer.record["slug"]
    page = secret_page(call.world, "d") + (f"/{slug}" if slug else "")
    link = shapes.scheduling_link(f"{shapes.SCHEDULING_ORIGIN}/{page}", offer.record)
    call.world.touch()
    call.world.single_use[link["booking_url"]] = Link(offer.uuid, call.now)
    return One(link, status=201)


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
    Route(
        "GET /locations",
        "locations.list",
        ("locations:read",),
        list_locations,
        (Parameter("user", uri_parameter("users"), required=True),),
    ),
)
