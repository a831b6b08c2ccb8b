"""Looks up whether a write happened, as its action declares it.

See docs/decisions/lost-writes-looked-up.md.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any, Final

from ..catalog import manifest, paths
from ..catalog.look_ups import LookUpRule
from ..contract import Record
from ..errors import NotFound, UnexpectedAnswer
from ..support import timestamps
from .steps import Inputs, Steps

CLOCKS_DIFFER: Final = timedelta(seconds=10)
"""How far this machine's clock and Calendly's may be apart."""

_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT.+")


@dataclass(frozen=True, slots=True)
class Findings:
    """The records that show that a write happened, in the form of its own reply.

    `doubt` says why finding none doesn't mean that nothing happened.
    """

    records: tuple[Record, ...] = ()
    doubt: str = ""


Finder = Callable[[Steps, Inputs, datetime], Findings]
"""A look-up of several calls: finds what a write with these inputs has made since a time."""


def find(steps: Steps, rule: LookUpRule, inputs: Inputs, since: datetime) -> Findings:
    """Look for what a write with these inputs has made since a time, or has changed.

    Names and functions in the inputs are resolved. It only reads, and raises the errors of the reads.
    """
    if rule.function:
        try:
            return _finder(rule.function)(steps, inputs, since)
        except (AttributeError, LookupError, TypeError, ValueError):  # recipes rely on the schemas of replies
            raise UnexpectedAnswer(f"A reply doesn't fit its schema: {' '.join(steps.warnings)}") from None
    read = manifest.find(rule.action)
    params: Record = {}
    for name, path in rule.inputs.items():
        if sent := _filled(paths.values(inputs, path)):
            params[name] = sent if "array" in read.input_types[name] else ",".join(map(str, sent))
    try:
        is_list = read.returns == "many"
        records = steps.records(read.id, params) if is_list else [steps.run(read.id, params)]
    except NotFound:
        if rule.expects != "absence":
            raise
        return Findings(({},))
    if rule.expects == "absence":
        return Findings()
    compare = _changed if rule.expects == "change" else _created
    found = compare(rule, records, inputs, since)
    return Findings(tuple(_result(rule, record) for record in found.records), found.doubt)


def find_change(steps: Steps, action: str, inputs: Inputs) -> Record | None:
    """Return the record that an action has changed, in the form of its reply; None if it hasn't."""
    rule = manifest.find(action).look_up
    found = find(steps, rule, inputs, steps.now) if rule else Findings()
    return next(iter(found.records), None)


def _finder(name: str) -> Finder:
    module, _, function = name.partition(":")
    finder: Finder = getattr(import_module(f".{module}", __package__), function)
    return finder


def _created(rule: LookUpRule, records: Iterable[Record], inputs: Inputs, since: datetime) -> Findings:
    fields = rule.match.items()
    found = [
        record
        for record in records
        if all(_same(paths.values(record, path), paths.values(inputs, source)) for path, source in fields)
    ]
    if not rule.time:
        return Findings(tuple(found))
    undated = any(_time(rule, record) is None for record in found)
    new = [record for record in found if (time := _time(rule, record)) and time >= since]
    return Findings(tuple(new), f"one fits, but has no valid {rule.time}" if undated else "")


def _changed(rule: LookUpRule, records: Iterable[Record], inputs: Inputs, since: datetime) -> Findings:
    fields = {path: source for path, source in rule.match.items() if _input(source) in inputs}
    others = inputs.keys() - {_input(source) for source in rule.by} if rule.match else set()
    doubt = ""
    for record in records:
        if rule.has and not _filled(paths.values(record, rule.has)):
            continue
        if all(
            _same(paths.values(record, path), paths.values(inputs, source)) for path, source in fields.items()
        ):
            if not others:
                return Findings((record,))
            doubt = f"{', '.join(sorted(others))} can't be compared"
        elif rule.time and not ((time := _time(rule, record)) and time < since):
            doubt = "it was changed since then, to other values"
    return Findings(doubt=doubt)


def _result(rule: LookUpRule, record: Record) -> Record:
    if not rule.result:
        return record
    return {name: next(paths.values(record, path), None) for name, path in rule.result.items()}


def _time(rule: LookUpRule, record: Record) -> datetime | None:
    return timestamps.read_or_none(next(paths.values(record, rule.time), None))


def _input(path: str) -> str:
    return path.partition(".")[0]


def _same(some: Iterable[Any], others: Iterable[Any]) -> bool:
    """Check whether a record's values are those of the inputs, in any order."""
    found, wanted = _filled(some), _filled(others)
    return all(any(_fits(one, other) for one in found) for other in wanted) and all(
        any(_fits(one, other) for other in wanted) for one in found
    )


def _fits(found: Any, wanted: Any) -> bool:
    """Check whether a record's value is that of an input; its objects may have more fields."""
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(
            _same(_items(found.get(name)), _items(value)) for name, value in wanted.items()
        )
    return bool(_comparable(found) == _comparable(wanted))


def _comparable(value: Any) -> Any:
    """Return a time as a moment, an email address in lower case, and a text without spaces around it."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    if _TIME.fullmatch(text):
        return timestamps.read_or_none(text) or text
    return text.casefold() if "@" in text else text


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _filled(values: Iterable[Any]) -> list[Any]:
    return [value for value in values if value not in (None, "")]
