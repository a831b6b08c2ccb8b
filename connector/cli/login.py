"""`calendly-connector login`: a person's consent in the browser, kept in the vault."""

import os
import sys
import webbrowser
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import click

from ..catalog import scopes as scope_rules
from ..catalog.manifest import manifest
from ..errors import ConnectorError, SignInFailed, UsageError
from .output import printable

if TYPE_CHECKING:
    from ..auth.oauth.consent import Consent
    from ..auth.oauth.grant import Grant
    from ..auth.oauth.server import AuthorizationServer
    from ..auth.vault import Vault

_ON_ANY_PORT: Final = "http://127.0.0.1:0/callback"
_WHO: Final = "users:read"  # without it nobody can say who signed in


@click.command("login")
@click.argument("name")
@click.option("--client-id", help="The app's client id. Default: CALENDLY_CLIENT_ID, then what is stored.")
@click.option("--redirect-uri", help=f"The app's redirect address. Default for native apps: {_ON_ANY_PORT}")
@click.option(
    "--for", "purposes", multiple=True, metavar="ACTION", help="Ask for what an action or trigger needs."
)
@click.option("--scope", "scopes", multiple=True, help="Ask for a scope; repeat it.")
@click.option(
    "--no-browser", is_flag=True, help="Print the address, and read the one that was redirected to."
)
@click.option("--no-check", is_flag=True, help="Keep the tokens without trying them.")
@click.option("--replace", is_flag=True, help="Replace a credential of another kind or app.")
@click.option("--timeout", type=click.FloatRange(min=0), default=300.0, show_default=True, help="In seconds.")
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
    """Sign in with OAuth, and keep the tokens in the vault under NAME.

    The app's secret is in CALENDLY_CLIENT_SECRET, or is asked for; a native app has none. Signing in again
    takes the app and the scopes of the last time; --for and --scope add to them. `users:read` is always
    asked for: it tells who signed in.
    """
    from ..auth.oauth.server import server_for
    from ..auth.vault import open_vault
    from ..support.clock import Timing

    vault = open_vault()
    stored = _stored(vault, name)
    app = _app(stored, client_id, redirect_uri, replace=replace)
    same_app = stored.get("client_id") == app["client_id"]
    wanted = _wanted(purposes, scopes, stored.get("scope", "") if same_app else "")
    server = server_for(app, Timing())
    asked, answer = _consent(server, app, wanted, timeout, browser=not no_browser)
    held = server.exchange(asked, answer)
    credential = _signed_in(app, held)
    try:
        told = f"Signed in as {held.owner or 'somebody'}." if no_check else _tried(credential, held, wanted)
        with vault.lock(name):
            vault.put(name, credential)
    except BaseException:
        with suppress(ConnectorError):  # nobody will have them any more
            server.revoke_grant(held)
        raise
    click.echo(printable(f"{told} {name!r} is in {vault.place}."))


def _stored(vault: "Vault", name: str) -> dict[str, str]:
    from ..auth.vault.names import validate_name

    return vault.get(name) if validate_name(name) in vault.names() else {}


def _app(
    stored: dict[str, str], client_id: str | None, redirect_uri: str | None, *, replace: bool
) -> dict[str, str]:
    """Put the app's fields together: what is given, then the environment, then what is stored."""
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
            "A credential of another kind or app has this name.",
            fix="Choose another name, or give --replace.",
        )
    if same:
        own = (field_name for field_name, field in form.fields.items() if field.filled_by == "person")
        fields = {field_name: stored[field_name] for field_name in own if field_name in stored} | fields
    _ask_for_the_rest(fields, ask_secret=not same)
    if "redirect_uri" not in fields:
        if fields.get("client_secret"):
            raise UsageError(
                "A web app needs its redirect address.",
                fix="Give --redirect-uri, or CALENDLY_REDIRECT_URI, to the letter as the app's page has it.",
            )
        fields["redirect_uri"] = _ON_ANY_PORT
    return fields


def _ask_for_the_rest(fields: dict[str, str], *, ask_secret: bool) -> None:
    if "client_id" not in fields:
        if not sys.stdin.isatty():
            raise UsageError("The app is not named.", fix="Give --client-id, or set CALENDLY_CLIENT_ID.")
        fields["client_id"] = click.prompt("Client id", err=True)
    if ask_secret and "client_secret" not in fields and sys.stdin.isatty():
        words = "Client secret (or nothing, for a native app)"
        secret = click.prompt(words, hide_input=True, default="", show_default=False, err=True)
        if secret:
            fields["client_secret"] = secret


def _wanted(purposes: tuple[str, ...], scopes: tuple[str, ...], held: str) -> tuple[str, ...]:
    """Return the scopes to ask for: those named, and those `held` from the last time."""
    named = {scope for words in scopes for scope in words.split()}
    for_them = {scope for purpose in purposes for scope in scope_rules.required_scopes(purpose)}
    # An app from before there were scopes holds "default", which would take the place of all others.
    before = {scope for scope in held.split() if scope != "default" or not named | for_them}
    wanted = named | for_them | before
    if not wanted:
        raise UsageError(
            "It is not said what the sign-in is for.", fix="Give --for ACTION or --scope SCOPE, once or more."
        )
    return scope_rules.minimal({*wanted, _WHO})


def _consent(
    server: "AuthorizationServer",
    app: dict[str, str],
    wanted: tuple[str, ...],
    timeout_s: float,
    *,
    browser: bool,
) -> "tuple[Consent, str]":
    """Bring a person to the page that asks for consent; give where they were sent back to."""
    from ..auth.oauth import loopback

    if not browser or not loopback.is_loopback(app["redirect_uri"]):
        asked = server.begin(loopback.without_port_0(app["redirect_uri"]), wanted)
        click.echo("Open this address in a browser:", err=True)
        click.echo(asked.url)
        click.echo("Then paste the address that the browser was sent to, whatever it shows:", err=True)
        return asked, sys.stdin.readline().strip()
    with loopback.Listener(app["redirect_uri"]) as listener:
        asked = server.begin(listener.redirect_uri, wanted)
        listener.expect(asked)
        click.echo("Opening a browser. Should none show up, open this address:", err=True)
        click.echo(asked.url, err=True)
        with suppress(webbrowser.Error):
            webbrowser.open(asked.url)
        return asked, listener.wait(timeout_s)


def _signed_in(app: dict[str, str], held: "Grant") -> dict[str, str]:
    from ..auth.oauth.tokens import signed_in

    return signed_in(app, held)


def _tried(credential: dict[str, str], held: "Grant", wanted: tuple[str, ...]) -> str:
    """Refuse tokens that do less than they are for; say whose they are."""
    from ..plugin import connector

    granted = held.scope.split()
    lacking = [scope for scope in wanted if held.scope and not scope_rules.covers(granted, scope)]
    if lacking:
        raise SignInFailed(
            f"The consent leaves out {', '.join(lacking)}. It was not saved.",
            fix="Sign in again and leave them ticked; or ask for less; or give --no-check.",
            reason="scope",
        )
    with connector.connect(credential, source="this sign-in") as connection:
        report = connection.check()
    if not report.ok:
        raise ConnectorError(
            f"{report.message} It was not saved.", fix=f"{report.fix} Or give --no-check to save it unseen."
        )
    return report.message
