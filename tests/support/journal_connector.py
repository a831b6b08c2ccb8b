"""A connector for tests of the engine: a journal that counts its writes, in this process or by TCP.

`entries.create` can be looked up, `entries.put` is safe to repeat, and nothing shows `entries.post`.
"""

import json
import os
import random
import socket
import socketserver
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from calendly_connector.contract import CheckReport, Event, LookUp, Polled, Result, Settled
from calendly_connector.errors import (
    InvalidParams,
    NoAnswer,
    Problem,
    Rejected,
    SignatureError,
    Unauthenticated,
    UnknownAction,
    UnknownCredential,
)

SIGNATURE = "journal-signature"
BUSY = 503
FATAL = "a text that ends the process"


class Journal:
    """The application. `entries` are what was written, in order; errors can be planned for each text."""

    def __init__(self):
        self.entries = []
        self.reads = 0
        self.token = "good"
        self.refusing = Counter()  # texts that are rejected so many times, as by a busy server
        self.forbidden = set()  # texts that are always rejected
        self.losing = Counter()  # texts whose reply is lost after the write
        self.dropping = Counter()  # texts whose request is lost before the write
        self.blind = False  # look-ups fail
        self.events = []
        self.gate = None  # an event that writes wait for
        self.began = threading.Event()
        self.most_at_once = self._at_once = 0
        self._lock = threading.Lock()

    def texts(self):
        return [entry["text"] for entry in self.entries]

    def handle(self, request):
        if request["op"] == "list":
            self.reads += 1
            return {"entries": list(self.entries), "blind": self.blind}
        text = request["text"]
        with self._lock:
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            self.began.set()
            if self.gate is not None:
                self.gate.wait(30)
            return self._write(request, text)
        finally:
            with self._lock:
                self._at_once -= 1

    def _write(self, request, text):
        if request["token"] != self.token:
            return {"error": 401}
        if self.refusing[text] > 0:
            self.refusing[text] -= 1
            return {"error": BUSY}
        if text in self.forbidden:
            return {"error": 403}
        if self.dropping[text] > 0:
            self.dropping[text] -= 1
            return {"error": "lost"}
        with self._lock:
            if request["op"] == "put":
                self.entries = [entry for entry in self.entries if entry["text"] != text]
            entry = {"id": f"entry-{len(self.entries) + 1}", "text": text, "note": request.get("note")}
            self.entries.append(entry)
        if self.losing[text] > 0:
            self.losing[text] -= 1
            return {"error": "lost"}
        return entry


def _action(name, effect, *, returns="one", safe=False, look_up=None):
    properties = {"text": {"type": "string"}, "note": {}, "secret": {"type": "string", "writeOnly": True}}
    return SimpleNamespace(
        id=f"entries.{name}",
        effect=effect,
        returns=returns,
        safe_to_repeat=safe,
        look_up=look_up,
        aliases=(),
        input={"type": "object", "properties": properties},
    )


ACTIONS = {
    action.id: action
    for action in (
        _action("list", "read", returns="many", safe=True),
        _action("create", "write", look_up=LookUp("entries.list", ("text",), "record", "by its text")),
        _action("put", "write", safe=True),
        _action("post", "write"),
        _action("remove", "destroy"),
    )
}


@dataclass
class JournalConnector:
    """The connector. `send` takes a request to the journal and returns its reply."""

    send: Any
    credentials: dict = field(default_factory=lambda: {"main": "good"})
    slow_s: float = 0.0

    def actions(self):
        return ACTIONS

    def connect(self, credential, *, origin=None, source="", store=None):
        del origin, source, store
        name = credential.get("name", "main")
        if name not in self.credentials:
            raise UnknownCredential(f"No credential {name!r}.", fix="Add it.")
        return JournalConnection(self, self.credentials[name])


@dataclass
class JournalConnection:
    connector: JournalConnector
    token: str

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def check(self, *, deep=False):
        del deep
        if self.connector.send({"op": "check", "text": "", "token": self.token}).get("error") == 401:
            return CheckReport("invalid_token", "The token was revoked.")
        return CheckReport("ok", "Signed in.")

    def prepare(self, action, params=None, *, filter=(), limit=None):  # noqa: A002 - the contract's name
        del params, limit
        if action not in ACTIONS:
            raise UnknownAction(f"Unknown action {action!r}.")
        inputs = {key: getattr(value, "value", value) for key, value in filter}
        if ACTIONS[action].effect != "read" and not inputs.get("text"):
            raise InvalidParams(action, [Problem("text", "is missing")])
        return JournalCall(self, ACTIONS[action], inputs)

    def settle(self, action, params=None, *, sent_at, **options):
        del sent_at
        call = self.prepare(action, params, **options)
        if call.action.look_up is None:
            return Settled("unknown", "Nothing can show it.", fix="Look into the journal.")
        listed = self.connector.send({"op": "list"})
        if listed["blind"]:
            return Settled("unknown", "The journal can't be read.", fix="Look into it later.")
        found = [one for one in listed["entries"] if one["text"] == call.inputs["text"]]
        return Settled("done", "It is there.", found[0]) if found else Settled("not_done", "It isn't there.")

    def receive(self, headers, body, *, subscription=""):
        del subscription
        if headers.get(SIGNATURE) != "signed":
            raise SignatureError("Not signed.", reason="missing")
        return Event(**json.loads(body))

    def subscription_states(self):
        return []

    def trigger(self, events, filters=None):
        return JournalTrigger(self.connector, tuple(events), dict(filters or {}))


@dataclass
class JournalTrigger:
    connector: JournalConnector
    events: tuple
    filters: dict

    def match(self, event):
        fits = event.kind in self.events and self.filters.items() <= event.payload.items()
        return (event,) if fits else ()

    def poll(self, cursor=""):
        everything = self.connector.send({"op": "events"})
        seen = int(cursor) if cursor else len(everything)
        found = [Event(**one) for one in everything[seen:]]
        return Polled(tuple(one for raw in found for one in self.match(raw)), str(len(everything)))


@dataclass
class JournalCall:
    connection: JournalConnection
    action: Any
    inputs: dict

    def run(self, *, all_pages=False):
        del all_pages
        connector = self.connection.connector
        if connector.slow_s:
            time.sleep(connector.slow_s)
        if self.action.effect == "read":
            listed = connector.send({"op": "list"})["entries"]
            return Result(self.action.id, records=listed, extra={"total": len(listed)}, calls=1)
        op = self.action.id.rpartition(".")[2]
        reply = connector.send({"op": op, "token": self.connection.token, **self.inputs})
        match reply.get("error"):
            case None:
                return Result(self.action.id, record=reply, calls=1)
            case "lost":
                raise NoAnswer("The journal didn't reply.", reason="broken", may_have_happened=True)
            case 401:
                raise Unauthenticated("The token was revoked.", fix="Make a new one.", status=401)
            case status:
                raise Rejected(
                    "The journal refuses it.",
                    fix="Write something else.",
                    status=status,
                    retryable=status == BUSY,
                )


def in_process(journal):
    """Return a connector whose journal is an object in this process."""

    def send(request):
        if request["op"] == "events":
            return journal.events
        if request["op"] == "check":
            return {"error": 401} if request["token"] != journal.token else {}
        return journal.handle(request)

    return JournalConnector(send)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


def serve(journal, most_wait_s):
    """Serve a journal by TCP: it writes, and replies, even if whoever sent it died meanwhile."""
    chance = random.Random(7)  # noqa: S311 - waits, not secrets

    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            request = json.loads(self.rfile.readline())
            if request["op"] != "list":
                time.sleep(chance.uniform(0, most_wait_s))
            reply = journal.handle(request)
            try:
                self.wfile.write(json.dumps(reply).encode() + b"\n")
            except OSError:
                return

    server = _Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def by_tcp(port):
    """Return a connector whose journal is served on a port of this machine."""

    def send(request):
        if request.get("text") == FATAL:
            os._exit(1)  # as a crash in a library would
        with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
            connection.sendall(json.dumps(request).encode() + b"\n")
            with connection.makefile("rb") as file:
                return json.loads(file.readline())

    return JournalConnector(send)
