"""Airflow's connection form, built from the credential forms, and the credential read from a connection.

Airflow has one form per connection type, so the form shows all kinds of credential together; the kind whose
required field is filled in is used. Pure; imports nothing of Airflow.

See docs/decisions/airflow-form.md.
"""

from collections.abc import Mapping
from typing import Any, Final

from ...catalog.manifest import manifest
from ...catalog.models import CredentialForm, Field
from ...errors import InvalidCredential, UsageError
from ...http.protocol import check_origin

_HOST_LABEL: Final = "API address"
_HIDDEN: Final = ("schema", "login", "extra")
_HTTPS_PORT: Final = 443
_MASKED_PREFIX: Final = "secret_"  # Airflow masks fields of `extra` by name, and this is one that it masks
_PASSWORD: Final = "password"  # noqa: S105 - a field's name in Airflow


def fillable_forms() -> Mapping[str, CredentialForm]:
    """Return the forms that a person can fill in, by kind; the other kinds need a sign-in first."""
    return {
        kind: form
        for kind, form in manifest().credentials.items()
        if all(field.filled_by == "person" for field in form.fields.values())
    }


def conn_fields() -> dict[str, Any]:
    """Return the fields that Airflow stores in `extra`. A required field has its form's label and help."""
    return {
        airflow_name: {
            "label": _label(form, field),
            "description": form.help if field.required else field.help,
            "schema": _schema(field),
        }
        for form in fillable_forms().values()
        for name, field in form.fields.items()
        if (airflow_name := _airflow_name(name, field)) != _PASSWORD
    }


def ui_behaviour() -> dict[str, Any]:
    """Return which of Airflow's standard fields are hidden, relabeled or have placeholders."""
    labels = {
        airflow_name: _label(form, field)
        for form in fillable_forms().values()
        for name, field in form.fields.items()
        if (airflow_name := _airflow_name(name, field)) == _PASSWORD
    }
    return {
        "hidden-fields": list(_HIDDEN),
        "relabeling": {"host": _HOST_LABEL, **labels},
        "placeholders": {"host": manifest().origin, "port": str(_HTTPS_PORT)},
    }


def credential(password: str | None, extra: Mapping[str, Any]) -> dict[str, str]:
    """Return the credential in a connection's password and extra. Raises InvalidCredential."""
    filled = {
        name: value for name, value in {_PASSWORD: password, **extra}.items() if value not in (None, "")
    }
    names = {
        _airflow_name(name, field): name
        for form in fillable_forms().values()
        for name, field in form.fields.items()
    }
    if unknown := sorted(filled.keys() - names.keys()):
        raise InvalidCredential(
            f"The connection's extra has unknown fields: {', '.join(unknown)}.",
            fix=f"Valid fields: {', '.join(name for name in names if name != _PASSWORD)}.",
        )
    kinds = [kind for kind, form in fillable_forms().items() if filled.keys() & _required(form)]
    if len(kinds) != 1:
        labels = " or ".join(form.label for form in fillable_forms().values())
        raise InvalidCredential(
            "The connection has two credentials." if kinds else "The connection has no credential.",
            fix=f"Fill in either {labels}.",
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
        fix = f"To use Calendly itself, leave {_HOST_LABEL} and Port empty."
        raise UsageError(error.message, fix=fix) from None


def _schema(field: Field) -> dict[str, Any]:
    """Return a field's schema: the form shows a password field, a list to choose from, or plain text."""
    schema: dict[str, Any] = {"type": ["string", "null"]}
    if field.secret:
        schema["format"] = "password"
    if field.choices:
        schema["enum"] = list(field.choices)
    return schema


def _airflow_name(name: str, field: Field) -> str:
    if field.secret:
        return _PASSWORD if field.required else _MASKED_PREFIX + name
    return name


def _required(form: CredentialForm) -> set[str]:
    return {_airflow_name(name, field) for name, field in form.fields.items() if field.required}


def _label(form: CredentialForm, field: Field) -> str:
    return form.label if field.required else field.label
