"""The types of what requests contain, and how contract objects become JSON."""

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Annotated, Any, Final

from fastapi import Path, Query, Request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from ..web.guard import PERSON

_TEXT: Final = r"^[^\x00-\x1f\x7f]+$"
_DEEPEST: Final = 50


def _plain(value: dict[str, Any]) -> dict[str, Any]:
    """Return JSON that every database and application can keep. Raises ValueError."""
    if _depth(value) > _DEEPEST:
        raise ValueError("is too deep")
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False)
        text.encode()
    except ValueError:
        raise ValueError("contains half a character, or a number that isn't one") from None
    if "\\u0000" in text.replace("\\\\", ""):  # an escaped backslash isn't the beginning of an escape
        raise ValueError("contains a null character")
    return value


def readable(text: str) -> str:
    """Return a text that every database can keep. Raises ValueError."""
    if "\x00" in text:
        raise ValueError("contains a null character")
    return text


def _depth(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(_depth, inner), default=0)


JsonObject = Annotated[dict[str, Any], AfterValidator(_plain)]
Name = Annotated[str, Path(min_length=1, max_length=200, pattern=_TEXT)]
RunId = Annotated[str, Path(min_length=1, max_length=500, pattern=_TEXT)]
Text = Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
Version = Annotated[int | None, Query(ge=1, le=2**31 - 1)]


class Model(BaseModel):
    """A body. A field that isn't known is an error: it may be a mistyped one."""

    model_config = ConfigDict(extra="forbid")


class Nothing(Model):
    """A body without fields."""


def person(request: Request) -> str:
    """Return who sent a request."""
    return str(request.scope.get(PERSON, ""))


def as_json(value: Any) -> Any:
    """Return an object of the contract as JSON values, without the fields that are empty by default."""
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: as_json(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): as_json(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [as_json(one) for one in value]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
