"""Reports about the bookings of a range of time."""

from collections.abc import Iterator
from datetime import datetime, time, timedelta, tzinfo
from typing import Final

from ..contract import Record
from ..support import timestamps
from . import booking_report, meetings
from .steps import Inputs, Page, Steps

_ACTION: Final = "reports.bookings"
_DAYS: Final = 30  # before today, covered by default
_FILTERS: Final = ("user", "organization", "group", "event_type", "host", "email")


def count_bookings(steps: Steps, inputs: Inputs) -> Iterator[Page]:
    """Yield the groups of a report, on one page."""
    zone = steps.zone(inputs.get("timezone"))
    by = list(dict.fromkeys(inputs.get("by", ["event_type"])))
    meetings.check_times(inputs, _ACTION)
    covered = {**inputs, **default_range(inputs, steps.now, zone)}
    start, end = meetings.time_range(covered, steps.now, zone, action=_ACTION)
    rows = _rows(steps, covered)
    yield booking_report.aggregate(rows, by, zone, (start, end) if end else None), False


def default_range(inputs: Inputs, now: datetime, zone: tzinfo) -> dict[str, str]:
    """Return `start` and `end`: those of the inputs, or today and the 30 days before it, in a zone."""
    today = datetime.combine(now.astimezone(zone).date(), time.min, zone)
    end = timestamps.read(inputs["end"]).astimezone(zone) if "end" in inputs else today + timedelta(days=1)
    start = inputs.get("start") or timestamps.write(end - timedelta(days=_DAYS + 1))
    return {"start": start, "end": timestamps.write(end)}


def _rows(steps: Steps, inputs: Inputs) -> Iterator[Record]:
    wanted: Inputs = {
        name: inputs[name] for name in (*_FILTERS, "start", "end", "timezone") if name in inputs
    }
    steps.limit = None  # every meeting counts, however few groups are wanted
    for page, _ in meetings.find(steps, {**wanted, "answers": False}):
        yield from page
