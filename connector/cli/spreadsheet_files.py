"""Writes records as CSV or as an Excel workbook, with a column per value.

Some columns are only known after the last record, such as the answers to a form. So rows are kept in a
temporary file, and written when the records end, also after an error or Ctrl-C.
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import IO, TYPE_CHECKING, Any, Final

from ..catalog import paths
from ..contract import ActionInfo, Record
from ..errors import UsageError
from ..support import extras, spreadsheets, timestamps
from .columns import View, chosen, kind_of
from .terminal import notice

if TYPE_CHECKING:
    from xlsxwriter.workbook import Workbook
    from xlsxwriter.worksheet import Worksheet

Write = Callable[[bytes], None]
Row = dict[str, Any]

_BOM: Final = "\ufeff"
_CHUNK: Final = 1 << 20
_MOST_ROWS: Final = 1_048_575  # of an Excel sheet, without its heading
_LONGEST: Final = 32_767  # characters of an Excel cell
_EXACT_BELOW: Final = 10**15  # Excel keeps 15 digits of a number
_FIRST_YEAR: Final = 1900  # Excel has no earlier dates
_WIDEST: Final = 60
_MEASURED_ROWS: Final = 1000
_TIME_WIDTH: Final = 17


class _Rows:
    """Flat rows in a temporary file, and the names of their columns in order.

    Nested objects become columns such as `location.type`, answers to questions `answers.<question>`. Lists
    stay JSON.
    """

    def __init__(self, action: ActionInfo, view: View) -> None:
        self._declared = paths.properties(action.output)
        self._wanted = [column.path for column in chosen(action, view.columns)] if view.columns else []
        self._columns = dict.fromkeys(self._declared)
        self._filled = set[str]()
        self._file: IO[bytes] | None = None

    def add(self, records: list[Record]) -> None:
        import orjson

        if self._file is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 - `close` closes it
        for record in records:
            row: Row = {}
            self._flatten(record, "", row)
            for path in self._wanted:
                if path not in row and not any(name.startswith(f"{path}.") for name in row):
                    found = [value for value in paths.values(record, path) if value is not None]
                    row[path] = found[0] if len(found) == 1 else ", ".join(map(str, found))
            self._columns.update(dict.fromkeys(row))
            self._filled.update(name for name, value in row.items() if value is not None)
            self._file.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))

    @property
    def columns(self) -> list[str]:
        """The names of all columns, or of the chosen ones; an object stands for all its columns."""
        if not self._wanted:
            return [name for name in self._columns if name in self._filled or not self._below(name)]
        names = [
            name
            for path in self._wanted
            for name in ([path] if path in self._filled else self._below(path) or [path])
        ]
        return list(dict.fromkeys(names))

    def __iter__(self) -> Iterator[Row]:
        import orjson

        if self._file is None:
            return
        self._file.seek(0)
        for line in self._file:
            yield orjson.loads(line)

    def close(self) -> None:
        if self._file:
            self._file.close()

    def _below(self, path: str) -> list[str]:
        before = "answers." if path == "questions_and_answers" else f"{path}."
        return [name for name in self._columns if name.startswith(before)]

    def _flatten(self, record: Record, before: str, row: Row) -> None:
        for name, value in record.items():
            path = f"{before}{name}"
            if isinstance(value, dict) and value:
                self._flatten(value, f"{path}.", row)
                continue
            if value is not None or path in self._declared:
                row[_free(path, row)] = value
            if isinstance(value, list):
                self._answers(value, row)

    def _answers(self, items: list[Any], row: Row) -> None:
        for item in items:
            if isinstance(item, dict) and isinstance(item.get("question"), str) and "answer" in item:
                row[_free(f"answers.{item['question']}", row)] = item["answer"]


def _free(name: str, row: Row) -> str:
    """Return a name for a column that the row doesn't have yet: two questions may have the same text."""
    number, free = 1, name
    while free in row:
        number += 1
        free = f"{name} ({number})"
    return free


class CsvFile:
    """A CSV file: for programs with UTC times, or with `excel` for Excel, with a mark of its encoding."""

    def __init__(
        self, write: Write, action: ActionInfo, view: View, *, keep_formulas: bool, excel: bool
    ) -> None:
        self._write = write
        self._action = action
        self._view = view
        self._keep_formulas = keep_formulas
        self._excel = excel
        self._rows = _Rows(action, view)

    def page(self, records: list[Record]) -> None:
        """Keep the rows of a page."""
        self._rows.add(records)

    def end(self, summary: dict[str, Any]) -> None:  # noqa: ARG002 - every row is a record
        """Write the file."""
        columns = self._rows.columns
        times = _times(self._action, columns) if self._excel else set[str]()
        headings = [_heading(name, self._view) if name in times else name for name in columns]
        buffered = [_BOM if self._excel else "", self._line(headings)]
        size = 0
        for row in self._rows:
            cells = [self._cell(row.get(name), is_time=name in times) for name in columns]
            buffered.append(self._line(cells))
            size += len(buffered[-1])
            if size > _CHUNK:
                self._write("".join(buffered).encode())
                buffered, size = [], 0
        self._write("".join(buffered).encode())
        self._rows.close()

    def _line(self, cells: Sequence[object]) -> str:
        return spreadsheets.line(cells, keep_formulas=self._keep_formulas)

    def _cell(self, value: object, *, is_time: bool) -> object:
        moment = _local(value, self._view) if is_time else None
        return f"{moment:%Y-%m-%d %H:%M:%S}" if moment else _scalar(value)


class ExcelFile:
    """An Excel workbook with real dates and numbers, and a heading that stays in view."""

    def __init__(self, write: Write, action: ActionInfo, view: View) -> None:
        try:
            import xlsxwriter  # noqa: F401 - fails before the first request
        except ImportError:
            raise UsageError(
                "XlsxWriter isn't installed, so .xlsx files can't be written.",
                fix=extras.install("excel"),
            ) from None
        self._write = write
        self._action = action
        self._view = view
        self._rows = _Rows(action, view)

    def page(self, records: list[Record]) -> None:
        """Keep the rows of a page."""
        self._rows.add(records)

    def end(self, summary: dict[str, Any]) -> None:  # noqa: ARG002 - every row is a record
        """Write the file. Texts that are too long for a cell are cut, with a warning."""
        import xlsxwriter

        with tempfile.TemporaryFile() as file:
            options = {"constant_memory": True, "in_memory": False}
            with xlsxwriter.Workbook(file, options) as book:
                shortened = _Sheets(book, self._action, self._view, self._rows.columns).write(self._rows)
            file.seek(0)
            while chunk := file.read(_CHUNK):
                self._write(chunk)
        self._rows.close()
        if shortened:
            notice("warning", f"shortened {shortened} texts to {_LONGEST} characters, the most in a cell.")


class _Sheets:
    """The sheets of a workbook: as many as the rows need."""

    def __init__(self, book: "Workbook", action: ActionInfo, view: View, columns: list[str]) -> None:
        self._book = book
        self._action = action
        self._view = view
        self._columns = columns
        self._times = _times(action, columns)
        self._bold = book.add_format({"bold": True})
        self._date = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        self._shortened = 0

    def write(self, rows: _Rows) -> int:
        """Write all rows and return how many texts were shortened."""
        widths = self._widths(rows)
        sheet = self._new_sheet(widths)
        number = 0
        for row in rows:
            if number == _MOST_ROWS:
                sheet, number = self._new_sheet(widths), 0
            number += 1
            for column, name in enumerate(self._columns):
                self._cell(sheet, number, column, row.get(name))
        return self._shortened

    def _new_sheet(self, widths: list[int]) -> "Worksheet":
        count = len(self._book.worksheets())
        title = self._action.id.partition(".")[0][:26]
        sheet = self._book.add_worksheet(f"{title} {count + 1}" if count else title)
        sheet.freeze_panes(1, 0)
        for column, (name, width) in enumerate(zip(self._columns, widths, strict=True)):
            sheet.set_column(column, column, width)
            heading = _heading(name, self._view) if name in self._times else name
            sheet.write_string(0, column, heading[:_LONGEST], self._bold)
        return sheet

    def _widths(self, rows: _Rows) -> list[int]:
        widths = [max(len(name) + 1, _TIME_WIDTH if name in self._times else 0) for name in self._columns]
        for row, _ in zip(rows, range(_MEASURED_ROWS), strict=False):
            for column, name in enumerate(self._columns):
                if name not in self._times:
                    widths[column] = max(widths[column], len(str(_scalar(row.get(name)) or "")) + 1)
        return [min(width, _WIDEST) for width in widths]

    def _cell(self, sheet: "Worksheet", row: int, column: int, value: object) -> None:
        moment = _local(value, self._view) if self._columns[column] in self._times else None
        cell = _scalar(value)
        if moment and moment.year >= _FIRST_YEAR:
            sheet.write_datetime(row, column, moment, self._date)
        elif isinstance(value, bool):
            sheet.write_boolean(row, column, value)
        elif isinstance(cell, int | float) and abs(cell) < _EXACT_BELOW:
            sheet.write_number(row, column, cell)
        elif cell is not None and cell != "":
            cell = str(cell)
            if len(cell) > _LONGEST:
                self._shortened += 1
                cell = cell[: _LONGEST - 1] + "…"
            sheet.write_string(row, column, cell)


def _times(action: ActionInfo, columns: list[str]) -> set[str]:
    """Return the columns whose values are times by the schema."""
    return {name for name in columns if kind_of(action, name) == "time"}


def _heading(name: str, view: View) -> str:
    return f"{name} ({view.zone()})"


def _local(value: object, view: View) -> datetime | None:
    """Return a time of a record as a local time without a zone, as spreadsheets have them."""
    moment = timestamps.read_or_none(value)
    return moment.astimezone(view.zone()).replace(tzinfo=None) if moment else None


def _scalar(value: object) -> object:
    """Return a value as text or number; anything else as JSON."""
    if isinstance(value, str | int | float | None) and not isinstance(value, bool):
        return value
    import orjson

    return orjson.dumps(value).decode()
