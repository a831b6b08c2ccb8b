"""Processes that find an access token expired at the same time, for the tests of refreshing.

    python oauth_worker.py NAME PROCESSES [kill]

For each line on standard input, PROCESSES processes use the stored credential NAME at the same time; the
outcomes are printed as one line of JSON. With `kill` a process that gets new tokens dies before it stores
them. The origins are in the environment, and so is the vault, or the path of an SqliteStore in HOST_STORE.
"""

import json
import os
import signal
import sys
import traceback

from calendly_connector.auth.oauth import server, tokens
from calendly_connector.auth.vault import open_vault
from calendly_connector.errors import ConnectorError
from calendly_connector.examples.web_sign_in import SqliteStore
from calendly_connector.plugin import connector

IMPORTED = (tokens, server)


def open_store():
    path = os.environ.get("HOST_STORE")
    return SqliteStore(path) if path else open_vault()


def die_before_writing():
    kind = type(open_store())
    put = kind.put

    def deadly(self, name, credential):
        if "access_token" in credential:
            os.kill(os.getpid(), signal.SIGKILL)
        put(self, name, credential)

    kind.put = deadly


def use(name, start):
    os.read(start, 1)  # until the parent closes the other end
    store = open_store() if "HOST_STORE" in os.environ else None
    with connector.connect({"kind": "stored", "name": name}, store=store) as connection:
        try:
            return connection.run("users.me").record["name"]
        except ConnectorError as error:
            return f"{error.code} {getattr(error, 'reason', '')}"


def child(name, start, report, kill):
    try:
        if kill:
            die_before_writing()
        os.write(report, f"{use(name, start)}\n".encode())
    except BaseException:  # noqa: BLE001 - the parent reports any error
        os.write(report, f"{traceback.format_exc()!r}\n".encode())
    os._exit(0)


def round_of(name, processes, *, kill):
    start, go = os.pipe()
    reader, writer = os.pipe()
    children = []
    for _ in range(processes):
        pid = os.fork()
        if pid == 0:
            os.close(go)
            child(name, start, writer, kill)
        children.append(pid)
    for end in (start, go, writer):
        os.close(end)
    with os.fdopen(reader) as lines:
        lines_ = lines.read().splitlines()
    killed = [pid for pid in children if os.WIFSIGNALED(os.waitpid(pid, 0)[1])]
    return lines_ + ["killed"] * len(killed)


def main(name, processes, kill=""):
    import requests  # noqa: F401 - imported once for all processes
    from authlib.integrations import requests_client  # noqa: F401

    open_store().get(name)
    for _ in sys.stdin:
        sys.stdout.write(json.dumps(sorted(round_of(name, int(processes), kill=bool(kill)))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
