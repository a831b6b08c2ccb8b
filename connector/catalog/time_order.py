"""A list that is ordered by time: where it goes on without a page token, and how it is cut in parts. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from ..support import timestamps

Query = tuple[tuple[str, str], ...]

# Whether Calendly takes the ends of a range in or not is not documented, so ranges overlap.
OVERLAP: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Keyset:
    """The inputs that bound a list in time, and the field of its records that they are about."""

    start: str
    end: str
    field: str

    def orders(self, query: Query) -> bool:
        """Say whether the list is in the order of the field."""
        return self._sort(query).partition(":")[0] == self.field

    def descends(self, query: Query) -> bool:
        """Say whether the list runs backwards in time."""
        return self._sort(query).endswith(":desc")

    def moment(self, record: dict[str, Any]) -> datetime | None:
        """Read where in time a record stands."""
        return timestamps.read_or_none(record.get(self.field))

    def bounds(self, query: Query) -> tuple[datetime | None, datetime | None]:
        """Read the range that a query asks for."""
        given = dict(query)
        return timestamps.read_or_none(given.get(self.start)), timestamps.read_or_none(given.get(self.end))

    def beyond(self, query: Query, last: datetime) -> Query:
        """Give the query that goes on at a moment; records of that moment come again."""
        if self.descends(query):
            return replaced(query, {self.end: timestamps.write(last + OVERLAP)})
        return replaced(query, {self.start: timestamps.write(last - OVERLAP)})

    def part(self, query: Query, start: datetime, end: datetime | None) -> Query:
        """Give the query for a part of the range; without an end it goes on to the query's own."""
        bounds = {self.start: timestamps.write(start - OVERLAP)}
        return replaced(query, bounds if end is None else bounds | {self.end: timestamps.write(end)})

    def newest(self, query: Query) -> Query:
        """Give the query for the newest record alone."""
        return replaced(query, {"sort": f"{self.field}:desc", "count": "1"})

    def _sort(self, query: Query) -> str:
        return next((value for name, value in query if name == "sort"), "")


def replaced(query: Query, values: dict[str, str]) -> Query:
    """Give a query with other values, and without a page token, which belongs to the old ones."""
    kept = (pair for pair in query if pair[0] not in values and pair[0] != "page_token")
    return (*kept, *values.items())
