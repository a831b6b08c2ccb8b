"""How a connection signs its requests: an authenticator for each kind of credential."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from ..support.clock import Timing
from .personal_access_token import read_token

if TYPE_CHECKING:
    from .oauth.grant import TokenInfo


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
