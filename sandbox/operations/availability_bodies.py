"""The body schemas of availability schedules and rules. Pure."""

from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Any

from ..api import body_schema
from ..api.body_schema import (
    BodyField,
    BodySchema,
    Origins,
    Rule,
    array,
    object_of,
    one_of,
    pattern,
    text,
    timezone,
)
from ..errors import Body, detail
from ..world import date_ranges
from ..world.records import Record
from ..world.schedules import WEEK


def day_text(value: Any, origins: Origins) -> str:
    """Read `YYYY-MM-DD` and return it as a string."""
    return body_schema.day(value, origins).isoformat()


def _interval_problems(interval: Record) -> Iterator[Body]:
    if interval["from"] >= interval["to"]:
        yield detail("must be later than from", "to")


def _rule_problems(rule: Record) -> Iterator[Body]:
    if rule["type"] not in rule:
        yield detail(f"is required when type is {rule['type']}", rule["type"])


_CLOCK = pattern(r"([01]\d|2[0-3]):[0-5]\d|24:00", "must be a time of day, hh:mm")
_INTERVAL = BodySchema(
    (BodyField("from", _CLOCK, required=True), BodyField("to", _CLOCK, required=True)),
    check=_interval_problems,
)
_RULE = BodySchema(
    (
        BodyField("type", one_of("wday", "date"), required=True),
        BodyField("intervals", array(object_of(_INTERVAL)), required=True),
        BodyField("wday", one_of(*WEEK)),
        BodyField("date", day_text),
    ),
    check=_rule_problems,
)

RULES: Rule = array(object_of(_RULE))


def day_problems(rules: list[Record], *, whole_week: bool) -> Iterator[Body]:
    """Yield problems for days with more than one rule and, with `whole_week`, for weekdays without a rule."""
    days = Counter(rule[rule["type"]] for rule in rules)
    for day, count in days.items():
        if count > 1:
            yield detail(f"must not have more than one rule for {day}", "rules")
    for day in WEEK:
        if whole_week and day not in days:
            yield detail(f"must have a rule for {day}", "rules")


def date_problems(rules: list[Record], now: int, zone: str) -> list[Body]:
    """Return problems for rules with a date in the past."""
    today = date_ranges.local_time(now, zone).date()
    return [
        detail("must not be before today", f"rules[{index}].date")
        for index, rule in enumerate(rules)
        if rule["type"] == "date" and date.fromisoformat(rule["date"]) < today
    ]


def _schedule_problems(values: Record) -> Iterator[Body]:
    if "rules" in values:
        yield from day_problems(values["rules"], whole_week=True)


def _own_rules_problems(values: Record) -> Iterator[Body]:
    yield from day_problems(values["rules"], whole_week=False)


def _only_true(value: Any, _origins: Origins) -> bool:
    if value is not True:
        raise ValueError("must be true; to change the default, set it on another schedule")
    return value


def _schedule_fields(*, required: bool) -> tuple[BodyField, ...]:
    return (
        BodyField("name", text(min_length=1), required),
        BodyField("timezone", timezone, required),
        BodyField("rules", RULES, required),
    )


NEW_SCHEDULE = BodySchema(_schedule_fields(required=True), check=_schedule_problems)
CHANGED_SCHEDULE = BodySchema(
    (*_schedule_fields(required=False), BodyField("default", _only_true)), check=_schedule_problems
)

_ZONE_AND_RULES = (BodyField("timezone", timezone, required=True), BodyField("rules", RULES, required=True))
OWN_RULES = object_of(BodySchema(_ZONE_AND_RULES, check=_own_rules_problems))
EVENT_TYPE_SCHEDULE = BodySchema(
    (
        BodyField(
            "availability_rule",
            object_of(
                BodySchema(
                    (*_ZONE_AND_RULES, BodyField("user", body_schema.uri("users"))), check=_own_rules_problems
                )
            ),
        ),
        BodyField("availability_setting", one_of("host")),
    )
)
