"""The agent's database, as several commands name and open it."""

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from ..errors import UsageError
from ..support import extras
from .options import reject_password

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ..agent.engine.engine import Engine
    from ..contract import CredentialStore

DATABASE_VARIABLE: Final = "CALENDLY_AGENT_DATABASE"
_NEEDED: Final = frozenset({"dbos", "fastapi", "nicegui", "sqlalchemy", "starlette"})

database_option = click.option(
    "--database",
    envvar=DATABASE_VARIABLE,
    metavar="DATABASE",
    help=f"The agent's database: a file, or a database URL. Default: {DATABASE_VARIABLE}, then a file in "
    "your data folder.",
)


def database_url(database: str | None) -> str:
    """Return the URL of the agent's database. A new SQLite file is private: runs hold what invitees wrote.

    Raises UsageError for a password on the command line.
    """
    reject_password(click.get_current_context(), "database", DATABASE_VARIABLE)
    if database and "://" in database:
        return database
    import platformdirs

    from ..support import private_files

    folder = platformdirs.user_data_path("calendly-connector", appauthor=False)
    path = Path(database).expanduser().absolute() if database else folder / "agent.db"
    try:
        private_files.make_folder(path.parent)
        private_files.make_file(path)
    except OSError as error:
        raise UsageError(
            f"Can't create {path}: {error.strerror}.", fix="Choose another --database."
        ) from None
    return f"sqlite:///{path}"


@contextmanager
def needs_extra() -> "Iterator[None]":
    """Import what the extra `agent` installs. Raises UsageError if it is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        library = (error.name or "").partition(".")[0]
        if library not in _NEEDED:
            raise
        raise UsageError(f"The agent needs {library}.", fix=extras.install("agent")) from None


def make_engine(
    url: str,
    *,
    store: "CredentialStore | None" = None,
    origins: "Mapping[str, str] | None" = None,
    **settings: Any,
) -> "Engine":
    """Return an engine that isn't started.

    `store` has its credentials, by default the vault. Raises UsageError if a library is missing.
    """
    with needs_extra():
        from ..agent.engine.connections import Connections
        from ..agent.engine.engine import Engine, EngineSettings
    from ..agent.flows import file
    from ..auth.vault import open_vault

    connections = Connections(store=store or open_vault(), origins=origins)
    return Engine(url, read=file.parse, connections=connections, settings=EngineSettings(**settings))


@contextmanager
def opened(database: str | None) -> "Iterator[Engine]":
    """Yield an engine that manages flows and runs, but carries out none."""
    engine = make_engine(database_url(database))
    engine.start(works=False)
    try:
        yield engine
    finally:
        engine.stop()
