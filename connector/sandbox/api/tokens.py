"""The bearer tokens that open the sandbox, and what each may do. Pure; they open nothing else."""

from collections.abc import Iterable
from dataclasses import dataclass

from ..world.population import Member
from ..world.world import World

_READ_AND_WRITE = (
    "availability",
    "contacts",
    "event_types",
    "meeting_recaps",
    "organizations",
    "scheduled_events",
    "webhooks",
)
_READ = ("activity_log", "groups", "locations", "outgoing_communications", "routing_forms", "users")
_WRITE = ("data_compliance", "scheduling_links", "shares")

SCOPES = frozenset(
    [f"{family}:read" for family in (*_READ_AND_WRITE, *_READ)]
    + [f"{family}:write" for family in (*_READ_AND_WRITE, *_WRITE)]
)


@dataclass(frozen=True)
class Caller:
    """Who a token speaks for."""

    token: str
    member: Member
    scopes: frozenset[str]
    paid: bool

    def holds(self, scope: str) -> bool:
        """Whether the token covers a scope: writing includes reading."""
        family, _, right = scope.partition(":")
        return scope in self.scopes or (right == "read" and f"{family}:write" in self.scopes)


class TokenBook:
    """All tokens of a sandbox."""

    def __init__(self, world: World) -> None:
        members = world.population.members
        owner, admin, plain, small_owner = members[0], members[1], members[2], members[-1]
        self._world = world
        self._callers: dict[str, Caller] = {}
        self.mint("sandbox-owner", owner, SCOPES)
        self.mint("sandbox-admin", admin, SCOPES)
        self.mint("sandbox-member", plain, SCOPES)
        self.mint("sandbox-no-scopes", owner, ())
        self.mint("sandbox-events-only", owner, ["scheduled_events:read"])
        self.mint("sandbox-users-only", owner, ["users:read"])
        self.mint("sandbox-free", small_owner, SCOPES, paid=False)

    def mint(self, token: str, member: Member, scopes: Iterable[str], *, paid: bool = True) -> Caller:
        """Make a token, or make it anew with other rights."""
        caller = self._callers[token] = Caller(token, member, frozenset(scopes), paid)
        return caller

    def caller(self, authorization: str | None) -> Caller | None:
        """Give whom an Authorization header speaks for, None for nobody and for who has left."""
        scheme, _, token = (authorization or "").partition(" ")
        caller = self._callers.get(token.strip()) if scheme.lower() == "bearer" else None
        return caller if caller and self._world.member(caller.member.uuid) else None

    def all(self) -> list[Caller]:
        """Give every caller."""
        return list(self._callers.values())
