"""How a connection signs its requests: an authenticator for each kind of credential."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from ..contract import CredentialStore
from ..http.api_errors import CredentialLocation
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


def open_authenticator(
    credential: Mapping[str, str], location: CredentialLocation, timing: Timing, store: CredentialStore | None
) -> Authenticator:
    """Return the authenticator of a credential, which is in the `store` if it is a stored one.

    Raises InvalidCredential for a token that can't be sent.
    """
    if credential["kind"] != "oauth":
        return read_token(credential.get("token"), location.place)
    from .oauth.server import server_for
    from .oauth.tokens import RefreshingOAuthToken, StaticOAuthToken

    if store is None:
        return StaticOAuthToken(credential, location, timing)
    return RefreshingOAuthToken(store, location, server_for(credential, timing), timing)
