"""Inputs that count as missing: null or an empty text, unless the schema accepts it as a value. Pure.

Models, forms and flow editors send both for a field that was left empty. If the schema accepts one, it is a
value: null removes a limit, an empty text clears a company's name. In a read an empty text is never a value.
"""

from collections.abc import Mapping
from typing import Any

from ..catalog.json_schema import Schema, resolve
from ..catalog.models import Action
from ..contract import Plain


def without_blanks(
    action: Action, values: Mapping[str, Any], fields: Mapping[str, Schema] | None = None
) -> dict[str, Any]:
    """Return the inputs without those that count as missing, at any depth.

    `fields` are the schemas of the values. Default: the action's inputs.
    """
    fields = action.inputs if fields is None else fields
    return {
        name: without_blanks_within(action, value, fields.get(name, {}))
        for name, value in values.items()
        if not is_blank(value) or name not in fields or accepts(action, fields[name], value)
    }


def is_blank(value: Any) -> bool:
    """Check whether a value is null or an empty text."""
    value = value.value if isinstance(value, Plain) else value
    return value is None or (isinstance(value, str) and not value)


def accepts(action: Action, field: Schema, value: Any) -> bool:
    """Check whether a field accepts a null, an empty text or an empty list as a value."""
    if value == "" and action.effect == "read":
        return False
    import jsonschema_rs

    whole = {**field, "$defs": action.sent.get("$defs", {})}
    return jsonschema_rs.Draft202012Validator(whole, validate_formats=True).is_valid(value)


def without_blanks_within(action: Action, value: Any, field: Schema) -> Any:
    """Return a value without the fields inside it that count as missing."""
    field = resolve(field, action.sent)
    if isinstance(value, dict) and "properties" in field:
        return without_blanks(action, value, field["properties"])
    if isinstance(value, list) and "items" in field:
        return [without_blanks_within(action, item, field["items"]) for item in value]
    return value
