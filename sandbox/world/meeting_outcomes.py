"""Records of past meetings: no-shows, and recaps by Notetaker. Pure."""

from . import bookings, domain_events, record_factories, times
from .domain_events import DomainEvent
from .state import InviteeRef, MeetingRecap, NoShow
from .world import World

_WRITTEN_AFTER = 4 * times.MINUTE
_TRANSCRIPT = "{host}: Hello {guest}.\n{guest}: Hello."


# No-shows


def mark_no_show(world: World, now: int, event: int, position: int, uuid: str) -> NoShow:
    """Mark an invitee (event number and position) as a no-show."""
    invitee = world.editable_event(event).invitees[position]
    uri = world.uris.build("invitee_no_shows", uuid)
    record = record_factories.no_show(uri, invitee=invitee["uri"], created_at=times.isoformat(now))
    invitee["no_show"] = {"uri": uri, "created_at": record["created_at"]}
    no_show = world.state.no_shows[uuid] = NoShow(event, position, record)
    return no_show


def unmark_no_show(world: World, uuid: str) -> NoShow:
    """Remove a no-show mark and return it."""
    no_show = world.state.no_shows.pop(uuid)
    world.editable_event(no_show.event).invitees[no_show.position]["no_show"] = None
    return no_show


def no_show_event(world: World, name: str, no_show: NoShow) -> DomainEvent:
    """Return an `invitee_no_show.*` event."""
    return bookings.invitee_event(world, name, InviteeRef(no_show.event, no_show.position))


# Recaps


def add_recap(world: World, event: int, uuid: str, *, status: str, share: str) -> MeetingRecap:
    """Add a recap for an event; only one with the status Available has content."""
    record, invitees = world.event(event), world.invitees(event)
    recap = record_factories.recap(
        world.uris.build("meeting_recaps", uuid),
        record,
        [invitee for invitee in invitees if invitee["status"] == "active"],
        status=status,
        created_at=times.isoformat(times.parse(record["end_time"]) + _WRITTEN_AFTER),
    )
    if status == "Available":
        recap |= record_factories.recap_content(recap["uri"], share)
    host, guest = record["event_memberships"][0]["user_name"], invitees[0]["name"]
    transcript = _TRANSCRIPT.format(host=host.split()[0], guest=guest.split()[0])
    world.touch()
    stored = world.state.recaps[uuid] = MeetingRecap(event, recap, transcript)
    return stored


def recap_event(world: World, name: str, recap: MeetingRecap, now: int) -> DomainEvent:
    """Return a `meeting_recap.*` event."""
    if name == "meeting_recap.deleted":
        payload = domain_events.deleted_recap_payload(recap.record, times.isoformat(now))
    else:
        payload = domain_events.recap_payload(recap.record)
    return DomainEvent(name, payload, world.organization_of(recap.event), world.hosts(recap.event))
