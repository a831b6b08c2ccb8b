"""The question that a person answers before a write. Pure.

It shows every argument, either in full or with the amount that is not shown.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any, Final

from ...catalog.models import Action
from ...contract import Record

_MAX_CHARACTERS: Final = 200  # per text
_MAX_ITEMS: Final = 50  # per list
_INDENT: Final = "  "
_TIMESTAMP: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+-][0-9]{2}:[0-9]{2})")


Plan = Mapping[str, Sequence[Record]]  # what a write would do: by outcome, each thing that it concerns


def write_question(
    action: Action,
    arguments: Mapping[str, Any],
    details: Mapping[str, Record],
    zone: tzinfo,
    plan: Plan | None = None,
) -> str:
    """Return the question; `details` describes resources by the argument that names them."""
    lines = [f"{action.title}?"]
    for name, value in arguments.items():
        lines += _lines(name, value, details, zone, _INDENT)
    for outcome, records in (plan or {}).items():
        lines += _plan_lines(outcome, records, zone)
    if action.effect == "destroy":
        lines.append("This cannot be undone.")
    return "\n".join(lines)


def _plan_lines(outcome: str, records: Sequence[Record], zone: tzinfo) -> Iterator[str]:
    """Yield the fields of the record, or of each numbered one if there are several."""
    if len(records) == 1:
        yield from _lines(outcome, records[0], {}, zone, _INDENT)
        return
    numbered = {str(number): record for number, record in enumerate(records[:_MAX_ITEMS], 1)}
    yield from _lines(f"{outcome} ({len(records):,})", numbered, {}, zone, _INDENT)
    if len(records) > _MAX_ITEMS:
        yield f"{_INDENT * 2}… and {len(records) - _MAX_ITEMS:,} more (not shown)"


def _lines(label: str, value: Any, details: Mapping[str, Record], zone: tzinfo, indent: str) -> Iterator[str]:
    label, deeper = _shorten(label), indent + _INDENT
    if isinstance(value, dict):
        yield f"{indent}{label}:"
        for name, item in value.items():
            yield from _lines(str(name), item, details, zone, deeper)
    elif isinstance(value, list):
        yield f"{indent}{label} ({len(value)}):"
        for item in value[:_MAX_ITEMS]:
            yield f"{deeper}- {_scalar(item, zone)}"
            yield from _detail_lines(item, details, zone, deeper + _INDENT)
        if len(value) > _MAX_ITEMS:
            yield f"{deeper}… and {len(value) - _MAX_ITEMS:,} more (not shown)"
    else:
        yield f"{indent}{label}: {_scalar(value, zone)}"
        yield from _detail_lines(value, details, zone, deeper)


def _detail_lines(value: Any, details: Mapping[str, Record], zone: tzinfo, indent: str) -> Iterator[str]:
    if isinstance(value, str):
        for name, item in details.get(value, {}).items():
            yield from _lines(name, item, {}, zone, indent)


def _scalar(value: Any, zone: tzinfo) -> str:
    if isinstance(value, str) and _TIMESTAMP.fullmatch(value):
        try:
            return f"{datetime.fromisoformat(value).astimezone(zone):%a %Y-%m-%d %H:%M} ({zone})"
        except (ValueError, OverflowError):
            return _shorten(value)
    return _shorten(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _shorten(text: str) -> str:
    line = "".join(character if character.isprintable() else " " for character in text)
    if len(line) <= _MAX_CHARACTERS:
        return line
    return f"{line[:_MAX_CHARACTERS]}… ({len(line) - _MAX_CHARACTERS:,} more characters not shown)"
