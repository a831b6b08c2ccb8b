"""The activity log of an organization: added users and created event types. Pure."""

from . import fixtures, record_factories, times
from .population import LARGE, Member
from .records import Record
from .world import World

_FIXTURE_OCCURRED = -times.DAY + 11 * times.HOUR + 2 * times.MINUTE + 9 * times.SECOND  # from the anchor


def entries(world: World, organization: int) -> list[Record]:
    """Return the entries of an organization, oldest first."""
    members = [member for member in world.population.members if member.organization == organization]
    owner = _actor(world, members[0])
    records = [
        _entry(world, member.number, member.membership["created_at"], owner, "User.Add", _added(member))
        for member in members[1:]
    ]
    for index, event_type in enumerate(world.population.event_types):
        if event_type.organization == organization:
            creator = world.population.members[event_type.hosts[0]] if event_type.hosts else members[0]
            records.append(
                _entry(
                    world,
                    len(world.population.members) + index,
                    event_type.record["created_at"],
                    _actor(world, creator),
                    "EventType.Create",
                    {"name": event_type.record["name"], "uri": event_type.record["uri"]},
                )
            )
    if organization == LARGE:
        moment = times.isoformat(world.anchor + _FIXTURE_OCCURRED)
        records.append(
            _build(world, fixtures.LOG_ENTRY, moment, owner, "User.Add", {"email": fixtures.ADDED_EMAIL})
        )
    return sorted(records, key=occurred_at)


def occurred_at(entry: Record) -> str:
    """Return the `occurred_at` of an entry, as a sort key."""
    moment: str = entry["occurred_at"]
    return moment


def _added(member: Member) -> Record:
    return {"email": member.user["email"]}


def _entry(world: World, number: int, occurred_at: str, actor: Record, name: str, details: Record) -> Record:
    return _build(world, world.ids.make("log entry", number), occurred_at, actor, name, details)


def _build(world: World, uuid: str, occurred_at: str, actor: Record, name: str, details: Record) -> Record:
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
