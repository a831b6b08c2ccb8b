"""Whose token it is, and which group is meant, as Calendly knows it."""

from ..contract import Connection
from ..errors import PermissionDenied, UnexpectedAnswer
from .scoping import Reach


def read_reach(connection: Connection) -> Reach:
    """Read who the credential belongs to: two calls. Without the scope for it, the role is not known."""
    user = connection.run("users.me").record or {}
    uri, organization = user.get("uri"), user.get("current_organization")
    if not isinstance(uri, str) or not isinstance(organization, str):
        raise UnexpectedAnswer("Calendly did not say whose token it is.", fix="Report it.")
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
    return str((connection.run("groups.get", {"uuid": group}).record or {}).get("uri"))
