"""When to read which events again: recent ones every time, older ones less and less often. Pure.

Calendly has no filter for changes, so events are read again by their start time. Older events change less
often: a late cancellation or note is found when the event's age band is next due. Invitees are read if their
event changed. A change to the invitee only, usually a no-show, is found after the end of the event: at first
by every sync, then less and less often.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from ..support import timestamps


@dataclass(frozen=True, slots=True)
class Band:
    """Events that started `from_days` (None: or will start) to `to_days` (None: or earlier) days ago."""

    from_days: int | None
    to_days: int | None
    every_days: int

    @property
    def name(self) -> str:
        """The key under which its last reading is stored."""
        return f"{self.from_days or 0}-{self.to_days or ''}"


@dataclass(frozen=True, slots=True)
class Range:
    """Start times from `since` up to `until`. None: unbounded."""

    since: datetime | None
    until: datetime | None


_EVENTS: Final = ((30, 90, 7), (90, 365, 30), (365, None, 182))  # from and to days ago, again after M days
_INVITEES: Final = ((30, 7), (90, 30), (365, 182))  # ended at most N days ago: again after M days


def bands(window_days: int) -> tuple[Band, ...]:
    """Return the bands, newest first. The first one is read every time."""
    older = [
        Band(max(from_days, window_days), to_days, every_days)
        for from_days, to_days, every_days in _EVENTS
        if to_days is None or to_days > window_days
    ]
    if window_days < _EVENTS[0][0]:
        older[0] = Band(window_days, older[0].to_days, older[0].every_days)
    return (Band(None, window_days, 0), *older)


def due(all_bands: Iterable[Band], read_at: Sequence[Mapping[str, str]], now: datetime) -> list[Band]:
    """Return the bands to read now. Each of `read_at` holds when bands were last read, by name."""

    def is_fresh(band: Band, stamps: Mapping[str, str]) -> bool:
        last = timestamps.read_or_none(stamps.get(band.name))
        return last is not None and band.every_days > 0 and now - last < timedelta(days=band.every_days)

    return [band for band in all_bands if not all(is_fresh(band, stamps) for stamps in read_at)]


def ranges(wanted: Sequence[Band], now: datetime) -> list[Range]:
    """Return the start times of bands, oldest first. Adjacent bands become one range."""
    whole = now.replace(microsecond=0)

    def ago(days: int | None) -> datetime | None:
        return None if days is None else whole - timedelta(days=days)

    groups: list[list[Band]] = [[band] for band in wanted[:1]]
    for younger, older in pairwise(wanted):
        if younger.to_days == older.from_days:
            groups[-1].append(older)
        else:
            groups.append([older])
    return [Range(ago(group[-1].to_days), ago(group[0].from_days)) for group in reversed(groups)]


def share(wanted: Sequence[Range], at: int, position: datetime, first: datetime, last: datetime) -> float:
    """Return the share of ranges, 0 to 1, that is read at a position in range `at`, measured by time."""

    def seconds(one: Range, until: datetime) -> float:
        return max((min(until, one.until or last) - (one.since or first)).total_seconds(), 0.0)

    whole = sum(seconds(one, last) for one in wanted)
    done = sum(seconds(one, last) for one in wanted[:at]) + seconds(wanted[at], position)
    return min(done / whole, 1.0) if whole else 1.0


def invitees_due(end: datetime | None, read: datetime | None, now: datetime, no_show_days: float) -> bool:
    """Check whether to read the invitees of an unchanged event again. `read` is when they were last read."""
    if read is None:
        return True
    if end is None or end > now:
        return False
    age = now - end
    if read < end or age <= timedelta(days=no_show_days):
        return True
    every = next((days for limit, days in _INVITEES if age <= timedelta(days=limit)), None)
    return every is not None and now - read >= timedelta(days=every)
