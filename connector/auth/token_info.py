"""What a sign-in holds: its scopes, its end, its owner. A personal access token cannot be asked for these."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import ConnectorError

if TYPE_CHECKING:
    from .oauth.grant import Grant
    from .oauth.server import AuthorizationServer


@dataclass(frozen=True, slots=True)
class Holding:
    """`scopes` is None where they are not known, `expires_at` in unix seconds; `note` says what is unsure."""

    scopes: frozenset[str] | None
    expires_at: float
    owner: str
    organization: str
    note: str = ""


def ask(server: "AuthorizationServer", held: "Grant") -> Holding:
    """Ask the server what an access token is; where it does not say, take what it said at the sign-in."""
    told = frozenset(held.scope.split()) if held.scope else None
    try:
        document = server.introspect(held.access_token)
    except ConnectorError as error:
        note = f"scopes are those told at the sign-in, since introspection failed: {error.message}"
        return Holding(told, held.expires_at, held.owner, held.organization, note)
    scope = document.get("scope")
    if document.get("active") is not True or not isinstance(scope, str):
        note = "scopes are those told at the sign-in, since introspection does not know the token"
        return Holding(told, held.expires_at, held.owner, held.organization, note)
    owner, organization = (str(document.get(name) or "") for name in ("owner", "organization"))
    return Holding(
        frozenset(scope.split()), held.expires_at, owner or held.owner, organization or held.organization
    )
