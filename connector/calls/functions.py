"""The values of `~{…}~` functions: from the signed-in user (read once), the credential or the clock."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from difflib import get_close_matches
from threading import Lock
from typing import Any, Final
from zoneinfo import ZoneInfo

from ..catalog import expressions
from ..catalog.expressions import FunctionCall
from ..catalog.manifest import manifest
from ..catalog.models import Function
from ..contract import Record
from ..errors import Problem, UnexpectedAnswer
from ..support.redaction import shortened

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
        for call in expressions.calls(value):
            function = known.get(call.name)
            if function is None:
                nearest = get_close_matches(call.name, known, n=1, cutoff=0.4)
                yield Problem(
                    name, f"unknown function ~{{{shortened(call.name)}}}~", nearest[0] if nearest else None
                )
            elif call.offset is not None and not function.is_time:
                yield Problem(name, f"~{{{call.name}}}~ doesn't take an offset such as +7d; only times do")
            elif function.source == "credential" and not is_secret:
                yield Problem(name, f"can't contain a secret such as ~{{{call.name}}}~")
            elif function.source == "credential" and not self._credential.get(function.field):
                yield Problem(name, _NO_SIGNING_KEY)

    def example(self, call: FunctionCall) -> str:
        """Return a value of the right form, to check a call without network."""
        function = manifest().functions[call.name]
        if function.source == "calendar":
            return self._today(call, UTC)
        return self._now(call) if function.source == "clock" else function.example

    def resolve(self, call: FunctionCall) -> str:
        """Return the value. Raises UnexpectedAnswer if the signed-in user has no such field."""
        function = manifest().functions[call.name]
        match function.source:
            case "user":
                return self._from_user(function)
            case "calendar":
                return self._today(call, _zone(self._from_user(function)))
            case "clock":
                return self._now(call)
        return self._credential[function.field]

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

    def _now(self, call: FunctionCall) -> str:
        return _written(datetime.fromtimestamp(self._clock(), UTC) + (call.offset or timedelta()))

    def _today(self, call: FunctionCall, zone: tzinfo) -> str:
        """Return the start of the day in a zone; an offset follows the calendar, across clock changes too."""
        now = datetime.fromtimestamp(self._clock(), zone)
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
        return _written(midnight + (call.offset or timedelta()))


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # not found, not a name, a folder
        raise UnexpectedAnswer(
            f"This machine doesn't know the signed-in user's time zone {name!r}.",
            fix="Install the time zone data: `pip install tzdata`.",
        ) from None


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
