"""What counts as not given: null or an empty text that an input does not take as a value. Pure.

Models, forms and flow editors send both for a field that nobody filled in. Where the schema takes one, it is
a value: null lifts a limit, an empty text clears a company's name. In a read an empty text never is one.
"""

from collections.abc import Mapping
from typing import Any

from ..catalog.json_schema import Schema, resolve
from ..catalog.models import Action


def without_blanks(action: Action, values: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what counts as not given, also inside objects and lists."""
    return _cleaned(action, values, action.inputs)


def is_blank(value: Any) -> bool:
    """Whether a value is null or an empty text."""
    return value is None or (isinstance(value, str) and not value)


def takes(action: Action, field: Schema, value: Any) -> bool:
    """Whether a null, an empty text or an empty list is a value of a field."""
    if value == "" and action.effect == "read":
        return False
    import jsonschema_rs

    whole = {**field, "$defs": action.sent.get("$defs", {})}
    return jsonschema_rs.Draft202012Validator(whole, validate_formats=True).is_valid(value)


def _cleaned(action: Action, values: Mapping[str, Any], fields: Mapping[str, Schema]) -> dict[str, Any]:
    return {
        name: _within(action, value, fields.get(name, {}))
        for name, value in values.items()
        if not is_blank(value) or name not in fields or takes(action, fields[name], value)
    }


def _within(action: Action, value: Any, field: Schema) -> Any:
    field = resolve(field, action.sent)
    if isinstance(value, dict) and "properties" in field:
        return _cleaned(action, value, field["properties"])
    if isinstance(value, list) and "items" in field:
        return [_within(action, item, field["items"]) for item in value]
    return value
