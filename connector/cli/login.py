"""`calendly-connector login`: sign in with OAuth in the browser, and store the tokens in the vault.

See docs/decisions/login-asks-for-users-read.md.
"""

import os
import sys
import webbrowser
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import click

from ..catalog import scopes as scope_rules
from ..catalog.manifest import manifest
from ..catalog.required_scopes import required_scopes
from ..errors import ConnectorError, SignInFailed, UsageError
from .terminal import printable

if TYPE_CHECKING:
    from ..auth.oauth.consent import Consent
    from ..auth.oauth.grant import Grant
    from ..auth.oauth.server import AuthorizationServer
    from ..auth.vault import Vault

_ON_ANY_PORT: Final = "http://127.0.0.1:0/callback"
_OWNER_SCOPE: Final = "users:read"  # without it, the owner of the tokens can't be identified


@click.command("login")
@click.argument("name")
@click.option(
    "--client-id", metavar="ID", help="The app's client ID. Default: CALENDLY_CLIENT_ID, then the stored one."
)
@click.option(
    "--redirect-uri", metavar="URI", help=f"The app's redirect URI. Default for native apps: {_ON_ANY_PORT}"
)
@click.option(
    "--for",
    "purposes",
    multiple=True,
    metavar="NAME",
    help="Request the scopes that this action or trigger needs (repeatable).",
)
@click.option("--scope", "scopes", multiple=True, metavar="SCOPE", help="Request a scope (repeatable).")
@click.option(
    "--no-browser", is_flag=True, help="Print the URL to open, and prompt for the URL it redirects to."
)
@click.option("--no-check", is_flag=True, help="Save the tokens without checking them.")
@click.option("--replace", is_flag=True, help="Replace a credential of another kind or app.")
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
    no_browser: bool,
    no_check: bool,
    replace: bool,
    timeout: float,
) -> None:
    """Sign in with OAuth and store the tokens in the vault as NAME.

    The app's secret is read from CALENDLY_CLIENT_SECRET or prompted for; a native app doesn't have one. To
    sign in again, pass only NAME: the app and scopes are reused, and --for and --scope add scopes. The scope
    users:read is always requested, to identify you.
    """
    from ..auth.oauth.server import server_for
    from ..auth.oauth.tokens import signed_in
    from ..auth.vault import open_vault
    from ..support.clock import Timing

    vault = open_vault()
    stored = _stored(vault, name)
    app = _app(stored, client_id, redirect_uri, replace=replace)
    same_app = stored.get("client_id") == app["client_id"]
    wanted = _wanted(purposes, scopes, stored.get("scope", "") if same_app else "")
    server = server_for(app, Timing())
    asked, answer = _consent(server, app, wanted, timeout, browser=not no_browser)
    tokens = server.exchange(asked, answer)
    credential = signed_in(app, tokens)
    try:
        if no_check:
            owner = f"Signed in as {tokens.owner}." if tokens.owner else "Signed in."
        else:
            owner = _check(credential, tokens, wanted)
        with vault.lock(name):
            vault.put(name, credential)
    except BaseException:
        with suppress(ConnectorError):  # revoke tokens that aren't stored anywhere
            server.revoke_grant(tokens)
        raise
    click.echo(printable(f"{owner} Saved {name!r} to {vault.place}."))


def _stored(vault: "Vault", name: str) -> dict[str, str]:
    from ..auth.vault.names import validate_name

    return vault.get(name) if validate_name(name) in vault.names() else {}


def _app(
    stored: dict[str, str], client_id: str | None, redirect_uri: str | None, *, replace: bool
) -> dict[str, str]:
    """Collect the app's fields from the options, then the environment, then the stored credential."""
    form = manifest().credentials["oauth"]
    given = {"client_id": client_id, "redirect_uri": redirect_uri}
    fields = {"kind": "oauth"}
    for field_name, field in form.fields.items():
        if field.filled_by == "login":
            continue
        variables = (os.environ.get(variable) for variable in field.environment)
        if value := given.get(field_name) or next(filter(None, variables), None):
            fields[field_name] = value
    same = stored.get("kind") == "oauth" and fields.get("client_id") in {None, stored.get("client_id")}
    if stored and not same and not replace:
        raise UsageError(
            "This name belongs to a credential of another kind or app.",
            fix="Choose another name, or pass --replace.",
        )
    if same:
        own = (field_name for field_name, field in form.fields.items() if field.filled_by == "person")
        fields = {field_name: stored[field_name] for field_name in own if field_name in stored} | fields
    _prompt_for_missing(fields, ask_secret=not same)
    if "redirect_uri" not in fields:
        if fields.get("client_secret"):
            raise UsageError(
                "A web app needs its redirect URI.",
                fix="Pass --redirect-uri or set CALENDLY_REDIRECT_URI, exactly as in the app's settings.",
            )
        fields["redirect_uri"] = _ON_ANY_PORT
    return fields


def _prompt_for_missing(fields: dict[str, str], *, ask_secret: bool) -> None:
    if "client_id" not in fields:
        if not sys.stdin.isatty():
            raise UsageError("Missing client ID.", fix="Pass --client-id, or set CALENDLY_CLIENT_ID.")
        fields["client_id"] = click.prompt("Client ID", err=True)
    if ask_secret and "client_secret" not in fields and sys.stdin.isatty():
        text = "Client secret (leave empty for a native app)"
        secret = click.prompt(text, hide_input=True, default="", show_default=False, err=True)
        if secret:
            fields["client_secret"] = secret


def _wanted(purposes: tuple[str, ...], scopes: tuple[str, ...], held: str) -> tuple[str, ...]:
    """Return the scopes to request: those from the options, and those `held` since the last sign-in."""
    named = {scope for words in scopes for scope in words.split()}
    for_them = {scope for purpose in purposes for scope in required_scopes(purpose)}
    # Tokens from before Calendly had scopes hold "default", which would replace all others.
    before = {scope for scope in held.split() if scope != "default" or not named | for_them}
    wanted = named | for_them | before
    if not wanted:
        raise UsageError("No scopes requested.", fix="Pass --for ACTION or --scope SCOPE (repeatable).")
    return scope_rules.minimal({*wanted, _OWNER_SCOPE})


def _consent(
    server: "AuthorizationServer",
    app: dict[str, str],
    wanted: tuple[str, ...],
    timeout_s: float,
    *,
    browser: bool,
) -> "tuple[Consent, str]":
    """Open the consent page. Return the request and the URL that the browser was redirected to."""
    from ..auth.oauth import loopback

    if not browser or not loopback.is_loopback(app["redirect_uri"]):
        asked = server.begin(loopback.without_port_0(app["redirect_uri"]), wanted)
        click.echo("Open this URL in a browser:", err=True)
        click.echo(asked.url)
        click.echo(
            "Then paste the URL that the browser was redirected to, even if the page shows an error:",
            err=True,
        )
        return asked, sys.stdin.readline().strip()
    with loopback.Listener(app["redirect_uri"]) as listener:
        asked = server.begin(listener.redirect_uri, wanted)
        listener.expect(asked)
        click.echo("Opening your browser. If it doesn't open, go to:", err=True)
        click.echo(asked.url, err=True)
        with suppress(webbrowser.Error):
            webbrowser.open(asked.url)
        return asked, listener.wait(timeout_s)


def _check(credential: dict[str, str], tokens: "Grant", wanted: tuple[str, ...]) -> str:
    """Return a sentence that names the owner.

    Raises SignInFailed if scopes are missing, ConnectorError if the credential doesn't work.
    """
    from ..plugin import connector

    granted = tokens.scope.split()
    missing = [scope for scope in wanted if tokens.scope and not scope_rules.covers(granted, scope)]
    if missing:
        raise SignInFailed(
            f"Consent was not given for {', '.join(missing)}. The tokens weren't saved.",
            fix="Sign in again and keep these scopes selected, request fewer scopes, or pass --no-check.",
            reason="scope",
        )
    with connector.connect(credential, source="this sign-in") as connection:
        report = connection.check()
    if not report.ok:
        raise ConnectorError(
            f"{report.message} The tokens weren't saved.",
            fix=f"{report.fix} Or pass --no-check to save them anyway.",
        )
    return report.message
