"""Who may do what: scopes, plan, role and relation are checked here and nowhere else. Pure."""

from collections.abc import Iterable

from .. import errors
from ..world.population import EventType, Member
from ..world.state import Contact, ContactList
from ..world.world import World
from .calls import Route
from .tokens import Caller


def require_route_access(caller: Caller, route: Route) -> None:
    """Refuse whoever lacks the scopes, the plan or the role that a route asks for."""
    require_scopes(caller, route.scopes)
    if route.paid:
        require_paid(caller)
    if route.role:
        require_admin(caller)


def require_scopes(caller: Caller, scopes: Iterable[str]) -> None:
    """Refuse a token that lacks one of the scopes."""
    needed = list(scopes)
    if not all(caller.has_scope(scope) for scope in needed):
        raise errors.insufficient_scope(needed)


def require_paid(caller: Caller) -> None:
    """Refuse the free plan."""
    if not caller.paid:
        raise errors.upgrade_required()


def require_paid_owner(world: World, caller: Caller) -> None:
    """Refuse an organization whose owner is on the free plan, whatever plan the caller has."""
    uuid = world.population.organization_ids[caller.member.organization]
    if world.organizations.by_id[uuid]["stage"] == "free":
        raise errors.upgrade_required()


def require_admin(caller: Caller) -> None:
    """Refuse everybody but owners and admins."""
    if not caller.member.is_admin:
        raise errors.denied()


def require_own_organization(world: World, caller: Caller, uuid: str) -> None:
    """Refuse other organizations than the caller's, unknown ones included."""
    if world.population.organization_ids[caller.member.organization] != uuid:
        raise errors.denied()


def colleague(world: World, caller: Caller, uuid: str) -> Member:
    """Give a user of the caller's organization."""
    member = world.member(uuid)
    if member is None or member.organization != caller.member.organization:
        raise errors.not_in_organization()
    return member


def visible_member(world: World, caller: Caller, uuid: str) -> Member:
    """Give a user whose things the caller may see: themselves, or any colleague for those who lead."""
    member = colleague(world, caller, uuid)
    if member is not caller.member:
        require_admin(caller)
    return member


def visible_event(world: World, caller: Caller, uuid: str) -> int:
    """Give the number of an event of the caller's, or of the organization's for those who lead."""
    number = world.event_number(uuid)
    if number is None:
        raise errors.not_found()
    member = caller.member
    own = member.number in world.hosts(number)
    if not own and not (member.is_admin and member.organization == world.organization_of(number)):
        raise errors.denied("You are not allowed to view this event")
    return number


def own_contact(world: World, caller: Caller, uuid: str) -> Contact:
    """Give a contact of the caller's; those of others are not there for them."""
    contact = world.state.contacts.get(uuid)
    if contact is None or contact.owner != caller.member.number:
        raise errors.not_found()
    return contact


def own_list(world: World, caller: Caller, uuid: str) -> ContactList:
    """Give a list or view of the caller's."""
    contact_list = world.state.contact_lists.get(uuid)
    if contact_list is None or contact_list.owner != caller.member.number:
        raise errors.not_found()
    return contact_list


def require_group(world: World, caller: Caller, uuid: str) -> None:
    """Refuse groups of other organizations, and those who do not lead."""
    if world.group_organization(uuid) != caller.member.organization:
        raise errors.denied()
    require_admin(caller)


def event_type(world: World, caller: Caller, uuid: str) -> EventType:
    """Give an event type of the caller's organization."""
    found = world.population.event_types_by_id.get(uuid)
    if found is None:
        raise errors.not_found()
    if found.organization != caller.member.organization:
        raise errors.denied()
    return found


def own_event_type(world: World, caller: Caller, uuid: str) -> EventType:
    """Give an event type that the caller hosts, or any of the organization for those who lead."""
    found = event_type(world, caller, uuid)
    if caller.member.number not in found.hosts:
        require_admin(caller)
    return found
