"""Arithmetic with intervals of time: pairs of a start and a later end, sorted and disjoint. Pure."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta, tzinfo

Interval = tuple[datetime, datetime]


def merge(intervals: Iterable[Interval]) -> list[Interval]:
    """Return intervals in any order, overlapping or empty, as sorted disjoint ones."""
    merged: list[Interval] = []
    for start, end in sorted(intervals):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        elif start < end:
            merged.append((start, end))
    return merged


def intersect(some: Iterable[Interval], others: Iterable[Interval]) -> list[Interval]:
    """Return the time that is in both."""
    others = list(others)
    common = ((max(a, c), min(b, d)) for a, b in some for c, d in others)
    return [(start, end) for start, end in common if start < end]


def subtract(some: Iterable[Interval], others: Iterable[Interval]) -> list[Interval]:
    """Return the time that is in `some` but not in `others`."""
    left = list(some)
    for start, end in others:
        left = [
            piece for a, b in left for piece in ((a, min(b, start)), (max(a, end), b)) if piece[0] < piece[1]
        ]
    return left


def starts(free: Iterable[Interval], length: timedelta, step: timedelta, zone: tzinfo) -> Iterator[datetime]:
    """Yield the starts of meetings of a length that fit, on a grid of `step` by the clock of a zone."""
    for opens, closes in free:
        start = _round_up(opens, step, zone)
        while start + length <= closes:
            yield start
            start = _round_up(start + step, step, zone)


def _round_up(moment: datetime, step: timedelta, zone: tzinfo) -> datetime:
    """Return the first time at or after a moment at which the local clock shows a multiple of the step."""
    local = moment.astimezone(zone)
    since_midnight = timedelta(
        hours=local.hour, minutes=local.minute, seconds=local.second, microseconds=local.microsecond
    )
    return moment + -since_midnight % step
