"""All errors that this package raises.

ConnectorError
├── UsageError               the call is wrong; nothing was sent
│   ├── UnknownAction        no action has this name
│   ├── InvalidParams        one or more inputs are invalid; `problems` lists all of them
│   ├── AmbiguousMeeting     a description fits several meetings; `candidates` lists them
│   ├── InvalidCredential    the credential is malformed or incomplete
│   └── UnknownCredential    no credential is stored under this name
├── CalendlyError            Calendly answered with an error status
│   ├── Unauthenticated      401
│   ├── PermissionDenied     403; `reason` is scope, plan, role or other
│   ├── NotFound             404
│   ├── Rejected             any other 4xx
│   ├── RateLimited          429; `retry_after_s`
│   └── CalendlyDown         5xx; `may_have_happened` for writes
├── NoAnswer                 no reply arrived; `may_have_happened` for writes
├── UnexpectedAnswer         a reply arrived that doesn't follow Calendly's API
├── SlotTaken                a time can't be booked any more; `nearest` lists others
├── PartlyDone               an action of several calls failed midway; `done` lists what was done
├── SignInFailed             an OAuth sign-in didn't complete; `reason`
│   └── SignInRequired       a stored sign-in expired or was revoked; `credential` names it
├── SignatureError           a webhook's signature is missing or invalid; `reason`
├── VaultError               stored credentials can't be read or written; `reason`
├── InboxError               the event inbox can't be read or written
├── AgentDatabaseError       the agent's database can't be reached
├── ResultTooLarge           a host can't store an action's result; `may_have_happened` for writes
└── DestinationError         a destination database or folder failed; `may_have_happened` for writes
    └── TakenOver            a newer sync into the same destination took over

`str(error)` is one line: what is wrong, then what to do. `to_dict()` returns the same as data.
"""

import copyreg
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class Problem:
    """One invalid input: its JSON path, what is wrong with it, and the nearest valid value, if any."""

    path: str
    message: str
    nearest: str | None = None

    def __str__(self) -> str:
        hint = f" (did you mean {self.nearest!r}?)" if self.nearest else ""
        return f"{self.path}: {self.message}{hint}" if self.path else f"{self.message}{hint}"


class ConnectorError(Exception):
    """Base of all errors. `fix` says what to do, `retryable` whether the same call may succeed later."""

    code: ClassVar[str] = "connector_error"
    retryable: bool = False

    def __init__(self, message: str, *, fix: str = "", retryable: bool | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix
        if retryable is not None:
            self.retryable = retryable

    def __str__(self) -> str:
        text = f"{self.message} {self.fix}"
        return " ".join("".join(char if char.isprintable() else " " for char in text).split())

    def __reduce__(self) -> tuple[Any, ...]:
        # Rebuild without calling __init__: its keyword arguments are in vars(self) already.
        return (copyreg.__newobj__, (type(self), *self.args), vars(self))  # type: ignore[attr-defined]

    def to_dict(self) -> dict[str, Any]:
        """Return the error as plain JSON values, without secrets."""
        head = {"code": self.code, "message": self.message, "fix": self.fix, "retryable": self.retryable}
        return head | vars(self)


class UsageError(ConnectorError):
    """The call is wrong. Nothing was sent."""

    code = "usage_error"


class UnknownAction(UsageError):
    """No action has this name."""

    code = "unknown_action"


class InvalidParams(UsageError):
    """One or more inputs are invalid; `problems` lists all of them."""

    code = "invalid_params"

    def __init__(self, action: str, problems: Sequence[Problem], *, fix: str = "") -> None:
        text = "; ".join(map(str, problems))
        super().__init__(f"{action}: {text}{'' if text.endswith('?') else '.'}", fix=fix)
        self.action = action
        self.problems: tuple[Problem, ...] = tuple(problems)

    def to_dict(self) -> dict[str, Any]:
        """Return the error as plain JSON values; each problem has `path`, `message` and `nearest`."""
        problems = [{"path": p.path, "message": p.message, "nearest": p.nearest} for p in self.problems]
        return {**super().to_dict(), "problems": problems}


class AmbiguousMeeting(UsageError):
    """A description fits several meetings. `candidates` are their rows, to choose from."""

    code = "ambiguous_meeting"

    def __init__(self, message: str, *, fix: str = "", candidates: Sequence[dict[str, Any]] = ()) -> None:
        super().__init__(message, fix=fix)
        self.candidates: list[dict[str, Any]] = list(candidates)


class InvalidCredential(UsageError):
    """The credential is malformed or incomplete; `outcome` is the same as in a `CheckReport`."""

    code = "invalid_credential"

    def __init__(self, message: str, *, fix: str = "", outcome: str = "malformed_token") -> None:
        super().__init__(message, fix=fix)
        self.outcome = outcome


class UnknownCredential(UsageError):
    """No credential is stored under this name."""

    code = "unknown_credential"


class CalendlyError(ConnectorError):
    """Calendly answered with an error status. `details` are those of the reply."""

    code = "calendly_error"

    def __init__(
        self,
        message: str,
        *,
        fix: str = "",
        status: int,
        request_id: str | None = None,
        details: Sequence[dict[str, Any]] = (),
        retryable: bool | None = None,
    ) -> None:
        super().__init__(message, fix=fix, retryable=retryable)
        self.status = status
        self.request_id = request_id
        self.details: list[dict[str, Any]] = list(details)


class Unauthenticated(CalendlyError):
    """401: Calendly doesn't accept the token."""

    code = "unauthenticated"


class PermissionDenied(CalendlyError):
    """403. `reason` is scope, plan, role or other; `required_scopes` is set if it is scope."""

    code = "permission_denied"

    def __init__(
        self, message: str, *, reason: str = "other", required_scopes: Sequence[str] = (), **reply: Any
    ) -> None:
        super().__init__(message, **reply)
        self.reason = reason
        self.required_scopes: tuple[str, ...] = tuple(required_scopes)


class NotFound(CalendlyError):
    """404: the resource doesn't exist, or isn't visible to this token."""

    code = "not_found"


class Rejected(CalendlyError):
    """Any other 4xx, such as 400, 409, 422 and 424: Calendly rejected the request."""

    code = "rejected"


class RateLimited(CalendlyError):
    """429. `retry_after_s` is the time to wait in seconds, if known."""

    code = "rate_limited"
    retryable = True

    def __init__(self, message: str, *, retry_after_s: float | None = None, **reply: Any) -> None:
        super().__init__(message, **reply)
        self.retry_after_s = retry_after_s


class CalendlyDown(CalendlyError):
    """5xx. `may_have_happened` is True for a write; `retry_after_s` is set if Calendly sent it."""

    code = "calendly_down"

    def __init__(
        self,
        message: str,
        *,
        retry_after_s: float | None = None,
        may_have_happened: bool = False,
        **reply: Any,
    ) -> None:
        super().__init__(message, retryable=not may_have_happened, **reply)
        self.retry_after_s = retry_after_s
        self.may_have_happened = may_have_happened


class NoAnswer(ConnectorError):
    """No reply arrived. `reason` is dns, refused, tls, proxy, timeout or broken."""

    code = "no_answer"

    def __init__(self, message: str, *, fix: str = "", reason: str, may_have_happened: bool = False) -> None:
        super().__init__(message, fix=fix, retryable=not may_have_happened)
        self.reason = reason
        self.may_have_happened = may_have_happened


class UnexpectedAnswer(ConnectorError):
    """A reply that doesn't follow Calendly's API: not JSON, a wrong envelope, a redirect, an endless list."""

    code = "unexpected_answer"


class SlotTaken(ConnectorError):
    """A time can't be booked any more. `nearest` are free times: `start_time`, `start_local` and more."""

    code = "slot_taken"

    def __init__(
        self, message: str, *, fix: str = "", start_time: str, nearest: Sequence[dict[str, Any]] = ()
    ) -> None:
        super().__init__(message, fix=fix)
        self.start_time = start_time
        self.nearest: list[dict[str, Any]] = list(nearest)


class PartlyDone(ConnectorError):
    """An action of several calls failed midway. `done` lists what was done, `fix` says how to go on."""

    code = "partly_done"

    def __init__(self, message: str, *, fix: str = "", done: Sequence[dict[str, Any]] = ()) -> None:
        super().__init__(message, fix=fix)
        self.done: list[dict[str, Any]] = list(done)


class SignInFailed(ConnectorError):
    """An OAuth sign-in didn't complete. `reason` is a fixed word: redirect, state, denied, scope …."""

    code = "sign_in_failed"

    def __init__(self, message: str, *, fix: str = "", reason: str) -> None:
        super().__init__(message, fix=fix)
        self.reason = reason


class SignInRequired(SignInFailed):
    """A stored sign-in no longer works, and a person has to sign in again. `credential` is its name."""

    code = "sign_in_required"

    def __init__(self, message: str, *, fix: str = "", reason: str, credential: str = "") -> None:
        super().__init__(message, fix=fix, reason=reason)
        self.credential = credential


class VaultError(ConnectorError):
    """The vault can't be used. `reason` is no_key, wrong_key, damaged, newer, unsafe, busy or storage."""

    code = "vault_error"

    def __init__(
        self, message: str, *, fix: str = "", reason: str = "", retryable: bool | None = None
    ) -> None:
        super().__init__(message, fix=fix, retryable=retryable)
        self.reason = reason


class SignatureError(ConnectorError):
    """A webhook's signature is missing or invalid. `reason` is a short fixed word for logs."""

    code = "signature_refused"

    def __init__(self, message: str, *, fix: str = "", reason: str = "") -> None:
        super().__init__(message, fix=fix)
        self.reason = reason


class InboxError(ConnectorError):
    """The event inbox can't be read or written."""

    code = "inbox_error"
    retryable = True


class AgentDatabaseError(ConnectorError):
    """The agent's database can't be read or written."""

    code = "agent_database_error"
    retryable = True


class ResultTooLarge(ConnectorError):
    """A host can't store an action's result. If `may_have_happened`, the action was a write and has run."""

    code = "result_too_large"

    def __init__(self, message: str, *, fix: str = "", may_have_happened: bool = False) -> None:
        super().__init__(message, fix=fix)
        self.may_have_happened = may_have_happened


class DestinationError(ConnectorError):
    """A destination, a database or a folder, failed. If `may_have_happened`, it may have written."""

    code = "destination_failed"

    def __init__(
        self, message: str, *, fix: str = "", retryable: bool | None = None, may_have_happened: bool = False
    ) -> None:
        super().__init__(message, fix=fix, retryable=retryable)
        self.may_have_happened = may_have_happened


class TakenOver(DestinationError):
    """A newer sync into the same destination took over; this one has written nothing since."""

    code = "taken_over"
