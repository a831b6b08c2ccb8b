"""Writes records for people: a list as a table that fits the terminal, one record as lines."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from ..catalog import paths
from ..contract import ActionInfo, Record
from ..support import timestamps
from . import tables
from .columns import Cells, View, chosen, color_of, local_time, place, plain
from .terminal import notice, printable

_LINES_WIDTH: Final = 100  # longer lines are hard to read
_INDENT: Final = 2


class RecordTable:
    """A table whose widths fit the first page, so rows can be printed as they arrive.

    `width` is that of the terminal, None without one. If chosen columns don't fit, each record is a block of
    lines; of an action's own columns, the last ones are left out instead.
    """

    def __init__(
        self,
        write: Callable[[bytes], None],
        action: ActionInfo,
        view: View,
        *,
        width: int | None,
        colors: bool,
    ) -> None:
        self._write = write
        self._action = action
        self._view = view
        self._width = width
        self._colors = colors
        self._cells: list[Cells] = []
        self._widths: list[int] = []
        self._started = False
        columns = chosen(action, view.columns) if action.returns == "many" or view.columns else ()
        self._columns = [Cells(action, column, view) for column in columns]

    def page(self, records: list[Record]) -> None:
        """Write records."""
        if self._action.returns != "many":
            record = records[0]
            for line in self._chosen_lines(record) if self._columns else self._fields(record, 0, ""):
                self._line(line)
            return
        if records and not self._started:
            self._start(records)
        for record in records:
            if self._cells:
                self._row([cells.text(record) for cells in self._cells], record)
                self._details(record)
            else:
                self._block(record)

    def end(self, summary: dict[str, Any]) -> None:
        """Write that a list is empty, or name the columns that were left out."""
        if self._action.returns == "many" and not self._started and summary.get("complete", True):
            resource, _, verb = self._action.id.rpartition(".")
            self._line(f"no {resource.replace('_', ' ') if verb == 'list' else 'records'}")
        hidden = self._columns[len(self._cells) :]
        if self._cells and hidden:
            names = ", ".join(cells.column.heading for cells in hidden)
            notice("note", f"no room for {names} (--columns chooses others)")

    def _start(self, records: list[Record]) -> None:
        self._started = True
        if not self._view.columns:  # a report has only the columns that it is grouped by
            self._columns = [cells for cells in self._columns if cells.is_in(records)] or self._columns
        natural = [
            max(tables.cells(cells.heading), *(tables.cells(cells.text(record)) for record in records))
            for cells in self._columns
        ]
        self._widths = tables.fit(natural, [cells.is_whole for cells in self._columns], self._width)
        if self._view.columns and len(self._widths) < len(self._columns):
            return
        self._cells = self._columns[: len(self._widths)]
        heading = self._laid_out([cells.heading for cells in self._cells])
        self._line(f"\x1b[1m{heading}\x1b[0m" if self._colors else heading)

    def _row(self, texts: Sequence[str], record: Record) -> None:
        colors = [cells.color(record) if self._colors else None for cells in self._cells]
        self._line(self._laid_out(texts, colors))

    def _details(self, record: Record) -> None:
        if not self._view.details:
            return
        width = min(self._width or _LINES_WIDTH, _LINES_WIDTH) - 2 * _INDENT
        for name, value in (record.get(self._view.details) or {}).items():
            text = ", ".join(map(plain, value)) if isinstance(value, list) else plain(value)
            for part in f"{name}: {text}".splitlines():
                for line in tables.wrapped(printable(part), width):
                    self._line(f"{' ' * 2 * _INDENT}{line}")

    def _laid_out(self, texts: Sequence[str], colors: Sequence[int | None] = ()) -> str:
        parts = []
        for index, (cells, text, width) in enumerate(zip(self._cells, texts, self._widths, strict=True)):
            shown = text if cells.is_whole else tables.cut(text, width)
            part = tables.padded(shown, width, right=cells.kind == "number")
            parts.append(_colored(part, colors[index] if colors else None))
        return (" " * tables.GAP).join(parts).rstrip()

    def _block(self, record: Record) -> None:
        for line in [*self._chosen_lines(record), ""]:
            self._line(line)

    def _chosen_lines(self, record: Record) -> Iterator[str]:
        label_width = max(tables.cells(cells.heading) for cells in self._columns)
        for cells in self._columns:
            color = cells.color(record)
            yield from self._labeled(cells.heading, cells.text(record), label_width, 0, color)

    def _fields(self, record: Record, indent: int, before: str) -> Iterator[str]:
        label_width = max((tables.cells(printable(name)) for name in record), default=0)
        for name, value in record.items():
            path, label = f"{before}{name}", printable(name)
            if _is_nested(value):
                yield f"{' ' * indent}{label}"
                yield from self._nested(value, indent + _INDENT, f"{path}.")
                continue
            color = color_of(path, value)
            yield from self._labeled(label, self._text(value, path), label_width, indent, color)

    def _nested(self, value: Any, indent: int, before: str) -> Iterator[str]:
        if isinstance(value, dict):
            yield from self._fields(value, indent, before)
            return
        for item in value:
            lines = list(self._fields(item, indent + _INDENT, before))
            yield f"{' ' * indent}- {lines[0][indent + _INDENT :]}"
            yield from lines[1:]

    def _text(self, value: Any, path: str) -> str:
        if isinstance(value, list) and not any(isinstance(item, dict | list) for item in value):
            return ", ".join(plain(item) for item in value) or plain(None)
        if isinstance(value, str) and self._is_time(path) and timestamps.read_or_none(value):
            return f"{local_time(value, self._view)} ({place(self._view.zone())})"
        return plain(value)

    def _is_time(self, path: str) -> bool:
        return any(rule.get("format") == "date-time" for rule in paths.rules(self._action.output, path))

    def _labeled(
        self, label: str, text: str, label_width: int, indent: int, color: int | None
    ) -> Iterator[str]:
        first = " " * indent + tables.padded(label, label_width + tables.GAP)
        later = " " * tables.cells(first)
        room = None if self._width is None else max(20, min(self._width, _LINES_WIDTH) - len(later))
        lines = [line for part in text.splitlines() or [""] for line in tables.wrapped(printable(part), room)]
        for number, line in enumerate(lines):
            shown = _colored(line, color if self._colors else None)
            yield (f"{later if number else first}{shown}").rstrip()

    def _line(self, line: str) -> None:
        self._write(line.encode() + b"\n")


def _is_nested(value: Any) -> bool:
    """Check whether a value is shown on lines of its own: an object, or a list of objects."""
    if isinstance(value, dict):
        return bool(value)
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) and item for item in value)


def _colored(text: str, code: int | None) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if code else text
