"""Everything that can go wrong, as one tree. Each error says what to do about it.

ConnectorError
├── UsageError               the call was wrong; no network was used
│   ├── UnknownAction        no such action
│   ├── InvalidParams        one or more inputs were refused; `problems` lists them all
│   ├── InvalidCredential    the credential has not the form it needs
│   └── UnknownCredential    no credential of this name is stored
├── CalendlyError            Calendly answered no
│   ├── Unauthenticated      401
│   ├── PermissionDenied     403; `reason` is scope, plan, role or other
│   ├── NotFound             404
│   ├── Rejected             any other 4xx: the request itself was refused
│   ├── RateLimited          429; `retry_after_s`
│   └── CalendlyDown         5xx
├── NoAnswer                 nothing came back; `may_have_happened` for writes
├── UnexpectedAnswer         something came back that is not Calendly's API
├── SignInFailed             a sign-in with OAuth did not come to its end; `reason`
│   └── SignInRequired       a stored sign-in is used up or was revoked; `credential` names it
├── SignatureError           a webhook was refused
├── VaultError               stored credentials cannot be read or written; `reason`
├── InboxError               events cannot be kept or read
├── ResultTooLarge           a host cannot keep what an action gave; `may_have_happened` for writes
└── DestinationError         the database or folder of a copy said no
    └── TakenOver            a later sync into the same destination goes on

`str(error)` is one line: what is wrong, then what to do. `to_dict()` is the same for a program.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with an input: its JSON path, what was expected, the nearest allowed value."""

    path: str
    message: str
    nearest: str | None = None

    def __str__(self) -> str:
        hint = f" (did you mean {self.nearest!r}?)" if self.nearest else ""
        return f"{self.path}: {self.message}{hint}" if self.path else f"{self.message}{hint}"


class ConnectorError(Exception):
    """Base of all errors of this connector."""

    code: ClassVar[str] = "connector_error"
    retryable: bool = False

    def __init__(self, message: str, *, fix: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix

    def __str__(self) -> str:
        told = "".join(char if char.isprintable() else " " for char in f"{self.message} {self.fix}")
        return " ".join(told.split())

    def to_dict(self) -> dict[str, Any]:
        """Give the error as plain JSON values; never holds a secret."""
        # Not vars(kind): from Python 3.14 on a class makes its annotations only when asked for them.
        declared = [name for kind in type(self).__mro__ for name in getattr(kind, "__annotations__", {})]
        names = dict.fromkeys(["code", "message", "fix", "retryable", *declared, *vars(self)])
        return {name: getattr(self, name) for name in names}


class UsageError(ConnectorError):
    """The call was wrong. No network was used."""

    code = "usage_error"


class UnknownAction(UsageError):
    """There is no action of this name."""

    code = "unknown_action"


class InvalidParams(UsageError):
    """One or more inputs were refused; all of them are listed."""

    code = "invalid_params"

    def __init__(self, action: str, problems: Sequence[Problem], *, fix: str = "") -> None:
        super().__init__(f"{action}: {'; '.join(map(str, problems))}.", fix=fix)
        self.action = action
        self.problems = tuple(problems)

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.action, self.problems), vars(self))

    def to_dict(self) -> dict[str, Any]:
        """Give the problems as objects with path, message and nearest."""
        problems = [{"path": p.path, "message": p.message, "nearest": p.nearest} for p in self.problems]
        return {**super().to_dict(), "problems": problems}


class InvalidCredential(UsageError):
    """The credential has not the form it needs; `outcome` is the word a credential report uses."""

    code = "invalid_credential"

    def __init__(self, message: str, *, fix: str = "", outcome: str = "malformed_token") -> None:
        super().__init__(message, fix=fix)
        self.outcome = outcome


class UnknownCredential(UsageError):
    """There is no stored credential of this name."""

    code = "unknown_credential"


class CalendlyError(ConnectorError):
    """Calendly answered no."""

    code = "calendly_error"

    def __init__(
        self,
        message: str,
        *,
        fix: str = "",
        status: int,
        request_id: str | None = None,
        details: Sequence[dict[str, Any]] = (),
    ) -> None:
        super().__init__(message, fix=fix)
        self.status = status
        self.request_id = request_id
        self.details = list(details)

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (type(self), self.args, vars(self)))


class Unauthenticated(CalendlyError):
    """401: Calendly does not know this token."""

    code = "unauthenticated"


class PermissionDenied(CalendlyError):
    """403. `reason` is scope, plan, role or other; `required_scopes` is set for scope."""

    code = "permission_denied"
    reason: str = "other"
    required_scopes: tuple[str, ...] = ()


class NotFound(CalendlyError):
    """404: no such resource, or not visible to this token."""

    code = "not_found"


class Rejected(CalendlyError):
    """400, 409, 422, 424 and other 4xx: the request itself was refused."""

    code = "rejected"


class RateLimited(CalendlyError):
    """429. `retry_after_s` is how long to wait, in seconds."""

    code = "rate_limited"
    retryable = True
    retry_after_s: float | None = None


class CalendlyDown(CalendlyError):
    """5xx: Calendly failed. For a write, see `may_have_happened`; `retry_after_s` where Calendly told it."""

    code = "calendly_down"
    retryable = True
    retry_after_s: float | None = None
    may_have_happened: bool = False


class NoAnswer(ConnectorError):
    """No answer came. `reason` is dns, refused, tls, proxy, timeout or broken."""

    code = "no_answer"
    retryable = True

    def __init__(self, message: str, *, fix: str = "", reason: str, may_have_happened: bool = False) -> None:
        super().__init__(message, fix=fix)
        self.reason = reason
        self.may_have_happened = may_have_happened
        self.retryable = not may_have_happened

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (type(self), self.args, vars(self)))


class UnexpectedAnswer(ConnectorError):
    """An answer that is not Calendly's API: not JSON, wrong envelope, a redirect, a page loop."""

    code = "unexpected_answer"


class SignInFailed(ConnectorError):
    """A sign-in did not come to its end. `reason` is a short fixed word: redirect, state, denied, scope …."""

    code = "sign_in_failed"

    def __init__(self, message: str, *, fix: str = "", reason: str) -> None:
        super().__init__(message, fix=fix)
        self.reason = reason

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (type(self), self.args, vars(self)))


class SignInRequired(SignInFailed):
    """A person has to sign in again: nothing that is stored opens the account any more."""

    code = "sign_in_required"

    def __init__(self, message: str, *, fix: str = "", reason: str, credential: str = "") -> None:
        super().__init__(message, fix=fix, reason=reason)
        self.credential = credential


class VaultError(ConnectorError):
    """The vault cannot be used. `reason` is no_key, wrong_key, damaged, newer, unsafe, busy or storage."""

    code = "vault_error"

    def __init__(self, message: str, *, fix: str = "", reason: str = "") -> None:
        super().__init__(message, fix=fix)
        self.reason = reason


class SignatureError(ConnectorError):
    """A webhook was refused. `reason` is a short fixed word for logs."""

    code = "signature_refused"

    def __init__(self, message: str, *, fix: str = "", reason: str = "") -> None:
        super().__init__(message, fix=fix)
        self.reason = reason


class InboxError(ConnectorError):
    """The inbox, where events wait for their handler, cannot be read or written."""

    code = "inbox_error"
    retryable = True


class ResultTooLarge(ConnectorError):
    """A host cannot keep what an action gave. A write has happened where `may_have_happened` says so."""

    code = "result_too_large"
    may_have_happened: bool = False

    def __init__(self, message: str, *, fix: str = "", may_have_happened: bool = False) -> None:
        super().__init__(message, fix=fix)
        self.may_have_happened = may_have_happened


class DestinationError(ConnectorError):
    """The database or folder that a copy goes into said no."""

    code = "destination_failed"


class TakenOver(DestinationError):
    """A later sync into the same destination has taken over; this one wrote nothing since."""

    code = "taken_over"


def _rebuild(kind: type[ConnectorError], args: tuple[Any, ...], state: dict[str, Any]) -> ConnectorError:
    """Rebuild an error in another process, where its keyword arguments are not at hand."""
    error = kind.__new__(kind, *args)
    error.args = args
    vars(error).update(state)
    return error
