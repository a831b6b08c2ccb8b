"""What a page of the docs needs besides the connector: a program, or a server with its variables."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import postgres
import pytest
from sqlalchemy.engine import make_url


@contextmanager
def provided(needs: str) -> Iterator[dict[str, str]]:
    """Yield the variables of what a page needs: `postgres`, an empty server, or the name of a program.

    The test is skipped if one of them isn't installed.
    """
    names = needs.split(", ") if needs else []
    for name in names:
        if name != "postgres" and not shutil.which(name):
            pytest.skip(f"needs {name}")
    if "postgres" not in names:
        yield {}
        return
    binaries = postgres.programs()
    if binaries is None:
        pytest.skip("needs PostgreSQL")
    with postgres.cluster(binaries) as server:
        yield _variables(binaries, server)


def _variables(binaries: Path, server: str) -> dict[str, str]:
    """Return the variables by which PostgreSQL's own programs and drivers find a server."""
    url = make_url(server)
    found = {"PGHOST": url.host, "PGPORT": str(url.port), "PGUSER": url.username}
    path = f"{Path(sys.executable).parent}:{binaries}:{os.environ['PATH']}"
    return {"PATH": path, "PAGER": "cat", **found}
