"""No-show marks of invitees: create, get, delete."""

from typing import Any

from .. import errors
from ..api import access
from ..api.body_schema import BodyField, BodySchema, Origins, uri
from ..api.calls import ApiCall, NoContent, Route, SingleRecord
from ..world import meeting_outcomes
from ..world.state import NoShow

_WRITE = ("scheduled_events:write",)


def create_no_show(call: ApiCall) -> SingleRecord:
    """Mark an invitee as a no-show."""
    event_uuid, invitee_uuid = call.body["invitee"]
    event = access.visible_event(call.world, call.caller, event_uuid)
    ref = call.world.find_invitee(invitee_uuid)
    if ref is None or ref.event != event:
        raise errors.not_found()
    position = ref.position
    invitee = call.world.invitees(event)[position]
    if invitee["status"] != "active":
        raise errors.invalid(errors.detail("is canceled", "invitee"))
    if invitee["no_show"] is not None:
        raise errors.invalid(errors.detail("is already marked as a no-show", "invitee"))
    uuid = call.world.new_uuid("invitee_no_show")
    no_show = meeting_outcomes.mark_no_show(call.world, call.now, event, position, uuid)
    call.domain_events.append(meeting_outcomes.no_show_event(call.world, "invitee_no_show.created", no_show))
    return SingleRecord(no_show.record, status=201)


def get_no_show(call: ApiCall) -> SingleRecord:
    """Get one no-show mark."""
    return SingleRecord(_no_show(call).record)


def delete_no_show(call: ApiCall) -> NoContent:
    """Remove a no-show mark."""
    _no_show(call)
    no_show = meeting_outcomes.unmark_no_show(call.world, call.ids["uuid"])
    call.domain_events.append(meeting_outcomes.no_show_event(call.world, "invitee_no_show.deleted", no_show))
    return NoContent()


def _no_show(call: ApiCall) -> NoShow:
    """Return the no-show mark if the caller may see its event."""
    no_show = call.world.state.no_shows.get(call.ids["uuid"])
    if no_show is None:
        raise errors.not_found()
    access.visible_event(call.world, call.caller, call.world.event(no_show.event)["uri"].rpartition("/")[2])
    return no_show


def _invitee_ids(value: Any, origins: Origins) -> tuple[str, str]:
    """Read an invitee's URI into the ids of the event and of the invitee."""
    invitee: str = _INVITEE(value, origins)
    return value.split("/")[-3], invitee


_INVITEE = uri("scheduled_events/invitees")

ROUTES = (
    Route(
        "POST /invitee_no_shows",
        "invitee_no_shows.create",
        _WRITE,
        create_no_show,
        body=BodySchema((BodyField("invitee", _invitee_ids, required=True),)),
    ),
    Route("GET /invitee_no_shows/{uuid}", "invitee_no_shows.get", ("scheduled_events:read",), get_no_show),
    Route("DELETE /invitee_no_shows/{uuid}", "invitee_no_shows.delete", _WRITE, delete_no_show),
)
