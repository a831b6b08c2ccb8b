"""Counts bookings, cancellations, no-shows and lead times of meeting rows by properties. Pure."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, time, timedelta, tzinfo
from itertools import product
from statistics import median
from typing import Any, Final

from ..contract import Record
from ..support import timestamps
from .local_times import WEEKDAYS

COUNTS: Final = ("bookings", "active", "canceled", "rescheduled", "no_shows")
_STATUS_COUNTS: Final = {
    "active": "active",
    "canceled": "canceled",
    "rescheduled": "rescheduled",
    "no_show": "no_shows",
}
_HOUR_S: Final = 3600
_MISSING: Final = "(none)"
_YEAR: Final = timedelta(days=367)  # a leap year in any zone
_MOST_EMPTY: Final = 10 * _YEAR  # with wrong dates far apart, there would be millions of empty days
_DAY, _MOMENT = timedelta(days=1), timedelta(microseconds=1)
_CYCLES: Final = {"weekday": 7, "hour": 1}  # days after which these groups repeat

Key = tuple[Any, ...]
Range = tuple[datetime, datetime]
"""The first moment of a range, and the one after its last."""


def aggregate(
    rows: Iterable[Record], by: Sequence[str], zone: tzinfo, covered: Range | None = None
) -> list[Record]:
    """Return one record per group of rows of `meetings.list` or of a sync's view `bookings`.

    A record has the values of the group, one for each name in `by`, then COUNTS and `lead_time_hours`: the
    median time from booking to start, None if unknown. A meeting with several hosts counts for each of them.
    Groups by time are in order of time, all others by the number of bookings.

    If `covered` is the range of the rows, groups by a single kind of time include empty ones: all of
    a range up to a year, otherwise those between the first and the last booking, if within 10 years.
    """
    groups: defaultdict[Key, list[Record]] = defaultdict(list)
    starts: list[datetime] = []
    for row in rows:
        local = timestamps.read(row["start_time"]).astimezone(zone)
        starts.append(local)
        for key in product(*(_GROUPS[name](row, local) for name in by)):
            groups[key].append(row)
    if covered and covered[1] - covered[0] > _YEAR:
        covered = (min(starts), max(starts) + _MOMENT) if starts else None
    if covered and covered[1] - covered[0] < _MOST_EMPTY and len(by) == 1 and by[0] in TIMES:
        for value in _values(by[0], *covered, zone):
            groups[value,]  # creates it
    in_order = sorted(groups.items(), key=lambda group: _order(group[0], by, len(group[1])))
    return [{**dict(zip(by, key, strict=True)), **_counts(found)} for key, found in in_order]


def _values(name: str, start: datetime, end: datetime, zone: tzinfo) -> Iterator[Any]:
    """Yield the values of a kind of time in a range; some more than once."""
    first, last = start.astimezone(zone), (end - _MOMENT).astimezone(zone)
    days = (last.date() - first.date()).days
    for number in range(min(days, _CYCLES.get(name, days)) + 1):
        noon = datetime.combine(first.date() + number * _DAY, time(12), zone)
        for hour in range(24) if name == "hour" else [12]:
            local = noon.replace(hour=hour)
            if name != "hour" or first.replace(minute=0, second=0, microsecond=0) <= local <= last:
                yield from _GROUPS[name]({}, local)


def _counts(rows: Sequence[Record]) -> Record:
    counts = dict.fromkeys(COUNTS, 0)
    for row in rows:
        counts["bookings"] += 1
        counts[_STATUS_COUNTS[row["status"]]] += 1
    leads = [lead for row in rows if (lead := _lead_hours(row)) is not None]
    return {**counts, "lead_time_hours": round(median(leads), 1) if leads else None}


def _lead_hours(row: Record) -> float | None:
    booked = timestamps.read_or_none(row.get("created_at"))
    if booked is None:
        return None
    return max(0.0, (timestamps.read(row["start_time"]) - booked).total_seconds() / _HOUR_S)


def _hosts(row: Record, _local: datetime) -> list[Any]:
    names = [host.get("name") or host.get("email") for host in row.get("hosts") or ()]
    return list(dict.fromkeys(names)) or [row.get("host_name")]


def _week(_row: Record, local: datetime) -> list[Any]:
    year, week, _ = local.isocalendar()
    return [f"{year:04}-W{week:02}"]


_GROUPS: Final[Mapping[str, Callable[[Record, datetime], list[Any]]]] = {
    "event_type": lambda row, _: [row.get("name")],
    "host": _hosts,
    "invitee": lambda row, _: [(row.get("invitee_email") or "").casefold() or None],
    "source": lambda row, _: [row.get("utm_source")],
    "weekday": lambda _, local: [WEEKDAYS[local.weekday()]],
    "hour": lambda _, local: [f"{local:%H}:00"],
    "day": lambda _, local: [local.date().isoformat()],
    "week": _week,
    "month": lambda _, local: [local.date().isoformat()[:7]],
}
GROUPS: Final = tuple(_GROUPS)
"""What a report can group by."""

TIMES: Final = frozenset({"weekday", "hour", "day", "week", "month"})
"""Groups that are in order of time."""


def _order(key: Key, by: Sequence[str], count: int) -> tuple[Any, ...]:
    """Return a sort key: times first, then the larger groups, then by text; a missing value is last."""
    times = tuple(_place(name, value) for name, value in zip(by, key, strict=True) if name in TIMES)
    texts = tuple((value is None, str(value).casefold(), str(value)) for value in key)
    return (times, -count, texts)


def _place(name: str, value: str) -> Any:
    return f"{WEEKDAYS.index(value)}" if name == "weekday" else value


def label(group: Record) -> str:
    """Return the text of a group, such as `monday · Intro call`: times first, as groups are sorted."""
    names = sorted((name for name in GROUPS if name in group), key=lambda name: name not in TIMES)
    return " · ".join(_MISSING if group[name] is None else str(group[name]) for name in names)
