"""`calendly-connector logout`: revoke and delete the tokens of an OAuth sign-in."""

from typing import TYPE_CHECKING

import click

from ..errors import ConnectorError, UsageError

if TYPE_CHECKING:
    from ..auth.oauth.grant import Grant


@click.command("logout")
@click.argument("name")
@click.option("--forget", is_flag=True, help="Delete the tokens even if they can't be revoked.")
def command(name: str, *, forget: bool) -> None:
    """Sign out: revoke the tokens of a stored OAuth sign-in, then delete them.

    The vault keeps the app's own fields, so `calendly-connector login NAME` signs you in again.
    """
    from ..auth.oauth.grant import from_credential
    from ..auth.oauth.tokens import signed_out
    from ..auth.vault import open_vault

    vault = open_vault()
    with vault.lock(name):
        credential = vault.get(name)
        if credential.get("kind") != "oauth":
            raise UsageError(
                f"{name!r} isn't an OAuth sign-in.",
                fix=f"Revoke its token in Calendly, then run `calendly-connector vault remove {name}`.",
            )
        tokens = from_credential(credential)
        if tokens is None:
            click.echo(f"{name!r} isn't signed in.")
            return
        outcome = _revoke(credential, tokens, forget=forget)
        vault.put(name, signed_out(credential, "logout"))
    click.echo(f"{outcome} Signed out of {name!r}.")


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
