"""Airflow's connection form made from the credential forms, and a credential read from what was filled in.

Airflow has one form for a type of connection, so the kinds stand in it together, and the one whose required
field is filled in is taken. Pure; knows nothing of Airflow's code.
"""

from collections.abc import Mapping
from typing import Any, Final

from ...catalog.manifest import manifest
from ...catalog.models import CredentialForm, Field
from ...errors import InvalidCredential, UsageError
from ...http.protocol import check_origin

_HOST_LABEL: Final = "API address"
_UNUSED: Final = ("schema", "login", "extra")
_HTTPS: Final = 443
_MASKED: Final = "secret_"  # what Airflow shows of `extra` it masks by name, and this is one that it masks
_PASSWORD: Final = "password"  # noqa: S105 - a name of Airflow's


def kinds() -> Mapping[str, CredentialForm]:
    """Give the kinds that a person can fill in; one that has to sign in is reached by its stored name."""
    forms = manifest().credentials
    return {
        kind: form
        for kind, form in forms.items()
        if all(field.filled_by == "person" for field in form.fields.values())
    }


def conn_fields() -> dict[str, Any]:
    """Give the fields that Airflow keeps in `extra`; a kind's required field bears its name and help."""
    return {
        place: {
            "label": _label(form, field),
            "description": form.help if field.required else field.help,
            "schema": _schema(field),
        }
        for form in kinds().values()
        for name, field in form.fields.items()
        if (place := _place(name, field)) != _PASSWORD
    }


def behaviour() -> dict[str, Any]:
    """Give what becomes of the fields that every connection of Airflow has."""
    labels = {
        place: _label(form, field)
        for form in kinds().values()
        for name, field in form.fields.items()
        if (place := _place(name, field)) == _PASSWORD
    }
    return {
        "hidden-fields": list(_UNUSED),
        "relabeling": {"host": _HOST_LABEL, **labels},
        "placeholders": {"host": manifest().origin, "port": str(_HTTPS)},
    }


def credential(password: str | None, extra: Mapping[str, Any]) -> dict[str, str]:
    """Read a credential from a connection's password and extra. Raises InvalidCredential."""
    filled = {_PASSWORD: password, **extra}
    given = {place: value for place, value in filled.items() if value not in (None, "")}
    places = {_place(name, field): name for form in kinds().values() for name, field in form.fields.items()}
    if unknown := sorted(given.keys() - places.keys()):
        raise InvalidCredential(
            f"The connection's extra has unknown fields: {', '.join(unknown)}.",
            fix=f"It takes {', '.join(place for place in places if place != _PASSWORD)}.",
        )
    chosen = [kind for kind, form in kinds().items() if given.keys() & _required(form)]
    if len(chosen) != 1:
        asked = " or ".join(form.label for form in kinds().values())
        raise InvalidCredential(
            "The connection holds two credentials." if chosen else "The connection holds no credential.",
            fix=f"Fill in {asked}, one of them.",
            outcome="malformed_token" if chosen else "missing_token",
        )
    return {"kind": chosen[0], **{places[place]: value for place, value in given.items()}}


def origin(host: str | None, port: int | None) -> str | None:
    """Read an origin from a connection's host and port; None is Calendly itself. Raises UsageError."""
    if not host and port in (None, 0, _HTTPS):
        return None
    base = (host or manifest().origin).rstrip("/")
    own = not port or (port == _HTTPS and base.startswith("https:"))
    try:
        return check_origin(base if own else f"{base}:{port}")
    except UsageError as error:
        fix = f"Leave {_HOST_LABEL} and port empty for Calendly itself."
        raise UsageError(error.message, fix=fix) from None


def _schema(field: Field) -> dict[str, Any]:
    """Return the schema of a field; the form shows a password field, a list to choose from, or plain text."""
    schema: dict[str, Any] = {"type": ["string", "null"]}
    if field.secret:
        schema["format"] = "password"
    if field.choices:
        schema["enum"] = list(field.choices)
    return schema


def _place(name: str, field: Field) -> str:
    if field.secret:
        return _PASSWORD if field.required else _MASKED + name
    return name


def _required(form: CredentialForm) -> set[str]:
    return {_place(name, field) for name, field in form.fields.items() if field.required}


def _label(form: CredentialForm, field: Field) -> str:
    return form.label if field.required else field.label
