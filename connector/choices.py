"""Names instead of ids: what a field that names a resource can be set to, and which one a name means."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, Final

from .contract import Option, Record
from .schema import Schema

List = Callable[[str, Mapping[str, Any]], Iterable[Record]]

_ID: Final = re.compile(
    r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"  # as Calendly makes them today
    r"|[A-Z0-9]{16}"  # as it did until 2023
)
_OPAQUE: Final = re.compile(r"[A-Za-z0-9_-]+")


def is_name(text: str, field: Schema) -> bool:
    """Whether a text may be a name from the field's pick list; one with a slash has to be given as URI."""
    readable = text.strip() and text.isprintable() and not set(text) & set("/\\")
    return "x-options" in field and bool(readable) and not _ID.fullmatch(text)


class Choices:
    """Reads pick lists; `records` gives all records of a list action."""

    def __init__(self, records: List) -> None:
        self._records = records

    def options(self, field: Schema) -> list[Option]:
        """Give what a field can be set to; a field without a pick list has none."""
        return [Option(label, value) for label, value, _ in self._rows(field)]

    def find(self, text: str, field: Schema) -> str:
        """Give the URI that a name or slug means; ValueError says why there is not just one."""
        wanted = text.strip().casefold()
        rows = list(self._rows(field))
        found = {value: label for label, value, names in rows if wanted in names}
        if len(found) == 1:
            return next(iter(found))
        if found:
            candidates = ", ".join(f"{label} ({value})" for value, label in found.items())
            raise ValueError(f"names {len(found)} of them, give the URI of one: {candidates}")
        if _OPAQUE.fullmatch(text):
            return text
        near = get_close_matches(wanted, {name for *_, names in rows for name in names}, n=3, cutoff=0.5)
        raise ValueError("names none of them" + (f"; near it: {', '.join(near)}" if near else ""))

    def _rows(self, field: Schema) -> Iterator[tuple[str, str, set[str]]]:
        source = field.get("x-options")
        if source is None:
            return
        for record in self._records(source["action"], source.get("filter", {})):
            label, value = str(_at(record, source["label"])), _at(record, source["value"])
            names = {label, *(str(_at(record, path)) for path in source.get("also", ()))}
            if isinstance(value, str):
                yield label, value, {name.casefold() for name in names}


def _at(record: Any, path: str) -> Any:
    for step in path.split("."):
        record = record.get(step) if isinstance(record, dict) else None
    return record
