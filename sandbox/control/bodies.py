"""Reads the bodies of the control API; ValueError or LookupError says what is wrong. Pure."""

from typing import Any

import orjson

from ..errors import Body
from ..world.population import Member
from ..world.world import World


def read(raw: bytes, allowed: set[str]) -> Body:
    """Give the JSON object a control call carries, an empty one for none; its fields must be allowed."""
    body = orjson.loads(raw) if raw else {}
    if not isinstance(body, dict):
        raise ValueError("the body must be a JSON object")  # noqa: TRY004 - answered with 400 like all others
    unknown = set(body) - allowed
    if unknown:
        raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
    return body


def uuid(value: Any) -> str:
    """Give the id of a resource named by its URI or by the bare id."""
    if not isinstance(value, str) or not value:
        raise ValueError("a resource is named by its URI or its id")
    return value.rpartition("/")[2]


def member(world: World, value: Any) -> Member:
    """Give a user named by URI or id."""
    found = world.member(uuid(value))
    if found is None:
        raise LookupError("no such user")
    return found


def text(body: Body, field: str, default: Any) -> Any:
    """Give a text, or the default where there is none."""
    value = body.get(field, default)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{field} must be a text")
    return value


def texts(body: Body, field: str) -> list[str]:
    """Give an array of texts, an empty one where there is none."""
    value = body.get(field, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError(f"{field} must be an array of texts")
    return value


def flag(body: Body, field: str) -> bool:
    """Give true or false, false where there is none."""
    value = body.get(field, False)
    if not isinstance(value, bool):
        raise ValueError(f"{field} must be true or false")  # noqa: TRY004 - answered with 400 like all others
    return value


def count(body: Body, field: str, most: int, default: int = 0) -> int:
    """Give a whole number of 0 or more, or the default where there is none."""
    value = body.get(field, default)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise ValueError(f"{field} must be an integer between 0 and {most}")
    return value
