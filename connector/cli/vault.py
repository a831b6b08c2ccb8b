"""`calendly-connector vault`: named credentials. Secrets are typed or piped in, never arguments."""

import sys
from typing import TYPE_CHECKING, Final

import click

from ..catalog.manifest import manifest
from ..errors import UsageError
from ..support.redaction import MASK, quoted
from .commands import CommandGroup, examples
from .completers import credentials
from .confirm import confirm, yes_option
from .new_credential import check_new, piped_in, reject_taken_name, typed_in
from .options import prints_json
from .terminal import counted, notice, print_json, printable

if TYPE_CHECKING:
    from ..auth.vault import Vault
    from ..contract import Connector

# Fields that aren't secret, besides those that a form says; all others are masked.
_OPEN_FIELDS: Final = frozenset(
    {"kind", "client_id", "expires_at", "organization", "owner", "scope"}
    | {"client", "created_at", "events", "id", "uri", "url"}  # of a webhook subscription
)
_STORED: Final = "stored"
_CALENDLY: Final = "calendly"


@click.group("vault", cls=CommandGroup, epilog=examples("vault list", "vault add work"))
def command() -> None:
    """Manage named, encrypted credentials.

    The vault is a file, unless CALENDLY_CONNECTOR_VAULT is set to another path or a database URL. Its key is
    read from CALENDLY_CONNECTOR_KEY, then the OS keyring, then a private file beside the vault.
    """


@command.command("list", epilog=examples("vault list", "vault list --json"))
@prints_json()
def list_names(*, as_json: bool) -> None:
    """List the names of all credentials.

    In a terminal the default is marked: the credential that commands use if you name none.
    """
    from ..auth.vault.default import default_credential
    from ..auth.vault.names import credential_names

    vault = _vault()
    stored = vault.names()
    names = credential_names(stored)
    default = default_credential(vault)
    if as_json:
        webhooks = [name for name in stored if name not in names]
        document = {"vault": vault.place, "names": names, "webhooks": webhooks}
        print_json(document | ({"default": default} if default else {}))
        return
    marks = sys.stdout.isatty()  # a program reads one name per line
    for name in names:
        click.echo(printable(f"{name} (default)" if marks and name == default else name))
    if not names:
        notice("note", f"no credentials in {vault.place}. Run: calendly-connector login, or vault add NAME")
    elif marks and not default:
        notice("note", "no default credential. Run: calendly-connector use NAME")
    if count := len(stored) - len(names):
        notice("note", f"{counted(count, 'webhook subscription')}. Run: calendly-connector webhooks list")


@command.command(
    "add",
    epilog=examples(
        "vault add work",
        "vault add work --replace < token.txt",
        "vault add chat --connector http --kind webhook",
    ),
)
@click.argument("name")
@click.option(
    "--connector",
    metavar="CONNECTOR",
    default=_CALENDLY,
    show_default=True,
    help="The connector that it is for, such as http, sql or file.",
)
@click.option("--kind", metavar="KIND", help="The kind of credential. Default: the connector's first.")
@click.option("--replace", is_flag=True, help="Replace an existing credential.")
@click.option("--no-check", is_flag=True, help="Save the credential without checking it.")
def add(name: str, *, connector: str, kind: str | None, replace: bool, no_check: bool) -> None:
    """Add a credential.

    Prompts for its fields in a terminal. Otherwise reads a token, or a JSON object of fields, from standard
    input.
    """
    found = _connector(connector)
    forms = {known: form for known, form in found.manifest.credentials.items() if known != _STORED}
    kind = next(iter(forms)) if kind is None else kind
    if kind not in forms:
        raise UsageError(f"Unknown credential kind {quoted(kind)}.", fix=f"Available: {', '.join(forms)}.")
    vault = _vault()
    reject_taken_name(vault, name, replace=replace)
    form = forms[kind]
    fields = typed_in(form) if sys.stdin.isatty() else piped_in(form)
    credential = {"kind": kind, **fields}
    report = check_new(
        credential,
        source="the credential that you add",
        unsaved="The credential wasn't saved.",
        check=not no_check,
        connector=found,
    )
    vault.put(name, credential)
    owner = f"{printable(report.message)} " if report else ""
    click.echo(f"{owner}Saved {name!r} to {vault.place}.")


@command.command("show", epilog=examples("vault show work"))
@click.argument("name", shell_complete=credentials)
@prints_json()
def show(name: str, *, as_json: bool) -> None:
    """Show a credential, with secrets masked."""
    credential = _vault().get(name)
    known = _open_fields(credential.get("kind", ""))
    shown = {field: value if field in known else MASK for field, value in credential.items()}
    if as_json:
        print_json(shown)
        return
    width = max(map(len, shown), default=0)
    for field, value in shown.items():
        click.echo(printable(f"{field:<{width}}  {value}"))


@command.command("remove", epilog=examples("vault remove work"))
@click.argument("name", shell_complete=credentials)
@yes_option
def remove(name: str, *, yes: bool) -> None:
    """Remove a credential.

    Its token stays valid in Calendly. If you no longer need it, revoke it there.
    """
    from ..auth.vault.default import forget_default

    vault = _vault()
    if name in vault.names():
        confirm(f"This removes {name!r} from {vault.place}.", yes=yes)
    vault.delete(name)
    forget_default(vault, name)
    click.echo(f"Removed {name!r} from {vault.place}.")


@command.command("rekey", epilog=examples("vault rekey"))
def rekey() -> None:
    """Encrypt all credentials with a new key.

    If CALENDLY_CONNECTOR_KEY is set, its first key is the new one; the others decrypt existing credentials.
    """
    vault = _vault()
    click.echo(f"Encrypted {counted(vault.rekey(), 'credential')} in {vault.place} with a new key.")


def _connector(name: str) -> "Connector":
    if name == _CALENDLY:
        from ..plugin import connector

        return connector
    from ..agent.connectors import installed

    connectors = installed()
    if name not in connectors:
        raise UsageError(
            f"Unknown connector {quoted(name)}.", fix=f"Installed: {', '.join(sorted(connectors))}."
        )
    return connectors[name]


def _open_fields(kind: str) -> set[str]:
    """Return the fields of a kind that aren't secret in any connector that has it."""
    if form := manifest().credentials.get(kind):
        fields = [*form.all_fields]
    else:
        from ..agent.connectors import installed

        forms = [one.manifest.credentials.get(kind) for one in installed().values()]
        fields = [field for form in forms if form for field in form.fields]
    is_open = {field.name for field in fields} | _OPEN_FIELDS
    return is_open - {field.name for field in fields if field.secret}


def _vault() -> "Vault":
    from ..auth.vault import open_vault

    return open_vault()
