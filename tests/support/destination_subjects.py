"""The destinations as test subjects of the conformance kit, each with something to write to."""

import errno
import os
from contextlib import contextmanager
from itertools import count

from calendly_connector.agent.destinations.file import connector as file_connector
from calendly_connector.agent.destinations.http import connector as http_connector
from calendly_connector.agent.destinations.sql import connector as sql_connector
from calendly_connector.testing import ExpectedCall, FailingCall, LostReply, Subject
from hostile import Listener, reply

TOKEN = "a-token-of-the-api"
WRONG_TOKEN = "another-token"
PASSWORD = "pw-of-the-database"
_ROWS = 253


class Api(Listener):
    """An API that knows one token. It answers 404 to /missing, and 503 when it is `down`."""

    down = False

    def _talk(self, connection):
        if request := self._listen(connection):
            connection.sendall(self._answer(request))

    def _answer(self, request):
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return reply(401, {"error": "invalid token"})
        if self.down:
            return reply(503, {"error": "maintenance"})
        if request.path.endswith("/missing"):
            return reply(404, {"error": "not found"})
        return reply(200, {"path": request.path})


@contextmanager
def http():
    with Api() as api:
        address = {"address": f"{api.url}/v1", "private_network": "allowed"}

        def switch(down):
            api.down = down

        yield Subject(
            connector=http_connector,
            environment={},
            credential={"kind": "bearer", "token": TOKEN, **address},
            bad_credentials=[({"kind": "bearer", "token": WRONG_TOKEN, **address}, "401")],
            user_name="127.0.0.1",
            single=ExpectedCall(
                "http.get", {"url": "orders"}, {"status": 200, "json": {"path": "/v1/orders"}}
            ),
            invalid_calls=[
                FailingCall("unknown_input", "http.get", {"ulr": "x"}, ("ulr", "url")),
                FailingCall("invalid_value", "http.send", {"method": "PUT"}, ("POST, PATCH",)),
                FailingCall("other_host", "http.get", {"url": "https://other.example/"}, ("another host",)),
            ],
            failing_calls=[
                FailingCall("missing", "http.get", {"url": "missing"}, ("404",)),
                FailingCall("down", "http.get", {}, ("503",), retryable=True, arrange=lambda: switch(True)),
            ],
            reset=lambda: switch(False),
            secrets=[TOKEN.encode(), WRONG_TOKEN.encode()],
        )


class Disk:
    """Once `losing`, writes the next lines of a file, but fails to make them durable and to cut them off."""

    def __init__(self, path, monkeypatch):
        self.path, self.losing = path, False
        path.touch()
        self._sync, self._truncate = os.fsync, os.ftruncate
        monkeypatch.setattr(os, "fsync", self._fsync)
        monkeypatch.setattr(os, "ftruncate", self._ftruncate)

    def lose(self):
        self.losing = True

    def lines(self):
        return len(self.path.read_bytes().splitlines())

    def _fsync(self, descriptor):
        if self.losing and os.path.samestat(os.fstat(descriptor), self.path.stat()):
            raise OSError(errno.EIO, "Input/output error")
        self._sync(descriptor)

    def _ftruncate(self, descriptor, size):
        if self.losing:
            self.losing = False
            raise OSError(errno.EIO, "Input/output error")
        self._truncate(descriptor, size)


@contextmanager
def files(folder, monkeypatch):
    credential = {"kind": "folder", "path": str(folder)}
    with file_connector.connect(credential) as connection:
        rows = [{"number": number} for number in range(_ROWS)]
        connection.run("file.append", {"path": "rows.jsonl", "records": rows})
        connection.run("file.append", {"path": "one.csv", "record": {"number": 7}})
    (folder / "broken.jsonl").write_text("no JSON\n")
    disk, numbers = Disk(folder / "lost.jsonl", monkeypatch), count(1)
    yield Subject(
        connector=file_connector,
        environment={},
        credential=credential,
        bad_credentials=[({"kind": "folder", "path": str(folder / "missing")}, "doesn't exist")],
        user_name=str(folder),
        single=ExpectedCall("file.write", {"path": "a.txt", "text": "a"}, {"path": "a.txt", "bytes": 1}),
        listing=ExpectedCall("file.find", {"path": "rows.jsonl"}, total=_ROWS),
        invalid_calls=[
            FailingCall("unknown_input", "file.find", {"path": "a.csv", "were": {}}, ("were", "where")),
            FailingCall("invalid_value", "file.append", {"path": "../a.csv", "record": {"a": 1}}, ("path",)),
        ],
        failing_calls=[FailingCall("broken", "file.find", {"path": "broken.jsonl"}, ("can't be read",))],
        reset=lambda: None,
        secrets=[],
        lost_reply=LostReply(
            "file.append",
            inputs=lambda: {"path": "lost.jsonl", "record": {"a": 1}, "key": f"key-{next(numbers)}"},
            lose=disk.lose,
            writes=disk.lines,
        ),
    )


@contextmanager
def sql(url, unreachable):
    credential = {"kind": "database", "url": url}
    with sql_connector.connect(credential) as connection:
        rows = [{"number": number} for number in range(_ROWS)]
        connection.run("sql.upsert", {"table": "numbers", "key": ["number"], "records": rows})
    yield Subject(
        connector=sql_connector,
        environment={},
        credential=credential,
        bad_credentials=[({"kind": "database", "url": unreachable}, "failed")],
        user_name="Connected to",
        single=ExpectedCall(
            "sql.upsert",
            {"table": "people", "key": ["email"], "record": {"email": "kim@client.example"}},
            {"table": "people", "rows": 1},
        ),
        listing=ExpectedCall("sql.select", {"table": "numbers"}, total=_ROWS),
        invalid_calls=[
            FailingCall("unknown_input", "sql.select", {"table": "a", "were": {}}, ("were", "where")),
            FailingCall("invalid_value", "sql.select", {"table": "a b"}, ("letters",)),
        ],
        failing_calls=[FailingCall("missing", "sql.select", {"table": "missing"}, ("no table missing",))],
        reset=lambda: None,
        secrets=[PASSWORD.encode()],
    )
