"""A minimal webhook handler: no verification, one inserted row per post, synced to disk."""

import sqlite3

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


def application(path: str) -> Starlette:
    """Return the application, which stores bodies in a file."""
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute("CREATE TABLE IF NOT EXISTS bodies (id INTEGER PRIMARY KEY, body BLOB)")

    async def receive(request: Request) -> Response:
        database.execute("INSERT INTO bodies (body) VALUES (?)", (await request.body(),))
        return Response()

    return Starlette(routes=[Route("/", receive, methods=["POST"])])
