"""A credential on its way into the vault: typed at a terminal or piped in, and checked before it is saved."""

import re
import sys
from functools import partial
from typing import TYPE_CHECKING

import click

from ..errors import ConnectorError, UsageError
from .terminal import printable

if TYPE_CHECKING:
    from ..auth.vault import Vault
    from ..contract import CheckReport, Connector, CredentialKind, Field


def reject_taken_name(vault: "Vault", name: str, *, replace: bool) -> None:
    """Raise UsageError if the vault holds a credential of this name, or if the name is invalid."""
    from ..auth.vault.names import validate_name

    if not replace and validate_name(name) in vault.names():
        raise UsageError(
            f"{vault.place} already contains a credential named {name!r}.",
            fix="Choose another name, or pass --replace.",
        )


def typed_in(form: "CredentialKind") -> dict[str, str]:
    """Prompt for each field, hiding secrets; skip optional fields that are left empty."""
    click.echo(form.description, err=True)
    typed = {field.name: _prompt(field) for field in form.fields}
    return {name: value for name, value in typed.items() if value}


def _prompt(field: "Field") -> str:
    """Prompt until the value is one of the field's choices and has its form."""
    notes = ["" if field.required else "optional", _values(field)]
    note = "; ".join(filter(None, notes))
    value: str = click.prompt(
        f"{field.title} ({note})" if note else field.title,
        hide_input=field.secret,
        default=None if field.required else "",
        show_default=False,
        value_proc=partial(_read, field),
        err=True,
    )
    return value


def _read(field: "Field", value: str) -> str:
    """Return a value that was typed in. Raises BadParameter, so that click prompts again."""
    if value and field.choices and value not in {choice.value for choice in field.choices}:
        raise click.BadParameter(f"Type {_values(field)}.")
    if value and field.pattern and not re.search(field.pattern, value):
        raise click.BadParameter(f"Type {field.expected}.")
    return value


def _values(field: "Field") -> str:
    return " or ".join(choice.value for choice in field.choices if choice.value)


def piped_in(form: "CredentialKind") -> dict[str, str]:
    """Read the form's first field, or a JSON object of fields, from standard input."""
    text = sys.stdin.read().strip()
    if not text:
        raise UsageError(
            "Standard input is empty.", fix="Pipe the token in, or run the command in a terminal."
        )
    if not text.startswith("{"):
        return {form.fields[0].name: text}
    import json

    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        raise UsageError("Standard input looks like JSON but isn't valid.") from None
    if fields.pop("kind", None) is not None:
        raise UsageError("The JSON on standard input contains `kind`.", fix="Pass it as --kind instead.")
    return dict(fields)


def check_new(
    credential: dict[str, str],
    *,
    source: str = "",
    unsaved: str,
    check: bool = True,
    connector: "Connector | None" = None,
) -> "CheckReport | None":
    """Return the report on a credential that signs in, or None unless `check`.

    `unsaved` is the sentence that says that it wasn't saved. `connector` is Calendly's by default. Raises
    UsageError if fields are missing or invalid, ConnectorError if it doesn't sign in.
    """
    if connector is None:
        from ..plugin import connector as calendly

        connector = calendly
    with connector.connect(credential, source=source) as connection:
        if not check:
            return None
        report = connection.check()
    if not report.ok:
        raise ConnectorError(
            f"{printable(report.message)} {unsaved}",
            fix=f"{report.fix} Or pass --no-check to save it anyway.",
        )
    return report
