"""A question before something is destroyed: at a terminal only, so scripts run as before."""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import click

from ..errors import ConnectorError
from ..support.redaction import shortened
from .terminal import can_ask, printable

if TYPE_CHECKING:
    from ..contract import ActionInfo, Connection, PreparedCall, Record

yes_option = click.option(
    "--yes", "-y", is_flag=True, help="Don't ask before something is destroyed. Only a terminal is asked."
)
_NAMES: Final = ("name", "email", "invitee_email", "url", "callback_url", "subject")
_MAX_SHOWN: Final = 5


def confirm(*what: str, yes: bool, question: str = "Continue?") -> None:
    """Show lines at a terminal and ask whether to go on. Raises ConnectorError if the answer is no."""
    if yes or not can_ask():
        return
    for line in what:
        click.echo(printable(line), err=True)
    if not click.confirm(question, err=True):
        raise ConnectorError("Nothing was changed.")


def confirm_call(connection: "Connection", call: "PreparedCall", *, yes: bool) -> None:
    """Before a call that destroys, show what and whom it affects, and ask. Raises ConnectorError."""
    if yes or call.action.effect != "destroy" or not can_ask():
        return
    preview = call.preview()
    if (preview.get("inputs") or {}).get("dry_run") is True:  # a recipe that only shows what it would do
        return
    affected = "; ".join(_affected(connection, call.action, preview)).removesuffix(".")
    confirm(f"{call.action.title}: {affected}." if affected else f"{call.action.title}.", yes=False)


def _affected(connection: "Connection", action: "ActionInfo", preview: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a call affects: the resource as far as it can be read, and the other inputs."""
    ids = _path_ids(action, preview)
    resource = action.id.rpartition(".")[0]
    if ids:
        record: Record = {}
        with suppress(ConnectorError):
            record = connection.run(f"{resource}.get", ids).record or {}
        yield describe(record) or ", ".join(ids.values())
        if resource == "scheduled_events":
            with suppress(ConnectorError):
                invitees = connection.run("invitees.list", {"uuid": ids["uuid"]}).records
                yield f"with {_several([describe(invitee) for invitee in invitees])}"
    inputs = preview.get("inputs") or preview.get("body") or {}
    for name, value in inputs.items() if isinstance(inputs, Mapping) else ():
        yield f"{name}: {_several(value) if isinstance(value, list) else shortened(str(value))}"


def describe(record: "Record") -> str:
    """Return who or what a record is, such as "'Intro call' on Thu 19 Nov 2026, 11:00 CET", or ""."""
    person = record.get("user")
    sources = [record, person] if isinstance(person, dict) else [record]
    names = (source.get(field) for source in sources for field in _NAMES)
    found = [shortened(name) for name in names if isinstance(name, str) and name]
    words = repr(found[0]) if found else ""
    if found[1:]:
        words += f" ({found[1]})"
    with suppress(KeyError, TypeError, ValueError):
        start = datetime.fromisoformat(record["start_time"]).astimezone()
        words += f" on {start:%a %d %b %Y, %H:%M %Z}"
    return words.strip()


def _several(values: list[Any]) -> str:
    shown = ", ".join(shortened(str(value)) for value in values[:_MAX_SHOWN])
    more = len(values) - _MAX_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown or "nobody"


def _path_ids(action: "ActionInfo", preview: Mapping[str, Any]) -> dict[str, str]:
    """Return the ids in the path of a request by their names."""
    path = action.request.partition(" ")[2]
    pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(path))
    match = re.fullmatch(pattern, urlsplit(str(preview.get("url", ""))).path) if path else None
    return match.groupdict() if match else {}
