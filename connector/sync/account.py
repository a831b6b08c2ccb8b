"""Whose data is copied: the whole organization where the token may read it, else the user's own."""

from dataclasses import dataclass
from typing import Any

from ..auth.identity import ADMIN_ROLES, read_identity
from ..contract import Connection, Params, Result
from ..errors import UsageError
from .streams import Stream


@dataclass(frozen=True, slots=True)
class Account:
    """What a token reads; `note` says why it is not the whole organization."""

    user: str
    organization: str
    whole: bool
    calls: int
    note: str = ""

    def input(self, stream: Stream) -> dict[str, Any]:
        """Give the inputs that say whose records a list is to hold."""
        named = stream.whole if self.whole else stream.own
        return {named: self.organization if named == "organization" else self.user} if named else {}

    def mark(self) -> dict[str, Any]:
        """Give what tells this account's copies from others'."""
        return {"organization": self.organization, "user": None if self.whole else self.user}


def look_up(connection: Connection, *, own: bool) -> Account:
    """Return whose data to sync: the whole organization's for its admins, unless only `own` is asked for."""
    calls = 0

    def run(action: str, params: Params | None) -> Result:
        nonlocal calls
        calls += 1  # a call that is refused counts, too
        result = connection.run(action, params)
        calls += result.calls - 1
        return result

    identity = read_identity(run, with_role=not own)
    whole = identity.role in ADMIN_ROLES
    note = ""
    if not whole and not own:
        why = (
            "is not an admin or owner" if identity.role else "has no known role (it needs organizations:read)"
        )
        note = f"The token's user {why}, so only their own data is synced."
    return Account(identity.user, identity.organization, whole=whole, calls=calls, note=note)


def check_same(known: Any, account: Account) -> None:
    """Refuse to mix two accounts, or a user's view with the organization's: rows would seem to go missing."""
    if known is None or known == account.mark():
        return
    was = "a whole organization" if known.get("user") is None else "one user's own data"
    now = "the whole organization" if account.whole else "the user's own data"
    other = "" if known.get("organization") == account.organization else " of another account"
    raise UsageError(
        f"The destination is a copy of {was}{other}; this token would copy {now}.",
        fix="Name another destination.",
    )
