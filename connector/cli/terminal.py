"""What commands print: plain text, columns, JSON, and the log on standard error."""

import json
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Any

import click

from ..support.redaction import RedactingFilter


def printable(text: str) -> str:
    """Replace control characters: names come from strangers, and a terminal obeys what it is sent."""
    if text.isprintable():  # as nearly all are
        return text
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


def shows_bold(stream: IO[Any]) -> bool:
    """Check whether a stream is a terminal that shows bold text, honoring NO_COLOR and TERM."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def print_columns(rows: Sequence[Sequence[str]]) -> None:
    """Print rows of cells as aligned columns; the first row is the heading."""
    rows = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    bold = shows_bold(sys.stdout)
    for number, row in enumerate(rows):
        line = "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        click.echo(f"\x1b[1m{line}\x1b[0m" if bold and number == 0 else line)


def counted(count: int, noun: str) -> str:
    """Return a count with its noun, such as "1 record" or "2 records"."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def print_json(document: object) -> None:
    """Print an indented JSON document."""
    click.echo(json.dumps(document, indent=2))


def notice(label: str, message: str) -> None:
    """Print a message to standard error, with a label such as "note" or "warning"."""
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
