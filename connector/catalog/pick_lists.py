"""What `schemas/pick_lists.json` declares: where the choices of a field come from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .json_schema import Schema


@dataclass(frozen=True, slots=True)
class PickList:
    """Records that are choices: those that `action` returns, or the items at the path `each` of one record.

    `value` is the path of the value, or `fallback` where a record has none. A list with a `label` has names:
    the texts at `label` and `also` may stand for the value in a call. `read` is the action that reads the
    record with the names, and `words` are functions for fixed words such as `me`. A choice shows the texts
    at `text`, by default its name, followed by the `unit`.

    `filter` is sent with the action. Items with the values in `skip` are no choices. `needs` and `by` name
    the inputs of the action, or else the properties of its records, that have to have the values of the
    fields in the schema's `x-depends-on`, in this order; without those in `needs` nothing can be listed.
    `search` is the input that searches, `email` the one for a whole email address. `empty` says what an
    empty list means. A `local` list is known without Calendly.
    """

    action: str = ""
    value: str = ""
    fallback: str = ""
    label: str = ""
    also: Sequence[str] = ()
    read: str = ""
    words: Mapping[str, str] = field(default_factory=dict)
    text: Sequence[str] = ()
    unit: str = ""
    filter: Mapping[str, Any] = field(default_factory=dict)
    each: str = ""
    skip: Mapping[str, Any] = field(default_factory=dict)
    needs: Sequence[str] = ()
    by: Sequence[str] = ()
    search: str = ""
    email: str = ""
    empty: str = ""
    local: str = ""


def pick_list(rule: Schema) -> PickList | None:
    """Return the pick list of a field, or of its items; None if it has none."""
    declared = rule.get("x-options") or rule.get("items", {}).get("x-options")
    return PickList(**declared) if declared else None


def has_names(rule: Schema) -> bool:
    """Return whether names may stand for the values of a field."""
    return "label" in rule.get("x-options", ())
