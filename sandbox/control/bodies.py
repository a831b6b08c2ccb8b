"""Read the bodies of control calls; invalid ones raise ValueError or LookupError. Pure."""

from typing import Any

import orjson

from ..errors import Body
from ..world.population import Member
from ..world.world import World


def read(raw: bytes, allowed: set[str]) -> Body:
    """Return the JSON object in the body of a control call, {} for an empty body; check its field names."""
    body = orjson.loads(raw) if raw else {}
    if not isinstance(body, dict):
        raise ValueError("the body must be a JSON object")  # noqa: TRY004 - becomes a 400 like all others
    unknown = set(body) - allowed
    if unknown:
        raise ValueError(f"unknown fields: {', '.join(sorted(unknown))}")
    return body


def uuid(value: Any) -> str:
    """Return the id of a resource from its URI or id."""
    if not isinstance(value, str) or not value:
        raise ValueError("a resource must be a URI or an id")
    return value.rpartition("/")[2]


def member(world: World, value: Any) -> Member:
    """Return a user by URI or id."""
    found = world.member(uuid(value))
    if found is None:
        raise LookupError("unknown user")
    return found


def text(body: Body, field: str, default: Any) -> Any:
    """Return a string, or the default if missing."""
    value = body.get(field, default)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{field} must be a string")
    return value


def texts(body: Body, field: str) -> list[str]:
    """Return an array of strings, [] if missing."""
    value = body.get(field, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError(f"{field} must be an array of strings")
    return value


def flag(body: Body, field: str) -> bool:
    """Return a boolean, False if missing."""
    value = body.get(field, False)
    if not isinstance(value, bool):
        raise ValueError(f"{field} must be true or false")  # noqa: TRY004 - becomes a 400 like all others
    return value


def count(body: Body, field: str, maximum: int, default: int = 0) -> int:
    """Return an integer between 0 and `maximum`, or the default if missing."""
    value = body.get(field, default)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= maximum:
        raise ValueError(f"{field} must be an integer between 0 and {maximum}")
    return value
