"""The OAuth endpoints for browsers and apps; the routes are in `__init__`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal

from .. import errors, leniency
from ..api import http_messages
from ..api.http_messages import Headers, HttpRequest, HttpResponse
from ..api.rate_limits import RequestLimiter
from ..faults import REPLACING, Fault
from ..handler import HandledRequest
from ..operations.routes import SCOPES
from ..world.population import Member
from ..world.world import World
from . import authorization_request, forms, pages
from .apps import App, AppRegistry
from .authorization_request import AuthorizationRequest
from .errors import OAuthError, invalid_request
from .forms import FormFields
from .token_store import OAuthTokenStore, TokenPair

AUTHORIZE = "/oauth/authorize"
TOKEN = "/oauth/token"  # noqa: S105 - a path
INTROSPECT = "/oauth/introspect"
REVOKE = "/oauth/revoke"
METADATA = "/.well-known/oauth-authorization-server"

_MAX_LISTED = 50
_AUTHENTICATION = ["client_secret_basic", "client_secret_post", "none"]
_NOT_STORED: Headers = [("Cache-Control", "no-store"), ("Pragma", "no-cache")]
_PAGE_HEADERS: Headers = [
    ("Content-Type", pages.HTML),
    # No form-action: browsers also apply it to the redirect after a form, which leads to the app.
    ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
]


@dataclass
class ConsentStub:
    """The user in the browser: "ask" shows the consent page, "allow" and "deny" decide without it."""

    answer: Literal["ask", "allow", "deny"] = "ask"
    member: Member | None = None


class MockAuthorizationServer:
    """The OAuth endpoints of one issuer."""

    def __init__(
        self,
        *,
        world: World,
        apps: AppRegistry,
        token_store: OAuthTokenStore,
        consent_stub: ConsentStub,
        limiter: RequestLimiter,
        issuer: str,
        strict: bool,
    ) -> None:
        self._world = world
        self._apps = apps
        self._token_store = token_store
        self._consent_stub = consent_stub
        self._limiter = limiter
        self._issuer = issuer
        self._strict = strict
        self._routes: Mapping[str, Mapping[str, Callable[[HttpRequest], HttpResponse]]] = {
            AUTHORIZE: {"GET": self._get_authorize, "POST": self._post_authorize},
            TOKEN: {"POST": self._token},
            INTROSPECT: {"POST": self._introspect},
            REVOKE: {"POST": self._revoke},
            METADATA: {"GET": self._metadata},
        }

    def serves(self, path: str) -> bool:
        """Check whether a path is an OAuth endpoint."""
        return path in self._routes

    def handle(self, request: HttpRequest, fault: Fault | None = None) -> HandledRequest:
        """Handle one request; a fault of the kinds `REPLACING` replaces the reply and changes nothing."""
        operation = f"{request.method} {request.path}"
        if fault and fault.kind in REPLACING:
            return HandledRequest(operation, http_messages.fault_response(fault, _NOT_STORED))
        run = self._routes[request.path].get(request.method)
        try:
            reply = run(request) if run else http_messages.error_response(errors.from_status(405), [])
        except OAuthError as error:
            reply = _error_response(error)
        return HandledRequest(
            operation, HttpResponse(reply.status, reply.body, [*reply.headers, *_NOT_STORED])
        )

    # For browsers

    def _get_authorize(self, request: HttpRequest) -> HttpResponse:
        return self._run_consent_step(lambda: forms.parse_query(request.query), self._show_consent)

    def _post_authorize(self, request: HttpRequest) -> HttpResponse:
        return self._run_consent_step(lambda: forms.parse_body(request), self._read_decision)

    def _run_consent_step(
        self, read: Callable[[], FormFields], run: Callable[[AuthorizationRequest, FormFields], HttpResponse]
    ) -> HttpResponse:
        """Run a step of the consent; redirect errors to the app once app and redirect URI are known."""
        try:
            fields = read()
            app, redirect_uri = authorization_request.read_client(self._apps, fields)
        except OAuthError as error:
            return HttpResponse(400, pages.error(error), _PAGE_HEADERS)
        try:
            return run(
                authorization_request.read_request(app, redirect_uri, fields, needs_scope=not self._strict),
                fields,
            )
        except OAuthError as error:
            states = fields.get_all("state")
            state = states[0] if len(states) == 1 else None
            return _redirect(authorization_request.redirect_uri_with(redirect_uri, error.body, state))

    def _show_consent(self, request: AuthorizationRequest, fields: FormFields) -> HttpResponse:
        chosen = self._member(fields.optional("login_hint")) or self._consent_stub.member
        if self._consent_stub.answer != "ask":
            member = chosen or self._world.population.members[0]
            return self._respond_to_decision(
                request, member, request.granted(request.scopes), self._consent_stub.answer
            )
        repeated = {
            name: value
            for name in authorization_request.REPEATED_FIELDS
            if (value := fields.optional(name)) is not None
        }
        page = pages.consent(request, repeated, self._selectable_members(chosen), chosen)
        return HttpResponse(200, page, _PAGE_HEADERS)

    def _read_decision(self, request: AuthorizationRequest, fields: FormFields) -> HttpResponse:
        member = self._member(fields.required("user"))
        if member is None:
            raise invalid_request("The user is unknown.")
        scope = request.granted(fields.get_all("granted"))
        return self._respond_to_decision(request, member, scope, fields.required("decision"))

    def _respond_to_decision(
        self, request: AuthorizationRequest, member: Member, scope: str, decision: str
    ) -> HttpResponse:
        if decision != "allow":
            raise OAuthError("access_denied", "The user denied the request.")
        code = self._token_store.issue_code(request, member, scope)
        return _redirect(request.redirect_with({"code": code}))

    def _selectable_members(self, chosen: Member | None) -> list[Member]:
        """Return the users to choose from: the first ones, the last (small organization), the chosen one."""
        members = self._world.population.by_user
        candidates = [*islice(members.values(), _MAX_LISTED), *islice(reversed(members.values()), 1)]
        return list({member.uuid: member for member in [*candidates, *([chosen] if chosen else [])]}.values())

    def _member(self, name: str | None) -> Member | None:
        """Return a user by id, URI or email address."""
        if name is None:
            return None
        return self._world.member(name.rpartition("/")[2]) or self._world.member_by_email(name)

    # For apps

    def _token(self, request: HttpRequest) -> HttpResponse:
        app, fields = self._client(request)
        grant_type = fields.required("grant_type")
        if grant_type == "authorization_code":
            code = self._token_store.valid_code(
                app,
                fields.required("code"),
                fields.required("redirect_uri"),
                fields.optional("code_verifier"),
            )
            return self._issue(code.member, lambda: self._token_store.redeem(code))
        if grant_type == "refresh_token":
            pair = self._token_store.valid_refresh(app, fields.required("refresh_token"))
            return self._issue(pair.grant.member, lambda: self._token_store.refresh(pair))
        raise OAuthError(
            "unsupported_grant_type", "The grant_type must be authorization_code or refresh_token."
        )

    def _issue(self, member: Member, make: Callable[[], TokenPair]) -> HttpResponse:
        """Issue tokens; over the limit, send a 429 and leave the code or refresh token unused."""
        limit_status = self._limiter.spend_token_issue(member.uuid)
        headers = limit_status.headers if limit_status else []
        if limit_status and limit_status.exceeded:
            return http_messages.error_response(errors.from_status(429), headers)
        return http_messages.json_response(200, make().response_body(), headers)

    def _introspect(self, request: HttpRequest) -> HttpResponse:
        app, fields = self._client(request)
        return http_messages.json_response(
            200, self._token_store.introspect(app, fields.required("token")), []
        )

    def _revoke(self, request: HttpRequest) -> HttpResponse:
        try:
            app, fields = self._client(request)
        except OAuthError as error:
            if error.status != 401:  # noqa: PLR2004 - documented as a 403 here
                raise
            raise OAuthError("unauthorized_client", error.description, status=403) from None
        self._token_store.revoke(app, fields.required("token"))
        return http_messages.json_response(200, {}, [])

    def _client(self, request: HttpRequest) -> tuple[App, FormFields]:
        fields = forms.parse_body(request if self._strict else leniency.json_as_form(request))
        fields.require_single()
        return forms.authenticate_client(self._apps, request.authorization, fields), fields

    def _metadata(self, _request: HttpRequest) -> HttpResponse:
        return http_messages.json_response(200, _metadata(self._issuer), [])


def _error_response(error: OAuthError) -> HttpResponse:
    is_unauthenticated = error.status == 401  # noqa: PLR2004 - needs WWW-Authenticate (RFC 6749, 5.2)
    headers = [("WWW-Authenticate", 'Basic realm="oauth"')] if is_unauthenticated else []
    return http_messages.json_response(error.status, error.body, headers)


def _redirect(target: str) -> HttpResponse:
    return HttpResponse(303, b"", [("Location", target), ("Referrer-Policy", "no-referrer")])


def _metadata(issuer: str) -> dict[str, Any]:
    """Return the server's metadata (RFC 8414)."""
    return {
        "issuer": issuer,
        "authorization_endpoint": issuer + AUTHORIZE,
        "token_endpoint": issuer + TOKEN,
        "introspection_endpoint": issuer + INTROSPECT,
        "revocation_endpoint": issuer + REVOKE,
        "scopes_supported": sorted(SCOPES),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": _AUTHENTICATION,
        "introspection_endpoint_auth_methods_supported": _AUTHENTICATION,
        "revocation_endpoint_auth_methods_supported": _AUTHENTICATION,
    }
