"""What happens before a write: reject a call that can't succeed, and gather what the question shows."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo

from ...catalog.identifiers import is_name
from ...catalog.manifest import catalog
from ...catalog.models import Action
from ...contract import OptionPage, Record
from ...errors import ConnectorError, InvalidParams, NotFound, Problem
from ...recipes.booking_rules import booking_problems, time_problems
from ...support import timestamps
from .questions import Plan, write_question
from .shared_connection import SharedConnection, whole_answer
from .toolset import declared

_SUMMARY_FIELDS: Final = ("name", "title", "label", "email", "status", "start_time", "end_time")
_MAX_RESOURCES: Final = 10  # read per list
_EMPTY: Final[tuple[Any, ...]] = (None, "", [], {})
_MINUTE: Final = timedelta(minutes=1)
_DAY: Final = timedelta(days=1)


class NothingToDo(Exception):
    """A write that would change nothing. `answer` is that of its dry run."""

    def __init__(self, answer: Record) -> None:
        super().__init__()
        self.answer = answer


class Preflight:
    """Checks writes and writes the questions about them. `clock` returns unix seconds."""

    def __init__(self, calendly: SharedConnection, clock: Callable[[], float]) -> None:
        self._calendly = calendly
        self._clock = clock
        self._rules: Mapping[str, Any] = declared("tools.yaml")["confirmation"]

    def question(self, action: Action, arguments: Mapping[str, Any]) -> str:
        """Return the question about a valid call.

        Raises InvalidParams or NotFound if it can't succeed, and any error of the dry run if it has one;
        NothingToDo if the dry run finds nothing to change.
        """
        if "dry_run" in action.inputs:
            plan = self._plan(action, arguments)
            return write_question(action, arguments, {}, self._time_zone(), plan)
        details: dict[str, Record] = {}
        for name in arguments.keys() & action.resource_inputs:
            for value, kind, record in self._resources(action, name, arguments[name]):
                self._reject_final_state(action, name, record)
                details[value] = self._details(kind, record)
        if readers := self._rules["bookings"].get(action.id):
            event_type = self._check_booking(action, arguments, readers)
            details[arguments["event_type"]] = self._details("event_types", event_type)
        return write_question(action, arguments, details, self._time_zone())

    def _plan(self, action: Action, arguments: Mapping[str, Any]) -> Plan:
        """Return what a write would change, and what not, by outcome."""
        consents = [name for name in self._rules["consents"] if name in action.inputs]
        if missing := [name for name in consents if arguments.get(name) is not True]:
            raise InvalidParams(action.id, [Problem(name, "must be true") for name in missing])
        inputs = {name: value for name, value in arguments.items() if name not in consents}
        result = self._calendly.run(action.id, {**inputs, "dry_run": True})
        records = result.records if action.returns == "many" else [result.record or {}]
        if all(_is_final(record) for record in records):
            raise NothingToDo(whole_answer(action, result))
        plan: dict[str, list[Record]] = {}
        for record in records:
            outcome = str(record.get("outcome", "would_cover")).replace("_", " ")
            plan.setdefault(outcome, []).append(self._planned(record))
        return plan

    def _planned(self, record: Record) -> Record:
        """Return what a person needs to know of a planned change."""
        shown = {name: record[name] for name in self._rules["planned"] if record.get(name) not in _EMPTY}
        if "invitees" in shown:
            shown["invitees"] = [_person(one) for one in shown["invitees"]]
        return shown

    def _resources(self, action: Action, name: str, argument: Any) -> Iterator[tuple[str, str, Record]]:
        """Yield value, kind and record of each readable resource in an argument."""
        field = action.inputs[name].get("items", action.inputs[name])
        kinds = field.get("x-resource", [])
        readers = {kind: f"{kind}.get" for kind in ([kinds] if isinstance(kinds, str) else kinds)}
        readers = {kind: reader for kind, reader in readers.items() if reader in catalog()}
        for value in (argument if isinstance(argument, list) else [argument])[:_MAX_RESOURCES]:
            if not isinstance(value, str) or is_name(value, field):
                continue  # a name needs no explanation
            records = ((kind, self._try_read(reader, value)) for kind, reader in readers.items())
            kind, record = next(((kind, record) for kind, record in records if record), ("", None))
            if not readers and (label := self._label(action, name, value)):
                kind, record = "", {"name": label}  # shares, for example, appear only in a list
            if record:
                yield value, kind, record

    def _label(self, action: Action, name: str, value: str) -> str | None:
        last, page = value.rpartition("/")[2], OptionPage(next_page="")
        with suppress(ConnectorError):
            while page.next_page is not None:
                page = self._calendly.options(action, name, page=page.next_page or None)
                for option in page.options:
                    if option.value.rpartition("/")[2] == last:
                        return option.label
        return None

    def _try_read(self, reader: str, resource: str) -> Record | None:
        try:
            return self._calendly.read(reader, resource)
        except ConnectorError:
            return None

    def _details(self, kind: str, record: Record) -> Record:
        """Return what identifies a resource to a person, with its parent and the people in it."""
        details = _summary(record)
        for field, parent in self._rules["parents"].get(kind, {}).items():
            details[field] = _summary(self._try_read(f"{parent}.get", record.get(field, "")) or {})
        people = self._rules["people"].get(kind)
        if people and "uri" in record:
            with suppress(ConnectorError):
                (path_id,) = catalog()[people["action"]].path_ids
                found = self._calendly.run(people["action"], {path_id: record["uri"], **people["filter"]})
                label = people["label"] if found.complete else f"{people['label']}, first page only"
                details[label] = [_person(person) for person in found.records]
        return details

    def _reject_final_state(self, action: Action, name: str, record: Record) -> None:
        for field, state in self._rules["final_states"].get(action.id, {}).get(name, {}).items():
            if record.get(field) == state:
                problem = Problem(name, f"is already {state}")
                raise InvalidParams(action.id, [problem], fix="Nothing was sent. Tell the user.")

    def _check_booking(
        self, action: Action, arguments: Mapping[str, Any], readers: Mapping[str, str]
    ) -> Record:
        """Return the event type after comparing the booking with it, or {} if it can't be read."""
        try:
            event_type = self._calendly.read(readers["event_type"], arguments["event_type"])
        except InvalidParams as error:
            problems = [replace(problem, path="event_type") for problem in error.problems]
            raise InvalidParams(action.id, problems, fix=error.fix) from None
        except NotFound:
            raise
        except ConnectorError:
            return {}
        problems = booking_problems(event_type, arguments)
        with suppress(ConnectorError):
            problems += self._time_problems(arguments["start_time"], event_type, readers["times"])
        if problems:
            raise InvalidParams(action.id, problems, fix="Nothing was sent. Fix the call and send it again.")
        return event_type

    def _time_problems(self, text: str, event_type: Record, reader: str) -> list[Problem]:
        start, now = timestamps.read(text), datetime.fromtimestamp(self._clock(), UTC)
        if start <= now:
            return [Problem("start_time", "is in the past")]
        before = start - _MINUTE
        window = {
            "event_type": event_type.get("uri"),
            "start_time": timestamps.write(before if before > now else start),
            "end_time": timestamps.write(start + _DAY),
        }
        return list(time_problems(start, self._calendly.run(reader, window).records))

    def _time_zone(self) -> tzinfo:
        """Return the signed-in user's time zone, or UTC if it can't be read."""
        try:
            user = self._calendly.run(self._rules["user"], {}).record or {}
            return ZoneInfo(user["timezone"])
        except (ConnectorError, KeyError, TypeError, ValueError, OSError):
            return UTC


def is_dry_run(action: Action, arguments: Mapping[str, Any]) -> bool:
    """Check whether a call only says what it would do."""
    return "dry_run" in action.inputs and arguments.get("dry_run") is True


def _is_final(record: Record) -> bool:
    """Check whether a record of a dry run says that there is nothing left to do."""
    return not str(record.get("outcome", "would_")).startswith("would_")


def _person(record: Record) -> str:
    return f"{record.get('name')} <{record.get('email')}>"


def _summary(record: Record) -> Record:
    return {name: record[name] for name in _SUMMARY_FIELDS if record.get(name)}
