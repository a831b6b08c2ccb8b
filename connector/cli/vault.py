"""`calendly-connector vault`: named credentials. Secrets are typed or piped in, never arguments."""

import sys
from typing import TYPE_CHECKING, Final

import click

from ..catalog.manifest import manifest
from ..errors import ConnectorError, UsageError
from ..support.redaction import MASK, quoted
from .options import prints_json
from .terminal import counted, notice, print_json, printable

if TYPE_CHECKING:
    from ..auth.vault import Vault
    from ..catalog.models import CredentialForm

# Fields that aren't secret, besides those that a form says; all others are masked.
_OPEN_FIELDS: Final = frozenset(
    {"kind", "client_id", "expires_at", "organization", "owner", "scope"}
    | {"client", "created_at", "events", "id", "uri", "url"}  # of a webhook subscription
)
_STORED: Final = "stored"


@click.group("vault")
def command() -> None:
    """Manage named, encrypted credentials.

    The vault is a file, unless CALENDLY_CONNECTOR_VAULT is set to another path or a database URL. Its key is
    read from CALENDLY_CONNECTOR_KEY, then the OS keyring, then a private file beside the vault.
    """


@command.command("list")
@prints_json()
def list_names(*, as_json: bool) -> None:
    """List the names of all credentials."""
    from ..events.subscriptions.store import NAME

    vault = _vault()
    stored = vault.names()
    names = [name for name in stored if not NAME.fullmatch(name)]
    if as_json:
        webhooks = [name for name in stored if NAME.fullmatch(name)]
        print_json({"vault": vault.place, "names": names, "webhooks": webhooks})
        return
    for name in names:
        click.echo(printable(name))
    if not names:
        notice("note", f"no credentials in {vault.place}. Run: calendly-connector vault add NAME")
    if count := len(stored) - len(names):
        notice("note", f"{counted(count, 'webhook subscription')}. Run: calendly-connector webhooks list")


@command.command("add")
@click.argument("name")
@click.option(
    "--kind",
    metavar="KIND",
    default="personal_access_token",
    show_default=True,
    help="The kind of credential.",
)
@click.option("--replace", is_flag=True, help="Replace an existing credential.")
@click.option("--no-check", is_flag=True, help="Save the credential without checking it.")
def add(name: str, kind: str, *, replace: bool, no_check: bool) -> None:
    """Add a credential.

    Prompts for its fields in a terminal. Otherwise reads a token, or a JSON object of fields, from standard
    input.
    """
    forms = {known: form for known, form in manifest().credentials.items() if known != _STORED}
    if kind not in forms:
        raise UsageError(f"Unknown credential kind {quoted(kind)}.", fix=f"Available: {', '.join(forms)}.")
    vault = _vault()
    _reject_taken_name(vault, name, replace=replace)
    form = forms[kind]
    fields = _typed_in(form) if sys.stdin.isatty() else _piped_in(form)
    credential = {"kind": kind, **fields}
    owner = _validate(credential, check=not no_check)
    vault.put(name, credential)
    click.echo(f"{owner}Saved {name!r} to {vault.place}.")


@command.command("show")
@click.argument("name")
@prints_json()
def show(name: str, *, as_json: bool) -> None:
    """Show a credential, with secrets masked."""
    credential = _vault().get(name)
    form = manifest().credentials.get(credential.get("kind", ""))
    known = {field for field, about in form.fields.items() if not about.secret} if form else set()
    shown = {field: value if field in known | _OPEN_FIELDS else MASK for field, value in credential.items()}
    if as_json:
        print_json(shown)
        return
    width = max(map(len, shown), default=0)
    for field, value in shown.items():
        click.echo(printable(f"{field:<{width}}  {value}"))


@command.command("remove")
@click.argument("name")
def remove(name: str) -> None:
    """Remove a credential.

    Its token stays valid in Calendly. If you no longer need it, revoke it there.
    """
    vault = _vault()
    vault.delete(name)
    click.echo(f"Removed {name!r} from {vault.place}.")


@command.command("rekey")
def rekey() -> None:
    """Encrypt all credentials with a new key.

    If CALENDLY_CONNECTOR_KEY is set, its first key is the new one; the others decrypt existing credentials.
    """
    vault = _vault()
    click.echo(f"Encrypted {counted(vault.rekey(), 'credential')} in {vault.place} with a new key.")


def _vault() -> "Vault":
    from ..auth.vault import open_vault

    return open_vault()


def _reject_taken_name(vault: "Vault", name: str, *, replace: bool) -> None:
    from ..auth.vault.names import validate_name

    if not replace and validate_name(name) in vault.names():
        raise UsageError(
            f"{vault.place} already contains a credential named {name!r}.",
            fix="Choose another name, or pass --replace.",
        )


def _typed_in(form: "CredentialForm") -> dict[str, str]:
    """Prompt for each field, hiding secrets; skip optional fields that are left empty."""
    click.echo(form.help, err=True)
    fields = {}
    for name, field in form.fields.items():
        if field.filled_by == "login":
            continue
        words = field.label if field.required else f"{field.label} (optional)"
        default = None if field.required else ""
        value = click.prompt(words, hide_input=field.secret, default=default, show_default=False, err=True)
        if value:
            fields[name] = value
    return fields


def _piped_in(form: "CredentialForm") -> dict[str, str]:
    """Read the form's first field, or a JSON object of fields, from standard input."""
    text = sys.stdin.read().strip()
    if not text:
        raise UsageError(
            "Standard input is empty.", fix="Pipe the token in, or run the command in a terminal."
        )
    if not text.startswith("{"):
        return {next(iter(form.fields)): text}
    import json

    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        raise UsageError("Standard input looks like JSON but isn't valid.") from None
    if fields.pop("kind", None) is not None:
        raise UsageError("The JSON on standard input contains `kind`.", fix="Pass it as --kind instead.")
    return dict(fields)


def _validate(credential: dict[str, str], *, check: bool) -> str:
    """Return a sentence that names the owner, or "" unless `check`.

    Raises UsageError if fields are missing or invalid, ConnectorError if signing in fails.
    """
    from ..plugin import connector

    with connector.connect(credential, source="the credential that you add") as connection:
        if not check:
            return ""
        report = connection.check()
    if not report.ok:
        raise ConnectorError(
            f"{report.message} The credential wasn't saved.",
            fix=f"{report.fix} Or pass --no-check to save it anyway.",
        )
    return f"{printable(report.message)} "
