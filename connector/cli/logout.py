"""`calendly-connector logout`: revoke and delete the tokens of a sign-in."""

from typing import Final

import click

from ..catalog.manifest import credential_form
from ..errors import ConnectorError, UsageError
from .commands import examples
from .completers import credentials

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
        if from_credential(credential) is None:
            click.echo(f"{chosen!r} isn't signed in.")
            return
        signed_out, outcome = _revoke(credential, forget=forget)
        vault.put(chosen, signed_out)
    click.echo(f"{outcome} Signed out of {chosen!r}.")


def _revoke(credential: dict[str, str], *, forget: bool) -> tuple[dict[str, str], str]:
    """Return the credential without its tokens, and what happened to them."""
    from ..auth.oauth.tokens import signed_out
    from ..plugin import connector

    try:
        return connector.oauth().revoke(credential), "Revoked the tokens."
    except ConnectorError as error:
        if forget:
            outcome = f"The tokens weren't revoked: {error.message} Remove the app's access in Calendly."
            return signed_out(credential, "logout"), outcome
        raise ConnectorError(
            f"The tokens weren't revoked: {error.message}",
            fix="Try again, or pass --forget to delete them from the vault anyway.",
        ) from None
