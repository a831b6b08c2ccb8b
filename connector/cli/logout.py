"""`calendly-connector logout`: give the tokens of a sign-in back."""

from typing import TYPE_CHECKING

import click

from ..errors import ConnectorError, UsageError

if TYPE_CHECKING:
    from ..auth.oauth.grant import Grant


@click.command("logout")
@click.argument("name")
@click.option("--forget", is_flag=True, help="Remove the tokens even where Calendly cannot be told.")
def command(name: str, *, forget: bool) -> None:
    """Revoke the tokens of a stored OAuth sign-in at Calendly, then remove them from the vault.

    The app's own fields stay, so that `login NAME` is all it takes to sign in again.
    """
    from ..auth.oauth import grant, tokens
    from ..auth.vault import open_vault

    vault = open_vault()
    with vault.lock(name):
        credential = vault.get(name)
        if credential.get("kind") != "oauth":
            raise UsageError(
                f"{name!r} is no OAuth sign-in.",
                fix=f"Revoke its token in Calendly. `calendly-connector vault remove {name}` removes it.",
            )
        held = grant.from_credential(credential)
        if held is None:
            click.echo(f"Nobody is signed in with {name!r}.")
            return
        told = _revoked(credential, held, forget=forget)
        vault.put(name, tokens.signed_out(credential, "logout"))
    click.echo(f"{told} {name!r} holds no token any more.")


def _revoked(credential: dict[str, str], held: "Grant", *, forget: bool) -> str:
    from ..auth.oauth.server import server_for
    from ..support.clock import Timing

    try:
        server_for(credential, Timing()).revoke_grant(held)
    except ConnectorError as error:
        if forget:
            return f"Calendly was not told: {error.message} Take the app's access back there."
        raise ConnectorError(
            f"The tokens were not revoked, and are kept. {error.message}",
            fix="Try again, or give --forget to remove them here alone.",
        ) from None
    return "Revoked."
