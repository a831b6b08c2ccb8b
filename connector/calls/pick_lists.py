"""Names instead of ids: what a field that names a resource can be set to, and which one a name means."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

from ..catalog.identifiers import is_id
from ..catalog.json_schema import Schema
from ..contract import Option, Record
from ..errors import NotFound, PermissionDenied
from ..support.redaction import quoted

List = Callable[[str, Mapping[str, Any]], Iterable[Record]]
Read = Callable[[str, str], Record]
Evaluate = Callable[[str], str]

_NEAR: Final = 3


def is_name(text: str, field: Schema) -> bool:
    """Whether a text may be a name from the field's pick list; one with a slash has to be given as URI."""
    readable = text.strip() and text.isprintable() and not set(text) & set("/\\")
    return "x-options" in field and bool(readable) and not is_id(text)


@dataclass(frozen=True, slots=True)
class _Row:
    """One choice; `names` are the texts that mean it, as they are spelled."""

    label: str
    value: str
    names: tuple[str, ...]

    def means(self, wanted: str) -> bool:
        return any(wanted == name.casefold() for name in self.names)


class Choices:
    """Reads pick lists.

    `records` returns all records of a list action, `read` the one record of an action and a URI,
    `evaluate` the value of a text that holds a function.
    """

    def __init__(self, records: List, read: Read, evaluate: Evaluate) -> None:
        self._records = records
        self._read = read
        self._evaluate = evaluate

    def options(self, field: Schema) -> list[Option]:
        """Return what a field can be set to; a field without a pick list has none."""
        return [Option(row.label, row.value) for row in self._rows(field)]

    def find(self, text: str, field: Schema) -> str:
        """Return the URI that a name means; ValueError says why there is not just one."""
        wanted = text.strip().casefold()
        source = field["x-options"]
        if word := source.get("words", {}).get(wanted):
            return self._evaluate(word)
        rows = list(self._rows(field))
        found = {row.value: row.label for row in rows if row.means(wanted)}
        if len(found) == 1:
            return next(iter(found))
        if found:
            candidates = ", ".join(f"{label} ({value})" for value, label in found.items())
            raise ValueError(f"{quoted(text)} names {len(found)} of them; pass the URI of one: {candidates}")
        near = " or ".join(map(repr, _near(wanted, rows)))
        raise ValueError(
            f"{quoted(text)} matches no name in {source['action']}"
            + (f"; did you mean {near}?" if near else "")
        )

    def _rows(self, field: Schema) -> Iterator[_Row]:
        source = field.get("x-options")
        if source is None:
            return
        for record in self._records(source["action"], source.get("filter", {})):
            value = next(_texts(record, source["value"]), None)
            if value is None:
                continue
            told = self._told(source["read"], value) if "read" in source else record
            names = [
                name for path in (source["label"], *source.get("also", ())) for name in _texts(told, path)
            ]
            yield _Row(next(_texts(told, source["label"]), value), value, tuple(names))

    def _told(self, action: str, uri: str) -> Record:
        """Read the record that tells the names, where the token may see it."""
        try:
            return self._read(action, uri)
        except (NotFound, PermissionDenied):
            return {}


def _near(wanted: str, rows: Iterable[_Row]) -> list[str]:
    """Return the choices that are meant most likely: those whose names hold the text, then those alike."""
    labels = {name.casefold(): row.label for row in rows for name in row.names}
    holding = [name for name in labels if wanted in name]
    alike = get_close_matches(wanted, labels, n=_NEAR, cutoff=0.5)
    return list(dict.fromkeys(labels[name] for name in (*holding, *alike)))[:_NEAR]


def _texts(record: Any, path: str) -> Iterator[str]:
    """Return the texts at a path of a record, and of each item where a list stands on the way."""
    if isinstance(record, list):
        for item in record:
            yield from _texts(item, path)
    elif not path:
        if isinstance(record, str) and record:
            yield record
    elif isinstance(record, dict):
        step, _, rest = path.partition(".")
        yield from _texts(record.get(step), rest)
