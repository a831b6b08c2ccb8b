"""Read an app's authorization request, and build the redirect back to the app. Pure."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from ..api.tokens import covers
from .apps import App, AppRegistry
from .errors import OAuthError, invalid_request
from .forms import FormFields

DEFAULT_SCOPE = "default"
"""The scope for full access of a legacy app."""

REPEATED_FIELDS = (
    "client_id",
    "redirect_uri",
    "response_type",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
)
"""Parameters that the consent page sends back together with the user's decision."""

_S256_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True)
class AuthorizationRequest:
    """A valid authorization request.

    Attributes:
        scopes: the requested scopes; without any, the token has no rights.
        challenge: PKCE challenge, method S256; optional for a web app.
    """

    app: App
    redirect_uri: str
    state: str | None
    scopes: tuple[str, ...]
    challenge: str | None

    def granted(self, chosen: Collection[str]) -> str:
        """Return the scope of the tokens if a user grants only `chosen` scopes."""
        if self.scopes == (DEFAULT_SCOPE,):
            return DEFAULT_SCOPE
        return " ".join(scope for scope in self.scopes if scope in chosen)

    def redirect_with(self, parameters: Mapping[str, str]) -> str:
        """Return the URL that the browser is redirected to, with parameters for the app."""
        return redirect_uri_with(self.redirect_uri, parameters, self.state)


def read_client(apps: AppRegistry, fields: FormFields) -> tuple[App, str]:
    """Return app and redirect URI; OAuthError if either is invalid, which must not redirect the browser."""
    app = apps.find(fields.required("client_id"))
    if app is None:
        raise OAuthError("invalid_client", "No app is registered with this client_id.")
    redirect_uri = fields.required("redirect_uri")
    if not app.may_redirect_to(redirect_uri):
        raise invalid_request("The redirect_uri is not registered for this app.")
    return app, redirect_uri


def read_request(
    app: App, redirect_uri: str, fields: FormFields, *, needs_scope: bool
) -> AuthorizationRequest:
    """Read the rest of an authorization request; with `needs_scope`, one without scopes is an error."""
    state = fields.optional("state")
    if fields.required("response_type") != "code":
        raise OAuthError("unsupported_response_type", "The response_type must be code.")
    scopes = _scopes(app, fields)
    if needs_scope and not scopes:
        raise OAuthError("invalid_scope", "The parameter scope is missing.")
    return AuthorizationRequest(app, redirect_uri, state, scopes, _challenge(app, fields))


def redirect_uri_with(uri: str, parameters: Mapping[str, str], state: str | None) -> str:
    """Return a redirect URI with parameters and the unchanged state."""
    query = urlencode({**parameters, **({"state": state} if state is not None else {})})
    return f"{uri}{'&' if '?' in uri else '?'}{query}"


def _scopes(app: App, fields: FormFields) -> tuple[str, ...]:
    scopes = tuple(dict.fromkeys((fields.optional("scope") or "").split()))
    if app.legacy and scopes in {(), (DEFAULT_SCOPE,)}:
        return (DEFAULT_SCOPE,)
    if not all(covers(app.scopes, scope) for scope in scopes):
        raise OAuthError("invalid_scope", "A scope is unknown or not registered for this app.")
    return scopes


def _challenge(app: App, fields: FormFields) -> str | None:
    challenge, method = fields.optional("code_challenge"), fields.optional("code_challenge_method")
    if challenge is None and method is None and app.kind == "web":
        return None
    if challenge is None:
        raise invalid_request("The parameter code_challenge is missing.")
    if method != "S256":  # the default would be plain
        raise invalid_request("The code_challenge_method must be S256.")
    if not _S256_CHALLENGE.fullmatch(challenge):
        raise invalid_request("The code_challenge must be a SHA-256 digest in base64url without padding.")
    return challenge
