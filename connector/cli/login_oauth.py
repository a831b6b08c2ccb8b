"""Sign-in with OAuth in the browser, for `calendly-connector login`.

See docs/decisions/login-asks-for-users-read.md.
"""

import os
import sys
import webbrowser
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import click

from ..catalog import scopes as scope_rules
from ..catalog.manifest import manifest
from ..catalog.required_scopes import required_scopes
from ..errors import ConnectorError, SignInFailed, UsageError
from .new_credential import check_new

if TYPE_CHECKING:
    from ..auth.oauth.consent import Consent
    from ..auth.oauth.grant import Grant
    from ..auth.oauth.server import AuthorizationServer
    from ..auth.vault import Vault
    from ..contract import CheckReport

ON_ANY_PORT: Final = "http://127.0.0.1:0/callback"
_OWNER_SCOPE: Final = "users:read"  # without it, the owner of the tokens can't be identified


@dataclass(frozen=True, slots=True)
class OAuthOptions:
    """The options of `login` for OAuth."""

    client_id: str | None
    redirect_uri: str | None
    purposes: tuple[str, ...]
    scopes: tuple[str, ...]
    no_browser: bool
    timeout_s: float

    @property
    def is_chosen(self) -> bool:
        """Whether any of them asks for OAuth."""
        return bool(self.client_id or self.redirect_uri or self.purposes or self.scopes or self.no_browser)


def sign_in(
    vault: "Vault", name: str, stored: dict[str, str], options: OAuthOptions, *, replace: bool, check: bool
) -> "CheckReport | None":
    """Sign in with OAuth and save the tokens; return the report on them, or None unless `check`.

    `stored` is the credential that has the name already, or empty. Tokens that can't be saved are revoked.
    """
    from ..auth.oauth.server import server_for
    from ..auth.oauth.tokens import signed_in
    from ..support.clock import Timing

    app = _app(stored, options.client_id, options.redirect_uri, replace=replace)
    same_app = stored.get("client_id") == app["client_id"]
    wanted = _wanted(options.purposes, options.scopes, stored.get("scope", "") if same_app else "")
    server = server_for(app, Timing())
    asked, answer = _consent(server, app, wanted, options.timeout_s, browser=not options.no_browser)
    tokens = server.exchange(asked, answer)
    credential = signed_in(app, tokens)
    try:
        if check:
            _require_scopes(tokens, wanted)
        report = check_new(
            credential, source="this sign-in", unsaved="The tokens weren't saved.", check=check
        )
        with vault.lock(name):
            vault.put(name, credential)
    except BaseException:
        with suppress(ConnectorError):  # revoke tokens that aren't stored anywhere
            server.revoke_grant(tokens)
        raise
    return report


def _app(
    stored: dict[str, str], client_id: str | None, redirect_uri: str | None, *, replace: bool
) -> dict[str, str]:
    """Collect the app's fields from the options, then the environment, then the stored credential."""
    form = manifest().credentials["oauth"]
    given = {"client_id": client_id, "redirect_uri": redirect_uri}
    fields = {"kind": "oauth"}
    for field in form.fields:
        variables = (os.environ.get(variable) for variable in field.environment)
        if value := given.get(field.name) or next(filter(None, variables), None):
            fields[field.name] = value
    same = stored.get("kind") == "oauth" and fields.get("client_id") in {None, stored.get("client_id")}
    if stored and not same and not replace:
        raise UsageError(
            "This name belongs to a credential of another kind or app.",
            fix="Choose another name, or pass --replace.",
        )
    if same:
        own = {field.name: stored[field.name] for field in form.fields if field.name in stored}
        fields = own | fields
    _prompt_for_missing(fields, ask_secret=not same)
    if "redirect_uri" not in fields:
        if fields.get("client_secret"):
            raise UsageError(
                "A web app needs its redirect URI.",
                fix="Pass --redirect-uri or set CALENDLY_REDIRECT_URI, exactly as in the app's settings.",
            )
        fields["redirect_uri"] = ON_ANY_PORT
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


def _require_scopes(tokens: "Grant", wanted: tuple[str, ...]) -> None:
    """Raise SignInFailed if the person didn't grant all scopes."""
    granted = tokens.scope.split()
    missing = [scope for scope in wanted if tokens.scope and not scope_rules.covers(granted, scope)]
    if missing:
        raise SignInFailed(
            f"Consent was not given for {', '.join(missing)}. The tokens weren't saved.",
            fix="Sign in again and keep these scopes selected, request fewer scopes, or pass --no-check.",
            reason="scope",
        )
