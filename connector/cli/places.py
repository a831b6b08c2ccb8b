"""Options that may hold the address of a database, and where the inbox is without one."""

from typing import Final

import click

from ..errors import UsageError
from ..storage.sql import holds_password

INBOX_VARIABLE: Final = "CALENDLY_CONNECTOR_INBOX"


def refuse_password(context: click.Context, option: str, variable: str) -> None:
    """Keep passwords out of the list of processes, which everybody on a machine can read."""
    given = context.get_parameter_source(option)
    if given is click.core.ParameterSource.COMMANDLINE and holds_password(context.params[option] or ""):
        raise UsageError(
            f"--{option} holds a password, which every user of this machine could read.",
            fix=f"Set {variable} to the URL, or leave the password to the database's own means (.pgpass).",
        )


def own_inbox() -> str:
    """Give the inbox of whoever names none: a file in the user's data folder."""
    try:
        import platformdirs
    except ImportError as error:
        raise UsageError(
            f"The data folder is found with {error.name}.",
            fix="Give --inbox, or pip install 'calendly-connector[webhooks]'.",
        ) from None
    return str(platformdirs.user_data_path("calendly-connector", appauthor=False) / "inbox.db")
