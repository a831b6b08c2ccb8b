"""`calendly-connector use`: the credential that commands use by default."""

import click

from .commands import examples
from .completers import credentials
from .login import note_precedence
from .options import prints_json
from .terminal import notice, print_json, printable


@click.command("use", epilog=examples("use", "use work"))
@click.argument("name", required=False, shell_complete=credentials)
@prints_json()
def command(name: str | None, *, as_json: bool) -> None:
    """Choose the credential that commands use by default. Without NAME, show it.

    It is used if neither --credential, CALENDLY_CREDENTIAL nor CALENDLY_API_TOKEN is set. The only credential
    in the vault needs no choice.
    """
    from ..auth.vault import open_vault
    from ..auth.vault.default import choose_default, default_credential

    vault = open_vault()
    chosen = choose_default(vault, name) if name is not None else default_credential(vault)
    if as_json:
        print_json({"default": chosen or None, "vault": vault.place})
        return
    if name is not None:
        click.echo(printable(f"Commands now use {chosen!r} by default."))
    elif chosen:
        click.echo(printable(chosen))
    else:
        notice("note", f"no default credential in {vault.place}. Run: calendly-connector use NAME, or login")
    note_precedence()
