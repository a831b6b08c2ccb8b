"""Whose data a sync reads: the whole organization's if the user is an admin or owner, otherwise their own."""

from dataclasses import dataclass
from typing import Any

from ..auth.identity import ADMIN_ROLES, read_identity
from ..contract import Connection, Params, Result
from ..errors import UsageError
from .streams import StreamSpec


@dataclass(frozen=True, slots=True)
class AccountView:
    """The data that a token can read. `note` says why it isn't the whole organization's."""

    user: str
    organization: str
    whole: bool
    calls: int
    note: str = ""

    def list_input(self, stream: StreamSpec) -> dict[str, Any]:
        """Return the input that limits a list to this view."""
        name = stream.organization_input if self.whole else stream.user_input
        return {name: self.organization if name == "organization" else self.user} if name else {}

    def to_state(self) -> dict[str, Any]:
        """Return the view as it is stored in the destination, to compare later views with it."""
        return {"organization": self.organization, "user": None if self.whole else self.user}


def read_account_view(connection: Connection, *, own: bool) -> AccountView:
    """Ask Calendly for the token's user and their role; with `own`, only for the user."""
    calls = 0

    def run(action: str, params: Params | None) -> Result:
        nonlocal calls
        calls += 1  # a denied call counts, too
        result = connection.run(action, params)
        calls += result.calls - 1
        return result

    identity = read_identity(run, with_role=not own)
    whole = identity.role in ADMIN_ROLES
    note = ""
    if identity.role is None and not own:
        note = "The token can't read its user's role (organizations:read), so only their own data is synced."
    elif not whole and not own:
        note = "The token's user is not an admin or owner, so only their own data is synced."
    return AccountView(identity.user, identity.organization, whole=whole, calls=calls, note=note)


def check_same_view(stored: Any, view: AccountView) -> None:
    """Raise UsageError if the destination holds another view: its rows would be marked as missing."""
    if stored is None or stored == view.to_state():
        return
    if stored.get("organization") != view.organization:
        held = "another account's data"
    else:
        held = "one user's own data" if stored.get("user") else "a whole organization's data"
    wanted = "the whole organization's" if view.whole else "only the user's own"
    raise UsageError(
        f"This destination already holds {held}. This sync would write {wanted}.",
        fix="Choose another destination.",
    )
