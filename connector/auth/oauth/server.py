"""Calls to the authorization server, through Authlib. The app's secret and tokens are sent to it only.

Facts: https://developer.calendly.com/docs/authentication/refresh-token-rotation-guide and its neighbours.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlsplit

from ...catalog.manifest import manifest
from ...errors import CalendlyDown, ConnectorError, NoAnswer, RateLimited, SignInFailed, UnexpectedAnswer
from ...http import protocol, rate_limit
from ...http.client import prepare_session
from ...http.debug_log import debug_log
from ...http.network_errors import network_error
from ...http.rate_limit import Permit
from ...http.request import Request
from ...support import json_documents
from ...support.clock import Timeouts, Timing
from . import consent, grant
from .grant import Grant, TokenInfo

if TYPE_CHECKING:
    import requests
    from authlib.integrations.requests_client import OAuth2Session

    from ...contract import SignInRequest

_VARIABLE: Final = "CALENDLY_AUTH_URL"
_TOKEN: Final = Request("POST", "/oauth/token")
_INTROSPECT: Final = Request("POST", "/oauth/introspect")
_REVOKE: Final = Request("POST", "/oauth/revoke")
_TIMEOUTS: Final = Timeouts()
_LIMIT_TIMEOUT_S: Final = 60.0
_DEADLINE_S: Final = 60.0
_REFUSALS: Final = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


class InvalidGrant(SignInFailed):
    """The server doesn't accept the code or refresh token: unknown, used or expired."""


def server_for(
    credential: Mapping[str, str], timing: Timing, environment: Mapping[str, str] = os.environ
) -> "AuthorizationServer":
    """Return the server for a credential's app: at CALENDLY_AUTH_URL, by default Calendly's own."""
    origin = environment.get(_VARIABLE) or manifest().auth_origin
    return AuthorizationServer(
        origin, credential.get("client_id", ""), credential.get("client_secret", ""), timing
    )


class AuthorizationServer:
    """One app at one authorization server. A native app has no secret."""

    def __init__(
        self, origin: str, client_id: str, client_secret: str = "", timing: Timing | None = None
    ) -> None:
        self._origin = protocol.check_origin(origin, _VARIABLE)
        self._client_id = client_id
        self._client_secret = client_secret
        self._timing = timing or Timing()

    def begin(self, redirect_uri: str, scopes: tuple[str, ...]) -> "SignInRequest":
        """Begin a sign-in; the person opens its `url`."""
        url = f"{self._origin}/oauth/authorize"
        return consent.begin(url, self._client_id, redirect_uri, scopes, self._timing.clock())

    def exchange(self, pending: "SignInRequest", redirect: str) -> Grant:
        """Exchange the code in the URL that the person was redirected to for tokens. Raises SignInFailed."""
        code = consent.read_redirect(pending, redirect)
        consent.check_verifier(pending)
        consent.check_age(pending, self._timing.clock())
        try:
            with self._session(_TOKEN, self._client_id) as session:
                reply = session.fetch_token(
                    self._origin + _TOKEN.path,
                    grant_type="authorization_code",
                    code=code,
                    redirect_uri=pending.redirect_uri,
                    code_verifier=pending.verifier,
                    allow_redirects=False,
                )
        except NoAnswer as error:
            if not error.may_have_happened:
                raise
            raise SignInFailed(
                "Calendly's reply was lost, and the code works only once.", fix=consent.AGAIN, reason="lost"
            ) from None
        if reply.get("scope") is None:  # then all were granted (RFC 6749, section 5.1)
            reply["scope"] = " ".join(pending.scopes)
        return grant.from_reply(reply, self._timing.clock())

    def refresh(self, tokens: Grant) -> Grant:
        """Exchange a refresh token, which works once, for a new pair. Raises InvalidGrant."""
        with self._session(_TOKEN, tokens.owner or self._client_id) as session:
            reply = session.refresh_token(
                self._origin + _TOKEN.path, refresh_token=tokens.refresh_token, allow_redirects=False
            )
        known = {"scope": tokens.scope, "owner": tokens.owner, "organization": tokens.organization}
        return grant.from_reply({**known, **reply}, self._timing.clock())

    def introspect(self, token: str) -> Mapping[str, Any]:
        """Return what the server knows about a token: `active`, `scope`, `exp` and more."""
        document = self._send(_INTROSPECT, token)
        return document if isinstance(document, dict) else {}

    def token_info(self, tokens: Grant) -> TokenInfo:
        """Return what introspection says about an access token, else what was granted at sign-in."""
        try:
            known = self.introspect(tokens.access_token)
        except ConnectorError as error:
            why = f"introspection failed: {error.message}"
        else:
            scope = known.get("scope")
            if known.get("active") is True and isinstance(scope, str):
                owner, organization = (str(known.get(name) or "") for name in ("owner", "organization"))
                return TokenInfo(
                    frozenset(scope.split()),
                    tokens.expires_at,
                    owner or tokens.owner,
                    organization or tokens.organization,
                )
            why = "introspection doesn't know the token"
        return TokenInfo(
            frozenset(tokens.scope.split()) if tokens.scope else None,
            tokens.expires_at,
            tokens.owner,
            tokens.organization,
            f"the scopes are those granted at sign-in, since {why}",
        )

    def revoke(self, token: str) -> None:
        """Revoke a token; with a refresh token, everything that was issued with it."""
        self._send(_REVOKE, token)

    def revoke_grant(self, tokens: Grant) -> None:
        """Revoke both tokens, the refresh token last: until then the call can be repeated."""
        self.revoke(tokens.access_token)
        self.revoke(tokens.refresh_token)

    def _send(self, request: Request, token: str) -> Any:
        """Send a token to be introspected or revoked. The app authenticates in the body, as documented."""
        with self._session(request) as session:
            send = session.introspect_token if request is _INTROSPECT else session.revoke_token
            auth = session.client_auth("client_secret_post" if self._client_secret else "none")
            response = send(self._origin + request.path, token, auth=auth, allow_redirects=False)
            return _read(request, response)

    @contextmanager
    def _session(self, request: Request, account: str = "") -> Iterator["OAuth2Session"]:
        """Yield a session that raises our errors. With an `account` it first waits for the rate limit."""
        import requests
        from authlib.integrations.base_client import OAuthError
        from authlib.integrations.requests_client import OAuth2Session

        def check(response: requests.Response) -> requests.Response:
            _read(request, response)
            return response

        if account:
            self._wait_for_permit(account)
        session = OAuth2Session(
            self._client_id,
            self._client_secret or None,
            token_endpoint_auth_method="client_secret_basic" if self._client_secret else "none",
            default_timeout=(_TIMEOUTS.connect_s, _TIMEOUTS.read_s),
        )
        ends_at = self._timing.monotonic() + _DEADLINE_S
        prepare_session(session, self._origin, lambda: ends_at - self._timing.monotonic())
        session.hooks["response"].append(_log)
        for kind in ("access_token_response", "refresh_token_response"):
            session.register_compliance_hook(kind, check)
        try:
            yield session
        except OAuthError as error:
            raise _refusal(str(error.error)) from None
        except ValueError:  # JSON that is not an object
            raise _unexpected(request) from None
        except (requests.RequestException, OSError) as error:
            raise network_error(request, error, self._origin, _TIMEOUTS, variable=_VARIABLE) from None
        finally:
            session.close()

    def _wait_for_permit(self, account: str) -> None:
        limits = rate_limit.of_account(self._origin, account)
        while True:
            now = self._timing.monotonic()
            permit = limits.acquire(_TOKEN.method, _TOKEN.path, now)
            if isinstance(permit, Permit):
                limits.observe(permit, now, None)  # this server sends no useful rate limit headers
                return
            if permit > _LIMIT_TIMEOUT_S:
                raise protocol.not_sent(_TOKEN, permit)
            self._timing.sleep(permit)


def _read(request: Request, response: "requests.Response") -> Any:
    """Return a reply's JSON document, or raise what the reply means."""
    if response.status_code in _REFUSALS:
        try:
            document = json_documents.parse(response.content)
        except ValueError:
            document = None
        raise _refusal(str(document.get("error", "")) if isinstance(document, dict) else "")
    headers = {name.lower(): value for name, value in response.headers.items()}
    try:
        return protocol.read_document(request, response.status_code, headers, response.content)
    except (RateLimited, CalendlyDown):
        raise
    except ConnectorError:
        raise _unexpected(request) from None


def _log(response: "requests.Response", **_options: Any) -> None:
    """Log a call; the log masks its secrets."""
    sent = response.request
    body = sent.body or ""
    fields = dict(parse_qsl(body.decode() if isinstance(body, bytes) else body))
    request = Request(str(sent.method), urlsplit(str(sent.url)).path, body=fields)
    authorization = sent.headers.get("Authorization", "")
    headers = {name.lower(): value for name, value in response.headers.items()}
    debug_log.request_sent(request, authorization)
    debug_log.reply_received(request, authorization, response.status_code, headers, response.content)


def _unexpected(request: Request) -> UnexpectedAnswer:
    return UnexpectedAnswer(
        f"The reply to {request.method} {request.path} isn't a valid OAuth reply.",
        fix=f"Check the network, and that {_VARIABLE} is Calendly's authorization server.",
    )


def _refusal(error: str) -> SignInFailed:
    """Return the error for an OAuth error code; the server's own message could echo what it was sent."""
    if error == "invalid_grant":
        return InvalidGrant(
            "Calendly rejected the code: it has expired, was already used, or belongs to another sign-in.",
            fix=consent.AGAIN,
            reason="grant",
        )
    if error in {"invalid_client", "unauthorized_client"}:
        return SignInFailed(
            "Calendly doesn't know this app, or its secret is wrong.",
            fix="Compare client_id and client_secret with the app's page in Calendly. "
            "A native app has no secret.",
            reason="client",
        )
    return SignInFailed(
        "Calendly rejected the request to its authorization server.",
        fix="Sign in again. If it keeps failing, report it.",
        reason="refused",
    )
