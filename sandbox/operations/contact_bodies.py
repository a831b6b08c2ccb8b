"""What the bodies of contacts and of their custom fields may be, and the values that fields take. Pure."""

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


def _anything(value: Any, _origins: Origins) -> Any:
    return value


def _email_problems(body: Record) -> Iterator[Body]:
    if "emails" not in body:
        return
    emails = body["emails"]
    if sum(email["is_primary"] for email in emails) != 1:
        yield detail("must have exactly one with is_primary true", "emails")
    most = Counter(email["email"].casefold() for email in emails).most_common(1)
    if most[0][1] > 1:
        yield detail("must not repeat an address", "emails")


_EMAIL_FORM = BodySchema(
    (BodyField("email", EMAIL, required=True), BodyField("is_primary", boolean, required=True))
)
_PHONE_FORM = BodySchema((BodyField("phone_number", text(min_length=1), required=True),))
_VALUE_FORM = BodySchema(
    (BodyField("uuid", text(min_length=1), required=True), BodyField("value", _anything, required=True))
)


def _contact_form(*, new: bool) -> BodySchema:
    texts = (
        BodyField(name, timezone if name == "timezone" else text(), null_in_reply=True)
        for name in CONTACT_TEXTS
    )
    return BodySchema(
        (
            BodyField(
                "emails", array(object_of(_EMAIL_FORM), min_items=1, max_items=_MAX_EMAILS), required=new
            ),
            BodyField("phone_numbers", array(object_of(_PHONE_FORM), max_items=_MAX_PHONES)),
            *texts,
            BodyField("custom_fields", array(object_of(_VALUE_FORM))),
        ),
        check=_email_problems,
    )


NEW_CONTACT = _contact_form(new=True)
CHANGED_CONTACT = _contact_form(new=False)


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
            "currency", pattern("[A-Z]{3}", "must be a currency of three capitals"), null_in_reply=True
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
        raise ValueError("must be a number")  # noqa: TRY004 - all that is wrong is a ValueError here
    return value


_VALUES: dict[str, Callable[[Any, Origins], Any]] = {
    "text": text(),
    "invitee_question": text(),
    "number": _number,
    "currency": _number,
    "tags": array(text(min_length=1)),
    "date": day,
}


def check_value(definition: Record, value: Any) -> str | None:
    """Say what is wrong with a custom field's value, None if nothing is; null takes the value away."""
    try:
        if value is None:
            return None
        if definition["field_type"] == "single_select":
            options = [option for option in definition["options"] if option["is_active"]]
            one_of(*(option["label"] for option in options))(value, frozenset())
        else:
            _VALUES[definition["field_type"]](value, frozenset())
    except ValueError as error:
        return str(error)
    return None
