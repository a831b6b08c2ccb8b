"""What a recipe works with: other actions, the signed-in user and the time."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, tzinfo
from typing import Any, Final, Protocol, TypeVar, Unpack
from zoneinfo import ZoneInfo

from ..catalog import manifest
from ..contract import CallOptions, Params, PreparedCall, Record
from ..errors import InvalidParams, Problem, UnexpectedAnswer

_PARALLEL: Final = 50  # calls at a time; the rate limit still applies to each

Item = TypeVar("Item")
Found = TypeVar("Found")

Page = tuple[list[Record], bool]
"""Some records of a list, and whether more follow. A recipe that returns a list yields pages."""

Inputs = dict[str, Any]
"""The inputs of a recipe, checked against its schema, with names and functions resolved."""


class Prepare(Protocol):
    """Checks a call of an action, as `Connection.prepare` does."""

    def __call__(  # noqa: D102 - the class says it
        self, action: str, params: Params, /, **options: Unpack[CallOptions]
    ) -> PreparedCall: ...


class Steps:
    """The calls of one run of a recipe. `calls` counts their requests, `warnings` collects their warnings.

    `limit` is the number of records that the caller wants, if limited. Threads may share it.
    """

    def __init__(
        self,
        prepare: Prepare,
        read_user: Callable[[], Record],
        clock: Callable[[], float],
        quota_wait_s: Callable[[str, str], float],
        *,
        memory: dict[Any, Any] | None = None,
    ) -> None:
        self.calls = 0
        self.warnings: list[str] = []
        self.limit: int | None = None
        self._prepare = prepare
        self._read_user = read_user
        self._clock = clock
        self._memory = {} if memory is None else memory
        self._quota_wait_s = quota_wait_s

    def run(self, action: str, params: Params) -> Record:
        """Run an action that returns one record or none, and return the record or {}."""
        result = self._prepare(action, params).run()
        self._note(result.calls, result.warnings)
        return result.record or {}

    def read_once(self, action: str, params: Params) -> Record:
        """Run a read, or return what it returned before in this run, or in this batch of runs."""
        key = (action, *sorted(params.items()))
        if key not in self._memory:
            self._memory[key] = self.run(action, params)
        record: Record = self._memory[key]
        return record

    def problems(self, action: str, params: Params) -> tuple[Problem, ...]:
        """Return what is wrong with the inputs of a call by its schema, without making it."""
        try:
            self._prepare(action, params)
        except InvalidParams as error:
            return error.problems
        return ()

    def quota_wait_s(self, action: str) -> float:
        """Return the seconds until the quota of an operation, such as bookings per hour, allows a call."""
        method, _, path = manifest.find(action).request.partition(" ")
        return self._quota_wait_s(method, path)

    def records(self, action: str, params: Params, *, limit: int | None = None) -> list[Record]:
        """Read a whole list, or up to `limit` records of it."""
        return [record for page, _ in self.pages(action, params, limit=limit) for record in page]

    def pages(self, action: str, params: Params, *, limit: int | None = None) -> Iterator[Page]:
        """Read a list page by page."""
        stream = self._prepare(action, params, limit=limit).iterate()
        try:
            for records in stream.pages():
                yield records, not stream.complete
        finally:
            self._note(stream.calls, stream.warnings)

    def in_parallel(self, call: Callable[[Item], Found], items: Iterable[Item]) -> Iterator[Found]:
        """Yield `call(item)` for each item, in order, with several calls at a time.

        The first error ends it; calls that haven't begun by then are not made.
        """
        from concurrent.futures import ThreadPoolExecutor

        items = list(items)
        if len(items) < 2:  # noqa: PLR2004 - nothing to parallelize
            yield from map(call, items)
            return
        pool = ThreadPoolExecutor(min(_PARALLEL, len(items)), "calendly-recipe")
        try:
            yield from pool.map(call, items)
        finally:
            pool.shutdown(cancel_futures=True)

    @property
    def now(self) -> datetime:
        """The current time in UTC."""
        return datetime.fromtimestamp(self._clock(), UTC)

    @property
    def user(self) -> Record:
        """The signed-in user; read once per connection."""
        return self._read_user()

    def zone(self, name: str | None = None) -> tzinfo:
        """Return the time zone with a name, or the signed-in user's. Raises InvalidParams."""
        try:
            return ZoneInfo(name or self.user["timezone"])
        except (KeyError, ValueError, OSError, TypeError):  # not found, not a name, a folder, no text
            if not name:
                raise UnexpectedAnswer(
                    "The signed-in user's time zone is unknown on this machine.",
                    fix="Pass timezone, or install the time zone data: pip install tzdata",
                ) from None
            problem = Problem(
                "timezone", f"unknown time zone {name!r}; expected a name such as Europe/Berlin"
            )
            raise InvalidParams("timezone", [problem]) from None

    def _note(self, calls: int, warnings: Iterable[str]) -> None:
        self.calls += calls
        self.warnings += (warning for warning in warnings if warning not in self.warnings)
