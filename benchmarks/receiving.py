"""Webhooks stored per second, each on disk before it is answered; and the slowest of many under load.

The same posts from the same client, in turn, to our receiver (as `webhooks listen` runs it) and to a bare
handler, each in its own process under uvicorn with the same settings. `python receiving.py SIDE FILE`
serves one side.
"""

import asyncio
import json
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from calendly_connector.events.inbox import open_inbox
from calendly_connector.events.webhooks.asgi import asgi
from calendly_connector.events.webhooks.receiver import Receiver
from calendly_connector.events.webhooks.signature import HEADER, sign

from measure import HERE, OURS, PYTHON, Figure, folder, median_ratio

_BARE = "bare Starlette handler"
_KEY = "sample-signing-key"
_SAMPLE = HERE.parent / "tests" / "reference" / "payloads" / "webhooks" / "invitee.created.json"
_ROUND = 2_000
_ROUNDS = 7
_MANY = 10_000
_CONNECTIONS = (1, 16)
_MOST_CONNECTIONS = 64
_READ_TIMEOUT_S = 15


def figures() -> Iterator[Figure]:
    """Measure both sides in turn, then only ours under more load."""
    with folder() as place, _serving("bare", place) as bare, _serving("ours", place) as ours:
        for connections in _CONNECTIONS:
            times = [
                {OURS: _seconds(ours, connections), _BARE: _seconds(bare, connections)}
                for _ in range(_ROUNDS + 1)
            ][1:]  # the first round warms up
            source = f"{connections} connection{'s' if connections > 1 else ''}"
            work = f"webhooks stored per second from {source}, each on disk"
            at_least = (
                0.7 if connections > 1 else None
            )  # Calendly does not wait for one answer to post the next
            yield Figure(work, OURS, _BARE, median_ratio(times, _BARE, OURS), at_least=at_least)
        slowest_s = max(_load(ours, _posts(_MANY), _MOST_CONNECTIONS))
        work = f"the slowest of {_MANY:,} webhooks from {_MOST_CONNECTIONS} connections"
        unit = f"% of the {_READ_TIMEOUT_S} s that Calendly waits"
        yield Figure(work, OURS, "", round(100 * slowest_s / _READ_TIMEOUT_S, 2), at_most=10, unit=unit)
        every = _ROUND * (_ROUNDS + 1) * len(_CONNECTIONS)
        _must_hold(place / "ours", "SELECT count(*) FROM entries", every + _MANY)
        _must_hold(place / "bare", "SELECT count(*) FROM bodies", every)


@contextmanager
def _serving(side: str, place: Path) -> Iterator[int]:
    """Serve one side; yield its port."""
    command = [PYTHON, __file__, side, str(place / side)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield int(server.stdout.readline())
        finally:
            server.terminate()


_numbers = iter(range(sys.maxsize))


def _seconds(port: int, connections: int) -> float:
    """Return how long a round of posts takes."""
    posts = _posts(_ROUND)
    started = time.perf_counter()
    _load(port, posts, connections)
    return time.perf_counter() - started


def _posts(count: int) -> list[bytes]:
    """Return posts of new events, signed now."""
    now = int(time.time())
    return [_request(next(_numbers), now) for _ in range(count)]


def _request(number: int, now: int) -> bytes:
    event: dict[str, Any] = json.loads(_SAMPLE.read_bytes())
    event["payload"]["uri"] += str(number)
    body = json.dumps(event).encode()
    head = (
        f"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"{HEADER}: {sign(body, _KEY, now)}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _load(port: int, posts: list[bytes], connections: int) -> list[float]:
    """Post from several connections at the same time; return the time of each answer, in seconds."""
    left, took = iter(posts), []

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for post in left:
            started = time.perf_counter()
            writer.write(post)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), head
            length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
            await reader.readexactly(int(length))
            took.append(time.perf_counter() - started)
        writer.close()

    async def clients() -> None:
        await asyncio.gather(*(client() for _ in range(connections)))

    asyncio.run(clients())
    return took


def _must_hold(path: Path, question: str, count: int) -> None:
    """End the run if a webhook that was answered 200 is missing."""
    with closing(sqlite3.connect(path)) as database:
        (held,) = database.execute(question).fetchone()
    if held != count:
        raise SystemExit(f"{path.name} has {held} of {count} webhooks")


def _serve(side: str, path: str) -> None:
    import uvicorn

    sys.path.append(str(HERE / "rivals"))
    from bare_receiver import application

    app: Any = (
        application(path) if side == "bare" else asgi(Receiver(open_inbox(path), [_KEY]), owns_loop=True)
    )
    config = uvicorn.Config(
        app, http="h11", loop="asyncio", lifespan="off", ws="none", access_log=False, log_config=None
    )
    # Only for sockets with an explicit TCP protocol does asyncio turn Nagle's delay off.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        print(listener.getsockname()[1], flush=True)
        uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    _serve(*sys.argv[1:])
