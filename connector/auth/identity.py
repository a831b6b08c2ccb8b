"""Whose token it is, and which group is meant, as Calendly knows it."""

from dataclasses import dataclass
from typing import Final

from ..catalog.required_fields import taken_from, uri_in
from ..contract import Connection
from ..errors import PermissionDenied

_ME = "users.me"
LEADS: Final = ("admin", "owner")  # the roles that may hear of a whole organization


@dataclass(frozen=True, slots=True)
class Reach:
    """Who asks: URIs of their user and organization, and their role there, where it is known."""

    user: str
    organization: str
    role: str | None


def read_reach(connection: Connection) -> Reach:
    """Read who the credential belongs to: two calls. Without the scope for it, the role is not known."""
    user = connection.run(_ME).record
    uri, organization = (uri_in(user, name, _ME) for name in ("uri", "current_organization"))
    with taken_from(f"the reply to {_ME}"):
        connection.preview("organizations.get", {"uuid": organization})  # refuses what is not an organization
        try:
            listed = connection.run("organization_memberships.list", {"user": uri}).records
        except PermissionDenied:
            return Reach(uri, organization, None)
    roles = [entry.get("role") for entry in listed if entry.get("organization") == organization]
    return Reach(uri, organization, roles[0] if roles and isinstance(roles[0], str) else None)


def group_uri(connection: Connection, group: str) -> str:
    """Give a group's URI; its id or name is looked up."""
    if not group or group.startswith("https://"):
        return group
    return uri_in(connection.run("groups.get", {"uuid": group}).record, "uri", "groups.get")
