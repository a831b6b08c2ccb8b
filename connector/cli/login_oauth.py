"""Sign-in with OAuth in the browser, for `calendly-connector login`.

See docs/decisions/login-asks-for-users-read.md.
"""

import os
import sys
import webbrowser
from contextlib import suppress
from dataclasses import dataclass
from dataclasses import replace as replaced
from typing import TYPE_CHECKING, Final

import click

from ..catalog.manifest import manifest
from ..errors import ConnectorError, SignInFailed, UsageError
from .new_credential import check_new

if TYPE_CHECKING:
    from ..auth.vault import Vault
    from ..contract import CheckReport, OAuth, SignInRequest

ON_ANY_PORT: Final = "http://127.0.0.1:0/callback"


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
    from ..plugin import connector

    oauth = connector.oauth()
    app = _app(stored, options.client_id, options.redirect_uri, replace=replace)
    same_app = stored.get("client_id") == app["client_id"]
    scopes = _scopes(options, stored.get("scope", "") if same_app else "")
    request, redirected_to = _consent(oauth, app, scopes, options)
    wanted = request if check else replaced(request, scopes=())
    credential = oauth.exchange(app, wanted, redirected_to)
    try:
        report = check_new(credential, unsaved="The tokens weren't saved.", check=check)
        with vault.lock(name):
            vault.put(name, credential)
    except BaseException:
        with suppress(ConnectorError):  # revoke tokens that aren't stored anywhere
            oauth.revoke(credential)
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


def _scopes(options: OAuthOptions, held: str) -> list[str]:
    """Return the scopes to request besides those of the purposes: the named ones, and those `held`."""
    named = [scope for words in options.scopes for scope in words.split()]
    # Tokens from before Calendly had scopes hold "default", which would replace all others.
    before = [scope for scope in held.split() if scope != "default" or not (named or options.purposes)]
    if not (named or before or options.purposes):
        raise UsageError("No scopes requested.", fix="Pass --for ACTION or --scope SCOPE (repeatable).")
    return named + before


def _consent(
    oauth: "OAuth", app: dict[str, str], scopes: list[str], options: OAuthOptions
) -> "tuple[SignInRequest, str]":
    """Open the consent page. Return the request and the URL that the browser was redirected to."""
    from ..auth.oauth import loopback

    def begin(redirect_uri: str) -> "SignInRequest":
        return oauth.authorize(app, uses=options.purposes, scopes=scopes, redirect_uri=redirect_uri)

    if options.no_browser or not loopback.is_loopback(app["redirect_uri"]):
        request = begin(loopback.without_port_0(app["redirect_uri"]))
        return request, _pasted(request)
    with loopback.Listener(app["redirect_uri"]) as listener:
        request = begin(listener.redirect_uri)
        listener.expect(request)
        click.echo("Opening your browser. If it doesn't open, go to:", err=True)
        click.echo(request.url, err=True)
        with suppress(webbrowser.Error):
            webbrowser.open(request.url)
        return request, listener.wait(options.timeout_s)


def _pasted(request: "SignInRequest") -> str:
    """Print the URL to open; return the one that is pasted. Raises SignInFailed for any other URL."""
    from ..auth.oauth.consent import is_redirect

    click.echo("Open this URL in a browser:", err=True)
    click.echo(request.url)
    click.echo(
        "Then paste the URL that the browser was redirected to, even if the page shows an error:", err=True
    )
    pasted = sys.stdin.readline().strip()
    if not is_redirect(request, pasted):
        raise SignInFailed(
            "This isn't the URL that Calendly redirects to.",
            fix=f"Paste the whole URL that begins with {request.redirect_uri}.",
            reason="redirect",
        )
    return pasted
