"""Whose data a sync reads: the whole organization's if the user is an admin or owner, otherwise their own."""

from dataclasses import dataclass
from typing import Any

from ..catalog.required_fields import taken_from, uri_in
from ..contract import Connection
from ..errors import PermissionDenied, UsageError
from .streams import StreamSpec

_ADMIN_ROLES = frozenset({"owner", "admin"})


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
    me = connection.run("users.me")
    user, organization = (uri_in(me.record, name, "users.me") for name in ("uri", "current_organization"))
    if own:
        return AccountView(user, organization, whole=False, calls=me.calls)
    try:
        with taken_from("the reply to users.me"):
            connection.preview("organizations.get", {"uuid": organization})  # checks the URI
            found = connection.run("organization_memberships.list", {"user": user})
    except PermissionDenied:
        note = "The token can't read its user's role (organizations:read), so only their own data is synced."
        return AccountView(user, organization, whole=False, calls=me.calls + 1, note=note)
    roles = {entry.get("role") for entry in found.records if entry.get("organization") == organization}
    whole = not roles.isdisjoint(_ADMIN_ROLES)
    note = "" if whole else "The token's user is not an admin or owner, so only their own data is synced."
    return AccountView(user, organization, whole=whole, calls=me.calls + found.calls, note=note)


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
