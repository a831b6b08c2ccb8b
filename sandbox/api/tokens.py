"""The bearer tokens of the sandbox and their rights; they are valid nowhere else. Pure."""

import math
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from ..world.population import Member
from ..world.world import World


def covers(scopes: Collection[str], scope: str) -> bool:
    """Check whether scopes include a scope; write access includes read access."""
    family, _, right = scope.partition(":")
    return scope in scopes or (right == "read" and f"{family}:write" in scopes)


class OAuthClient(NamedTuple):
    """The OAuth app that a token was issued to, and the key that signs its webhooks."""

    client_id: str
    webhook_key: str


@dataclass(frozen=True)
class Caller:
    """The user behind a token. `expires_at` is in Unix seconds; `client` is None for a personal token."""

    token: str
    member: Member
    scopes: frozenset[str]
    paid: bool
    client: OAuthClient | None = None
    expires_at: float = math.inf

    @property
    def rate_limit_key(self) -> object:
        """The key for counting requests: a personal token, or the app and user of an OAuth token."""
        return (self.client.client_id, self.member.uuid) if self.client else self.token

    def has_scope(self, scope: str) -> bool:
        """Check whether the token covers a scope."""
        return covers(self.scopes, scope)


class BearerTokens:
    """All tokens of a sandbox. `scopes` are all scopes that exist; most tokens have them."""

    def __init__(self, world: World, clock: Callable[[], float], scopes: Collection[str]) -> None:
        members = world.population.members
        owner, admin, user, small_owner = members[0], members[1], members[2], members[-1]
        self._world = world
        self._clock = clock
        self._callers: dict[str, Caller] = {}
        self.mint("sandbox-owner", owner, scopes)
        self.mint("sandbox-admin", admin, scopes)
        self.mint("sandbox-member", user, scopes)
        self.mint("sandbox-no-scopes", owner, ())
        self.mint("sandbox-events-only", owner, ["scheduled_events:read"])
        self.mint("sandbox-users-only", owner, ["users:read"])
        self.mint("sandbox-free", small_owner, scopes, paid=False)

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
        """Create a token, or replace it with one that has other rights."""
        caller = self._callers[token] = Caller(token, member, frozenset(scopes), paid, client, expires_at)
        return caller

    def drop(self, token: str) -> None:
        """Delete a token if it exists."""
        self._callers.pop(token, None)

    def caller(self, authorization: str | None) -> Caller | None:
        """Return the caller of an Authorization header; None if invalid, expired or the user has left."""
        scheme, _, token = (authorization or "").partition(" ")
        caller = self._callers.get(token.strip()) if scheme.lower() == "bearer" else None
        if caller is None or self._clock() >= caller.expires_at:
            return None
        return caller if self._world.member(caller.member.uuid) else None

    def all(self) -> list[Caller]:
        """Return all callers whose tokens haven't expired."""
        return [caller for caller in self._callers.values() if self._clock() < caller.expires_at]
