"""Airflow's connection form, built from the credential forms, and the credential read from a connection.

Airflow has one form per connection type, so the form shows all kinds of credential together; the kind whose
required field is filled in is used. Pure; imports nothing of Airflow.

See docs/decisions/airflow-form.md.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from ...catalog.manifest import manifest
from ...catalog.models import CredentialForm
from ...contract import Field
from ...errors import InvalidCredential, UsageError
from ...http.protocol import check_origin

_HOST_TITLE: Final = "API address"
_ADVANCED: Final = "Advanced"
_HIDDEN: Final = ("schema", "login", "extra")
_HTTPS_PORT: Final = 443
_MASKED_PREFIX: Final = "secret_"  # Airflow masks fields of `extra` by name, and this is one that it masks
_PASSWORD: Final = "password"  # noqa: S105 - a field's name in Airflow
_NOTHING: Final = "null"  # what Airflow calls an empty choice


def fillable_forms() -> Mapping[str, CredentialForm]:
    """Return the forms that are complete without a sign-in, by kind."""
    return {kind: form for kind, form in manifest().credentials.items() if not form.needs_sign_in}


def conn_fields() -> dict[str, Any]:
    """Return the fields that Airflow stores in `extra`, the advanced ones last.

    A required field has the title and description of its kind.
    """
    placed = [(name, form, field) for name, form, field in _placed() if name != _PASSWORD]
    return {
        name: {
            "label": _title(form, field),
            "description": form.description if field.required else field.description,
            "schema": _schema(field),
        }
        for name, form, field in sorted(placed, key=lambda one: one[2].group == "advanced")
    }


def ui_behaviour() -> dict[str, Any]:
    """Return which of Airflow's standard fields are hidden, relabeled or have placeholders."""
    [(form, field)] = [(form, field) for name, form, field in _placed() if name == _PASSWORD]
    return {
        "hidden-fields": list(_HIDDEN),
        "relabeling": {"host": _HOST_TITLE, _PASSWORD: _title(form, field)},
        "placeholders": {
            "host": manifest().origin,
            "port": str(_HTTPS_PORT),
            _PASSWORD: field.placeholder,
        },
    }


def credential(password: str | None, extra: Mapping[str, Any]) -> dict[str, str]:
    """Return the credential in a connection's password and extra. Raises InvalidCredential."""
    filled = {
        name: value for name, value in {_PASSWORD: password, **extra}.items() if value not in (None, "")
    }
    names = {name: field.name for name, _, field in _placed()}
    if unknown := sorted(filled.keys() - names.keys()):
        raise InvalidCredential(
            f"The connection's extra has unknown fields: {', '.join(unknown)}.",
            fix=f"Valid fields: {', '.join(name for name in names if name != _PASSWORD)}.",
        )
    kinds = [form.id for name, form, field in _placed() if field.required and name in filled]
    if len(kinds) != 1:
        titles = " or ".join(form.title for form in fillable_forms().values())
        raise InvalidCredential(
            "The connection has two credentials." if kinds else "The connection has no credential.",
            fix=f"Fill in either {titles}.",
            outcome="malformed_token" if kinds else "missing_token",
        )
    return {"kind": kinds[0], **{names[name]: value for name, value in filled.items()}}


def origin(host: str | None, port: int | None) -> str | None:
    """Return the origin in a connection's host and port, None for Calendly itself. Raises UsageError."""
    if not host and port in (None, 0, _HTTPS_PORT):
        return None
    base = (host or manifest().origin).rstrip("/")
    default_port = not port or (port == _HTTPS_PORT and base.startswith("https:"))
    try:
        return check_origin(base if default_port else f"{base}:{port}")
    except UsageError as error:
        fix = f"To use Calendly itself, leave {_HOST_TITLE} and Port empty."
        raise UsageError(error.message, fix=fix) from None


def _placed() -> Iterator[tuple[str, CredentialForm, Field]]:
    """Yield the fields of all kinds, each with its name in Airflow and its form."""
    for form in fillable_forms().values():
        for field in form.fields:
            yield _airflow_name(field), form, field


def _airflow_name(field: Field) -> str:
    if field.secret:
        return _PASSWORD if field.required else _MASKED_PREFIX + field.name
    return field.name


def _title(form: CredentialForm, field: Field) -> str:
    return form.title if field.required else field.title


def _schema(field: Field) -> dict[str, Any]:
    """Return what Airflow draws: text, a password or a list to choose from, in a section of the form."""
    schema: dict[str, Any] = {"type": ["string", "null"]}
    if field.secret:
        schema["format"] = "password"
    if field.choices:
        schema["enum"] = [choice.value or None for choice in field.choices]
        schema["values_display"] = {choice.value or _NOTHING: choice.label for choice in field.choices}
    if field.group == "advanced":
        schema["section"] = _ADVANCED
    return schema
