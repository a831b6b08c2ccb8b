"""`calendly-connector logout`: revoke and delete the tokens of a sign-in."""

from typing import TYPE_CHECKING, Final

import click

from ..catalog.manifest import credential_form
from ..errors import ConnectorError, UsageError
from .commands import examples
from .completers import credentials

if TYPE_CHECKING:
    from ..auth.oauth.grant import Grant

_TOKEN: Final = "personal_access_token"  # noqa: S105 - a kind of credential


@click.command("logout", epilog=examples("logout", "logout work"))
@click.argument("name", required=False, default="", shell_complete=credentials)
@click.option("--forget", is_flag=True, help="Delete the tokens even if they can't be revoked.")
def command(name: str, *, forget: bool) -> None:
    """Sign out of NAME, by default of the default credential.

    The tokens of an OAuth sign-in are revoked, then deleted. The vault keeps the app's own fields, so
    `calendly-connector login NAME` signs you in again.

    Without NAME, a personal access token is deleted, too. It stays valid until you revoke it in Calendly.
    """
    from ..auth.oauth.grant import from_credential
    from ..auth.oauth.tokens import signed_out
    from ..auth.vault import open_vault
    from ..auth.vault.default import default_credential, forget_default

    vault = open_vault()
    chosen = name or default_credential(vault)
    if not chosen:
        raise UsageError(
            "No default credential to sign out of.",
            fix="Pass a name. `calendly-connector vault list` shows the names.",
        )
    with vault.lock(chosen):
        credential = vault.get(chosen)
        if credential.get("kind") == _TOKEN and not name:
            vault.delete(chosen)
            forget_default(vault, chosen)
            page = credential_form(_TOKEN).page
            click.echo(f"Deleted {chosen!r} from {vault.place}. Revoke the token in Calendly: {page}")
            return
        if credential.get("kind") != "oauth":
            raise UsageError(
                f"{chosen!r} isn't an OAuth sign-in.",
                fix=f"Revoke its token in Calendly, then run `calendly-connector vault remove {chosen}`.",
            )
        tokens = from_credential(credential)
        if tokens is None:
            click.echo(f"{chosen!r} isn't signed in.")
            return
        outcome = _revoke(credential, tokens, forget=forget)
        vault.put(chosen, signed_out(credential, "logout"))
    click.echo(f"{outcome} Signed out of {chosen!r}.")


def _revoke(credential: dict[str, str], tokens: "Grant", *, forget: bool) -> str:
    from ..auth.oauth.server import server_for
    from ..support.clock import Timing

    try:
        server_for(credential, Timing()).revoke_grant(tokens)
    except ConnectorError as error:
        if forget:
            return f"The tokens weren't revoked: {error.message} Remove the app's access in Calendly."
        raise ConnectorError(
            f"The tokens weren't revoked: {error.message}",
            fix="Try again, or pass --forget to delete them from the vault anyway.",
        ) from None
    return "Revoked the tokens."
