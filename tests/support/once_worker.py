"""A host's process that receives webhooks or polls, and delivers events to a log; tests may kill it."""

import http.client
import json
import socket
import sqlite3
import sys
import threading
import time
from urllib.parse import urlsplit

import uvicorn
from calendly_connector.errors import ConnectorError
from calendly_connector.events.dispatcher import Dispatcher
from calendly_connector.events.inbox import open_inbox
from calendly_connector.events.reconcile import reconcile
from calendly_connector.events.webhooks.asgi import asgi
from calendly_connector.events.webhooks.receiver import Receiver
from calendly_connector.plugin import connector
from calendly_connector.support.clock import Timing

EVENTS = ["invitee.created", "invitee.canceled", "invitee.rescheduled"]
_FRESH_S = 0.002  # how long a fetched time is reused


class SandboxClock:
    """The time of a sandbox, which jumps; fetched often, since a signature is valid for 180 s of it."""

    def __init__(self, url):
        self._local = threading.local()
        self._place = urlsplit(url).netloc

    def __call__(self):
        asked_at, latest = getattr(self._local, "latest", (-1.0, 0.0))
        if time.monotonic() - asked_at > _FRESH_S:
            latest = self._ask()
            self._local.latest = time.monotonic(), latest
        return latest

    def _ask(self):
        if not hasattr(self._local, "connection"):
            self._local.connection = http.client.HTTPConnection(self._place, timeout=30)
        connection = self._local.connection
        try:
            connection.request("GET", "/__sandbox__/clock")
            return json.loads(connection.getresponse().read())["unix"]
        except (OSError, http.client.HTTPException):
            connection.close()
            connection.request("GET", "/__sandbox__/clock")
            return json.loads(connection.getresponse().read())["unix"]


def log_of(path):
    """Open the handler's log, which counts how often each event was delivered."""
    log = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=60)
    log.execute("PRAGMA journal_mode = WAL")
    log.execute("CREATE TABLE IF NOT EXISTS taken (id TEXT PRIMARY KEY, times INTEGER NOT NULL)")
    return log


def main(settings):
    """Run until killed."""
    clock = SandboxClock(settings["url"])
    timing = Timing(clock=clock, jitter=lambda: 0.0)
    credential = {"kind": "personal_access_token", "token": "sandbox-owner"}
    connection = connector.connect(credential, origin=settings["url"], clock=clock)
    inbox, log = open_inbox(settings["inbox"]), log_of(settings["log"])

    def take(event):
        log.execute(
            "INSERT INTO taken VALUES (?, 1) ON CONFLICT (id) DO UPDATE SET times = times + 1", [event.id]
        )

    dispatcher = Dispatcher(inbox, take, trigger=connection.trigger(EVENTS), timing=timing, lease_s=60.0)
    threading.Thread(target=dispatcher.run, args=[threading.Event()], daemon=True).start()
    if settings["mode"] == "webhook":
        receiver = Receiver(inbox, [settings["key"]], timing=timing, on_new=dispatcher.wake)
        config = uvicorn.Config(asgi(receiver), log_config=None, lifespan="off", ws="none")
        uvicorn.Server(config).run(sockets=[socket.socket(fileno=settings["listener"])])
        return
    while True:
        try:
            reconcile(inbox, connection, EVENTS, since=settings["since"])
        except ConnectorError as error:
            sys.stderr.write(f"{error}\n")
        dispatcher.wake()
        time.sleep(0.1)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
