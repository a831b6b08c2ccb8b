"""Who may do what: scopes, plan, role and relation are checked here and nowhere else. Pure."""

from collections.abc import Iterable

from . import errors
from .population import Member
from .tokens import Caller
from .world import World


def require_scopes(caller: Caller, scopes: Iterable[str]) -> None:
    """Refuse a token that lacks one of the scopes."""
    needed = list(scopes)
    if not all(caller.holds(scope) for scope in needed):
        raise errors.insufficient_scope(needed)


def require_paid(caller: Caller) -> None:
    """Refuse the free plan."""
    if not caller.paid:
        raise errors.upgrade()


def require_lead(caller: Caller) -> None:
    """Refuse everybody but owners and admins."""
    if not caller.member.leads:
        raise errors.denied()


def require_own_organization(world: World, caller: Caller, uuid: str) -> None:
    """Refuse other organizations than the caller's, unknown ones included."""
    if world.population.organizations[caller.member.organization] != uuid:
        raise errors.denied()


def colleague(world: World, caller: Caller, uuid: str) -> Member:
    """Give a user of the caller's organization."""
    member = world.member(uuid)
    if member is None or member.organization != caller.member.organization:
        raise errors.stranger()
    return member


def reachable(world: World, caller: Caller, uuid: str) -> Member:
    """Give a user whose things the caller may see: themselves, or any colleague for those who lead."""
    member = colleague(world, caller, uuid)
    if member is not caller.member:
        require_lead(caller)
    return member


def require_group(world: World, caller: Caller, uuid: str) -> None:
    """Refuse groups of other organizations, and those who do not lead."""
    if world.group_organization(uuid) != caller.member.organization:
        raise errors.denied()
    require_lead(caller)
