"""Whose data is copied: the whole organization where the token may read it, else the user's own."""

from dataclasses import dataclass
from typing import Any

from ..catalog.required_fields import taken_from, uri_in
from ..contract import Connection
from ..errors import PermissionDenied, UsageError
from .streams import Stream

_LEADS = frozenset({"owner", "admin"})


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
    """Ask Calendly who the token is and what role it has."""
    me = connection.run("users.me")
    user, organization = (uri_in(me.record, name, "users.me") for name in ("uri", "current_organization"))
    if own:
        return Account(user, organization, whole=False, calls=me.calls)
    try:
        with taken_from("the reply to users.me"):
            connection.preview(
                "organizations.get", {"uuid": organization}
            )  # refuses what is not an organization
            found = connection.run("organization_memberships.list", {"user": user})
    except PermissionDenied:
        note = "The token may not read its role (organizations:read), so only its user's own data is copied."
        return Account(user, organization, whole=False, calls=me.calls + 1, note=note)
    roles = {one.get("role") for one in found.records if one.get("organization") == organization}
    whole = not roles.isdisjoint(_LEADS)
    note = "" if whole else "The user is no admin or owner, so only their own data is copied."
    return Account(user, organization, whole=whole, calls=me.calls + found.calls, note=note)


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
