"""Who a token belongs to: user, organization and role. Every part of the package asks here."""

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from ..catalog.required_fields import taken_from, uri_in
from ..contract import Connection, Params, Record, Result
from ..errors import PermissionDenied, UnexpectedAnswer

ROLES: Final = ("user", "admin", "owner")  # in rising order: a role includes those before it
ADMIN_ROLES: Final = frozenset(ROLES[1:])  # these roles can read the whole organization

Run = Callable[[str, Params | None], Result]
"""Runs an action with its inputs, as `Connection.run` does."""


@dataclass(frozen=True, slots=True)
class Identity:
    """URIs of a user and their organization, and their role in it. `role` is None if it isn't known."""

    user: str
    organization: str
    role: str | None


def read_identity(run: Run, *, with_role: bool = True) -> Identity:
    """Return who a token belongs to, in two calls, or in one without the role.

    Without the scope to read it, the role is None. Raises UnexpectedAnswer if a URI is missing or wrong.
    """
    user = read_user(run)
    uri, organization = user["uri"], uri_in(user, "current_organization", "users.me")
    origin = uri.partition("/users/")[0]
    if not re.fullmatch(rf"{re.escape(origin)}/organizations/[A-Za-z0-9_-]+", organization):
        raise UnexpectedAnswer(
            "The reply to users.me has a current_organization that is not the URI of an organization.",
            fix="Try again. If it happens again, report it.",
        )
    role = None
    if with_role:
        with suppress(PermissionDenied), taken_from("the reply to users.me"):
            role = read_role(run, uri, organization)
    return Identity(uri, organization, role)


def read_user(run: Run) -> Record:
    """Return the token's user, who has a `uri`. Raises UnexpectedAnswer for anything else."""
    user = run("users.me", None).record or {}
    uri_in(user, "uri", "users.me")
    return user


def read_role(run: Run, user: str, organization: Any) -> str | None:
    """Return a user's role in an organization, None if Calendly doesn't say. Raises PermissionDenied."""
    memberships = run("organization_memberships.list", {"user": user}).records
    for membership in memberships:
        if membership.get("organization") == organization:
            role = membership.get("role")
            return role if isinstance(role, str) else None
    return None


def group_uri(connection: Connection, group: str) -> str:
    """Return the URI of a group; an id or a name is looked up."""
    if not group or group.startswith("https://"):
        return group
    return uri_in(connection.run("groups.get", {"uuid": group}).record, "uri", "groups.get")
