"""Sign-in by OAuth in a host's own pages, and where the host keeps the tokens."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from contextlib import AbstractContextManager


@dataclass(frozen=True, slots=True)
class SignInRequest:
    """A sign-in that has begun. Send the person to `url`, and keep the rest until they return.

    It holds plain values, so a web session can keep it: `dataclasses.asdict(request)` and
    `SignInRequest(**kept)`. Keep `state` and `verifier` out of pages and logs. `begun_at` is in unix seconds.
    """

    url: str
    redirect_uri: str
    scopes: tuple[str, ...]
    begun_at: float
    state: str = field(repr=False)
    verifier: str = field(repr=False)


class OAuth(Protocol):
    """The sign-in for one kind of credential. `credential` holds the fields of that kind's form.

    All methods but `authorize` use the network, and raise SignInFailed with a `reason` and a `fix`.
    """

    def required_scopes(self, uses: Iterable[str]) -> tuple[str, ...]:
        """Return the fewest scopes that these actions and triggers need. Raises UnknownAction."""

    def authorize(
        self,
        credential: Mapping[str, str],
        *,
        uses: Iterable[str] = (),
        scopes: Iterable[str] = (),
        redirect_uri: str = "",
    ) -> SignInRequest:
        """Begin a sign-in, with a state and PKCE.

        It asks for the scopes that the actions and triggers in `uses` need, and for `scopes`. `redirect_uri`
        is needed if the credential has none.
        """

    def exchange(
        self, credential: Mapping[str, str], request: SignInRequest, redirected_to: str
    ) -> dict[str, str]:
        """Return the credential with the tokens for the code in the URL that the person was sent back to."""

    def refresh(self, credential: Mapping[str, str]) -> dict[str, str]:
        """Return the credential with new tokens.

        A connection with a stored credential does this by itself. The old tokens no longer work, so store
        the new ones before you use them, and let only one process refresh a credential at a time.
        """

    def revoke(self, credential: Mapping[str, str]) -> dict[str, str]:
        """Revoke the tokens; return the credential without them."""


class CredentialStore(Protocol):
    """Where a host keeps credentials by name, for `connect(…, store=…)`. The vault is one.

    `get` raises UnknownCredential for an unknown name. `put` adds or replaces. `lock` is held by one
    process at a time and ends with it; a connection holds it while it refreshes tokens.
    """

    def get(self, name: str) -> dict[str, str]: ...
    def put(self, name: str, credential: Mapping[str, str]) -> None: ...
    def lock(self, name: str, *, timeout_s: float = 60.0) -> AbstractContextManager[None]: ...
