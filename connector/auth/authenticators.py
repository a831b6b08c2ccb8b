"""How a connection signs its requests: an authenticator for each kind of credential."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from ..errors import InvalidCredential
from ..support.clock import Timing

if TYPE_CHECKING:
    from .oauth.grant import TokenInfo

_PREFIX = re.compile(r"(?i)^(?:-H\s+)?[\"']?(?:authorization\s*[:=]\s*)?(?:bearer(?:\s+|$))?")
_LINE_BREAKS = re.compile(r"[ \t]*[\r\n][ \t\r\n]*")
_COPY_AGAIN = "Copy the whole token from Calendly again, or create a new one there."


class Authenticator(Protocol):
    """Signs the requests of a connection. `normalizations` says what was corrected in the credential."""

    @property
    def normalizations(self) -> tuple[str, ...]:
        """What was corrected, one phrase each."""

    def authorization(self, refused: str | None = None) -> str:
        """Return the Authorization header's value; a new one, if possible, after Calendly `refused` one.

        Raises SignInRequired if a person has to sign in again.
        """

    def token_info(self) -> "TokenInfo | None":
        """Return the token's scopes, owner and expiry, or None if unknown. Raises SignInRequired."""

    def granted_scopes(self) -> frozenset[str] | None:
        """Return the granted scopes without a request; None if they aren't known."""


@dataclass(frozen=True, slots=True)
class PersonalAccessToken:
    """A token that a person created in Calendly. It stays the same, and its scopes can't be read."""

    value: str = field(repr=False)
    normalizations: tuple[str, ...] = ()

    def authorization(self, refused: str | None = None) -> str:  # noqa: ARG002 - there is only this one
        """Return the Authorization header's value."""
        return f"Bearer {self.value}"

    def token_info(self) -> None:
        """Return None: Calendly doesn't describe personal access tokens."""

    def granted_scopes(self) -> None:
        """Return None: they aren't known."""


def open_authenticator(credential: Mapping[str, str], name: str, timing: Timing, place: str) -> Authenticator:
    """Return the authenticator of a credential.

    `name` is its name in the vault, empty if it isn't stored there; `place` says where it is, for errors.
    Raises InvalidCredential for a token that can't be sent.
    """
    if credential["kind"] != "oauth":
        return read_token(credential.get("token"), place)
    from .oauth.server import server_for
    from .oauth.tokens import RefreshingOAuthToken, StaticOAuthToken

    if not name:
        return StaticOAuthToken(credential, timing)
    from .vault import open_vault

    return RefreshingOAuthToken(open_vault(), name, server_for(credential, timing), timing)


def read_token(text: str | None, place: str = "the credential") -> PersonalAccessToken:
    """Read a token as people paste it: with spaces, quotes, line breaks or the whole header around it.

    `place` says where to put a missing one. Raises InvalidCredential.
    """
    given = text or ""
    normalizations: list[str] = []
    token = given.strip().strip("\"'").strip()
    if token != given:
        normalizations.append("removed spaces or quotes around the token")
    bare = _PREFIX.sub("", token).strip().strip("\"'")
    if bare != token:
        normalizations.append("removed the header name or 'Bearer' before the token")
    joined = _LINE_BREAKS.sub("", bare).strip(" \t")
    if joined != bare:
        normalizations.append("removed line breaks inside the token")
    if not joined:
        raise InvalidCredential(
            "No token found.",
            fix=f"Create one in Calendly (Integrations & apps, API and Webhooks) and put it in {place}.",
            outcome="missing_token",
        )
    if not joined.isascii() or not joined.isprintable():
        raise InvalidCredential("The token contains characters that tokens never have.", fix=_COPY_AGAIN)
    if " " in joined:
        raise InvalidCredential(
            "The token contains a space: it is incomplete, or two texts were pasted.", fix=_COPY_AGAIN
        )
    return PersonalAccessToken(joined, tuple(normalizations))
