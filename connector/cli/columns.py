"""The columns of a table or spreadsheet: which ones, and how a value is written in one."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from difflib import get_close_matches
from typing import Any, Final, Literal

from ..catalog import json_schema, paths
from ..contract import ActionInfo, Column, Record
from ..errors import UsageError
from ..support import timestamps
from ..support.redaction import quoted
from . import dates
from .terminal import printable

Kind = Literal["text", "time", "link", "email", "id", "number"]

_EMPTY: Final = "-"
_COLORS: Final[Mapping[str, int]] = {
    **dict.fromkeys(("active", "accepted", "available", "booked", "published", "pushed", "ready"), 32),
    **dict.fromkeys(("canceled", "declined", "disabled", "failed", "expired", "deleted"), 31),
    **dict.fromkeys(("pending", "no_show", "rescheduled", "initiated", "processing", "draft"), 33),
}


def _no_names(_pick_list: str) -> Mapping[str, str]:
    return {}


@dataclass(frozen=True, slots=True)
class View:
    """How people see records. `zone` and `names` may read from Calendly, so they are called when needed.

    `columns` are chosen names, empty for the action's own. `names` returns the names of a pick list by URI.
    `details` is a property, such as answers, whose parts a table shows below each row.
    """

    columns: tuple[str, ...] = ()
    zone: Callable[[], tzinfo] = lambda: UTC
    names: Callable[[str], Mapping[str, str]] = field(default=_no_names)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    details: str = ""


def chosen(action: ActionInfo, names: Sequence[str]) -> tuple[Column, ...]:
    """Return the columns with these headings or paths, or the action's own without names.

    Raises UsageError for an unknown name, with similar ones.
    """
    if not names:
        return action.columns or _first_columns(action)
    known = {column.heading.casefold(): column for column in action.columns}
    known |= {column.path.casefold(): column for column in action.columns}
    columns = []
    for name in names:
        column = known.get(name.strip().casefold())
        if column is None:
            path = name.strip()
            if not path or not paths.rules(action.output, path):
                raise _unknown(action, name)
            column = Column(path, title=path, names=_pick_list(path))
        columns.append(column)
    return tuple(columns)


def _pick_list(path: str) -> str:
    """Return the pick list with the names of the resources at a path such as `event_type`, if one exists."""
    name = f"{path.rpartition('.')[2]}s"
    return name if "label" in json_schema.read("pick_lists.json").get(name, ()) else ""


def _first_columns(action: ActionInfo) -> tuple[Column, ...]:
    """Return the columns of a list that declares none: its first properties."""
    return tuple(Column(path) for path in list(paths.properties(action.output))[:6])


def _unknown(action: ActionInfo, name: str) -> UsageError:
    own = [column.heading.casefold() for column in action.columns]
    shown = {column.path for column in action.columns}
    others = [path for path in paths.properties(action.output) if path not in shown]
    near = get_close_matches(name.strip().casefold(), {*own, *others}, n=3, cutoff=0.5)
    hint = f"Did you mean {', '.join(near)}? " if near else ""
    return UsageError(
        f"{action.id} has no column {quoted(name)}.",
        fix=f"{hint}Available: {', '.join([*own, *others])}.",
    )


def kind_of(action: ActionInfo, path: str) -> Kind:
    """Return what a path holds: text, which can be shortened, or something that can't."""
    formats = {rule.get("format") for rule in paths.rules(action.output, path)}
    types = {name for rule in paths.rules(action.output, path) for name in _types(rule)}
    if "date-time" in formats:
        return "time"
    if "email" in formats:
        return "email"
    if "uri" in formats or (path == "uri" and not formats - {None}):
        return "link" if path.rpartition(".")[2].endswith(("url", "link")) else "id"
    return "number" if types and types <= {"integer", "number", "null"} else "text"


def _types(rule: Mapping[str, Any]) -> Iterable[str]:
    declared = rule.get("type", ())
    return (declared,) if isinstance(declared, str) else declared


def plain(value: object) -> str:
    """Return a value as text for a person."""
    if value is None or value == "":
        return _EMPTY
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str | int | float):
        return str(value)
    if isinstance(value, dict) and value:
        return "; ".join(f"{name}: {plain(inner)}" for name, inner in value.items())
    import orjson

    return orjson.dumps(value).decode()


def color_of(name: str, value: object) -> int | None:
    """Return the terminal's color code for a status; None for other values."""
    is_status = name.rpartition(".")[2] in {"status", "state"}
    return _COLORS.get(value) if is_status and isinstance(value, str) else None


class Cells:
    """Writes the values of one column."""

    def __init__(self, action: ActionInfo, column: Column, view: View) -> None:
        self.column = column
        self.kind = kind_of(action, column.path)
        self._view = view
        self.is_whole = self.kind != "text" and not column.names

    @property
    def heading(self) -> str:
        """The heading; of times, with the place that names their zone."""
        heading = self.column.heading.upper()
        return f"{heading} ({place(self._view.zone())})" if self.kind == "time" else heading

    def is_in(self, records: Iterable[Record]) -> bool:
        """Check whether any record has this property, even if it is null."""
        return any(True for record in records for _ in paths.values(record, self.column.path))

    def text(self, record: Record) -> str:
        """Return what a record shows in this column, in one line."""
        found = [value for value in paths.values(record, self.column.path) if value is not None]
        text = ", ".join(self._one(value) for value in found)
        return printable(" ".join(text.splitlines()) or _EMPTY)

    def color(self, record: Record) -> int | None:
        """Return the color of what a record shows in this column."""
        return color_of(self.column.path, next(paths.values(record, self.column.path), None))

    def _one(self, value: object) -> str:
        if isinstance(value, str) and self.kind == "time":
            return local_time(value, self._view)
        if isinstance(value, str) and self.kind == "id":
            name = self._view.names(self.column.names).get(value) if self.column.names else None
            return name or value.rstrip("/").rpartition("/")[2]
        return plain(value)


def local_time(text: str, view: View) -> str:
    """Return a time of a record in the view's zone; unchanged if it can't be read."""
    moment = timestamps.read_or_none(text)
    return dates.short(moment, view.zone(), year=view.now().year) if moment else text


def place(zone: tzinfo) -> str:
    """Return the short name of a zone, such as "Berlin"."""
    return str(zone).rpartition("/")[2].replace("_", " ")
