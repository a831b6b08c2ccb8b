"""`calendly-connector vault`: credentials under names. A secret is typed or piped in, never an argument."""

import sys
from typing import TYPE_CHECKING, Final

import click

from ..catalog.manifest import manifest
from ..errors import ConnectorError, UsageError
from ..support.redaction import MASK, quoted
from .output import printable

if TYPE_CHECKING:
    from ..auth.vault import Vault
    from ..catalog.models import CredentialForm

# What is no secret, besides what a form says; whatever is not known to be none is masked.
_OPEN_FIELDS: Final = frozenset(
    {"kind", "client_id", "expires_at", "organization", "owner", "scope"}
    | {"client", "created_at", "events", "id", "uri", "url"}  # of a webhook subscription
)
_STORED: Final = "stored"


@click.group("vault")
def command() -> None:
    """Keep credentials under names, sealed.

    They are in one file, or where CALENDLY_CONNECTOR_VAULT says: a path, or the address of a database. Their
    key is in CALENDLY_CONNECTOR_KEY, else in the OS keyring, else in a file of your own beside the vault.
    """


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_names(*, as_json: bool) -> None:
    """List the names of credentials."""
    from ..events.subscriptions.store import NAME

    vault = _vault()
    kept = vault.names()
    names = [name for name in kept if not NAME.fullmatch(name)]
    if as_json:
        import json

        webhooks = [name for name in kept if NAME.fullmatch(name)]
        click.echo(json.dumps({"vault": vault.place, "names": names, "webhooks": webhooks}, indent=2))
        return
    for name in names:
        click.echo(printable(name))
    if not names:
        click.echo(f"note: no credential is in {vault.place}: `calendly-connector vault add NAME`.", err=True)
    if count := len(kept) - len(names):
        click.echo(
            f"note: and {count} webhook subscription(s): `calendly-connector webhooks list`.", err=True
        )


@command.command("add")
@click.argument("name")
@click.option("--kind", default="personal_access_token", show_default=True, help="Which form to fill in.")
@click.option("--replace", is_flag=True, help="Replace the credential of this name.")
@click.option("--no-check", is_flag=True, help="Save it without trying to sign in.")
def add(name: str, kind: str, *, replace: bool, no_check: bool) -> None:
    """Add a credential: type it in, or pipe in its token, or a JSON object of its fields."""
    forms = {known: form for known, form in manifest().credentials.items() if known != _STORED}
    if kind not in forms:
        raise UsageError(
            f"There is no kind of credential {quoted(kind)} to add.", fix=f"Kinds: {', '.join(forms)}."
        )
    vault = _vault()
    _must_be_free(vault, name, replace=replace)
    form = forms[kind]
    fields = _typed_in(form) if sys.stdin.isatty() else _piped_in(form)
    given = {"kind": kind, **fields}
    told = _tried(given, check=not no_check)
    vault.put(name, given)
    click.echo(f"{told}{name!r} is in {vault.place}.")


@command.command("show")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(name: str, *, as_json: bool) -> None:
    """Show a credential, its secrets masked."""
    held = _vault().get(name)
    form = manifest().credentials.get(held.get("kind", ""))
    known = {field for field, about in form.fields.items() if not about.secret} if form else set()
    shown = {field: value if field in known | _OPEN_FIELDS else MASK for field, value in held.items()}
    if as_json:
        import json

        click.echo(json.dumps(shown, indent=2))
        return
    width = max(map(len, shown), default=0)
    for field, value in shown.items():
        click.echo(printable(f"{field:<{width}}  {value}"))


@command.command("remove")
@click.argument("name")
def remove(name: str) -> None:
    """Remove a credential. It stays valid in Calendly: where it is not needed, revoke it there."""
    vault = _vault()
    vault.delete(name)
    click.echo(f"{name!r} is no longer in {vault.place}.")


@command.command("rekey")
def rekey() -> None:
    """Seal everything with a new key.

    With CALENDLY_CONNECTOR_KEY: with its first key, the others still open what is old.
    """
    vault = _vault()
    click.echo(f"Sealed anew: {vault.rekey()} credential(s) in {vault.place}.")


def _vault() -> "Vault":
    from ..auth.vault import open_vault

    return open_vault()


def _must_be_free(vault: "Vault", name: str, *, replace: bool) -> None:
    from ..auth.vault.names import validate_name

    if not replace and validate_name(name) in vault.names():
        raise UsageError(
            f"There is a credential {name!r} in {vault.place} already.",
            fix="Choose another name, or give --replace.",
        )


def _typed_in(form: "CredentialForm") -> dict[str, str]:
    """Ask for each field; a secret is not shown. What is left empty is left out."""
    click.echo(form.help, err=True)
    fields = {}
    for name, field in form.fields.items():
        if field.filled_by == "login":
            continue
        words = field.label if field.required else f"{field.label} (or nothing)"
        default = None if field.required else ""
        value = click.prompt(words, hide_input=field.secret, default=default, show_default=False, err=True)
        if value:
            fields[name] = value
    return fields


def _piped_in(form: "CredentialForm") -> dict[str, str]:
    """Read the form's first field, or a JSON object of fields, from standard input."""
    text = sys.stdin.read().strip()
    if not text:
        raise UsageError("Nothing came on standard input.", fix="Pipe the token in, or use a terminal.")
    if not text.startswith("{"):
        return {next(iter(form.fields)): text}
    import json

    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        raise UsageError("Standard input begins like JSON, but is none.") from None
    if fields.pop("kind", None) is not None:
        raise UsageError("The JSON on standard input names a kind.", fix="Give it as --kind.")
    return dict(fields)


def _tried(given: dict[str, str], *, check: bool) -> str:
    """Refuse what has not the form, or does not sign in; give who it is."""
    from ..plugin import connector

    with connector.connect(given, source="the credential that you add") as connection:
        if not check:
            return ""
        report = connection.check()
    if not report.ok:
        raise ConnectorError(
            f"{report.message} It was not saved.", fix=f"{report.fix} Or give --no-check to save it unseen."
        )
    return f"{printable(report.message)} "
