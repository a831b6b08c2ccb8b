"""A PostgreSQL for the tests: a cluster in a temporary folder, on loopback, without a password."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

WAIT_S = 60
_PLACES = "/usr/lib/postgresql"


def programs():
    """Return the folder of initdb and pg_ctl, or None if PostgreSQL isn't installed."""
    found = shutil.which("initdb")
    folders = [Path(found).parent] if found else []
    installed = sorted(Path(_PLACES).glob("*/bin"), key=lambda path: int(path.parent.name.split(".")[0]))
    return next((path for path in [*folders, *reversed(installed)] if (path / "pg_ctl").exists()), None)


@contextmanager
def cluster(binaries):
    """Run a cluster; yield its URL without a database name."""
    with restartable_cluster(binaries) as (url, _):
        yield url


@contextmanager
def restartable_cluster(binaries):
    """Run a cluster; yield its URL without a database name, and a function that crashes and restarts it."""
    folder = Path(tempfile.mkdtemp(prefix="calendly-postgres-"))
    prefix = []
    if os.geteuid() == 0:  # PostgreSQL doesn't run as root
        shutil.chown(folder, "postgres", "postgres")
        prefix = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]

    def run(program, *arguments):
        command = [*prefix, str(binaries / program), *map(str, arguments)]
        subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL, timeout=2 * WAIT_S)

    data = folder / "data"
    try:
        run("initdb", "--pgdata", data, "--username=tester", "--auth=trust", "--encoding=UTF8", "--no-sync")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        settings = (
            f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={folder} -c fsync=off"
        )
        log = folder / "log"
        start = ("start", "--wait", "--timeout", WAIT_S, "--pgdata", data, "--log", log, "-o", settings)
        stop = ("stop", "--mode=immediate", "--pgdata", data)

        def restart(down_s=0.0):
            run("pg_ctl", *stop)
            time.sleep(down_s)
            run("pg_ctl", *start)

        run("pg_ctl", *start)
        try:
            yield f"postgresql+psycopg://tester@127.0.0.1:{port}", restart
        finally:
            run("pg_ctl", *stop)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def dump(url, into):
    """Dump a database to a file."""
    engine = sa.create_engine(url)
    metadata = sa.MetaData()
    try:
        with engine.connect() as connection, into.open("w") as file:
            metadata.reflect(connection)
            for table in metadata.tables.values():
                file.writelines(f"{table.name} {row}\n" for row in connection.execute(sa.select(table)))
    finally:
        engine.dispose()


def new_database(server, name):
    """Create an empty database and return its URL."""
    engine = sa.create_engine(f"{server}/postgres", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    return f"{server}/{name}"
