"""What the bodies of contacts and of their custom fields may be, and the values that fields take. Pure."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from ..api.body_rules import (
    EMAIL,
    Field,
    Form,
    Origins,
    array,
    boolean,
    day,
    matching,
    one_of,
    record,
    text,
    timezone,
)
from ..errors import Body, detail
from ..world.office_shapes import CONTACT_TEXTS
from ..world.shapes import Record

_MOST_EMAILS = _MOST_PHONES = 10


def _anything(value: Any, _origins: Origins) -> Any:
    return value


def _one_primary(body: Record) -> Iterator[Body]:
    if "emails" not in body:
        return
    emails = body["emails"]
    if sum(email["is_primary"] for email in emails) != 1:
        yield detail("must have exactly one with is_primary true", "emails")
    most = Counter(email["email"].casefold() for email in emails).most_common(1)
    if most[0][1] > 1:
        yield detail("must not repeat an address", "emails")


_EMAIL_FORM = Form((Field("email", EMAIL, required=True), Field("is_primary", boolean, required=True)))
_PHONE_FORM = Form((Field("phone_number", text(least=1), required=True),))
_VALUE_FORM = Form((Field("uuid", text(least=1), required=True), Field("value", _anything, required=True)))


def _contact_form(*, new: bool) -> Form:
    texts = (
        Field(name, timezone if name == "timezone" else text(), null_in_reply=True) for name in CONTACT_TEXTS
    )
    return Form(
        (
            Field("emails", array(record(_EMAIL_FORM), least=1, most=_MOST_EMAILS), required=new),
            Field("phone_numbers", array(record(_PHONE_FORM), most=_MOST_PHONES)),
            *texts,
            Field("custom_fields", array(record(_VALUE_FORM))),
        ),
        check=_one_primary,
    )


NEW_CONTACT = _contact_form(new=True)
CHANGED_CONTACT = _contact_form(new=False)


# Custom fields


def _fitting_parts(body: Record) -> Iterator[Body]:
    for name, kind in (("currency", "currency"), ("options", "single_select")):
        if body["field_type"] == kind and not body.get(name):
            yield detail(f"is required when field_type is {kind}", name)
        elif body["field_type"] != kind and name in body:
            yield detail(f"can only be used when field_type is {kind}", name)
    labels = [option["label"].casefold() for option in body.get("options", [])]
    if len(set(labels)) != len(labels):
        yield detail("must not repeat a label", "options")


NEW_DEFINITION = Form(
    (
        Field("label", text(least=1, most=255), required=True),
        Field(
            "field_type",
            one_of("text", "number", "currency", "tags", "date", "single_select"),
            required=True,
        ),
        Field("currency", matching("[A-Z]{3}", "must be a currency of three capitals"), null_in_reply=True),
        Field("options", array(record(Form((Field("label", text(least=1), required=True),))))),
    ),
    strict=True,
    check=_fitting_parts,
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
    "tags": array(text(least=1)),
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
