"""All permission checks: scopes, plan, role and ownership. Pure."""

from collections.abc import Iterable

from .. import errors
from ..world.population import EventType, Member
from ..world.state import Contact, ContactList
from ..world.world import World
from .calls import Route
from .tokens import Caller


def require_route_access(caller: Caller, route: Route) -> None:
    """Raise 403 unless the caller has the scopes, the plan and the role that a route requires."""
    require_scopes(caller, route.scopes)
    if route.paid:
        require_paid(caller)
    if route.role:
        require_admin(caller)


def require_scopes(caller: Caller, scopes: Iterable[str]) -> None:
    """Raise 403 unless the token has all the scopes."""
    needed = list(scopes)
    if not all(caller.has_scope(scope) for scope in needed):
        raise errors.insufficient_scope(needed)


def require_paid(caller: Caller) -> None:
    """Raise 403 for a token on the free plan."""
    if not caller.paid:
        raise errors.upgrade_required()


def require_paid_owner(world: World, caller: Caller) -> None:
    """Raise 403 if the owner of the caller's organization is on the free plan."""
    uuid = world.population.organization_ids[caller.member.organization]
    if world.organizations.by_id[uuid]["stage"] == "free":
        raise errors.upgrade_required()


def require_admin(caller: Caller) -> None:
    """Raise 403 unless the caller is an owner or admin."""
    if not caller.member.is_admin:
        raise errors.denied()


def require_own_organization(world: World, caller: Caller, uuid: str) -> None:
    """Raise 403 unless the organization is the caller's; an unknown one gets 403, too."""
    if world.population.organization_ids[caller.member.organization] != uuid:
        raise errors.denied()


def colleague(world: World, caller: Caller, uuid: str) -> Member:
    """Return a user of the caller's organization, or raise 403."""
    member = world.member(uuid)
    if member is None or member.organization != caller.member.organization:
        raise errors.not_in_organization()
    return member


def visible_member(world: World, caller: Caller, uuid: str) -> Member:
    """Return a user whose data the caller may see: themselves, or any colleague for owners and admins."""
    member = colleague(world, caller, uuid)
    if member is not caller.member:
        require_admin(caller)
    return member


def visible_event(world: World, caller: Caller, uuid: str) -> int:
    """Return the number of an event that the caller hosts; owners and admins see all of the organization."""
    number = world.event_number(uuid)
    if number is None:
        raise errors.not_found()
    member = caller.member
    own = member.number in world.hosts(number)
    if not own and not (member.is_admin and member.organization == world.organization_of(number)):
        raise errors.denied("You are not allowed to view this event")
    return number


def own_contact(world: World, caller: Caller, uuid: str) -> Contact:
    """Return one of the caller's contacts; raise 404 for anybody else's."""
    contact = world.state.contacts.get(uuid)
    if contact is None or contact.owner != caller.member.number:
        raise errors.not_found()
    return contact


def own_list(world: World, caller: Caller, uuid: str) -> ContactList:
    """Return one of the caller's contact lists or views, or raise 404."""
    contact_list = world.state.contact_lists.get(uuid)
    if contact_list is None or contact_list.owner != caller.member.number:
        raise errors.not_found()
    return contact_list


def require_group(world: World, caller: Caller, uuid: str) -> None:
    """Raise 403 unless the group belongs to the caller's organization and the caller is an owner or admin."""
    if world.group_organization(uuid) != caller.member.organization:
        raise errors.denied()
    require_admin(caller)


def event_type(world: World, caller: Caller, uuid: str) -> EventType:
    """Return an event type of the caller's organization: 404 if unknown, 403 if another organization's."""
    found = world.population.event_types_by_id.get(uuid)
    if found is None:
        raise errors.not_found()
    if found.organization != caller.member.organization:
        raise errors.denied()
    return found


def own_event_type(world: World, caller: Caller, uuid: str) -> EventType:
    """Return an event type that the caller hosts; owners and admins get any of the organization."""
    found = event_type(world, caller, uuid)
    if caller.member.number not in found.hosts:
        require_admin(caller)
    return found
