"""The question that a person answers before a write. Pure.

It shows every argument, whole or with how much of it is not shown.
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, tzinfo
from typing import Any, Final

from ...catalog.models import Action
from ...contract import Record

_MOST_LETTERS: Final = 200  # of one text
_MOST_ITEMS: Final = 50  # of one list
_STEP: Final = "  "
_MOMENT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+-][0-9]{2}:[0-9]{2})")


def question(action: Action, arguments: Mapping[str, Any], about: Mapping[str, Record], zone: tzinfo) -> str:
    """Say what is going to be written; `about` has what is known of the resources that arguments name."""
    lines = [f"{action.title}?"]
    for name, value in arguments.items():
        lines += _lines(name, value, about, zone, _STEP)
    if action.effect == "destroy":
        lines.append("This cannot be undone.")
    return "\n".join(lines)


def _lines(label: str, value: Any, about: Mapping[str, Record], zone: tzinfo, indent: str) -> Iterator[str]:
    label, deeper = _shown(label), indent + _STEP
    if isinstance(value, dict):
        yield f"{indent}{label}:"
        for name, item in value.items():
            yield from _lines(str(name), item, about, zone, deeper)
    elif isinstance(value, list):
        yield f"{indent}{label} ({len(value)}):"
        for item in value[:_MOST_ITEMS]:
            yield f"{deeper}- {_scalar(item, zone)}"
            yield from _told(item, about, zone, deeper + _STEP)
        if len(value) > _MOST_ITEMS:
            yield f"{deeper}… and {len(value) - _MOST_ITEMS:,} more that are not shown"
    else:
        yield f"{indent}{label}: {_scalar(value, zone)}"
        yield from _told(value, about, zone, deeper)


def _told(value: Any, about: Mapping[str, Record], zone: tzinfo, indent: str) -> Iterator[str]:
    if isinstance(value, str):
        for name, item in about.get(value, {}).items():
            yield from _lines(name, item, {}, zone, indent)


def _scalar(value: Any, zone: tzinfo) -> str:
    if isinstance(value, str) and _MOMENT.fullmatch(value):
        try:
            return f"{datetime.fromisoformat(value).astimezone(zone):%a %Y-%m-%d %H:%M} ({zone})"
        except (ValueError, OverflowError):
            return _shown(value)
    return _shown(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _shown(text: str) -> str:
    flat = "".join(letter if letter.isprintable() else " " for letter in text)
    if len(flat) <= _MOST_LETTERS:
        return flat
    return f"{flat[:_MOST_LETTERS]}… ({len(flat) - _MOST_LETTERS:,} more letters are not shown)"
