"""Issue, refresh, revoke and introspect OAuth codes and tokens. Pure, except for the clock."""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..api.tokens import BearerTokens, OAuthClient
from ..operations.routes import SCOPES
from ..world.population import LARGE, Member
from ..world.world import World
from .apps import App
from .authorization_request import DEFAULT_SCOPE, AuthorizationRequest
from .errors import invalid_grant, invalid_request

CODE_LIFETIME_S = 600
ACCESS_TOKEN_LIFETIME_S = 7200

_SECRET_BYTES = 32
_ACCESS_BYTES = 160  # in hex about as long as Calendly's JWTs


@dataclass(eq=False)
class AppGrant:
    """Access that a user granted to an app, with all tokens issued for it."""

    app: App
    member: Member
    pairs: list["TokenPair"] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class TokenPair:
    """An access token and the refresh token issued with it; `created_at` is in Unix seconds."""

    grant: AppGrant
    access_token: str
    refresh_token: str
    scope: str
    created_at: int

    @property
    def expires_at(self) -> int:
        """When the access token expires; the refresh token doesn't."""
        return self.created_at + ACCESS_TOKEN_LIFETIME_S

    def response_body(self) -> dict[str, Any]:
        """Return the body of the token response."""
        return {
            "token_type": "Bearer",
            "access_token": self.access_token,
            "refresh_token": self.refresh_token,
            "scope": self.scope,
            "created_at": self.created_at,
            "expires_in": ACCESS_TOKEN_LIFETIME_S,
            **_owner(self.grant.member),
        }

    def introspection(self) -> dict[str, Any]:
        """Return the body of the introspection response for an active token."""
        return {
            "active": True,
            "scope": self.scope,
            "client_id": self.grant.app.client_id,
            "token_type": "Bearer",
            "exp": self.expires_at,
            "iat": self.created_at,
            **_owner(self.grant.member),
        }


@dataclass(eq=False)
class AuthorizationCode:
    """An authorization code; `grant` is set once it was used."""

    request: AuthorizationRequest
    member: Member
    scope: str
    expires_at: float
    grant: AppGrant | None = None


class OAuthTokenStore:
    """All issued codes and tokens; `make_secret` returns a random secret of a size in bytes."""

    def __init__(
        self,
        world: World,
        tokens: BearerTokens,
        clock: Callable[[], float],
        make_secret: Callable[[int], str],
    ) -> None:
        self._world = world
        self._tokens = tokens
        self._clock = clock
        self._make_secret = make_secret
        self._codes: dict[str, AuthorizationCode] = {}
        self._grants: list[AppGrant] = []
        self._by_access: dict[str, TokenPair] = {}
        self._by_refresh: dict[str, TokenPair] = {}

    # Codes

    def issue_code(self, request: AuthorizationRequest, member: Member, scope: str) -> str:
        """Issue a code for the scope that a user granted."""
        value = self._make_secret(_SECRET_BYTES)
        self._codes[value] = AuthorizationCode(request, member, scope, self._clock() + CODE_LIFETIME_S)
        return value

    def valid_code(self, app: App, value: str, redirect_uri: str, verifier: str | None) -> AuthorizationCode:
        """Return an app's unused code; a reused code revokes its grant and raises `invalid_grant`."""
        code = self._codes.get(value)
        if code is None or code.request.app is not app:
            raise invalid_grant()
        if code.grant is not None:
            self._revoke_grant(code.grant)
            raise invalid_grant()
        if self._clock() >= code.expires_at or redirect_uri != code.request.redirect_uri:
            raise invalid_grant()
        if code.request.challenge is not None and verifier is None:
            raise invalid_request("The parameter code_verifier is missing.")
        if code.request.challenge != (verifier and _s256(verifier)):
            raise invalid_grant()
        self._require_member(code.member)
        return code

    def redeem(self, code: AuthorizationCode) -> TokenPair:
        """Exchange a valid code for tokens."""
        code.grant = AppGrant(code.request.app, code.member)
        self._grants.append(code.grant)
        return self._issue(code.grant, code.scope)

    def expire_codes(self) -> int:
        """Expire all unused codes and return how many there were."""
        now = self._clock()
        unused = [code for code in self._codes.values() if code.grant is None and code.expires_at > now]
        for code in unused:
            code.expires_at = now
        return len(unused)

    # Tokens

    def valid_refresh(self, app: App, refresh_token: str) -> TokenPair:
        """Return the token pair of an app's unused refresh token, or raise `invalid_grant`."""
        pair = self._by_refresh.get(refresh_token)
        if pair is None or pair.grant.app is not app:
            raise invalid_grant()
        self._require_member(pair.grant.member)
        return pair

    def refresh(self, pair: TokenPair) -> TokenPair:
        """Exchange a valid refresh token for a new pair; the old access token remains valid."""
        del self._by_refresh[pair.refresh_token]
        migrated = " ".join(sorted(pair.grant.app.scopes)) if pair.scope == DEFAULT_SCOPE else pair.scope
        return self._issue(pair.grant, migrated)

    def introspect(self, app: App, token: str) -> dict[str, Any]:
        """Return the introspection of a token, for the app that it was issued to."""
        pair = self._pair(app, token)
        if pair is None or self._world.member(pair.grant.member.uuid) is None:
            return {"active": False}
        if token == pair.access_token and self._clock() >= pair.expires_at:
            return {"active": False}
        return pair.introspection()

    def revoke(self, app: App, token: str) -> None:
        """Revoke an access token; a refresh token revokes its entire grant (RFC 7009, 2.1)."""
        pair = self._pair(app, token)
        if pair is None:
            return
        if token == pair.refresh_token:
            self._revoke_grant(pair.grant)
        else:
            self._drop_access(pair)

    def revoke_grants(self, app: App, member: Member | None) -> int:
        """Revoke an app's grants of one user or of all users; return how many there were."""
        revoked = [
            grant
            for grant in self._grants
            if grant.app is app and (member is None or grant.member.uuid == member.uuid)
        ]
        for grant in revoked:
            self._revoke_grant(grant)
        for code in self._codes.values():
            if code.request.app is app and (member is None or code.member.uuid == member.uuid):
                code.expires_at = min(code.expires_at, self._clock())
        return len(revoked)

    def _pair(self, app: App, token: str) -> TokenPair | None:
        pair = self._by_access.get(token) or self._by_refresh.get(token)
        return pair if pair and pair.grant.app is app else None

    def _issue(self, grant: AppGrant, scope: str) -> TokenPair:
        pair = TokenPair(
            grant,
            access_token=self._make_secret(_ACCESS_BYTES),
            refresh_token=self._make_secret(_SECRET_BYTES),
            scope=scope,
            created_at=int(self._clock()),
        )
        grant.pairs.append(pair)
        self._by_access[pair.access_token] = self._by_refresh[pair.refresh_token] = pair
        self._tokens.mint(
            pair.access_token,
            grant.member,
            SCOPES if scope == DEFAULT_SCOPE else scope.split(),
            paid=grant.member.organization == LARGE,
            client=OAuthClient(grant.app.client_id, grant.app.webhook_key),
            expires_at=pair.expires_at,
        )
        return pair

    def _revoke_grant(self, grant: AppGrant) -> None:
        for pair in grant.pairs:
            self._by_refresh.pop(pair.refresh_token, None)
            self._drop_access(pair)
        grant.pairs.clear()
        if grant in self._grants:
            self._grants.remove(grant)

    def _drop_access(self, pair: TokenPair) -> None:
        self._by_access.pop(pair.access_token, None)
        self._tokens.drop(pair.access_token)

    def _require_member(self, member: Member) -> None:
        if self._world.member(member.uuid) is None:
            raise invalid_grant()


def _owner(member: Member) -> dict[str, str]:
    return {"owner": member.user["uri"], "organization": member.user["current_organization"]}


def _s256(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode()
