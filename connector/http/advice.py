"""What to do after a refusal. Pure.

The status of a reply decides the class of its error. Calendly has no code that tells the cases of one status
apart, so its wording decides the advice, and with a 403 the reason; the table below is all that knows it.
Sources: https://developer.calendly.com/api-docs and replies that other projects have quoted.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from shlex import quote
from typing import Any, Final

_DETAILS_READ: Final = 10
_READ: Final = 2_000  # characters of what Calendly says
_REPLACE: Final = "Create a new token in Calendly and put it in {place}."
_FOREIGN: Final = (
    " What is there doesn't start with eyJ, as Calendly's tokens do: "
    "it may be an API key of the old API, a client secret or a signing key."
)
_MORE_SCOPES: Final = "Create a token that also has {scopes} and put it in {place}."
_ACCORDINGLY: Final = "Change the call accordingly."
_UNSAID: Final = "Check the inputs: Calendly doesn't say which one it refuses."
_SAYS_NOTHING: Final = "the supplied parameters are invalid"


@dataclass(frozen=True, slots=True)
class Kept:
    """Where the credential of a call is kept: where a person can change it.

    `name` is its name in the vault, `foreign` says that its token doesn't look like one of Calendly's.
    """

    place: str = "the credential passed to connect()"
    oauth: bool = False
    name: str = ""
    foreign: bool = False

    def renew(self) -> str:
        """Say what to do where the token is not accepted."""
        if self.oauth:
            return f"Sign in again: {self._login}"
        return _REPLACE.format(place=self.place) + (_FOREIGN if self.foreign else "")

    def extend(self, scopes: tuple[str, ...], action: str) -> str:
        """Say what to do where the token lacks scopes that a call needs."""
        if not self.oauth:
            return _MORE_SCOPES.format(scopes=", ".join(scopes), place=self.place)
        asked = f"--for {action}" if action else " ".join(f"--scope {quote(scope)}" for scope in scopes)
        return f"Sign in again for {', '.join(scopes)}: {self._login} {asked}"

    @property
    def _login(self) -> str:
        return f"calendly-connector login {quote(self.name) if self.name else 'NAME'}"


@dataclass(frozen=True, slots=True)
class Case:
    """A refusal and what follows from it; the first case that fits counts.

    `says` is a part of what Calendly says, in lower case: the title of a 400, the message, and code and
    message of the details. `call` is a pattern of the request's method and path. `what` replaces the words
    of the error, `reason` is that of a 403. `retryable` says that nothing happened and that the same call
    may succeed.
    """

    status: int
    fix: str
    says: str = ""
    call: str = ""
    what: str = ""
    reason: str = "other"
    retryable: bool = False


_BOOKING: Final = "POST /invitees"
_INVITING: Final = "POST /organizations/[^/]+/invitations"
_CANCELING: Final = "POST /scheduled_events/[^/]+/cancellation"
_SLOTS: Final = "event_type_available_times.list"

CASES: Final = (
    Case(400, f"That slot is taken. Choose another from {_SLOTS}.", says="already_filled", call=_BOOKING),
    Case(400, "Try again.", says="race condition", retryable=True),
    Case(400, "Nothing to do: this person has been invited.", says="already invited", call=_INVITING),
    Case(400, "Nothing to do: this person is a member.", says="already organization member", call=_INVITING),
    Case(403, "Pass organization as well as user.", says="also specify organization"),
    Case(403, "Nothing to do: the event is canceled.", says="already canceled", call=_CANCELING),
    Case(
        403,
        "Choose a user of the token's own organization, from organization_memberships.list.",
        says="not in your organization",
    ),
    Case(403, "Ask Calendly support to grant the data requests permission.", says="data requests permission"),
    Case(403, "Buy more seats in Calendly, or remove members.", says="purchase more seats", reason="plan"),
    Case(403, "Upgrade the trial to a paid plan.", says="trial account", reason="plan"),
    Case(403, "Use an account whose Calendly plan includes this.", says="upgrade", reason="plan"),
    Case(403, "Use a token of an owner or admin of the organization.", says="permission", reason="role"),
    Case(403, "Check that the token's user may do this in Calendly."),
    Case(
        404,
        f"Choose another time from {_SLOTS}.",
        call=_BOOKING,
        what="that time is not available, or there is no such event type",
    ),
    Case(404, "Check the id, and that the token's user may see it."),
    Case(409, "It already exists: use that one, or delete it first."),
    Case(424, "Reconnect the calendar in Calendly, then try again."),
)


def case_of(status: int, call: str, told: Mapping[str, Any]) -> Case:
    """Return the case of a refusal, from what the reply's JSON object tells."""
    entries = _entries(told)
    # Every 403 is titled "Permission Denied", whatever it is about.
    texts = [told.get("title") if status == HTTPStatus.BAD_REQUEST else None, told.get("message")]
    texts += [entry.get(name) for entry in entries for name in ("code", "message")]
    said = " ".join(text[:_READ] for text in texts if isinstance(text, str)).casefold()
    for case in CASES:
        if case.status == status and case.says in said and (not case.call or re.fullmatch(case.call, call)):
            return case
    specific = [text for text in texts[1:] if isinstance(text, str) and text.strip()]
    unsaid = all(_SAYS_NOTHING in text.casefold() for text in specific)
    return Case(status, _UNSAID if unsaid else _ACCORDINGLY)


def _entries(told: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    details = told.get("details")
    listed = details[:_DETAILS_READ] if isinstance(details, list) else []
    return [entry for entry in listed if isinstance(entry, dict)]
