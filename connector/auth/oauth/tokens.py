"""Authenticators for OAuth: a stored sign-in, which is refreshed, and a passed access token, which isn't.

A refresh token works once, and losing the reply costs a new consent. So the pair is refreshed under the
store's lock for its name, by one thread of one process, and is stored before it is used.

See docs/decisions/refresh-under-a-lock.md.
"""

from collections.abc import Mapping
from threading import Lock
from typing import Final

from ...contract import CredentialStore
from ...errors import InvalidCredential, NoAnswer, SignInRequired
from ...http.api_errors import CredentialLocation
from ...support.clock import Timing
from ..personal_access_token import read_token
from . import grant
from .grant import Grant, TokenInfo
from .server import AuthorizationServer, InvalidGrant, server_for

_LOCK_TIMEOUT_S: Final = 300.0  # longer than another process can take: two calls, each after a wait
_SIGN_IN: Final = "Sign in with `calendly-connector login NAME`, and pass that name (kind: stored)."
SIGNED_OUT: Final = "signed_out"  # the field that says why a stored sign-in ended


class StaticOAuthToken:
    """The access token of an OAuth credential that isn't stored. It isn't refreshed, so it expires."""

    normalizations: tuple[str, ...] = ()

    def __init__(self, credential: Mapping[str, str], location: CredentialLocation, timing: Timing) -> None:
        self._fix = location.replace_advice() if location.in_host else _SIGN_IN
        if not credential.get("access_token"):
            raise InvalidCredential(
                "The OAuth credential has no access token.", fix=self._fix, outcome="missing_token"
            )
        self._header = read_token(credential["access_token"]).authorization()
        self._credential = credential
        self._timing = timing
        try:
            self._expires_at = float(credential.get("expires_at") or "inf")
        except ValueError:
            raise InvalidCredential("The credential's expires_at is not a number of seconds.") from None

    def authorization(self, refused: str | None = None) -> str:
        """Return the Authorization header's value until it expires or is refused. Raises SignInRequired."""
        if refused is None and self._timing.clock() < self._expires_at:
            return self._header
        raise SignInRequired(
            "The access token has expired or was revoked. A credential that isn't stored can't be refreshed.",
            fix=self._fix,
            reason="not_stored",
        )

    def token_info(self) -> TokenInfo | None:
        """Introspect the access token; None without a refresh token."""
        current = grant.from_credential(self._credential)
        return None if current is None else server_for(self._credential, self._timing).token_info(current)

    def granted_scopes(self) -> frozenset[str] | None:
        """Return the scopes that the credential says were granted."""
        return frozenset(self._credential.get("scope", "").split()) or None


class RefreshingOAuthToken:
    """The access token of a stored sign-in, refreshed before it expires or when Calendly refuses it."""

    normalizations: tuple[str, ...] = ()

    def __init__(
        self,
        store: CredentialStore,
        location: CredentialLocation,
        server: AuthorizationServer,
        timing: Timing,
    ) -> None:
        self._store = store
        self._location = location
        self._name = location.name
        self._server = server
        self._timing = timing
        self._current: Grant | None = None
        self._lock = Lock()

    def authorization(self, refused: str | None = None) -> str:
        """Return the Authorization header's value, never the `refused` one. Raises SignInRequired."""
        return self._usable(refused).header

    def token_info(self) -> TokenInfo:
        """Introspect the access token. Raises SignInRequired."""
        return self._server.token_info(self._usable())

    def granted_scopes(self) -> frozenset[str] | None:
        """Return the scopes of the stored sign-in, and use its tokens from now on if it is a new one."""
        stored = self._store.get(self._name)
        with self._lock:
            if self._current and self._current.access_token != stored.get("access_token"):
                self._current = None
        return frozenset(stored.get("scope", "").split()) or None

    def _usable(self, refused: str | None = None) -> Grant:
        current = self._current
        if current is not None and self._is_usable(current, refused):
            return current
        with self._lock:
            current = self._current
            if current is None or not self._is_usable(current, refused):
                self._current = None
                current = self._current = self._refreshed(refused)
            return current

    def _is_usable(self, current: Grant, refused: str | None) -> bool:
        return current.usable(self._timing.clock()) and current.header != refused

    def _refreshed(self, refused: str | None) -> Grant:
        """Return the stored pair, refreshed unless another process has done it."""
        with self._store.lock(self._name, timeout_s=_LOCK_TIMEOUT_S):
            credential = self._store.get(self._name)
            current = grant.from_credential(credential)
            if current is None:
                raise sign_in_required(credential.get(SIGNED_OUT, "never"), self._location)
            if self._is_usable(current, refused):
                return current
            try:
                fresh = refresh(self._server, current)
            except InvalidGrant:
                # If Calendly refuses both tokens before the access token expires, access was revoked.
                reason = "revoked" if current.usable(self._timing.clock()) else "used"
                self._store.put(self._name, signed_out(credential, reason))
                raise sign_in_required(reason, self._location) from None
            self._store.put(self._name, signed_in(credential, fresh))
            return fresh


def refresh(server: AuthorizationServer, current: Grant) -> Grant:
    """Return a new pair of tokens. Raises InvalidGrant."""
    try:
        return server.refresh(current)
    except NoAnswer as error:
        if not error.may_have_happened:
            raise
        # Either the request did not arrive, or the new pair is lost: a second request shows which.
        return server.refresh(current)


def signed_in(credential: Mapping[str, str], current: Grant) -> dict[str, str]:
    """Return a credential with the tokens of a new sign-in."""
    return {name: value for name, value in credential.items() if name != SIGNED_OUT} | current.fields()


def signed_out(credential: Mapping[str, str], reason: str) -> dict[str, str]:
    """Return a credential without its tokens, and with the reason why."""
    tokens = {"access_token", "refresh_token", "expires_at"}
    return {name: value for name, value in credential.items() if name not in tokens} | {SIGNED_OUT: reason}


def sign_in_required(reason: str, location: CredentialLocation) -> SignInRequired:
    """Return the error for a sign-in that has ended, or that never happened."""
    name = f" {location.name!r}" if location.name else ""
    messages = {
        "never": f"The credential{name} isn't signed in yet.",
        "revoked": f"The sign-in{name} has ended: access was revoked in Calendly.",
        "used": f"The sign-in{name} has ended: Calendly no longer accepts its refresh token. "
        "The reply to the last refresh was lost, a copy was refreshed elsewhere, or access was revoked.",
        "logout": f"The credential{name} is signed out.",
    }
    return SignInRequired(
        messages.get(reason, messages["used"]),
        fix=location.replace_advice(),
        reason=reason,
        credential=location.name,
    )
