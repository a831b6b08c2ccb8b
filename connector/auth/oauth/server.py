"""Calls to the authorization server, through Authlib. The app's secret and tokens go to that origin alone.

Facts: https://developer.calendly.com/docs/authentication/refresh-token-rotation-guide and its neighbours.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlsplit

from ...catalog.manifest import manifest
from ...errors import CalendlyDown, ConnectorError, RateLimited, SignInFailed, UnexpectedAnswer, UsageError
from ...http import protocol, rate_limit
from ...http.client import prepare_session
from ...http.debug_log import debug_log
from ...http.network_errors import network_error
from ...http.protocol import Request
from ...http.rate_limit import Permit
from ...support import json_documents
from ...support.clock import Timeouts, Timing
from . import consent, grant
from .consent import Consent
from .grant import Grant

if TYPE_CHECKING:
    import requests
    from authlib.integrations.requests_client import OAuth2Session

_VARIABLE: Final = "CALENDLY_AUTH_URL"
_TOKEN: Final = Request("POST", "/oauth/token")
_INTROSPECT: Final = Request("POST", "/oauth/introspect")
_REVOKE: Final = Request("POST", "/oauth/revoke")
_CODE_LIFE_S: Final = 600.0
_TIMEOUTS: Final = Timeouts()
_PATIENCE_S: Final = 60.0
_DEADLINE_S: Final = 60.0
_SAID_NO: Final = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


class RefusedGrant(SignInFailed):
    """The server does not know the code or the refresh token, or no longer."""


def of_app(
    credential: Mapping[str, str], timing: Timing, environment: Mapping[str, str] = os.environ
) -> "AuthorizationServer":
    """Give the server for the app of a credential: at CALENDLY_AUTH_URL, else Calendly's own."""
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
        self._must_have_authlib()

    def ask(self, redirect_uri: str, scopes: tuple[str, ...]) -> Consent:
        """Begin a sign-in."""
        url = f"{self._origin}/oauth/authorize"
        return consent.ask(url, self._client_id, redirect_uri, scopes, self._timing.monotonic())

    def exchange(self, asked: Consent, answer: str) -> Grant:
        """Make tokens of the address that the person was sent back to. Raises SignInFailed."""
        code = consent.read_answer(asked, answer)
        consent.check_verifier(asked)
        if self._timing.monotonic() - asked.began > _CODE_LIFE_S:
            raise SignInFailed(
                "The answer came too late: its code is good for 10 minutes.",
                fix=consent.AGAIN,
                reason="expired",
            )
        with self._session(_TOKEN, self._client_id) as session:
            reply = session.fetch_token(
                self._origin + _TOKEN.path,
                grant_type="authorization_code",
                code=code,
                redirect_uri=asked.redirect_uri,
                code_verifier=asked.verifier,
                allow_redirects=False,
            )
        return grant.from_reply(reply, self._timing.clock())

    def renew(self, held: Grant) -> Grant:
        """Change a refresh token, which is used up by it, for a new pair. Raises RefusedGrant."""
        with self._session(_TOKEN, held.owner or self._client_id) as session:
            reply = session.refresh_token(
                self._origin + _TOKEN.path, refresh_token=held.refresh_token, allow_redirects=False
            )
        whose = {"owner": held.owner, "organization": held.organization}
        return grant.from_reply({**whose, **reply}, self._timing.clock())

    def introspect(self, token: str) -> Mapping[str, Any]:
        """Ask what a token is: `active`, `scope`, `exp` and more."""
        with self._session(_INTROSPECT, "") as session:
            response = session.introspect_token(
                self._origin + _INTROSPECT.path, token, auth=self._in_body(session), allow_redirects=False
            )
            document = self._read(_INTROSPECT, response)
        return document if isinstance(document, dict) else {}

    def revoke(self, token: str) -> None:
        """Give a token back; with a refresh token all that was issued with it."""
        with self._session(_REVOKE, "") as session:
            response = session.revoke_token(
                self._origin + _REVOKE.path, token, auth=self._in_body(session), allow_redirects=False
            )
            self._read(_REVOKE, response)

    def give_back(self, held: Grant) -> None:
        """Give a whole pair back, the refresh token last: it may be asked for again until that is gone."""
        self.revoke(held.access_token)
        self.revoke(held.refresh_token)

    @contextmanager
    def _session(self, request: Request, account: str) -> Iterator["OAuth2Session"]:
        """Give a session whose errors are ours; one that asks for tokens waits for the budget."""
        import requests
        from authlib.integrations.base_client import OAuthError
        from authlib.integrations.requests_client import OAuth2Session

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
        session.hooks["response"].append(_told)
        for kind in ("access_token_response", "refresh_token_response"):
            session.register_compliance_hook(kind, self._passed)
        try:
            yield session
        except OAuthError as error:
            raise _refusal(str(error.error)) from None
        except ValueError:  # JSON that is no object
            raise _unexpected(request) from None
        except (requests.RequestException, OSError) as error:
            raise network_error(request, error, self._origin, _TIMEOUTS, variable=_VARIABLE) from None
        finally:
            session.close()

    def _in_body(self, session: "OAuth2Session") -> Any:
        """Prove who the app is in the body, as these endpoints are documented."""
        return session.client_auth("client_secret_post" if self._client_secret else "none")

    def _wait_for_permit(self, account: str) -> None:
        limits = rate_limit.of_account(self._origin, account)
        while True:
            now = self._timing.monotonic()
            permit = limits.acquire(_TOKEN.method, _TOKEN.path, now)
            if isinstance(permit, Permit):
                limits.observe(permit, now, None)  # this server sends no useful rate limit headers
                return
            if permit > _PATIENCE_S:
                raise protocol.not_sent(_TOKEN, permit)
            self._timing.sleep(permit)

    def _passed(self, response: "requests.Response") -> "requests.Response":
        """Let through what Authlib reads: tokens, and refusals in the words of OAuth."""
        self._read(_TOKEN, response)
        return response

    def _read(self, request: Request, response: "requests.Response") -> Any:
        if response.status_code in _SAID_NO:
            raise _refusal(_error_of(response))
        headers = {name.lower(): value for name, value in response.headers.items()}
        try:
            return protocol.read_document(request, response.status_code, headers, response.content)
        except (RateLimited, CalendlyDown):
            raise
        except ConnectorError:
            raise _unexpected(request) from None

    def _must_have_authlib(self) -> None:
        from importlib.util import find_spec

        if find_spec("authlib") is None:
            raise UsageError(
                "Signing in with OAuth needs Authlib.", fix="pip install 'calendly-connector[oauth]'"
            )


def _told(response: "requests.Response", **_options: Any) -> None:
    """Tell the log of a call; what it holds is masked there."""
    sent = response.request
    body = sent.body or ""
    fields = dict(parse_qsl(body.decode() if isinstance(body, bytes) else body))
    request = Request(str(sent.method), urlsplit(str(sent.url)).path, body=fields)
    authorization = sent.headers.get("Authorization", "")
    headers = {name.lower(): value for name, value in response.headers.items()}
    debug_log.request_sent(request, authorization)
    debug_log.reply_received(request, authorization, response.status_code, headers, response.content)


def _error_of(response: "requests.Response") -> str:
    try:
        document = json_documents.parse(response.content)
    except ValueError:
        return ""
    return str(document.get("error", "")) if isinstance(document, dict) else ""


def _unexpected(request: Request) -> UnexpectedAnswer:
    return UnexpectedAnswer(
        f"{request.method} {request.path} was not answered as OAuth has it.",
        fix=f"Check the network, and that {_VARIABLE} is Calendly's authorization server.",
    )


def _refusal(error: str) -> SignInFailed:
    """Word an error of OAuth; the server's own words could echo what it was sent."""
    if error == "invalid_grant":
        return RefusedGrant(
            "Calendly refused the code: it is too old, was used already, or belongs to another sign-in.",
            fix=consent.AGAIN,
            reason="grant",
        )
    if error in {"invalid_client", "unauthorized_client"}:
        return SignInFailed(
            "Calendly does not know this app, or its secret is wrong.",
            fix="Compare client_id and client_secret with the app's page in Calendly; "
            "a native app has no secret.",
            reason="client",
        )
    return SignInFailed(
        "Calendly refused the request to its authorization server.",
        fix="Sign in again; if it stays so, report it.",
        reason="refused",
    )
