"""Invitees who did not come. Pure."""

from . import bookings, office_shapes, times
from .happenings import Happening
from .holdings import NoShow
from .world import World


def add(world: World, now: int, event: int, place: int, uuid: str) -> NoShow:
    """Mark an invitee, given by event number and place."""
    invitee = world.keep(event).invitees[place]
    uri = world.links.to("invitee_no_shows", uuid)
    record = office_shapes.no_show(uri, invitee=invitee["uri"], created_at=times.write(now))
    invitee["no_show"] = {"uri": uri, "created_at": record["created_at"]}
    marked = world.holdings.no_shows[uuid] = NoShow(event, place, record)
    return marked


def remove(world: World, uuid: str) -> NoShow:
    """Take the mark off."""
    marked = world.holdings.no_shows.pop(uuid)
    world.keep(marked.event).invitees[marked.place]["no_show"] = None
    return marked


def told(world: World, event: str, marked: NoShow) -> Happening:
    """Give what subscribers of `invitee_no_show.*` hear."""
    return bookings.told(world, event, bookings.Place(marked.event, marked.place))
