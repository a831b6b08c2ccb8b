"""Sign in to a sandbox as an app, without a browser, and count its token requests."""

import time

import httpx
from calendly_connector.auth.oauth.server import AuthorizationServer
from calendly_connector.auth.oauth.tokens import signed_in
from calendly_connector.http import rate_limit
from calendly_connector.support.clock import Timing

NATIVE = {"kind": "oauth", "client_id": "sandbox-native", "redirect_uri": "http://127.0.0.1:49152/callback"}
WEB = {
    "kind": "oauth",
    "client_id": "sandbox-web",
    "client_secret": "sandbox-web-secret",
    "redirect_uri": "https://app.acme.example/oauth/callback",
}
SCOPES = ("organizations:read", "scheduled_events:read", "users:read")


def app_server(origin, app=NATIVE, timing=None):
    secret = app.get("client_secret", "")
    return AuthorizationServer(origin, app["client_id"], secret, timing or Timing())


def follow_redirect(request):
    """Return the URL that the consent page redirects to."""
    reply = httpx.get(request.url, trust_env=False)
    assert reply.status_code == 303, reply.text
    return reply.headers["location"]


def answer(sandbox, how, user=None):
    """Set the answer on the consent page, and the user who gives it."""
    sandbox.control("POST", "/consent", {"answer": how, **({"user": user} if user else {})})


def sign_in(sandbox, app=NATIVE, scopes=SCOPES, timing=None):
    """Return a credential with new tokens, which expire by the clock of `timing`."""
    answer(sandbox, "allow")
    clock = timing.clock if timing else time.time
    server = app_server(sandbox.url, app, Timing(clock=clock, monotonic=lambda: 0.0))
    request = server.begin(app["redirect_uri"], tuple(scopes))
    rate_limit.reset()
    return signed_in(app, server.exchange(request, follow_redirect(request)))


def token_calls(sandbox):
    """Count the requests to the token endpoint since the request log was cleared."""
    return sandbox.requests()["counts"].get("POST /oauth/token", 0)


def stale(credential):
    """Return a copy of a credential with an expired access token."""
    return {**credential, "expires_at": "0"}
