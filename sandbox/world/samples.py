"""The payload of each webhook event in sample data: the cast, as it is when a world begins. Pure."""

from . import address_book, bookings, cast, happenings, recaps, times
from .bookings import Place
from .shapes import Record
from .world import World


def make(world: World) -> dict[str, Record]:
    """Give a payload per event name."""
    holdings = world.holdings
    invitee = _invitee(world, cast.ACTIVE_INVITEE)
    missed = invitee | {"no_show": _without_invitee(holdings.no_shows[cast.NO_SHOW].record)}
    came = invitee | {"no_show": None}
    event_type = world.population.by_offer[cast.INTRO_CALL].record
    deleted = times.write(world.anchor)
    contact, recap = holdings.contacts[cast.CONTACT], holdings.recaps[cast.RECAP]
    payloads = {
        "invitee.created": came,
        "invitee.canceled": _invitee(world, cast.CANCELED_INVITEE),
        "invitee_no_show.created": missed,
        "invitee_no_show.deleted": came,
        "event_type.created": happenings.of_event_type(event_type),
        "event_type.updated": happenings.of_event_type(event_type),
        "event_type.deleted": happenings.of_deleted_event_type(event_type, deleted),
        "routing_form_submission.created": holdings.submissions[cast.SUBMISSION_WITH_MESSAGE].record,
    }
    for name in ("contact.created", "contact.updated", "contact.deleted"):
        payloads[name] = address_book.told(world, name, contact, world.anchor).payload
    for name in ("meeting_recap.created", "meeting_recap.updated", "meeting_recap.deleted"):
        payloads[name] = recaps.told(world, name, recap, world.anchor).payload
    return payloads


def _invitee(world: World, uuid: str) -> Record:
    place = world.invitee_place(uuid)
    assert place is not None  # noqa: S101 - founding has put the cast in
    return bookings.told(world, "invitee.created", Place(*place)).payload


def _without_invitee(no_show: Record) -> Record:
    return {field: no_show[field] for field in ("uri", "created_at")}
