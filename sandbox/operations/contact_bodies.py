"""The body schemas of contacts and custom fields, and the values of custom fields. Pure."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from ..api.body_schema import (
    EMAIL,
    BodyField,
    BodySchema,
    Origins,
    array,
    boolean,
    day,
    object_of,
    one_of,
    pattern,
    text,
    timezone,
)
from ..errors import Body, detail
from ..world.contact_factories import CONTACT_TEXTS
from ..world.records import Record

_MAX_EMAILS = _MAX_PHONES = 10


def _any_value(value: Any, _origins: Origins) -> Any:
    return value


def _email_problems(body: Record) -> Iterator[Body]:
    if "emails" not in body:
        return
    emails = body["emails"]
    if sum(email["is_primary"] for email in emails) != 1:
        yield detail("must have exactly one item with is_primary true", "emails")
    [(_, repetitions)] = Counter(email["email"].casefold() for email in emails).most_common(1)
    if repetitions > 1:
        yield detail("must not repeat an address", "emails")


_EMAIL = BodySchema(
    (BodyField("email", EMAIL, required=True), BodyField("is_primary", boolean, required=True))
)
_PHONE = BodySchema((BodyField("phone_number", text(min_length=1), required=True),))
_CUSTOM_FIELD = BodySchema(
    (BodyField("uuid", text(min_length=1), required=True), BodyField("value", _any_value, required=True))
)


def _contact_schema(*, new: bool) -> BodySchema:
    text_fields = (
        BodyField(name, timezone if name == "timezone" else text(), null_in_reply=True)
        for name in CONTACT_TEXTS
    )
    return BodySchema(
        (
            BodyField("emails", array(object_of(_EMAIL), min_items=1, max_items=_MAX_EMAILS), required=new),
            BodyField("phone_numbers", array(object_of(_PHONE), max_items=_MAX_PHONES)),
            *text_fields,
            BodyField("custom_fields", array(object_of(_CUSTOM_FIELD))),
        ),
        check=_email_problems,
    )


NEW_CONTACT = _contact_schema(new=True)
CHANGED_CONTACT = _contact_schema(new=False)


# Custom fields


def _definition_problems(body: Record) -> Iterator[Body]:
    for name, kind in (("currency", "currency"), ("options", "single_select")):
        if body["field_type"] == kind and not body.get(name):
            yield detail(f"is required when field_type is {kind}", name)
        elif body["field_type"] != kind and name in body:
            yield detail(f"can only be used when field_type is {kind}", name)
    labels = [option["label"].casefold() for option in body.get("options", [])]
    if len(set(labels)) != len(labels):
        yield detail("must not repeat a label", "options")


NEW_DEFINITION = BodySchema(
    (
        BodyField("label", text(min_length=1, max_length=255), required=True),
        BodyField(
            "field_type",
            one_of("text", "number", "currency", "tags", "date", "single_select"),
            required=True,
        ),
        BodyField(
            "currency",
            pattern("[A-Z]{3}", "must be a currency code of three capital letters"),
            null_in_reply=True,
        ),
        BodyField(
            "options", array(object_of(BodySchema((BodyField("label", text(min_length=1), required=True),))))
        ),
    ),
    strict=True,
    check=_definition_problems,
)


def _number(value: Any, _origins: Origins) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("must be a number")  # noqa: TRY004 - every problem is a ValueError here
    return value


_VALUE_RULES: dict[str, Callable[[Any, Origins], Any]] = {
    "text": text(),
    "invitee_question": text(),
    "number": _number,
    "currency": _number,
    "tags": array(text(min_length=1)),
    "date": day,
}


def check_value(definition: Record, value: Any) -> str | None:
    """Return the problem of a custom field's value, None if it is valid; null removes the value."""
    try:
        if value is None:
            return None
        if definition["field_type"] == "single_select":
            options = [option for option in definition["options"] if option["is_active"]]
            one_of(*(option["label"] for option in options))(value, frozenset())
        else:
            _VALUE_RULES[definition["field_type"]](value, frozenset())
    except ValueError as error:
        return str(error)
    return None
