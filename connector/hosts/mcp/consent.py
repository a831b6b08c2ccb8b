"""What a person is told before a write, read from Calendly; a call that cannot succeed is refused instead."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo

from ...calls.pick_lists import is_name
from ...catalog.manifest import catalog
from ...catalog.models import Action
from ...contract import Record
from ...errors import ConnectorError, InvalidParams, NotFound, Problem
from ...support import timestamps
from . import booking
from .account import Account
from .questions import question
from .toolset import declared

_TELLING: Final = ("name", "title", "label", "email", "status", "start_time", "end_time")
_MOST_READ: Final = 10  # resources of one list
_MINUTE: Final = timedelta(minutes=1)
_DAY: Final = timedelta(days=1)


class Consent:
    """Writes the questions; `clock` gives unix seconds."""

    def __init__(self, account: Account, clock: Callable[[], float]) -> None:
        self._account = account
        self._clock = clock
        self._rules: Mapping[str, Any] = declared("tools.yaml")["consent"]

    def question(self, action: Action, arguments: Mapping[str, Any]) -> str:
        """Return the question about a call that passed its checks. Raises what it would be refused for."""
        about: dict[str, Record] = {}
        for name in arguments.keys() & action.resource_inputs:
            for value, kind, record in self._named(action, name, arguments[name]):
                self._refuse_settled(action, name, record)
                about[value] = self._told(kind, record)
        if readers := self._rules["bookings"].get(action.id):
            event_type = self._check_booking(action, arguments, readers)
            about[arguments["event_type"]] = self._told("event_types", event_type)
        return question(action, arguments, about, self._zone())

    def _named(self, action: Action, name: str, given: Any) -> Iterator[tuple[str, str, Record]]:
        """Read the resources that an input names, with their kinds; what cannot be read is left out."""
        field = action.inputs[name].get("items", action.inputs[name])
        kinds = field.get("x-resource", [])
        readers = {kind: f"{kind}.get" for kind in ([kinds] if isinstance(kinds, str) else kinds)}
        readers = {kind: reader for kind, reader in readers.items() if reader in catalog()}
        for value in (given if isinstance(given, list) else [given])[:_MOST_READ]:
            if not isinstance(value, str) or is_name(value, field):
                continue  # a name says enough
            records = ((kind, self._read_or_none(reader, value)) for kind, reader in readers.items())
            kind, record = next(((kind, record) for kind, record in records if record), ("", None))
            if not readers and (label := self._label(action, name, value)):
                kind, record = "", {"name": label}  # shares, for one, are only in a list
            if record:
                yield value, kind, record

    def _label(self, action: Action, name: str, value: str) -> str | None:
        last = value.rpartition("/")[2]
        with suppress(ConnectorError):
            options = self._account.options(action, name)
            return next((one.label for one in options if one.value.rpartition("/")[2] == last), None)
        return None

    def _read_or_none(self, reader: str, resource: str) -> Record | None:
        try:
            return self._account.read(reader, resource)
        except ConnectorError:
            return None

    def _told(self, kind: str, record: Record) -> Record:
        """Choose what a person knows a resource by, what it is part of, and who takes part in it."""
        told = _telling(record)
        for field, whole in self._rules["within"].get(kind, {}).items():
            told[field] = _telling(self._read_or_none(f"{whole}.get", record.get(field, "")) or {})
        people = self._rules["people"].get(kind)
        if people and "uri" in record:
            with suppress(ConnectorError):
                (of,) = catalog()[people["action"]].path_ids
                listed = self._account.call(people["action"], {of: record["uri"], **people["filter"]})
                label = people["label"] if listed.complete else f"{people['label']}, the first of more"
                told[label] = [f"{person.get('name')} <{person.get('email')}>" for person in listed.records]
        return told

    def _refuse_settled(self, action: Action, name: str, record: Record) -> None:
        for field, state in self._rules["settled"].get(action.id, {}).get(name, {}).items():
            if record.get(field) == state:
                problem = Problem(name, f"is {state} already")
                raise InvalidParams(action.id, [problem], fix="Tell the user; nothing was sent.")

    def _check_booking(
        self, action: Action, arguments: Mapping[str, Any], readers: Mapping[str, str]
    ) -> Record:
        """Compare a booking with its event type and the times on offer, as far as both can be read."""
        try:
            event_type = self._account.read(readers["event_type"], arguments["event_type"])
        except InvalidParams as error:
            problems = [replace(problem, path="event_type") for problem in error.problems]
            raise InvalidParams(action.id, problems, fix=error.fix) from None
        except NotFound:
            raise
        except ConnectorError:
            return {}
        problems = booking.problems(event_type, arguments)
        with suppress(ConnectorError):
            problems += self._wrong_time(arguments["start_time"], event_type, readers["times"])
        if problems:
            raise InvalidParams(
                action.id, problems, fix="Nothing was sent. Correct the call, and send it again."
            )
        return event_type

    def _wrong_time(self, text: str, event_type: Record, reader: str) -> list[Problem]:
        start, now = timestamps.read(text), datetime.fromtimestamp(self._clock(), UTC)
        if start <= now:
            return [Problem("start_time", "is in the past")]
        before = start - _MINUTE
        window = {
            "event_type": event_type.get("uri"),
            "start_time": timestamps.write(before if before > now else start),
            "end_time": timestamps.write(start + _DAY),
        }
        return list(booking.wrong_time(start, self._account.call(reader, window).records))

    def _zone(self) -> tzinfo:
        """Return the time zone of the signed-in user; UTC where it is not known."""
        try:
            user = self._account.call(self._rules["user"], {}).record or {}
            return ZoneInfo(user["timezone"])
        except (ConnectorError, KeyError, TypeError, ValueError, OSError):
            return UTC


def _telling(record: Record) -> Record:
    return {name: record[name] for name in _TELLING if record.get(name)}
