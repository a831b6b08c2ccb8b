"""Answers the requests of browsers and apps; a table of routes at the end of `__init__`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal

from .. import errors, leniency
from ..api import replies
from ..api.limits import Limiter
from ..api.replies import Headers, Reply
from ..api.requests import Request
from ..faults import REPLACING, Fault
from ..handler import Answered
from ..operations.routes import SCOPES
from ..world.population import Member
from ..world.world import World
from . import consent, forms, pages
from .apps import App, Apps
from .consent import Asked
from .errors import OAuthError, invalid_request
from .forms import Fields
from .ledger import Ledger, Pair

AUTHORIZE = "/oauth/authorize"
TOKEN = "/oauth/token"  # noqa: S105 - a path
INTROSPECT = "/oauth/introspect"
REVOKE = "/oauth/revoke"
METADATA = "/.well-known/oauth-authorization-server"

_MOST_LISTED = 50
_AUTHENTICATION = ["client_secret_basic", "client_secret_post", "none"]
_NOT_STORED: Headers = [("Cache-Control", "no-store"), ("Pragma", "no-cache")]
_PAGE_HEADERS: Headers = [
    ("Content-Type", pages.HTML),
    # No form-action: browsers apply it to where a form's answer redirects, and that is the app.
    ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
]


@dataclass
class Desk:
    """Who sits before the browser: "ask" shows the page, "allow" and "deny" answer in its place."""

    answer: Literal["ask", "allow", "deny"] = "ask"
    member: Member | None = None


class AuthorizationServer:
    """All endpoints of OAuth at one issuer."""

    def __init__(
        self,
        *,
        world: World,
        apps: Apps,
        ledger: Ledger,
        desk: Desk,
        limiter: Limiter,
        issuer: str,
        strict: bool,
    ) -> None:
        self._world = world
        self._apps = apps
        self._ledger = ledger
        self._desk = desk
        self._limiter = limiter
        self._issuer = issuer
        self._strict = strict
        self._routes: Mapping[str, Mapping[str, Callable[[Request], Reply]]] = {
            AUTHORIZE: {"GET": self._ask, "POST": self._decide},
            TOKEN: {"POST": self._token},
            INTROSPECT: {"POST": self._introspect},
            REVOKE: {"POST": self._revoke},
            METADATA: {"GET": self._metadata},
        }

    def serves(self, path: str) -> bool:
        """Whether a path is one of OAuth's."""
        return path in self._routes

    def answer(self, request: Request, fault: Fault | None = None) -> Answered:
        """Answer one request; a fault that replaces the reply leaves everything undone."""
        operation = f"{request.method} {request.path}"
        if fault and fault.kind in REPLACING:
            return Answered(operation, replies.of_fault(fault, _NOT_STORED))
        run = self._routes[request.path].get(request.method)
        try:
            reply = run(request) if run else replies.of_error(errors.of_status(405), [])
        except OAuthError as error:
            reply = _refusal(error)
        return Answered(operation, Reply(reply.status, reply.body, [*reply.headers, *_NOT_STORED]))

    # For browsers

    def _ask(self, request: Request) -> Reply:
        return self._answer_to_app(lambda: forms.of_query(request.query), self._show)

    def _decide(self, request: Request) -> Reply:
        return self._answer_to_app(lambda: forms.of_body(request), self._take_decision)

    def _answer_to_app(self, read: Callable[[], Fields], run: Callable[[Asked, Fields], Reply]) -> Reply:
        """Run a step of the consent; its errors go to the app as soon as it is known where that is."""
        try:
            fields = read()
            app, redirect_uri = consent.addressee(self._apps, fields)
        except OAuthError as error:
            return Reply(400, pages.error(error), _PAGE_HEADERS)
        try:
            return run(consent.asked(app, redirect_uri, fields, needs_scope=not self._strict), fields)
        except OAuthError as error:
            states = fields.every("state")
            state = states[0] if len(states) == 1 else None
            return _redirect(consent.redirection(redirect_uri, error.body, state))

    def _show(self, asked: Asked, fields: Fields) -> Reply:
        chosen = self._member(fields.optional("login_hint")) or self._desk.member
        if self._desk.answer != "ask":
            member = chosen or self._world.population.members[0]
            return self._decided(asked, member, asked.granted(asked.scopes), self._desk.answer)
        repeated = {name: value for name in consent.REPEATED if (value := fields.optional(name)) is not None}
        page = pages.consent(asked, repeated, self._listed(chosen), chosen)
        return Reply(200, page, _PAGE_HEADERS)

    def _take_decision(self, asked: Asked, fields: Fields) -> Reply:
        member = self._member(fields.required("user"))
        if member is None:
            raise invalid_request("The user is none of this Calendly.")
        scope = asked.granted(fields.every("granted"))
        return self._decided(asked, member, scope, fields.required("decision"))

    def _decided(self, asked: Asked, member: Member, scope: str, decision: str) -> Reply:
        if decision != "allow":
            raise OAuthError("access_denied", "The user denied the request.")
        code = self._ledger.issue_code(asked, member, scope)
        return _redirect(asked.back({"code": code}))

    def _listed(self, chosen: Member | None) -> list[Member]:
        """Give the users to choose from: the first, the last (of the small organization), the chosen one."""
        members = self._world.population.by_user
        some = [*islice(members.values(), _MOST_LISTED), *islice(reversed(members.values()), 1)]
        return list({member.uuid: member for member in [*some, *([chosen] if chosen else [])]}.values())

    def _member(self, name: str | None) -> Member | None:
        """Give a user by id, URI or mail address."""
        if name is None:
            return None
        return self._world.member(name.rpartition("/")[2]) or self._world.member_of_mail(name)

    # For apps

    def _token(self, request: Request) -> Reply:
        app, fields = self._client(request)
        grant_type = fields.required("grant_type")
        if grant_type == "authorization_code":
            code = self._ledger.good_code(
                app,
                fields.required("code"),
                fields.required("redirect_uri"),
                fields.optional("code_verifier"),
            )
            return self._issue(code.member, lambda: self._ledger.redeem(code))
        if grant_type == "refresh_token":
            pair = self._ledger.good_refresh(app, fields.required("refresh_token"))
            return self._issue(pair.grant.member, lambda: self._ledger.refresh(pair))
        raise OAuthError(
            "unsupported_grant_type", "The grant_type must be authorization_code or refresh_token."
        )

    def _issue(self, member: Member, make: Callable[[], Pair]) -> Reply:
        """Issue tokens unless the user has had too many of late; nothing is used up then."""
        budget = self._limiter.spend_issue(member.uuid)
        headers = budget.headers if budget else []
        if budget and budget.exceeded:
            return replies.of_error(errors.of_status(429), headers)
        return replies.of_json(200, make().reply(), headers)

    def _introspect(self, request: Request) -> Reply:
        app, fields = self._client(request)
        return replies.of_json(200, self._ledger.introspect(app, fields.required("token")), [])

    def _revoke(self, request: Request) -> Reply:
        try:
            app, fields = self._client(request)
        except OAuthError as error:
            if error.status != 401:  # noqa: PLR2004 - the documentation has a 403 in its place here
                raise
            raise OAuthError("unauthorized_client", error.description, status=403) from None
        self._ledger.revoke(app, fields.required("token"))
        return replies.of_json(200, {}, [])

    def _client(self, request: Request) -> tuple[App, Fields]:
        fields = forms.of_body(request if self._strict else leniency.as_form(request))
        fields.require_single()
        return forms.client(self._apps, request.authorization, fields), fields

    def _metadata(self, _request: Request) -> Reply:
        return replies.of_json(200, _metadata(self._issuer), [])


def _refusal(error: OAuthError) -> Reply:
    asks_for_client = error.status == 401  # noqa: PLR2004 - HTTP wants to be told how (RFC 6749, 5.2)
    headers = [("WWW-Authenticate", 'Basic realm="oauth"')] if asks_for_client else []
    return replies.of_json(error.status, error.body, headers)


def _redirect(target: str) -> Reply:
    return Reply(303, b"", [("Location", target), ("Referrer-Policy", "no-referrer")])


def _metadata(issuer: str) -> dict[str, Any]:
    """Give the server's metadata (RFC 8414)."""
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
