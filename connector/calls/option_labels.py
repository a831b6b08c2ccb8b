"""What a choice shows: the texts of its record, with times in the zone of the signed-in user."""

from collections.abc import Callable, Iterator
from datetime import datetime, tzinfo
from typing import Final

from ..catalog import paths
from ..catalog.fixed_choices import enum_label
from ..catalog.models import Action
from ..catalog.pick_lists import PickList
from ..contract import Record
from ..support import timestamps
from ..support.invisible_characters import strip_invisible

# strftime would write them in the language of the machine.
_WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def local_time(moment: datetime, zone: tzinfo) -> str:
    """Return a time such as `Tue 24 Nov 2026 14:00 CET`."""
    local = moment.astimezone(zone)
    day = f"{_WEEKDAYS[local.weekday()]} {local.day} {_MONTHS[local.month - 1]} {local.year}"
    return f"{day} {local:%H:%M} {local.tzname()}"


class Labels:
    """Writes the labels of one pick list. `zone` may read from Calendly, so it is called when needed."""

    def __init__(self, source: PickList, action: Action, zone: Callable[[], tzinfo]) -> None:
        self._source = source
        self._zone = zone
        before = f"{source.each}." if source.each else ""
        self._rules = {path: paths.rules(action.output, f"{before}{path}") for path in source.text}

    def label(self, record: Record, value: str, names: tuple[str, ...]) -> str:
        """Return the label of a record: its texts, or else its name or value."""
        text = ", ".join(self._texts(record)) or (names[0] if names else value)
        shown = " ".join(str(strip_invisible(text)).split()) or value
        return f"{shown} {self._source.unit}" if self._source.unit else shown

    def _texts(self, record: Record) -> Iterator[str]:
        for path in self._source.text:
            for value in paths.values(record, path):
                if isinstance(value, str) and value.strip():
                    yield self._text(value, path)

    def _text(self, value: str, path: str) -> str:
        for rule in self._rules[path]:
            if rule.get("format") == "date-time" and (moment := timestamps.read_or_none(value)):
                return local_time(moment, self._zone())
            if "enum" in rule:
                return enum_label(rule, value)
        return value
