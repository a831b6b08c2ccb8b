"""The values of `~{…}~` functions: from the signed-in user (read once), the credential or the clock."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, tzinfo
from difflib import get_close_matches
from threading import Lock
from typing import Any, Final
from zoneinfo import ZoneInfo

from ..catalog import expressions
from ..catalog.expressions import WEEKDAYS, FunctionCall, Offset
from ..catalog.manifest import manifest
from ..catalog.models import Function
from ..contract import Record
from ..errors import Problem, UnexpectedAnswer
from ..support import time_zones, timestamps
from ..support.redaction import quoted, shortened
from . import calendar_times

_NO_SIGNING_KEY: Final = (
    "the credential has no signing_key: add a long random text "
    "(CALENDLY_WEBHOOK_SECRET if the credential comes from the environment)"
)


class Functions:
    """Resolves functions for one connection. `fetch_user` reads the signed-in user; it is called once."""

    def __init__(
        self,
        fetch_user: Callable[[], Record],
        credential: Mapping[str, str],
        clock: Callable[[], float],
    ) -> None:
        self._fetch_user = fetch_user
        self._credential = credential
        self._clock = clock
        self._user: Record | None = None
        self._lock = Lock()

    def at(self, now_s: float) -> "Functions":
        """Return the same functions at another time, in unix seconds."""
        return Functions(self.user, self._credential, lambda: now_s)

    def problems(self, name: str, value: Any, *, is_secret: bool) -> Iterator[Problem]:
        """Yield what is wrong with the functions in an input; only a secret one accepts secrets."""
        known = manifest().functions
        for call in dict.fromkeys(expressions.calls(value)):
            function = known.get(call.name)
            if function is None:
                nearest = get_close_matches(call.name, known, n=1, cutoff=0.4)
                yield Problem(
                    name, f"unknown function ~{{{shortened(call.name)}}}~", nearest[0] if nearest else None
                )
            elif call.arguments and not function.arguments:
                yield Problem(name, f"~{{{call.name}}}~ doesn't accept anything in parentheses")
            elif call.offset is not None and not function.takes_offset:
                yield Problem(name, f"~{{{call.name}}}~ doesn't take an offset such as +7d; only times do")
            elif function.source == "credential" and not is_secret:
                yield Problem(name, f"can't contain a secret such as ~{{{call.name}}}~")
            elif function.source == "credential" and not self._credential.get(function.field):
                yield Problem(name, _NO_SIGNING_KEY)
            elif function.takes_offset:
                yield from self._time_problems(name, function, call)

    def example(self, call: FunctionCall) -> str:
        """Return a value of the right form, to check a call without network."""
        function = manifest().functions[call.name]
        return self._time(function, call, lambda: UTC) if function.takes_offset else function.example_value

    def depends_on_user(self, value: Any) -> bool:
        """Check whether a time in an input is in the signed-in user's time zone, so `example` may be off."""
        called = expressions.calls(value)
        return any(
            manifest().functions[call.name].period and not _sorted(call.arguments)[1] for call in called
        )

    def resolve(self, call: FunctionCall) -> str:
        """Return the value. Raises UnexpectedAnswer if the signed-in user has no such field."""
        function = manifest().functions[call.name]
        match function.source:
            case "user":
                return self._from_user(function)
            case "credential":
                return self._credential[function.field]
        return self._time(function, call, lambda: _zone(self._from_user(function)))

    def user(self) -> Record:
        """Return the signed-in user, who is read once."""
        with self._lock:
            if self._user is None:
                self._user = self._fetch_user()
            return self._user

    def _from_user(self, function: Function) -> str:
        value = self.user().get(function.field)
        if not isinstance(value, str):
            raise UnexpectedAnswer(f"The reply to users.me has no {function.field}.")
        return value

    def _time_problems(self, name: str, function: Function, call: FunctionCall) -> Iterator[Problem]:
        weekdays, zones = _sorted(call.arguments)
        if weekdays and "weekday" not in function.arguments:
            yield Problem(name, f"~{{{call.name}}}~ doesn't accept a weekday")
        elif len(weekdays) > 1 or len(zones) > 1:
            yield Problem(name, f"~{{{call.name}}}~ accepts only one {' and one '.join(function.arguments)}")
        elif zones and time_zones.find(zones[0]) is None:
            yield Problem(name, f"unknown time zone {quoted(zones[0])}", _nearest(zones[0], function))
        elif not self._is_in_calendar(call):
            yield Problem(name, f"~{{{call.name}}}~ has an offset that leads out of the calendar")

    def _is_in_calendar(self, call: FunctionCall) -> bool:
        """Check an offset in UTC; in the user's time zone the time is up to a day earlier or later."""
        try:
            return timestamps.read_or_none(self.example(call)) is not None
        except (OverflowError, ValueError):
            return False

    def _time(self, function: Function, call: FunctionCall, default_zone: Callable[[], tzinfo]) -> str:
        offset = call.offset or Offset()
        if not function.period:
            now = datetime.fromtimestamp(self._clock(), UTC).replace(microsecond=0)
            return timestamps.write(calendar_times.moved(now, offset))
        weekdays, zones = _sorted(call.arguments)
        now = datetime.fromtimestamp(self._clock(), ZoneInfo(zones[0]) if zones else default_zone())
        first_weekday = WEEKDAYS.index(weekdays[0]) if weekdays else 0
        edge = calendar_times.end_of if function.is_end else calendar_times.start_of
        return timestamps.write(edge(function.period, now, offset, first_weekday=first_weekday))


def _sorted(arguments: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """Return the weekdays among arguments, and the others, which are time zones."""
    weekdays = [one for one in arguments if one in WEEKDAYS]
    return weekdays, [one for one in arguments if one not in WEEKDAYS]


def _nearest(argument: str, function: Function) -> str | None:
    if "weekday" in function.arguments:
        near = get_close_matches(argument.capitalize(), WEEKDAYS, n=1, cutoff=0.7)
        if near:
            return near[0]
    return time_zones.nearest(argument)


def _zone(name: str) -> ZoneInfo:
    zone = time_zones.find(name)
    if zone is None:
        raise UnexpectedAnswer(
            f"This machine doesn't know the signed-in user's time zone {name!r}.",
            fix="Install the time zone data: `pip install tzdata`.",
        )
    return zone
