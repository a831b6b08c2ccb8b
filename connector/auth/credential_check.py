"""The credential report: who a token is, what it can do, or exactly what is wrong with it.

Two calls (the user, their membership); `deep` adds one harmless read per scope family. What was not
seen is reported as unknown, never guessed.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from ..catalog import expressions, manifest, scopes
from ..catalog.models import Action, Probe
from ..catalog.probes import probes
from ..contract import CheckReport, Outcome, Record, Verdict
from ..errors import (
    CalendlyDown,
    ConnectorError,
    InvalidCredential,
    NoAnswer,
    PermissionDenied,
    RateLimited,
    SignInFailed,
    Unauthenticated,
    UnexpectedAnswer,
)
from ..http import protocol
from ..http.client import Client, Reply
from ..http.protocol import Request
from .token_info import Holding

_ME = Request("GET", "/users/me")
_SKEW_WORTH_TELLING_S = 60.0
_RANK = {"user": 0, "admin": 1, "owner": 2}


def check(
    client: Client,
    kind: str,
    mended: tuple[str, ...] = (),
    *,
    deep: bool = False,
    holding: Callable[[], Holding | None] = lambda: None,
) -> CheckReport:
    """Report on the client's credential; never raises for a bad one. `holding` is asked what is held."""
    return _Examination(client, kind, mended, holding).report(deep=deep)


class _Examination:
    """One examination, and what it has seen so far."""

    def __init__(
        self, client: Client, kind: str, mended: tuple[str, ...], holding: Callable[[], Holding | None]
    ) -> None:
        self._client = client
        self._kind = kind
        self._notes = list(mended)
        self._before = client.calls
        self._skew_s: float | None = None
        self._user: Record | None = None
        self._role: str | None = None
        self._scopes = dict.fromkeys(_all_scopes(), "untried")
        self._refusals: dict[str, str] = {}
        self._ask_holding = holding
        self._holding: Holding | None = None

    def report(self, *, deep: bool) -> CheckReport:
        try:
            self._user = _somebody(protocol.read_one(_ME, self._send(_ME).document))
        except ConnectorError as error:
            if isinstance(error, PermissionDenied):
                self._learn_holding()
                self._learn("users:read", error)
                self._learn_scopes(deep=deep)
            return self._told(*_outcome(error))
        self._learn_holding()
        self._scopes["users:read"] = "granted"
        self._learn_role()
        self._learn_scopes(deep=deep)
        return self._told("ok", f"Signed in as {self._user.get('name')} ({self._user.get('email')}).", "")

    def _send(self, request: Request) -> Reply:
        reply = self._client.send(request, attempts=1)
        if reply.skew_s is not None:
            self._skew_s = reply.skew_s
        return reply

    def _learn_holding(self) -> None:
        """Take what the authorization server says: it knows every scope."""
        self._holding = self._ask_holding()
        if self._holding is None:
            return
        if self._holding.note:
            self._notes.append(self._holding.note)
        if self._holding.scopes is not None:
            held = self._holding.scopes
            self._scopes = {
                scope: "granted" if scopes.covers(held, scope) else "refused" for scope in self._scopes
            }

    def _learn_role(self) -> None:
        request = Request("GET", "/organization_memberships", (("user", str((self._user or {}).get("uri"))),))
        try:
            page = protocol.read_page(request, self._send(request).document)
        except ConnectorError as error:
            self._learn("organizations:read", error)
            self._notes.append(f"the role is not known: {error.message}")
            return
        self._scopes["organizations:read"] = "granted"
        here = (self._user or {}).get("current_organization")
        roles = [entry.get("role") for entry in page.records if entry.get("organization") == here]
        self._role = roles[0] if roles and isinstance(roles[0], str) else None

    def _learn_scopes(self, *, deep: bool) -> None:
        """Try the families that are still open; what asks whose it is needs to know the user."""
        for scope, probe in probes().items() if deep else ():
            asks_whose = bool(expressions.calls(dict(probe.filter)))
            if self._scopes[scope] == "untried" and (self._user or not asks_whose):
                self._probe(scope, probe)

    def _probe(self, scope: str, probe: Probe) -> None:
        action = manifest.find(probe.action)
        user = self._user or {}
        known = manifest.manifest().functions
        values = expressions.evaluate(dict(probe.filter), lambda call: user.get(known[call.name].field, ""))
        try:
            self._send(protocol.build_request(action.request, values, action=action.id))
        except ConnectorError as error:
            self._learn(scope, error)
        else:
            self._scopes[scope] = "granted"

    def _learn(self, scope: str, error: ConnectorError) -> None:
        if not isinstance(error, PermissionDenied):
            return
        for lacking in error.required_scopes:
            self._scopes[lacking] = "refused"
            if lacking.endswith(":read"):  # a write scope includes its read, so there is no write either
                write = lacking.removesuffix("read") + "write"
                if write in self._scopes:
                    self._scopes[write] = "refused"
        if not error.required_scopes:
            self._refusals[scope] = error.message

    def _told(self, outcome: Outcome, message: str, fix: str) -> CheckReport:
        notes = list(self._notes)
        if self._skew_s is not None and abs(self._skew_s) > _SKEW_WORTH_TELLING_S:
            way = "ahead of" if self._skew_s > 0 else "behind"
            notes.append(
                f"this machine's clock is {abs(self._skew_s):.0f} s {way} Calendly's: webhooks may look stale"
            )
        user = self._user and {key: self._user.get(key) for key in ("name", "email", "timezone", "uri")}
        return CheckReport(
            outcome=outcome,
            message=message,
            fix=fix,
            kind=self._kind,
            notes=tuple(notes),
            user=user,
            organization=(self._user or {}).get("current_organization")
            or (self._holding and self._holding.organization)
            or None,
            role=self._role,
            scopes=self._scopes,
            actions={action.id: self._verdict(action, outcome) for action in manifest.catalog().values()},
            rate_limit=self._client.rate_limit,
            clock_skew_s=None if self._skew_s is None else round(self._skew_s, 1),
            calls=self._client.calls - self._before,
            owner=(self._holding and self._holding.owner) or None,
            expires_at=None if self._holding is None else _moment(self._holding.expires_at),
        )

    def _verdict(self, action: Action, outcome: Outcome) -> Verdict:
        if outcome in {"invalid_token", "missing_token", "malformed_token"}:
            return Verdict("cannot", "the token does not sign in")
        refused = [scope for scope in action.scopes if self._scopes[scope] == "refused"]
        if refused:
            return Verdict("cannot", f"the token lacks {', '.join(refused)}")
        told = [self._refusals[scope] for scope in action.scopes if scope in self._refusals]
        if told:
            return Verdict("cannot" if action.effect == "read" else "unknown", told[0])
        if action.role and self._role in _RANK and _RANK[self._role] < _RANK[action.role]:
            return Verdict("cannot", f"only an {action.role} may, the token's user is {self._role}")
        untried = [scope for scope in action.scopes if self._scopes[scope] == "untried"]
        if untried:
            return Verdict("unknown", f"{', '.join(untried)}: not known until used")
        if action.role and self._role not in _RANK:
            return Verdict("unknown", f"only an {action.role} may, and the user's role is not known")
        return Verdict("can")


def refused(error: InvalidCredential, kind: str) -> CheckReport:
    """Report on a credential that cannot even be sent."""
    outcome: Outcome = "missing_token" if error.outcome == "missing_token" else "malformed_token"
    verdict = Verdict("cannot", "there is no usable token")
    return CheckReport(
        outcome=outcome,
        message=error.message,
        fix=error.fix,
        kind=kind,
        actions=dict.fromkeys(manifest.catalog(), verdict),
    )


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _somebody(user: Record) -> Record:
    if not isinstance(user.get("uri"), str):
        raise UnexpectedAnswer(
            "GET /users/me was answered with JSON that names no user.",
            fix="Check that CALENDLY_API_URL is Calendly's API.",
        )
    return user


def _all_scopes() -> list[str]:
    return sorted({scope for action in manifest.catalog().values() for scope in action.scopes})


_OUTCOMES: Mapping[type[ConnectorError], Outcome] = {
    Unauthenticated: "invalid_token",
    SignInFailed: "invalid_token",
    RateLimited: "rate_limited",
    CalendlyDown: "calendly_down",
    NoAnswer: "offline",
}


def _outcome(error: ConnectorError) -> tuple[Outcome, str, str]:
    """Name what an error means for a credential, with a sentence and the next step."""
    if isinstance(error, PermissionDenied):
        if error.reason != "scope":
            return "forbidden", f"The token is good, but Calendly refuses it. {error.message}", error.fix
        lacking = ", ".join(error.required_scopes)
        return (
            "missing_scope",
            f"The token is good, but lacks {lacking}, so it cannot say whose it is.",
            error.fix,
        )
    if isinstance(error, RateLimited) and error.retry_after_s is not None:
        return "rate_limited", error.message, f"Try again in {error.retry_after_s:.0f} s."
    outcome: Outcome = next(
        (name for kind, name in _OUTCOMES.items() if isinstance(error, kind)), "unexpected"
    )
    return outcome, error.message, error.fix or "Try again; if it stays, report it with this message."
