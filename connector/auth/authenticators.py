"""From a credential to what a connection sends: one way for each kind, made when it is first needed."""

from collections.abc import Mapping
from shlex import quote
from typing import Protocol

from ..errors import InvalidCredential, SignInRequired
from ..http.api_errors import CredentialLocation
from ..support.clock import Timing
from .personal_access_token import PersonalAccessToken, read_token
from .token_info import Holding

_SIGN_IN = "Sign in with `calendly-connector login NAME`, and pass that name (kind: stored)."


class Access(Protocol):
    """How a connection signs in. `mended` is what was mended in what it was given."""

    @property
    def mended(self) -> tuple[str, ...]:
        """What was mended in the credential."""

    def authorization(self, refused: str | None = None) -> str:
        """Give the Authorization header's value, another than the `refused` one where there is another."""

    def holding(self) -> Holding | None:
        """Say what is held, where that can be known. Raises SignInRequired."""

    def granted(self) -> frozenset[str] | None:
        """Return the scopes that were granted, as far as is known without asking anybody."""


class TokenAccess:
    """A personal access token: always the same."""

    def __init__(self, token: PersonalAccessToken) -> None:
        self._token = token
        self.mended = token.mended

    def authorization(self, refused: str | None = None) -> str:  # noqa: ARG002 - there is no other
        """Give the header's value."""
        return self._token.authorization

    def holding(self) -> None:
        """Say nothing: the scopes of a personal access token cannot be read."""

    def granted(self) -> None:
        """Say nothing, either."""


class PassingAccess:
    """The access token of an OAuth credential that is not stored: nobody may renew it, so it ends."""

    mended: tuple[str, ...] = ()

    def __init__(self, credential: Mapping[str, str], timing: Timing) -> None:
        if not credential.get("access_token"):
            raise InvalidCredential(
                "The OAuth credential holds no access token.", fix=_SIGN_IN, outcome="missing_token"
            )
        self._header = f"Bearer {read_token(credential['access_token']).value}"
        self._credential = credential
        self._timing = timing
        try:
            self._expires_at = float(credential.get("expires_at") or "inf")
        except ValueError:
            raise InvalidCredential("The credential's expires_at is no number of seconds.") from None

    def authorization(self, refused: str | None = None) -> str:
        """Give the header's value until it is refused or its time is up. Raises SignInRequired."""
        if refused is None and self._timing.clock() < self._expires_at:
            return self._header
        raise SignInRequired(
            "The OAuth credential is used up. One that is not stored cannot be renewed: that changes it.",
            fix=_SIGN_IN,
            reason="not_stored",
        )

    def holding(self) -> Holding | None:
        """Say what is held, where the refresh token is there too."""
        from . import token_info
        from .oauth import grant
        from .oauth.server import of_app

        held = grant.from_credential(self._credential)
        return None if held is None else token_info.ask(of_app(self._credential, self._timing), held)

    def granted(self) -> frozenset[str] | None:
        """Return the scopes that the credential says it was granted."""
        return frozenset(self._credential.get("scope", "").split()) or None


def credential_location(
    credential: Mapping[str, str], name: str, source: str, *, is_for_calendly: bool
) -> CredentialLocation:
    """Return where a credential is stored: in the vault under `name`, else in `source`.

    A sandbox's tokens (not `is_for_calendly`) may have any form.
    """
    is_oauth = credential["kind"] == "oauth"
    token = credential.get("token", "")
    if name:
        source = f"the stored credential {name!r} (calendly-connector vault add {quote(name)} --replace)"
    where = {"place": source} if source else {}
    unfamiliar = is_for_calendly and "eyJ" not in token
    return CredentialLocation(**where, oauth=is_oauth, name=name, unfamiliar=unfamiliar)


def open_access(credential: Mapping[str, str], name: str, timing: Timing, place: str) -> Access:
    """Give the access of a credential: `name` is the one in the vault, if any, `place` where it is kept."""
    if credential["kind"] != "oauth":
        return TokenAccess(read_token(credential.get("token"), place))
    if not name:
        return PassingAccess(credential, timing)
    from .oauth.renewal import Renewal
    from .oauth.server import of_app
    from .vault import open_vault

    return Renewal(open_vault(), name, of_app(credential, timing), timing)
