"""Keeps a stored sign-in usable: renews its tokens one at a time, whatever threads and processes share it.

A refresh token is good for one use, and losing its reply costs a new consent. So the pair is changed
under the vault's lock for its name, and is in the vault before anybody uses it.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from threading import Lock
from typing import Final, Protocol

from ...errors import NoAnswer, SignInRequired
from ...timing import Timing
from . import grant
from .grant import Grant
from .server import AuthorizationServer, RefusedGrant

ENDED: Final = "signed_out"
"""The field that says why a stored sign-in is over, so that nobody asks the server about it again."""


class Store(Protocol):
    """Where one credential is kept: the vault, under the credential's name."""

    def get(self, name: str) -> Mapping[str, str]: ...
    def put(self, name: str, credential: Mapping[str, str]) -> None: ...
    def lock(self, name: str) -> AbstractContextManager[None]: ...


class Renewal:
    """The access token of a stored credential, always one that can be used."""

    def __init__(self, store: Store, name: str, server: AuthorizationServer, timing: Timing) -> None:
        self._store = store
        self._name = name
        self._server = server
        self._timing = timing
        self._held: Grant | None = None
        self._one_at_a_time = Lock()

    def authorization(self, refused: str | None = None) -> str:
        """Give the Authorization header's value; never the one that was `refused`. Raises SignInRequired."""
        held = self._held
        if not self._good(held, refused):
            with self._one_at_a_time:
                held = self._held
                if not self._good(held, refused):
                    held = self._held = self._renewed(refused)
        assert held is not None  # noqa: S101 - `_good` says so, and mypy cannot see it
        return _header(held)

    def _renewed(self, refused: str | None) -> Grant:
        """Take what is stored, renewed by us if nobody else has done it."""
        with self._store.lock(self._name):
            credential = dict(self._store.get(self._name))
            held = grant.from_credential(credential)
            if held is None:
                raise required(self._name, credential.get(ENDED, "never"))
            if self._good(held, refused):
                return held
            try:
                fresh = self._ask_server(held)
            except RefusedGrant:
                self._store.put(self._name, ended(credential, "refused"))
                raise required(self._name, "refused") from None
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

    def _good(self, held: Grant | None, refused: str | None) -> bool:
        return held is not None and held.usable(self._timing.clock()) and _header(held) != refused


def ended(credential: Mapping[str, str], why: str) -> dict[str, str]:
    """Give a credential without its tokens."""
    tokens = {"access_token", "refresh_token", "expires_at"}
    return {name: value for name, value in credential.items() if name not in tokens} | {ENDED: why}


def required(name: str, why: str) -> SignInRequired:
    """Say that a person has to sign in."""
    messages = {
        "never": f"Nobody has signed in with the credential {name!r} yet.",
        "refused": f"The sign-in {name!r} is over: Calendly does not take its refresh token any more. "
        "It was revoked, or the answer to its last renewal was lost.",
        "logout": f"The credential {name!r} was signed out.",
    }
    return SignInRequired(
        messages.get(why, messages["refused"]),
        fix=f"Sign in again: calendly-connector login {name}",
        reason=why,
        credential=name,
    )


def _header(held: Grant) -> str:
    return f"Bearer {held.access_token}"
