"""What commands print: plain text, columns, JSON, and the log on standard error."""

import json
import logging
import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import IO, Any, Final

import click

from ..support.redaction import RedactingFilter
from . import tables

_GREEN: Final = 32
_RED: Final = 31
_LONGEST_LABEL: Final = 30  # texts of longer ones stand out of line
_NARROWEST: Final = 24  # a narrower text is hard to read, so it may run over the edge
_LINE_WIDTH: Final = 100  # longer lines are hard to read, too


def printable(text: str) -> str:
    """Replace control characters: names come from strangers, and a terminal obeys what it is sent."""
    if text.isprintable():  # as nearly all are
        return text
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


def escaped(text: str) -> str:
    """Escape control characters in JSON, which keeps its meaning."""
    if text.isprintable():
        return text
    return "".join(
        letter if letter == "\n" or letter.isprintable() else json.dumps(letter)[1:-1] for letter in text
    )


def can_ask() -> bool:
    """Check whether a person can be asked: standard input and standard error are a terminal."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def shows_bold(stream: IO[Any]) -> bool:
    """Check whether a stream is a terminal that shows bold text, honoring NO_COLOR and TERM."""
    return shows_color(is_terminal=stream.isatty())


def shows_color(*, is_terminal: bool) -> bool:
    """Check whether output can have colors and bold text, honoring NO_COLOR and TERM."""
    return is_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def width_of(*, is_terminal: bool) -> int | None:
    """Return the width of the terminal, or of COLUMNS; None if the output is neither."""
    if is_terminal:
        return shutil.get_terminal_size().columns
    columns = os.environ.get("COLUMNS", "")
    return int(columns) if columns.isdecimal() and int(columns) else None


def output_width() -> int | None:
    """Return the width of standard output; None if it isn't a terminal."""
    return width_of(is_terminal=sys.stdout.isatty())


def fits(rows: Sequence[Sequence[str]]) -> bool:
    """Check whether rows of cells fit the terminal as columns, with room to wrap the last one."""
    widths = [max(tables.cells(printable(cell)) for cell in column) for column in zip(*rows, strict=True)]
    width = output_width()
    return width is None or sum(widths[:-1]) + tables.GAP * (len(widths) - 1) + _NARROWEST <= width


def print_columns(rows: Sequence[Sequence[str]], titles: Mapping[int, str] = MappingProxyType({})) -> None:
    """Print rows of cells as aligned columns; the first row is the heading.

    In a terminal, the last column is wrapped. `titles` begin a section above the row with that number.
    """
    rows = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(tables.cells, column)) for column in zip(*rows, strict=True)]
    before = sum(widths[:-1]) + tables.GAP * (len(widths) - 1)
    width = output_width()
    room = None if width is None else max(_NARROWEST, width - before)
    bold = shows_bold(sys.stdout)
    for number, row in enumerate(rows):
        if number in titles:
            title = printable(titles[number])
            click.echo(f"\n\x1b[1m{title}\x1b[0m" if bold else f"\n{title}")
        cells = [tables.padded(cell, width) for cell, width in zip(row[:-1], widths, strict=False)]
        first, *others = tables.wrapped(row[-1], room)
        line = (" " * tables.GAP).join([*cells, first]).rstrip()
        click.echo(f"\x1b[1m{line}\x1b[0m" if bold and number == 0 else line)
        for other in others:
            click.echo(" " * before + other)


def print_labeled(label: str, text: str, *, indent: int, label_width: int) -> None:
    """Print a text after its label, wrapped in a terminal and aligned with the texts above it."""
    label = printable(label)
    width = max(label_width, tables.cells(label)) + tables.GAP
    print_wrapped(text, first=" " * indent + tables.padded(label, width))


def print_details(lines: Iterable[tuple[str, str]], *, label_width: int) -> None:
    """Print labeled texts below a heading, in line with each other, without those that are empty."""
    lines = [(label, text) for label, text in lines if text]
    width = max([label_width, *(len(label) for label, _ in lines if len(label) <= _LONGEST_LABEL)])
    for label, text in lines:
        print_labeled(label, text, indent=2, label_width=width)


def print_outcome(outcome: str, message: str, *, is_good: bool) -> None:
    """Print how something went, wrapped in a terminal, with the outcome in green or red."""
    if shows_color(is_terminal=sys.stdout.isatty()):
        start, *more = tables.wrapped(printable(f"{outcome}: {message}"), _room(0))
        color = _GREEN if is_good else _RED
        start = f"\x1b[{color}m{outcome}\x1b[0m{start.removeprefix(outcome)}"
        click.echo("\n".join([start, *more]))
    else:
        print_wrapped(f"{outcome}: {message}")


def print_wrapped(text: str, *, first: str = "") -> None:
    """Print a text, wrapped in a terminal, after the beginning of its first line."""
    indent = tables.cells(first)
    for number, line in enumerate(tables.wrapped(printable(text), _room(indent))):
        click.echo((" " * indent if number else first) + line)


def _room(indent: int) -> int | None:
    width = output_width()
    return None if width is None else max(_NARROWEST, min(width, _LINE_WIDTH) - indent)


def counted(count: int, noun: str) -> str:
    """Return a count with its noun, such as "1 record" or "2 records"."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def print_json(document: object) -> None:
    """Print an indented JSON document. Characters that aren't printable are escaped."""
    is_unicode = "utf" in (sys.stdout.encoding or "").lower()
    click.echo(escaped(json.dumps(document, indent=2, ensure_ascii=not is_unicode)))


def notice(label: str, message: str) -> None:
    """Print a message with a label such as "note" or "warning" to standard error, below all output so far."""
    sys.stdout.flush()  # a terminal's output is buffered, too, if it is written as bytes
    click.echo(f"{label}: {printable(message)}", err=True)


@contextmanager
def debugging(*, show_people: bool) -> Iterator[None]:
    """Print the connector's whole log, without secrets; with personal data only if asked for."""
    from ..http.debug_log import debug_log

    before = debug_log.show_personal_data
    debug_log.show_personal_data = show_people
    try:
        with logged(logging.DEBUG):
            yield
    finally:
        debug_log.show_personal_data = before


@contextmanager
def logged(level: int) -> Iterator[None]:
    """Print the connector's log from a level up, unless something prints it already."""
    logger = logging.getLogger("calendly_connector")
    if logger.handlers:
        yield
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(RedactingFilter())
    handler.setFormatter(_PrintableFormatter())
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(level)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)


class _PrintableFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return "\n".join(map(printable, super().format(record).splitlines()))
