"""Runs and API calls over time, counted by the database."""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Integer, cast, func, select

from .database import Database
from .tables import CALLS, RUNS

FAILED: Final = ("failed", "needs_person")


@dataclass(frozen=True, slots=True)
class Headroom:
    """What was left of a connection's rate limit when it was used last."""

    connection: str
    allowed: int
    remaining: int
    at: float


class RunCharts:
    """Counts in `number` buckets of `width_s` from a time on."""

    def __init__(self, database: Database, since: float, width_s: float, number: int) -> None:
        self._database = database
        self._since = since
        self._width = width_s
        self._number = number

    def runs(self) -> tuple[list[int], list[int]]:
        """Return how many runs were created, and how many of these failed or need a person."""
        bucket = self._bucket(RUNS.c.created_at)
        query = select(bucket, RUNS.c.state, func.count()).where(*self._range(RUNS.c.created_at))
        total, failed = [0] * self._number, [0] * self._number
        with self._database.transaction() as connection:
            for place, state, count in connection.execute(query.group_by("bucket", RUNS.c.state)):
                total[self._at(place)] += count
                failed[self._at(place)] += count if state in FAILED else 0
        return total, failed

    def calls(self) -> dict[str, list[int]]:
        """Return how many API calls each connection made."""
        bucket = self._bucket(CALLS.c.ended_at)
        query = select(CALLS.c.connection, bucket, func.sum(CALLS.c.calls))
        query = query.where(*self._range(CALLS.c.ended_at)).group_by(CALLS.c.connection, "bucket")
        found: dict[str, list[int]] = {}
        with self._database.transaction() as connection:
            for name, place, count in connection.execute(query.order_by(CALLS.c.connection)):
                found.setdefault(name, [0] * self._number)[self._at(place)] += int(count)
        return found

    def headroom(self, connection_name: str) -> Headroom | None:
        """Return what is known of a connection's rate limit; None if its application doesn't report it."""
        query = select(CALLS.c.allowed, CALLS.c.remaining, CALLS.c.ended_at)
        query = query.where(CALLS.c.connection == connection_name, CALLS.c.remaining.is_not(None))
        with self._database.transaction() as connection:
            row = connection.execute(query.order_by(CALLS.c.ended_at.desc()).limit(1)).first()
        return Headroom(connection_name, *row) if row else None

    def _range(self, column: ColumnElement[float]) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
        return column >= self._since, column < self._since + self._width * self._number

    def _bucket(self, column: ColumnElement[float]) -> ColumnElement[Any]:
        place: ColumnElement[Any] = (column - self._since) / self._width
        # SQLite cuts digits off, PostgreSQL rounds; and not every SQLite has floor().
        floored = func.floor(place) if self._database.kind == "postgresql" else place
        return cast(floored, Integer).label("bucket")

    def _at(self, place: int) -> int:
        return min(max(place, 0), self._number - 1)
