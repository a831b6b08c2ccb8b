"""What Notetaker writes down of a meeting. Pure."""

from . import happenings, office_shapes, times
from .happenings import Happening
from .holdings import Recap
from .world import World

_WRITTEN_AFTER = 4 * times.MINUTE
_TRANSCRIPT = "{host}: Hello {guest}.\n{guest}: Hello."


def add(world: World, event: int, uuid: str, *, status: str, share: str) -> Recap:
    """Put in the recap of an event, given by number; only an available one has content."""
    record, invitees = world.event(event), world.invitees(event)
    recap = office_shapes.recap(
        world.links.to("meeting_recaps", uuid),
        record,
        [invitee for invitee in invitees if invitee["status"] == "active"],
        status=status,
        created_at=times.write(times.read(record["end_time"]) + _WRITTEN_AFTER),
    )
    if status == "Available":
        recap |= office_shapes.recap_content(recap["uri"], share)
    host, guest = record["event_memberships"][0]["user_name"], invitees[0]["name"]
    transcript = _TRANSCRIPT.format(host=host.split()[0], guest=guest.split()[0])
    world.touch()
    made = world.holdings.recaps[uuid] = Recap(event, recap, transcript)
    return made


def told(world: World, event: str, recap: Recap, now: int) -> Happening:
    """Give what subscribers of `meeting_recap.*` hear."""
    if event == "meeting_recap.deleted":
        payload = happenings.of_deleted_recap(recap.record, times.write(now))
    else:
        payload = happenings.of_recap(recap.record)
    return Happening(event, payload, world.organization_of(recap.event), world.hosts(recap.event))
