"""What availability rules may look like in a body, wherever they are sent. Pure."""

from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Any

from ..api import body_rules
from ..api.body_rules import Field, Form, Origins, Rule, array, matching, one_of, record, text, timezone
from ..errors import Body, detail
from ..world import spans
from ..world.schedules import WEEK
from ..world.shapes import Record


def day_text(value: Any, origins: Origins) -> str:
    """Read `YYYY-MM-DD` and keep it as it is written."""
    return body_rules.day(value, origins).isoformat()


def _wrong_interval(interval: Record) -> Iterator[Body]:
    if interval["from"] >= interval["to"]:
        yield detail("must be later than from", "to")


def _wrong_rule(rule: Record) -> Iterator[Body]:
    if rule["type"] not in rule:
        yield detail(f"is required when type is {rule['type']}", rule["type"])


_CLOCK = matching(r"([01]\d|2[0-3]):[0-5]\d|24:00", "must be a time of day, hh:mm")
_INTERVAL = Form(
    (Field("from", _CLOCK, required=True), Field("to", _CLOCK, required=True)), check=_wrong_interval
)
_RULE = Form(
    (
        Field("type", one_of("wday", "date"), required=True),
        Field("intervals", array(record(_INTERVAL)), required=True),
        Field("wday", one_of(*WEEK)),
        Field("date", day_text),
    ),
    check=_wrong_rule,
)

RULES: Rule = array(record(_RULE))


def wrong_days(rules: list[Record], *, whole_week: bool) -> Iterator[Body]:
    """Say which days have more than one rule, and which weekdays have none if all must have one."""
    days = Counter(rule[rule["type"]] for rule in rules)
    for day, count in days.items():
        if count > 1:
            yield detail(f"must not have more than one rule for {day}", "rules")
    for day in WEEK:
        if whole_week and day not in days:
            yield detail(f"must have a rule for {day}", "rules")


def wrong_dates(rules: list[Record], now: int, zone: str) -> list[Body]:
    """Say which rules are for days that are over."""
    today = spans.local(now, zone).date()
    return [
        detail("must not be before today", f"rules[{place}].date")
        for place, rule in enumerate(rules)
        if rule["type"] == "date" and date.fromisoformat(rule["date"]) < today
    ]


def _wrong_schedule(values: Record) -> Iterator[Body]:
    if "rules" in values:
        yield from wrong_days(values["rules"], whole_week=True)


def _wrong_own(values: Record) -> Iterator[Body]:
    yield from wrong_days(values["rules"], whole_week=False)


def _true(value: Any, _origins: Origins) -> bool:
    if value is not True:
        raise ValueError("must be true: make another schedule the default instead")
    return value


def _schedule_fields(*, required: bool) -> tuple[Field, ...]:
    return (
        Field("name", text(least=1), required),
        Field("timezone", timezone, required),
        Field("rules", RULES, required),
    )


NEW_SCHEDULE = Form(_schedule_fields(required=True), check=_wrong_schedule)
CHANGED_SCHEDULE = Form((*_schedule_fields(required=False), Field("default", _true)), check=_wrong_schedule)

_ZONE_AND_RULES = (Field("timezone", timezone, required=True), Field("rules", RULES, required=True))
OWN_RULES = record(Form(_ZONE_AND_RULES, check=_wrong_own))
EVENT_TYPE_SCHEDULE = Form(
    (
        Field(
            "availability_rule",
            record(Form((*_ZONE_AND_RULES, Field("user", body_rules.uri("users"))), check=_wrong_own)),
        ),
        Field("availability_setting", one_of("host")),
    )
)
