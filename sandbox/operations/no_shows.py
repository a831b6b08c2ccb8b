"""Invitees marked as no-shows: create, get, delete."""

from typing import Any

from .. import errors
from ..api import access
from ..api.body_rules import Field, Form, Origins, uri
from ..api.calls import Call, Nothing, One, Route
from ..world import no_shows
from ..world.holdings import NoShow

_WRITE = ("scheduled_events:write",)


def create_no_show(call: Call) -> One:
    """Mark an invitee."""
    event_uuid, invitee_uuid = call.body["invitee"]
    event = access.visible_event(call.world, call.caller, event_uuid)
    found = call.world.invitee_place(invitee_uuid)
    if found is None or found[0] != event:
        raise errors.not_found()
    number = found[1]
    invitee = call.world.invitees(event)[number]
    if invitee["status"] != "active":
        raise errors.invalid(errors.detail("is canceled", "invitee"))
    if invitee["no_show"] is not None:
        raise errors.invalid(errors.detail("is marked as a no-show already", "invitee"))
    uuid = call.world.new_uuid("invitee_no_show")
    marked = no_shows.add(call.world, call.now, event, number, uuid)
    call.happened.append(no_shows.told(call.world, "invitee_no_show.created", marked))
    return One(marked.record, status=201)


def get_no_show(call: Call) -> One:
    """Give one mark."""
    return One(_no_show(call).record)


def delete_no_show(call: Call) -> Nothing:
    """Take a mark off."""
    _no_show(call)
    marked = no_shows.remove(call.world, call.ids["uuid"])
    call.happened.append(no_shows.told(call.world, "invitee_no_show.deleted", marked))
    return Nothing()


def _no_show(call: Call) -> NoShow:
    """Give a mark on an invitee of an event that the caller may see."""
    marked = call.world.holdings.no_shows.get(call.ids["uuid"])
    if marked is None:
        raise errors.not_found()
    access.visible_event(call.world, call.caller, _uuid(call.world.event(marked.event)["uri"]))
    return marked


def _two_ids(value: Any, origins: Origins) -> tuple[str, str]:
    """Read an invitee's URI into the ids of the event and of the invitee."""
    invitee: str = _INVITEE(value, origins)
    return value.split("/")[-3], invitee


def _uuid(resource: str) -> str:
    return resource.rpartition("/")[2]


_INVITEE = uri("scheduled_events/invitees")

ROUTES = (
    Route(
        "POST /invitee_no_shows",
        "invitee_no_shows.create",
        _WRITE,
        create_no_show,
        body=Form((Field("invitee", _two_ids, required=True),)),
    ),
    Route("GET /invitee_no_shows/{uuid}", "invitee_no_shows.get", ("scheduled_events:read",), get_no_show),
    Route("DELETE /invitee_no_shows/{uuid}", "invitee_no_shows.delete", _WRITE, delete_no_show),
)
