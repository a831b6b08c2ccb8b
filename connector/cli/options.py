"""Options that several commands share, and the values that they read."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, Final

import click

from ..auth.credentials import credential_source, find_credential
from ..errors import UsageError
from ..support.redaction import quoted
from .completers import credentials
from .terminal import printable
from .waits import Waits, pauses

if TYPE_CHECKING:
    from ..connection import CalendlyConnection

INBOX_VARIABLE: Final = "CALENDLY_CONNECTOR_INBOX"
_CREDENTIAL: Final = "calendly_connector.credential"


def _remember(context: click.Context, _option: click.Parameter, name: str | None) -> None:
    context.meta[_CREDENTIAL] = name


signs_in = click.option(
    "--credential",
    metavar="NAME",
    envvar="CALENDLY_CREDENTIAL",
    shell_complete=credentials,
    expose_value=False,
    callback=_remember,
    help="Use this credential from the vault. Default: CALENDLY_CREDENTIAL, then CALENDLY_API_TOKEN, "
    "then the one that `use` shows.",
)
keeps_formulas = click.option(
    "--keep-formulas",
    is_flag=True,
    help="With csv: don't escape text that a spreadsheet would run as a formula.",
)
inbox_option = click.option(
    "--inbox",
    envvar=INBOX_VARIABLE,
    metavar="INBOX",
    help=f"A file, or a database URL. Default: {INBOX_VARIABLE}, then a file in your data folder.",
)


def prints_json(text: str = "Print JSON.") -> Callable[[Any], Any]:
    """Return the decorator that adds `--json`, passed as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help=text)


def credential() -> dict[str, str]:
    """Return the credential named by `--credential`, or the one in the environment."""
    return find_credential(click.get_current_context().meta.get(_CREDENTIAL) or "")


@contextmanager
def connect(*, shows_waits: bool = True) -> "Iterator[CalendlyConnection]":
    """Yield a connection with the command's credential.

    Its waits for the rate limit are shown at a terminal, unless a progress bar of the command does.
    """
    from ..plugin import connector

    fields = credential()
    with pauses() as pause:
        waits = Waits(lambda: connection.waits, pause)
        sleep = waits.sleep if shows_waits else pause
        connection = connector.connect(fields, source=credential_source(fields), sleep=sleep)
        with closing(connection):
            yield connection


def default_inbox() -> str:
    """Return the path of the inbox in the user's data folder."""
    import platformdirs

    return str(platformdirs.user_data_path("calendly-connector", appauthor=False) / "inbox.db")


def reject_password(context: click.Context, option: str, variable: str) -> None:
    """Raise UsageError if a database URL on the command line holds a password: `ps` shows it to everybody."""
    from ..storage.sql import holds_password

    source = context.get_parameter_source(option)
    if source is click.core.ParameterSource.COMMANDLINE and holds_password(context.params[option] or ""):
        raise UsageError(
            f"--{option} contains a password, which other users of this machine can see.",
            fix=f"Set {variable} to the URL, or use the database's own password store (such as .pgpass).",
        )


def key_values(arguments: tuple[str, ...]) -> list[tuple[str, str]]:
    """Split KEY=VALUE arguments into pairs; raise UsageError for one without a key or `=`."""
    pairs: list[tuple[str, str]] = []
    for argument in arguments:
        key, sign, value = argument.partition("=")
        if not sign or not key:
            raise UsageError(f"Invalid argument {quoted(printable(argument))}: expected KEY=VALUE.")
        pairs.append((key, value))
    return pairs


def read_inputs(source: str | None) -> dict[str, Any]:
    """Read a JSON object from a file, or from standard input for `-`."""
    if source is None:
        return {}
    import json

    try:
        with click.open_file(source, encoding="utf-8") as file:
            inputs = json.load(file)
    except OSError as error:
        raise UsageError(f"--input: can't read {source}: {error.strerror}.") from None
    except (ValueError, RecursionError):
        raise UsageError(f"--input: {source} isn't valid JSON.") from None
    if not isinstance(inputs, dict):
        raise UsageError(f"--input: {source} must contain a JSON object.")
    return inputs
