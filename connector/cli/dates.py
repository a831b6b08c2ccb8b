"""Reads dates as people write them: `tomorrow`, `mon 14:00`, `next week`, `dec 1 9am`. Pure.

Dates are words for days and ranges, ISO 8601, or a day and a month by name. Numbers such as 1/2/2026 are
rejected, because they mean two different days. Weeks begin on Monday.

See docs/decisions/dates-as-people-write-them.md.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from ..errors import UsageError
from ..support.redaction import quoted

EXAMPLES: Final = "tomorrow, mon 14:00, next week, in 3 days, dec 1 9am, 2026-12-01 or 2026-12-01T09:00:00Z"

_DAY: Final = timedelta(days=1)
_WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS: Final = (
    "january|february|march|april|may|june|july|august|september|october|november|december"
    "|jan|feb|mar|apr|jun|jul|aug|sept|sep|oct|nov|dec"
)
_SHORT_WEEKDAYS: Final = {"tues": 1, "wednes": 2, "thur": 3, "thurs": 3}
_EXACT: Final = re.compile(r"\d{4}-\d\d-\d\d[ tT]\d\d:\d\d(:\d\d(\.\d+)?)? ?([zZ]|[+-]\d\d(:?\d\d)?)")
_CLOCK: Final = re.compile(
    r"(?:^|(?<=\d)t|\s)(?:at\s+)?"
    r"(?:(?P<hour>\d{1,2})(?::(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.\d+)?)?)?\s?(?P<half>am|pm)"
    r"|(?P<hour24>\d{1,2}):(?P<minute24>\d\d)(?::(?P<second24>\d\d)(?:\.\d+)?)?"
    r"|(?P<word>noon|midnight))(?=\s|$)"
)
_FEW_UNITS: Final = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3}
_OFFSET: Final = re.compile(
    r"(?P<sign>in )?(?P<count>\d{1,4}|an?|one|two|three) (?P<unit>min(?:ute)?|hour|day|week|month|year)s?"
    r"(?P<ago> ago)?"
)
_SPAN: Final = re.compile(r"(?P<which>next|last) (?P<count>\d{1,4}) (?P<unit>day|week|month|year)s?")
_NAMED: Final = re.compile(
    rf"(?:(?P<weekday>[a-z]{{3,9}}) )?"
    rf"(?:(?P<day>\d{{1,2}})(?:st|nd|rd|th|\.)? (?:of )?)?(?P<month>{_MONTHS})\.?"
    rf"(?: (?P<later_day>\d{{1,2}})(?:st|nd|rd|th)?)?(?: (?P<year>\d{{4}}))?"
)


@dataclass(frozen=True, slots=True)
class When:
    """What a date means: a moment (`start` is `end`), or a range up to its `end`, exclusive.

    Both are in the zone of the reader, except a time with an offset. `note` says how a time was understood
    that exists twice or not at all, because clocks change.
    """

    start: datetime
    end: datetime
    note: str = ""

    @property
    def is_range(self) -> bool:
        """Whether it is a range, such as a day or a week."""
        return self.end > self.start


Days = tuple[datetime, datetime]
"""Start and end of a range of days, as local times without a zone."""


def read(text: str, now: datetime, zone: tzinfo) -> When:
    """Return what a date or time means in a zone. Raises UsageError with examples.

    Without a year, a month or day is the nearest one. A weekday is today or later; with a time, it is in the
    future. A time without a day is today.
    """
    try:
        return _read(" ".join(text.replace(",", " ").split()).casefold(), now, zone)
    except (ValueError, OverflowError) as error:
        reason = f": {error}" if isinstance(error, _UnclearDate) else ""
        raise UsageError(
            f"{quoted(text)} isn't a date or time{reason}.", fix=f"Write one such as {EXAMPLES}."
        ) from None


def short(moment: datetime, zone: tzinfo, *, year: int) -> str:
    """Return a local time such as "Wed 18 Nov 10:30", with its year unless it is `year`; `read` reads it."""
    local = moment.astimezone(zone)
    names = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    its_year = "" if local.year == year else f" {local.year}"
    return f"{names[local.weekday()]} {local.day:2} {months[local.month - 1]}{its_year} {local:%H:%M}"


class _UnclearDate(ValueError):
    """The text can be read, but not in one way. Its message says why."""


def _read(text: str, now: datetime, zone: tzinfo) -> When:
    if _EXACT.fullmatch(text):
        moment = datetime.fromisoformat(text.replace(" ", "T", 1).replace(" ", "").upper())
        return When(moment, moment)
    local = now.astimezone(zone)
    if text == "now":
        return When(local, local)
    if moved := _moved_clock(text, local):
        return When(moved, moved)
    clock = _CLOCK.search(text)
    days = " ".join((text[: clock.start()] + text[clock.end() :]).split()) if clock else text
    days = days.removeprefix("on ")
    today = local.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None, fold=0)
    start, end = _days(days, today) if days or not clock else (today, today + _DAY)
    if clock is None:
        return When(_in_zone(start, zone)[0], _in_zone(end, zone)[0])
    if end - start != _DAY:
        raise _UnclearDate("a time needs one day")
    moment, note = _in_zone(start + _time(clock), zone)
    if moment < now and _weekday(days) is not None:  # its time today has passed
        moment, note = _in_zone(start + 7 * _DAY + _time(clock), zone)
    return When(moment, moment, note)


def _time(clock: re.Match[str]) -> timedelta:
    """Return the time since midnight. Raises ValueError for a time such as 25:00."""
    part = clock.groupdict()
    if part["word"]:
        return timedelta(hours=12 if part["word"] == "noon" else 0)
    hour = int(part["hour"] or part["hour24"])
    minute = int(part["minute"] or part["minute24"] or 0)
    second = int(part["second"] or part["second24"] or 0)
    if part["half"]:
        if not 1 <= hour <= 12:  # noqa: PLR2004 - hours on a clock face
            raise _UnclearDate(f"{hour} {part['half']} isn't a time")
        hour = hour % 12 + (12 if part["half"] == "pm" else 0)
    time = datetime(2000, 1, 1, hour, minute, second)  # noqa: DTZ001 - checks the numbers
    return timedelta(hours=time.hour, minutes=time.minute, seconds=time.second)


def _moved_clock(text: str, local: datetime) -> datetime | None:
    """Return the moment some hours or minutes from now: in elapsed time, across clock changes too."""
    offset = _offset(text)
    if offset is None or offset[1] not in {"min", "minute", "hour"}:
        return None
    count, unit = offset
    elapsed = timedelta(hours=count) if unit == "hour" else timedelta(minutes=count)
    return (local.astimezone(UTC) + elapsed).astimezone(local.tzinfo)


def _offset(text: str) -> tuple[int, str] | None:
    """Return the count and unit of `in 3 days`, or negative of `3 days ago`; None for other texts."""
    found = _OFFSET.fullmatch(text)
    if not found or bool(found["sign"]) == bool(found["ago"]):
        return None
    count = _FEW_UNITS.get(found["count"]) or int(found["count"])
    return (-count if found["ago"] else count), found["unit"]


def _days(text: str, today: datetime) -> Days:
    """Return the range of days that a text without a time means."""
    if day := _WORDS.get(text):
        return day(today)
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        start = datetime.fromisoformat(text)
        return start, start + _DAY
    if re.fullmatch(r"\d{4}(-\d\d)?", text):
        year, _, month = text.partition("-")
        start = datetime(int(year), int(month or 1), 1)  # noqa: DTZ001 - a local day
        return start, _moved(start, 1, "month" if month else "year")
    if re.fullmatch(r"[\d]+[./-][\d]+([./-][\d]+)?\.?", text):
        raise _UnclearDate("it can mean several days; write the year first, such as 2026-12-01")
    if offset := _offset(text):
        start = _moved(today, *offset)
        return start, start + _DAY
    if span := _SPAN.fullmatch(text):
        count = int(span["count"])
        if span["which"] == "next":
            return today, _moved(today, count, span["unit"])
        return _moved(today + _DAY, -count, span["unit"]), today + _DAY
    which, _, name = text.rpartition(" ")
    weekday = _weekday(name)
    if which in {"", "this", "next", "last"} and weekday is not None:
        start = _on_weekday(which, weekday, today)
        return start, start + _DAY
    return _named_day(text, today)


def _weekday(text: str) -> int | None:
    """Return the number of a weekday by its name or the beginning of it; Monday is 0."""
    if len(text) >= 3:  # noqa: PLR2004 - as in mon
        for number, name in enumerate(_WEEKDAYS):
            if text == name or text == name[:3]:
                return number
    return _SHORT_WEEKDAYS.get(text)


def _on_weekday(which: str, weekday: int, today: datetime) -> datetime:
    """Return a weekday: the first from today on, of this or next week, or the last before today."""
    monday = today - today.weekday() * _DAY
    match which:
        case "this":
            return monday + weekday * _DAY
        case "next":
            return monday + (7 + weekday) * _DAY
        case "last":
            return today - ((today.weekday() - weekday - 1) % 7 + 1) * _DAY
    return today + ((weekday - today.weekday()) % 7) * _DAY


def _named_day(text: str, today: datetime) -> Days:
    """Return a day or month by the month's name; without a year, the nearest one."""
    from dateutil import parser

    found = _NAMED.fullmatch(text)
    if not found or (found["day"] and found["later_day"]):
        raise ValueError(text)
    day = found["day"] or found["later_day"] or "1"
    years = (
        [int(found["year"])] if found["year"] else range(today.year - 4, today.year + 5)
    )  # a leap year, too
    starts = []
    for year in years:
        try:
            starts.append(parser.parse(f"{day} {found['month']} {year:04}", default=today))
        except ValueError:  # February 29, in most years
            continue
    if not starts:
        raise _UnclearDate(f"{found['month'].capitalize()} has no day {day}")
    is_day = bool(found["day"] or found["later_day"])
    ranges = [(start, start + _DAY if is_day else _moved(start, 1, "month")) for start in starts]
    start, end = min(ranges, key=lambda days: _distance(days, today))
    if found["weekday"]:
        weekday = _weekday(found["weekday"])
        if weekday is None or not is_day:
            raise ValueError(text)
        if weekday != start.weekday():
            raise _UnclearDate(f"{start:%Y-%m-%d} is a {_WEEKDAYS[start.weekday()].capitalize()}")
    return start, end


def _distance(days: Days, today: datetime) -> timedelta:
    start, end = days
    return max(start - today, today - (end - _DAY), timedelta())


def _moved(start: datetime, count: int, unit: str) -> datetime:
    """Return a day some days, weeks, months or years away; a month's last day is the latest."""
    from dateutil.relativedelta import relativedelta

    match unit:
        case "day":
            return start + relativedelta(days=count)
        case "week":
            return start + relativedelta(weeks=count)
        case "month":
            return start + relativedelta(months=count)
    return start + relativedelta(years=count)


def _day(offset: int) -> Callable[[datetime], Days]:
    return lambda today: (today + offset * _DAY, today + (offset + 1) * _DAY)


def _week(offset: int, first: int = 0, length: int = 7) -> Callable[[datetime], Days]:
    def days(today: datetime) -> Days:
        start = today + (7 * offset + first - today.weekday()) * _DAY
        return start, start + length * _DAY

    return days


def _period(unit: str, offset: int) -> Callable[[datetime], Days]:
    def days(today: datetime) -> Days:
        start = _moved(today.replace(day=1, month=today.month if unit == "month" else 1), offset, unit)
        return start, _moved(start, 1, unit)

    return days


_WORDS: Final[Mapping[str, Callable[[datetime], Days]]] = {
    "today": _day(0),
    "tomorrow": _day(1),
    "yesterday": _day(-1),
    "day after tomorrow": _day(2),
    "the day after tomorrow": _day(2),
    "day before yesterday": _day(-2),
    "the day before yesterday": _day(-2),
    "week": _week(0),
    "weekend": _week(0, first=5, length=2),
    "month": _period("month", 0),
    "year": _period("year", 0),
    **{
        f"{word} {name}": days(offset)
        for word, offset in (("last", -1), ("this", 0), ("next", 1))
        for name, days in (
            ("week", _week),
            ("weekend", lambda offset: _week(offset, first=5, length=2)),
            ("month", lambda offset: _period("month", offset)),
            ("year", lambda offset: _period("year", offset)),
        )
    },
}


def _in_zone(local: datetime, zone: tzinfo) -> tuple[datetime, str]:
    """Return a local time in its zone, and a note if clocks change then."""
    from dateutil import tz

    moment = local.replace(tzinfo=zone)
    if not tz.datetime_exists(moment):
        moved = tz.resolve_imaginary(moment)
        return moved, (
            f"{local:%H:%M} doesn't exist on {local:%Y-%m-%d} in {zone}, because clocks go forward; "
            f"using {moved:%H:%M}."
        )
    if tz.datetime_ambiguous(moment):
        second = moment.replace(fold=1).isoformat(timespec="minutes")
        return moment, (
            f"{local:%H:%M} comes twice on {local:%Y-%m-%d} in {zone}, because clocks go back; "
            f"using the first. Write {second} for the second."
        )
    return moment, ""
