"""Scheduling links, and the locations of users."""

from ..api import access
from ..api.body_schema import BodyField, BodySchema, one_of, uri
from ..api.calls import ApiCall, FullList, Route, SingleRecord
from ..api.parameters import Parameter
from ..api.parameters import uri as uri_parameter
from ..world import record_factories
from ..world.ids import Rng
from ..world.records import SCHEDULING_ORIGIN
from ..world.state import SingleUseLink

_CONFERENCES = ("zoom_conference", "google_conference", "microsoft_teams_conference")
_CONNECTED_PERCENT = 60


def create_link(call: ApiCall) -> SingleRecord:
    """Create a link for booking one meeting."""
    event_type = access.own_event_type(call.world, call.caller, call.body["owner"])
    slug = event_type.record["slug"]
    page = call.world.new_booking_path("d") + (f"/{slug}" if slug else "")
    link = record_factories.scheduling_link(f"{SCHEDULING_ORIGIN}/{page}", event_type.record)
    call.world.touch()
    call.world.single_use_links[link["booking_url"]] = SingleUseLink(event_type.uuid, call.now)
    return SingleRecord(link, status=201)


def list_locations(call: ApiCall) -> FullList:
    """List the location kinds of a user, and which conference services are connected."""
    member = access.visible_member(call.world, call.caller, call.query["user"])
    rng = Rng("locations", call.world.seed, member.number)
    is_connected = {kind: rng.chance(_CONNECTED_PERCENT) for kind in _CONFERENCES}
    if not member.number:
        is_connected = {"zoom_conference": True, "google_conference": False}  # the documented example
    conferences = [{"kind": kind, "connected": connected} for kind, connected in is_connected.items()]
    return FullList([*conferences, {"kind": "physical"}])


_LINK = BodySchema(
    (
        BodyField("max_event_count", one_of("1"), required=True),
        BodyField("owner", uri("event_types"), required=True),
        BodyField("owner_type", one_of("EventType"), required=True),
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
