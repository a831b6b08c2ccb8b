"""The bearer tokens that open the sandbox, and what each may do. Pure; they open nothing else."""

import math
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from ..world.population import Member
from ..world.world import World

_READ_AND_WRITE = (
    "availability",
    "contacts",
    "event_types",
    "meeting_recaps",
    "organizations",
    "scheduled_events",
    "shares",
    "webhooks",
)
_READ = ("activity_log", "groups", "locations", "outgoing_communications", "routing_forms", "users")
_WRITE = ("data_compliance", "scheduling_links")

SCOPES = frozenset(
    [f"{family}:read" for family in (*_READ_AND_WRITE, *_READ)]
    + [f"{family}:write" for family in (*_READ_AND_WRITE, *_WRITE)]
)


def covers(scopes: Collection[str], scope: str) -> bool:
    """Whether scopes include another: writing includes reading."""
    family, _, right = scope.partition(":")
    return scope in scopes or (right == "read" and f"{family}:write" in scopes)


class OAuthClient(NamedTuple):
    """The OAuth app a token was issued to, and the key that signs its webhooks."""

    client_id: str
    webhook_key: str


@dataclass(frozen=True)
class Caller:
    """Who a token speaks for, until when (unix seconds); `client` is None for a personal token."""

    token: str
    member: Member
    scopes: frozenset[str]
    paid: bool
    client: OAuthClient | None = None
    expires_at: float = math.inf

    @property
    def rate_limit_key(self) -> object:
        """What requests are counted by: a personal token, or an app and a user whatever the token."""
        return (self.client.client_id, self.member.uuid) if self.client else self.token

    def has_scope(self, scope: str) -> bool:
        """Whether the token covers a scope."""
        return covers(self.scopes, scope)


class BearerTokens:
    """All tokens of a sandbox."""

    def __init__(self, world: World, clock: Callable[[], float]) -> None:
        members = world.population.members
        owner, admin, plain, small_owner = members[0], members[1], members[2], members[-1]
        self._world = world
        self._clock = clock
        self._callers: dict[str, Caller] = {}
        self.mint("sandbox-owner", owner, SCOPES)
        self.mint("sandbox-admin", admin, SCOPES)
        self.mint("sandbox-member", plain, SCOPES)
        self.mint("sandbox-no-scopes", owner, ())
        self.mint("sandbox-events-only", owner, ["scheduled_events:read"])
        self.mint("sandbox-users-only", owner, ["users:read"])
        self.mint("sandbox-free", small_owner, SCOPES, paid=False)

    def mint(
        self,
        token: str,
        member: Member,
        scopes: Iterable[str],
        *,
        paid: bool = True,
        client: OAuthClient | None = None,
        expires_at: float = math.inf,
    ) -> Caller:
        """Make a token, or make it anew with other rights."""
        caller = self._callers[token] = Caller(token, member, frozenset(scopes), paid, client, expires_at)
        return caller

    def drop(self, token: str) -> None:
        """Take a token away, if it is there."""
        self._callers.pop(token, None)

    def caller(self, authorization: str | None) -> Caller | None:
        """Give whom an Authorization header speaks for; None for nobody, for who has left, and too late."""
        scheme, _, token = (authorization or "").partition(" ")
        caller = self._callers.get(token.strip()) if scheme.lower() == "bearer" else None
        if caller is None or self._clock() >= caller.expires_at:
            return None
        return caller if self._world.member(caller.member.uuid) else None

    def all(self) -> list[Caller]:
        """Give every caller whose token has not expired."""
        return [caller for caller in self._callers.values() if self._clock() < caller.expires_at]
