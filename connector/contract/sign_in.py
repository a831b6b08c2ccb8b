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
    `SignInRequest(**kept)`, also by way of JSON. It is valid for 10 minutes from `begun_at` (unix seconds),
    and only for the person who began it. `verifier` is a secret of the host: keep it on the server, and out
    of pages, cookies and logs.
    """

    url: str = field(repr=False)
    redirect_uri: str
    scopes: tuple[str, ...]
    begun_at: float
    state: str = field(repr=False)
    verifier: str = field(repr=False)


class OAuth(Protocol):
    """The sign-in for one kind of credential. `credential` holds the fields of that kind's form.

    `exchange`, `refresh` and `revoke` use the network. They raise SignInFailed with a `reason` and a `fix`,
    or the error of a call that failed.
    """

    def required_scopes(self, uses: Iterable[str]) -> tuple[str, ...]:
        """Return the fewest scopes that these actions and triggers need, and that identify the person.

        The app must be allowed to request them. Raises UnknownAction.
        """

    def authorize(
        self,
        credential: Mapping[str, str],
        *,
        uses: Iterable[str] = (),
        scopes: Iterable[str] = (),
        redirect_uri: str = "",
    ) -> SignInRequest:
        """Begin a sign-in, with a state and PKCE.

        It asks for the required scopes of the actions and triggers in `uses`, and for `scopes`.
        `redirect_uri` is needed if the credential has none.
        """

    def exchange(
        self, credential: Mapping[str, str], request: SignInRequest, redirected_to: str
    ) -> dict[str, str]:
        """Return the credential with the tokens for the code in the URL that the person was sent back to.

        If the person didn't grant all of `request.scopes`, the tokens are revoked, and SignInFailed with the
        reason "scope" names those that are missing. To accept fewer, pass a request with fewer.
        """

    def refresh(self, credential: Mapping[str, str]) -> dict[str, str]:
        """Return the credential with new tokens. Raises SignInRequired if the person has to sign in again.

        A connection with a stored credential does this by itself. The old tokens no longer work, so store
        the new ones before you use them, and let only one process refresh a credential at a time.
        """

    def revoke(self, credential: Mapping[str, str]) -> dict[str, str]:
        """Revoke the tokens; return the credential without them."""


class CredentialStore(Protocol):
    """Where a host keeps credentials by name, for `connect(…, store=…)`. The vault is one.

    `get` raises UnknownCredential for an unknown name. `put` adds or replaces. `lock` is held by one thread
    of one process at a time, and ends with the process; after `timeout_s` it raises TimeoutError. A
    connection holds it while it refreshes tokens, and calls `get` and `put` meanwhile.
    """

    def get(self, name: str) -> dict[str, str]: ...
    def put(self, name: str, credential: Mapping[str, str]) -> None: ...
    def lock(self, name: str, *, timeout_s: float = 60.0) -> AbstractContextManager[None]: ...
