"""What every command that signs in shares: a stored credential by its name, or one from the environment."""

from contextlib import closing
from typing import TYPE_CHECKING, Final

import click

from ..auth.credentials import credential_source, find_credential

if TYPE_CHECKING:
    from ..connection import CalendlyConnection

_CHOSEN: Final = "calendly_connector.credential"


def _choose(context: click.Context, _option: click.Parameter, name: str | None) -> None:
    context.meta[_CHOSEN] = name


signs_in = click.option(
    "--credential",
    metavar="NAME",
    envvar="CALENDLY_CREDENTIAL",
    expose_value=False,
    callback=_choose,
    help="Sign in with a credential of the vault. Default: CALENDLY_CREDENTIAL, then CALENDLY_API_TOKEN.",
)


def credential() -> dict[str, str]:
    """Give the chosen stored credential, by its name, or a token from the variables that its form names."""
    return find_credential(click.get_current_context().meta.get(_CHOSEN) or "")


def connect() -> "closing[CalendlyConnection]":
    """Give a connection with the command's credential, to be used in a `with`."""
    from ..plugin import connector

    given = credential()
    return closing(connector.connect(given, source=credential_source(given)))
