"""Prints what a write did: a sentence and the facts that a person needs, or the whole record as JSON."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from ..errors import ConnectorError
from ..recipes.meeting_rows import location_text
from .terminal import notice, print_json, printable

if TYPE_CHECKING:
    from ..contract import Result

_LABELS = {
    "hosts": "Host",
    "host_name": "Host",
    "location": "Location",
    "event": "ID",
    "cancel_url": "Cancel",
    "reschedule_url": "Reschedule",
}


def print_outcome(result: "Result", *fields: str, as_json: bool, text: str = "message") -> None:
    """Print a result for people at a terminal, as JSON otherwise.

    For people, it is the record's property `text`, and `fields` below it.
    """
    record = result.record or {}
    if as_json or not sys.stdout.isatty():
        print_json({"record": record, "action": result.action, "warnings": list(result.warnings)})
    else:
        click.echo(printable(str(record[text])))
        for name in fields:
            if text := _text(record.get(name)):
                click.echo(f"  {_LABELS[name]:<11}{printable(text)}")
    for warning in result.warnings:
        notice("warning", warning)


@contextmanager
def interruptible_write(what: str, *, fix: str) -> Iterator[None]:
    """Say what a write may have done if Ctrl-C interrupts it. Raises ConnectorError."""
    try:
        yield
    except KeyboardInterrupt:
        raise ConnectorError(f"Interrupted: {what}.", fix=fix) from None


def _text(value: object) -> str:
    if isinstance(value, dict):
        value = location_text(value) if "type" in value else value.get("location") or value.get("kind")
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(str, value))
    text = str(value or "")
    return text.rpartition("/")[2] if "/scheduled_events/" in text else text
