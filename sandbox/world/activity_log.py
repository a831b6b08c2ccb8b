"""The activity log of an organization: who joined, which event types were made. Pure."""

from . import fixtures, record_factories, times
from .population import LARGE, Member
from .records import Record
from .world import World

_FIXTURE_OCCURRED = -times.DAY + 11 * times.HOUR + 2 * times.MINUTE + 9 * times.SECOND  # from the anchor


def entries(world: World, organization: int) -> list[Record]:
    """Give the entries, oldest first."""
    members = [member for member in world.population.members if member.organization == organization]
    owner = _actor(world, members[0])
    found = [
        _entry(world, member.number, member.membership["created_at"], owner, "User.Add", _added(member))
        for member in members[1:]
    ]
    for index, event_type in enumerate(world.population.event_types):
        if event_type.organization == organization:
            maker = world.population.members[event_type.hosts[0]] if event_type.hosts else members[0]
            found.append(
                _entry(
                    world,
                    len(world.population.members) + index,
                    event_type.record["created_at"],
                    _actor(world, maker),
                    "EventType.Create",
                    {"name": event_type.record["name"], "uri": event_type.record["uri"]},
                )
            )
    if organization == LARGE:
        moment = times.isoformat(world.anchor + _FIXTURE_OCCURRED)
        found.append(
            _made(world, fixtures.LOG_ENTRY, moment, owner, "User.Add", {"email": fixtures.ADDED_EMAIL})
        )
    return sorted(found, key=occurred_at)


def occurred_at(entry: Record) -> str:
    """Give when an entry was made."""
    moment: str = entry["occurred_at"]
    return moment


def _added(member: Member) -> Record:
    return {"email": member.user["email"]}


def _entry(world: World, number: int, occurred_at: str, actor: Record, name: str, details: Record) -> Record:
    return _made(world, world.ids.make("log entry", number), occurred_at, actor, name, details)


def _made(world: World, uuid: str, occurred_at: str, actor: Record, name: str, details: Record) -> Record:
    uri = world.uris.build("activity_log_entries", uuid)
    return record_factories.log_entry(uri, occurred_at=occurred_at, actor=actor, name=name, details=details)


def _actor(world: World, member: Member) -> Record:
    group = {
        "uri": world.uris.build("groups", fixtures.GROUP),
        "name": fixtures.GROUP_NAME,
        "role": "Admin" if member.is_admin else "Member",
    }
    return {
        "uri": member.user["uri"],
        "type": "User",
        "organization": {"uri": member.user["current_organization"], "role": member.role.title()},
        "group": group if member.number in world.group_members(fixtures.GROUP) else None,
        "display_name": member.user["name"],
        "alternative_identifier": member.user["email"],
    }
