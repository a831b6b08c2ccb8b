"""What an app asks a user for, read from the query that brings the user here, and the way back. Pure."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from ..api.tokens import covers
from .apps import App, AppRegistry
from .errors import OAuthError, invalid_request
from .forms import FormFields

DEFAULT_SCOPE = "default"
"""How a legacy app's full access is called."""

REPEATED_FIELDS = (
    "client_id",
    "redirect_uri",
    "response_type",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
)
"""What the page has to send back, so that the decision is about what was asked."""

_S256_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True)
class AuthorizationRequest:
    """An authorization request that was found good.

    Attributes:
        scopes: those asked for; none gives a token that may do nothing.
        challenge: of PKCE, method S256; a web app may leave it out.
    """

    app: App
    redirect_uri: str
    state: str | None
    scopes: tuple[str, ...]
    challenge: str | None

    def granted(self, chosen: Collection[str]) -> str:
        """Give the scope of the tokens when a user grants some of what is asked for."""
        if self.scopes == (DEFAULT_SCOPE,):
            return DEFAULT_SCOPE
        return " ".join(scope for scope in self.scopes if scope in chosen)

    def redirect_with(self, answer: Mapping[str, str]) -> str:
        """Give where the user is sent with an answer."""
        return redirect_uri_with(self.redirect_uri, answer, self.state)


def read_client(apps: AppRegistry, fields: FormFields) -> tuple[App, str]:
    """Give who asks and where answers go; without that, nobody may be redirected anywhere."""
    app = apps.find(fields.required("client_id"))
    if app is None:
        raise OAuthError("invalid_client", "No app is registered under this client_id.")
    redirect_uri = fields.required("redirect_uri")
    if not app.may_redirect_to(redirect_uri):
        raise invalid_request("The redirect_uri is none of those that are registered for this app.")
    return app, redirect_uri


def read_request(
    app: App, redirect_uri: str, fields: FormFields, *, needs_scope: bool
) -> AuthorizationRequest:
    """Read the rest of an authorization request; `needs_scope` refuses one that asks for none."""
    state = fields.optional("state")
    if fields.required("response_type") != "code":
        raise OAuthError("unsupported_response_type", "The response_type must be code.")
    scopes = _scopes(app, fields)
    if needs_scope and not scopes:
        raise OAuthError("invalid_scope", "The request asks for no scope: add the parameter scope.")
    return AuthorizationRequest(app, redirect_uri, state, scopes, _challenge(app, fields))


def redirect_uri_with(uri: str, answer: Mapping[str, str], state: str | None) -> str:
    """Give a redirect URI with an answer, and the state just as it came."""
    query = urlencode({**answer, **({"state": state} if state is not None else {})})
    return f"{uri}{'&' if '?' in uri else '?'}{query}"


def _scopes(app: App, fields: FormFields) -> tuple[str, ...]:
    scopes = tuple(dict.fromkeys((fields.optional("scope") or "").split()))
    if app.legacy and scopes in {(), (DEFAULT_SCOPE,)}:
        return (DEFAULT_SCOPE,)
    if not all(covers(app.scopes, scope) for scope in scopes):
        raise OAuthError("invalid_scope", "A scope is unknown, or not registered for this app.")
    return scopes


def _challenge(app: App, fields: FormFields) -> str | None:
    challenge, method = fields.optional("code_challenge"), fields.optional("code_challenge_method")
    if challenge is None and method is None and app.kind == "web":
        return None
    if challenge is None:
        raise invalid_request("The parameter code_challenge is missing.")
    if method != "S256":  # left out, it would mean plain
        raise invalid_request("The code_challenge_method must be S256.")
    if not _S256_CHALLENGE.fullmatch(challenge):
        raise invalid_request("The code_challenge is no SHA-256 digest in base64url without padding.")
    return challenge
