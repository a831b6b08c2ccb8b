"""Lists in order of time: how to resume one without a page token, and how to split it. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from ..support import timestamps

Query = tuple[tuple[str, str], ...]

# Whether Calendly includes the ends of a range isn't documented, so ranges overlap.
OVERLAP: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class TimeOrder:
    """The inputs that limit a list to a time range, and the field of its records that they refer to."""

    start: str
    end: str
    field: str

    def sorts(self, query: Query) -> bool:
        """Return whether a query sorts the list by the field."""
        return dict(query).get("sort", "").partition(":")[0] == self.field

    def is_descending(self, query: Query) -> bool:
        """Return whether a query sorts the list from new to old."""
        return dict(query).get("sort", "").endswith(":desc")

    def time_of(self, record: dict[str, Any]) -> datetime | None:
        """Return the time that a record is sorted by; None if it is unreadable."""
        return timestamps.read_or_none(record.get(self.field))

    def range_of(self, query: Query) -> tuple[datetime | None, datetime | None]:
        """Return the start and end of the range that a query requests."""
        values = dict(query)
        return timestamps.read_or_none(values.get(self.start)), timestamps.read_or_none(values.get(self.end))

    def resume_after(self, query: Query, last: datetime) -> Query:
        """Return the query for what follows a record with the time `last`; some records come again."""
        if self.is_descending(query):
            return replaced(query, {self.end: timestamps.write(last + OVERLAP)})
        return replaced(query, {self.start: timestamps.write(last - OVERLAP)})

    def partition(self, query: Query, start: datetime, end: datetime | None) -> Query:
        """Return the query for a part of the range; without an end it reaches to the query's own."""
        bounds = {self.start: timestamps.write(start - OVERLAP)}
        return replaced(query, bounds if end is None else bounds | {self.end: timestamps.write(end)})

    def newest(self, query: Query) -> Query:
        """Return the query for only the newest record."""
        return replaced(query, {"sort": f"{self.field}:desc", "count": "1"})


def replaced(query: Query, values: dict[str, str]) -> Query:
    """Return a query with other values, and without its page token, which no longer fits."""
    kept = (pair for pair in query if pair[0] not in values and pair[0] != "page_token")
    return (*kept, *values.items())
