"""The credential check: who a token belongs to, what it can do, or exactly what is wrong with it.

Two calls (the user, their membership); a deep check adds one harmless read per scope family. Anything that
wasn't seen is reported as unknown, never guessed.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from ..catalog import manifest
from ..catalog.models import Action
from ..contract import CheckReport, Outcome, Params, Record, Result, Verdict
from ..errors import (
    CalendlyDown,
    ConnectorError,
    InvalidCredential,
    NoAnswer,
    PermissionDenied,
    RateLimited,
    SignInFailed,
    Unauthenticated,
)
from ..http import protocol
from ..http.client import Client
from ..http.request import Request
from .authenticators import Authenticator
from .identity import ROLES, read_role, read_user

_NOTABLE_SKEW_S: Final = 60.0
_OUTCOMES: Final[Mapping[type[ConnectorError], Outcome]] = {
    Unauthenticated: "invalid_token",
    SignInFailed: "invalid_token",
    RateLimited: "rate_limited",
    CalendlyDown: "calendly_down",
    NoAnswer: "offline",
}


class CredentialCheck:
    """One check of a client's credential, and what it has seen so far."""

    def __init__(self, client: Client, kind: str, authenticator: Authenticator) -> None:
        self._client = client
        self._kind = kind
        self._authenticator = authenticator
        self._calls_before = client.calls
        self._notes = list(authenticator.normalizations)
        self._skew_s: float | None = None
        self._user: Record = {}
        self._role: str | None = None
        self._token: dict[str, str] = {}  # what token introspection adds to the report
        self._scopes = dict.fromkeys(
            sorted({scope for action in manifest.catalog().values() for scope in action.scopes}), "untried"
        )
        self._denials: dict[str, str] = {}

    def run(self, *, deep: bool = False) -> CheckReport:
        """Return the report. A bad credential is an outcome, not an exception."""
        try:
            self._user = read_user(self._run)
        except PermissionDenied as error:
            result = _outcome(error)
            self._read_token_info()
            self._deny("users:read", error)
        except ConnectorError as error:
            return self._report(*_outcome(error))
        else:
            result = "ok", f"Signed in as {self._user.get('name')} ({self._user.get('email')}).", ""
            self._read_token_info()
            self._scopes["users:read"] = "granted"
            self._read_role()
        if deep:
            self._probe_scopes()
        return self._report(*result)

    def _run(self, action_id: str, params: Params | None) -> Result:
        """Run one of the two reads once: without retries, defaults or checks of its inputs."""
        action = manifest.find(action_id)
        method, path = action.request.split()
        request = Request(method, path, tuple((params or {}).items()))
        document = self._send(request)
        if action.returns == "many":
            return Result(action_id, records=protocol.read_page(request, document).records)
        return Result(action_id, record=protocol.read_one(request, document))

    def _send(self, request: Request) -> Any:
        reply = self._client.send(request, attempts=1)
        if (skew_s := reply.skew_s) is not None:
            self._skew_s = skew_s
        return reply.document

    def _read_token_info(self) -> None:
        """Ask the authorization server, if possible: it knows every scope of the token."""
        info = self._authenticator.token_info()
        if info is None:
            return
        from ..catalog.scopes import covers

        if info.note:
            self._notes.append(info.note)
        if info.scopes is not None:
            for scope in self._scopes:
                self._scopes[scope] = "granted" if covers(info.scopes, scope) else "refused"
        self._token = {
            "organization": info.organization,
            "owner": info.owner,
            "expires_at": datetime.fromtimestamp(info.expires_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }

    def _read_role(self) -> None:
        try:
            self._role = read_role(self._run, self._user["uri"], self._user.get("current_organization"))
        except ConnectorError as error:
            self._deny("organizations:read", error)
            self._notes.append(f"the role is unknown: {error.message}")
        else:
            self._scopes["organizations:read"] = "granted"

    def _probe_scopes(self) -> None:
        """Try a read in each scope family that is still untried, if the values for it are known."""
        from ..catalog import expressions
        from ..catalog.probes import probes

        functions = manifest.manifest().functions
        for scope, probe in probes().items():
            rows = dict(probe.filter)
            if self._scopes[scope] != "untried" or (expressions.calls(rows) and not self._user):
                continue
            action = manifest.find(probe.action)
            values = expressions.evaluate(rows, lambda call: self._user.get(functions[call.name].field, ""))
            try:
                self._send(protocol.build_request(action.request, values, action=action.id))
            except ConnectorError as error:
                self._deny(scope, error)
            else:
                self._scopes[scope] = "granted"

    def _deny(self, scope: str, error: ConnectorError) -> None:
        """Note what a refusal says about scopes; other errors say nothing about them."""
        if not isinstance(error, PermissionDenied):
            return
        for missing in error.required_scopes:
            self._scopes[missing] = "refused"
            family, _, right = missing.partition(":")
            if right == "read" and f"{family}:write" in self._scopes:
                self._scopes[f"{family}:write"] = "refused"  # a write scope would include the read
        if not error.required_scopes:
            self._denials[scope] = error.message

    def _report(self, outcome: Outcome, message: str, fix: str) -> CheckReport:
        notes = list(self._notes)
        if self._skew_s is not None and abs(self._skew_s) > _NOTABLE_SKEW_S:
            side = "ahead of" if self._skew_s > 0 else "behind"
            notes.append(
                f"this machine's clock is {abs(self._skew_s):.0f} s {side} Calendly's: "
                "webhooks may be rejected as too old"
            )
        shown = {key: self._user.get(key) for key in ("name", "email", "timezone", "uri")}
        return CheckReport(
            outcome=outcome,
            message=message,
            fix=fix,
            kind=self._kind,
            notes=tuple(notes),
            user=shown if self._user else None,
            organization=self._user.get("current_organization") or self._token.get("organization") or None,
            role=self._role,
            scopes=self._scopes,
            actions={action.id: self._verdict(action, outcome) for action in manifest.catalog().values()},
            rate_limit=self._client.rate_limit,
            clock_skew_s=None if self._skew_s is None else round(self._skew_s, 1),
            calls=self._client.calls - self._calls_before,
            owner=self._token.get("owner") or None,
            expires_at=self._token.get("expires_at"),
        )

    def _verdict(self, action: Action, outcome: Outcome) -> Verdict:
        if outcome == "invalid_token":
            return Verdict("cannot", "the token can't sign in")
        by_state: dict[str, list[str]] = {"granted": [], "refused": [], "untried": []}
        for scope in action.scopes:
            by_state[self._scopes[scope]].append(scope)
        if by_state["refused"]:
            return Verdict("cannot", f"the token lacks {', '.join(by_state['refused'])}")
        for scope in action.scopes:
            if scope in self._denials:
                return Verdict("cannot" if action.effect == "read" else "unknown", self._denials[scope])
        if action.role and self._role in ROLES and ROLES.index(self._role) < ROLES.index(action.role):
            return Verdict("cannot", f"needs the role {action.role}; the token's user is {self._role}")
        if by_state["untried"]:
            return Verdict("unknown", f"not checked yet: {', '.join(by_state['untried'])}")
        if action.role and self._role not in ROLES:
            return Verdict("unknown", f"needs the role {action.role}; the user's role is unknown")
        return Verdict("can")


def unusable(error: InvalidCredential, kind: str) -> CheckReport:
    """Return the report on a credential that can't even be sent."""
    return CheckReport(
        outcome="missing_token" if error.outcome == "missing_token" else "malformed_token",
        message=error.message,
        fix=error.fix,
        kind=kind,
        actions=dict.fromkeys(manifest.catalog(), Verdict("cannot", "no usable token")),
    )


def _outcome(error: ConnectorError) -> tuple[Outcome, str, str]:
    """Return what an error means for a credential: outcome, message and fix."""
    if isinstance(error, PermissionDenied):
        if error.reason != "scope":
            return (
                "forbidden",
                f"The token is valid, but Calendly denies it access. {error.message}",
                error.fix,
            )
        missing = ", ".join(error.required_scopes)
        message = f"The token is valid but lacks the {missing} scope, so its owner can't be identified."
        return "missing_scope", message, error.fix
    if isinstance(error, RateLimited) and error.retry_after_s is not None:
        return "rate_limited", error.message, f"Try again in {error.retry_after_s:.0f} s."
    outcome: Outcome = next(
        (name for kind, name in _OUTCOMES.items() if isinstance(error, kind)), "unexpected"
    )
    return outcome, error.message, error.fix or "Try again. If it keeps failing, report this message."
