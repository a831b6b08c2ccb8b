"""What is read again, and when: recent events every time, older ones ever more rarely. Pure.

Calendly says nowhere what changed, so events are read again by their start time. The older an event,
the less often it changes: a late cancellation or a note is found when its band of ages is next due.
Invitees are read when their event changed; what changes on them alone (a no-show above all) is found
after the event's end: every time at first, then ever more rarely.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from . import times


@dataclass(frozen=True, slots=True)
class Band:
    """Events from `from_days` old (None: and all to come) to `to_days` (None: and older)."""

    from_days: int | None
    to_days: int | None
    every_days: int

    @property
    def name(self) -> str:
        """The key of its stamp."""
        return f"{self.from_days or 0}-{self.to_days or ''}"


@dataclass(frozen=True, slots=True)
class Range:
    """Start times from `since` (None: from ever) up to `until` (None: for ever)."""

    since: datetime | None
    until: datetime | None


_EVENTS: Final = ((30, 90, 7), (90, 365, 30), (365, None, 182))
_INVITEES: Final = ((30, 7), (90, 30), (365, 182))  # ended up to so many days ago: again after so many


def bands(window_days: int) -> tuple[Band, ...]:
    """Give the bands, youngest first; the first is read every time."""
    older = [
        Band(max(from_days, window_days), to_days, every_days)
        for from_days, to_days, every_days in _EVENTS
        if to_days is None or to_days > window_days
    ]
    if window_days < _EVENTS[0][0]:
        older[0] = Band(window_days, older[0].to_days, older[0].every_days)
    return (Band(None, window_days, 0), *older)


def due(all_bands: Iterable[Band], read_at: Sequence[Mapping[str, str]], now: datetime) -> list[Band]:
    """Give the bands that are to be read now; each of `read_at` says when they last were, by name."""

    def rested(band: Band, stamps: Mapping[str, str]) -> bool:
        last = times.read(stamps.get(band.name))
        return last is not None and band.every_days > 0 and now - last < timedelta(days=band.every_days)

    return [band for band in all_bands if not all(rested(band, stamps) for stamps in read_at)]


def ranges(wanted: Sequence[Band], now: datetime) -> list[Range]:
    """Give the start times of bands, oldest first, neighbours in one."""
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
    """Give about how much of ranges is read at a position in one of them, from 0 to 1, by time alone."""

    def seconds(one: Range, until: datetime) -> float:
        return max((min(until, one.until or last) - (one.since or first)).total_seconds(), 0.0)

    whole = sum(seconds(one, last) for one in wanted)
    done = sum(seconds(one, last) for one in wanted[:at]) + seconds(wanted[at], position)
    return min(done / whole, 1.0) if whole else 1.0


def invitees_due(end: datetime | None, read: datetime | None, now: datetime, no_show_days: float) -> bool:
    """Whether the invitees of an unchanged event are to be read again: `read` is when they last were."""
    if read is None:
        return True
    if end is None or end > now:
        return False
    age = now - end
    if read < end or age <= timedelta(days=no_show_days):
        return True
    every = next((days for limit, days in _INVITEES if age <= timedelta(days=limit)), None)
    return every is not None and now - read >= timedelta(days=every)
