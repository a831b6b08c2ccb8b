"""`calendly-connector login`: sign in with a token or with OAuth, and make it the default."""

import dataclasses
import os
import sys
from typing import TYPE_CHECKING, Final

import click

from ..catalog.manifest import credential_form
from ..catalog.required_scopes import required_scopes
from ..catalog.scopes import minimal
from ..errors import UsageError
from .commands import PROGRAM, examples
from .completers import credentials
from .completers import purposes as complete_purposes
from .login_oauth import ON_ANY_PORT, OAuthOptions, sign_in
from .new_credential import check_new, piped_in, reject_taken_name
from .terminal import notice, printable

if TYPE_CHECKING:
    from ..auth.vault import Vault
    from ..catalog.models import CredentialForm
    from ..contract import CheckReport

_TOKEN: Final = "personal_access_token"  # noqa: S105 - a kind of credential
_NAME: Final = "default"
_OVERRIDING: Final = ("CALENDLY_CREDENTIAL", "CALENDLY_API_TOKEN")
# What people do every day; a token for it needs the scopes of these actions.
_EVERYDAY: Final = (
    "users.me",
    "organization_memberships.list",
    "event_types.list",
    "event_type_available_times.list",
    "scheduled_events.list",
    "invitees.list",
    "invitees.create",
    "scheduled_events.cancel",
    "invitee_no_shows.create",
    "scheduling_links.create",
    "shares.create",
)


@click.command(
    "login",
    epilog=examples(
        "login",
        "login --with-token < token.txt",
        "login work --client-id ID --for scheduled_events.list --for invitee.created",
    ),
)
@click.argument("name", default=_NAME, shell_complete=credentials)
@click.option("--with-token", is_flag=True, help="Read a personal access token from standard input.")
@click.option(
    "--client-id", metavar="ID", help="The app's client ID. Default: CALENDLY_CLIENT_ID, then the stored one."
)
@click.option(
    "--redirect-uri",
    metavar="URI",
    help="The app's redirect URI. Default: CALENDLY_REDIRECT_URI, then the stored one; for native apps "
    f"{ON_ANY_PORT}",
)
@click.option(
    "--for",
    "purposes",
    multiple=True,
    metavar="NAME",
    shell_complete=complete_purposes,
    help="With OAuth: request the scopes that this action or trigger needs (repeatable).",
)
@click.option(
    "--scope", "scopes", multiple=True, metavar="SCOPE", help="With OAuth: request a scope (repeatable)."
)
@click.option(
    "--no-browser", is_flag=True, help="Print the URL to open, and prompt for the URL it redirects to."
)
@click.option("--no-check", is_flag=True, help="Save the credential without checking it.")
@click.option("--replace", is_flag=True, help="Replace a token, or a credential of another kind or app.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0),
    default=300.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for the browser.",
)
def command(  # noqa: PLR0913 - one for each option
    name: str,
    client_id: str | None,
    redirect_uri: str | None,
    purposes: tuple[str, ...],
    scopes: tuple[str, ...],
    *,
    with_token: bool,
    no_browser: bool,
    no_check: bool,
    replace: bool,
    timeout: float,
) -> None:
    """Sign in, and use this credential from now on.

    In a terminal, prompts for a personal access token, or signs in with OAuth in your browser. The credential
    is checked, then saved in the vault as NAME (default: "default"). It becomes the default: all commands use
    it unless you name another one.

    With OAuth, the app's secret is read from CALENDLY_CLIENT_SECRET or prompted for; a native app doesn't
    have one. To sign in again, pass only NAME: the app and scopes are reused, and --for and --scope add
    scopes. The scope users:read is always requested, to identify you.
    """
    from ..auth.vault import open_vault
    from ..auth.vault.default import choose_default
    from ..auth.vault.names import validate_name

    options = OAuthOptions(client_id, redirect_uri, purposes, scopes, no_browser, timeout)
    if with_token and options.is_chosen:
        raise UsageError("--with-token can't be used together with the options of OAuth.")
    vault = open_vault()
    name = validate_name(name)
    stored = vault.get(name) if name in vault.names() else {}
    is_open = not (
        with_token
        or options.is_chosen
        or stored.get("kind") == "oauth"
        or os.environ.get("CALENDLY_CLIENT_ID")
    )
    if is_open and sys.stdin.isatty():
        with_token = _ask_for_token()
        options = options if with_token else dataclasses.replace(options, purposes=_EVERYDAY)
    elif is_open and name == _NAME:
        raise UsageError(
            "Standard input isn't a terminal, so there is no way to ask how to sign in.",
            fix=f"Pipe a token in: {PROGRAM} login --with-token. Or pass --client-id.",
        )
    if with_token:
        report = _add_token(vault, name, is_piped=not sys.stdin.isatty(), replace=replace, check=not no_check)
    else:
        report = sign_in(vault, name, stored, options, replace=replace, check=not no_check)
    choose_default(vault, name)
    _announce(vault, name, report)


def note_precedence() -> None:
    """Print a note if a variable takes precedence over the default credential."""
    if variable := next((one for one in _OVERRIDING if os.environ.get(one)), ""):
        notice("note", f"{variable} is set, and takes precedence over the default credential")


def _ask_for_token() -> bool:
    """Ask how to sign in; return whether with a token."""
    click.echo("How do you want to sign in?\n", err=True)
    click.echo("  1  with a personal access token, for your own account", err=True)
    click.echo("  2  with OAuth in your browser, for a company or an app\n", err=True)
    choice: str = click.prompt("Your choice", default="1", value_proc=_choice, err=True)
    return choice == "1"


def _choice(value: str) -> str:
    """Return a choice. The error doesn't repeat another value: people paste their token here."""
    if value.strip() not in {"1", "2"}:
        raise click.BadParameter("Type 1 or 2.")
    return value.strip()


def _add_token(
    vault: "Vault", name: str, *, is_piped: bool, replace: bool, check: bool
) -> "CheckReport | None":
    form = credential_form(_TOKEN)
    if not is_piped and not replace and name in vault.names():
        replace = click.confirm(printable(f"{vault.place} already contains {name!r}. Replace it?"), err=True)
    reject_taken_name(vault, name, replace=replace)
    fields = piped_in(form) if is_piped else _typed_token(form)
    credential = {"kind": _TOKEN, **fields}
    unsaved = "The token wasn't saved."
    place = "standard input" if is_piped else "the prompt"
    source = f"{place} of `{PROGRAM} login`"
    report = check_new(credential, source=source, unsaved=unsaved, check=check)
    vault.put(name, credential)
    return report


def _typed_token(form: "CredentialForm") -> dict[str, str]:
    scopes = minimal(scope for action in _EVERYDAY for scope in required_scopes(action))
    lines = ["", form.description, f"Page:   {form.page}", f"Scopes: {', '.join(scopes)}", ""]
    click.echo("\n".join(lines), err=True)
    return {"token": click.prompt("Token (hidden)", hide_input=True, err=True)}


def _announce(vault: "Vault", name: str, report: "CheckReport | None") -> None:
    who = report.message if report else "Signed in."
    click.echo(printable(f"{who} Saved {name!r} to {vault.place}."))
    if report and report.organization:
        click.echo(printable(f"Organization: {report.organization}, role {report.role or 'unknown'}."))
    click.echo(printable(f"Commands now use {name!r} by default. Next: {PROGRAM} check"))
    note_precedence()
