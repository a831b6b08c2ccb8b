"""Keeps a stored sign-in usable: renews its tokens one at a time, whatever threads and processes share it.

A refresh token is good for one use, and losing its reply costs a new consent. So the pair is changed
under the vault's lock for its name, and is in the vault before anybody uses it.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from shlex import quote
from threading import Lock
from typing import Final, Protocol

from ...errors import NoAnswer, SignInRequired
from ...support.clock import Timing
from .. import token_info
from ..token_info import Holding
from . import grant
from .grant import Grant
from .server import AuthorizationServer, RefusedGrant

ENDED: Final = "signed_out"
"""The field that says why a stored sign-in is over, so that nobody asks the server about it again."""

_PATIENCE_S: Final = 300.0  # longer than whoever is before us can take: two calls, each after a wait


class Store(Protocol):
    """Where one credential is kept: the vault, under the credential's name."""

    def get(self, name: str) -> Mapping[str, str]: ...
    def put(self, name: str, credential: Mapping[str, str]) -> None: ...
    def lock(self, name: str, *, timeout_s: float = ...) -> AbstractContextManager[None]: ...


class Renewal:
    """The access token of a stored credential, always one that can be used."""

    mended: tuple[str, ...] = ()

    def __init__(self, store: Store, name: str, server: AuthorizationServer, timing: Timing) -> None:
        self._store = store
        self._name = name
        self._server = server
        self._timing = timing
        self._held: Grant | None = None
        self._one_at_a_time = Lock()

    def authorization(self, refused: str | None = None) -> str:
        """Give the Authorization header's value; never the one that was `refused`. Raises SignInRequired."""
        return self.grant(refused).header

    def grant(self, refused: str | None = None) -> Grant:
        """Give the pair that can be used, renewed where it has to be."""
        held = self._held
        if held is not None and self._good(held, refused):
            return held
        with self._one_at_a_time:
            held = self._held
            if held is None or not self._good(held, refused):
                self._held = None
                held = self._held = self._renewed(refused)
            return held

    def holding(self) -> Holding:
        """Say what is held. Raises SignInRequired."""
        return token_info.ask(self._server, self.grant())

    def granted(self) -> frozenset[str] | None:
        """Return the scopes of the stored sign-in, whose tokens are used from now on: it may be a new one."""
        stored = self._store.get(self._name)
        with self._one_at_a_time:
            if self._held and self._held.access_token != stored.get("access_token"):
                self._held = None
        return frozenset(stored.get("scope", "").split()) or None

    def _renewed(self, refused: str | None) -> Grant:
        """Take what is stored, renewed by us if nobody else has done it."""
        with self._store.lock(self._name, timeout_s=_PATIENCE_S):
            credential = dict(self._store.get(self._name))
            held = grant.from_credential(credential)
            if held is None:
                raise required(self._name, credential.get(ENDED, "never"))
            if self._good(held, refused):
                return held
            try:
                fresh = self._ask_server(held)
            except RefusedGrant:
                # Both tokens refused before the access token's time is up: access was taken back.
                why = "revoked" if held.usable(self._timing.clock()) else "used"
                self._store.put(self._name, ended(credential, why))
                raise required(self._name, why) from None
            self._store.put(self._name, credential | fresh.fields())
            return fresh

    def _ask_server(self, held: Grant) -> Grant:
        try:
            return self._server.renew(held)
        except NoAnswer as error:
            if not error.may_have_happened:
                raise
            # Either it did not arrive, or the pair is lost already: asking once more finds out which.
            return self._server.renew(held)

    def _good(self, held: Grant, refused: str | None) -> bool:
        return held.usable(self._timing.clock()) and held.header != refused


def signed_in(credential: Mapping[str, str], held: Grant) -> dict[str, str]:
    """Give a credential with the tokens of a new sign-in."""
    return {name: value for name, value in credential.items() if name != ENDED} | held.fields()


def ended(credential: Mapping[str, str], why: str) -> dict[str, str]:
    """Give a credential without its tokens."""
    tokens = {"access_token", "refresh_token", "expires_at"}
    return {name: value for name, value in credential.items() if name not in tokens} | {ENDED: why}


def required(name: str, why: str) -> SignInRequired:
    """Say that a person has to sign in."""
    messages = {
        "never": f"Nobody has signed in with the credential {name!r} yet.",
        "revoked": f"The sign-in {name!r} is over: access was taken back in Calendly.",
        "used": f"The sign-in {name!r} is over: Calendly does not take its refresh token any more. "
        "The answer to its last renewal was lost, a copy of it was renewed elsewhere, or access taken back.",
        "logout": f"The credential {name!r} was signed out.",
    }
    return SignInRequired(
        messages.get(why, messages["used"]),
        fix=f"Sign in again: calendly-connector login {quote(name)}",
        reason=why,
        credential=name,
    )
