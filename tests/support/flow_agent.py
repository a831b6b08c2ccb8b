"""An agent as a person runs it: flow files, installed connectors, a vault, and Process Flow URLs on a port.

Its fixtures are in `flow_fixtures`.
"""

import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler

from calendly_connector.agent import connectors, templates
from calendly_connector.agent.engine.connections import Connections
from calendly_connector.agent.engine.connections import installed as load_installed
from calendly_connector.agent.engine.edge import Edge
from calendly_connector.agent.engine.engine import Engine
from calendly_connector.agent.engine.tables import POLLS
from calendly_connector.agent.flows import check, file
from calendly_connector.support.clock import Timing
from engine_waiting import QUICK, UNDER_WAY, wait_for, wait_until_ended
from sqlalchemy import select
from webhook_receiver import LocalServer

CREDENTIAL = {
    "kind": "personal_access_token",
    "token": "sandbox-owner",
    "signing_key": "a-made-up-signing-key-of-32-chars",
}


class AtTime:
    """A connector that runs at the time of a clock."""

    def __init__(self, connector, clock):
        self._connector, self._clock = connector, clock

    def __getattr__(self, name):
        return getattr(self._connector, name)

    def connect(self, credential, **options):
        return self._connector.connect(credential, clock=self._clock, **options)


class Doorstep:
    """Passes posts on to the edge of an engine, and keeps them: (path, headers, body)."""

    def __init__(self):
        self.edge = None
        self.posts = []
        doorstep = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                post = (self.path, dict(self.headers), body)
                doorstep.posts.append(post)
                status, text = doorstep.edge.receive(*post)
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_args):
                pass

        self._server = LocalServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class FlowAgent:
    """The agent. `vault` has the credentials, `origins` the addresses of sandboxes, by connector."""

    def __init__(self, database, vault, clock, origins):
        self.clock = clock
        self.door = Doorstep()
        connections = Connections(self._load, vault, origins)
        self.engine = Engine(
            database,
            read=file.parse,
            connections=connections,
            settings=replace(QUICK, base_url=self.door.url),
            timing=Timing(clock=clock),
        )
        self.door.edge = Edge(self.engine, connections)
        self.engine.start()

    def _load(self, name):
        connector = load_installed(name)
        return AtTime(connector, self.clock) if name == "calendly" else connector

    def deploy(self, text):
        """Deploy the text of a flow, as `flow deploy` does: only if it has no error."""
        flow = check.load(text, connectors.installed())
        return self.engine.deploy(text, flow)

    def template(self, name, *changes):
        """Deploy a template, with pairs of texts replaced as a person edits it."""
        text = templates.read(name)
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        return self.deploy(text)

    def run(self, name):
        """Start a flow as a person does, and return the run when it has ended."""
        return wait_until_ended(self.engine, self.engine.start_run(name))

    def runs(self, name=""):
        """Return the runs of a flow, the oldest first, when none is under way."""

        def find():
            listed = self.engine.list_runs(name)
            return None if UNDER_WAY & {run["state"] for run in listed} else [listed]

        (listed,) = wait_for(find)
        return [self.engine.show(run["id"]) for run in reversed(listed)]

    def done(self, name=""):
        """Return the runs of a flow, all of which must have succeeded."""
        runs = self.runs(name)
        assert [run["note"] for run in runs if run["state"] != "done"] == []
        return runs

    def poll(self, name, runs):
        """Poll a flow that is due; return its runs. It must have had so many, all of them done."""
        self.poll_once(name)
        found = self.done(name)
        assert len(found) == runs
        return found

    def poll_once(self, name):
        """Poll a flow if it is due, and wait until this or the agent's own thread has done it."""
        due = select(POLLS.c.due_at).where(POLLS.c.flow == name)

        def is_polled():
            self.engine._schedules.poll(self.engine.executor)
            with self.engine.database.transaction() as connection:
                return connection.scalar(due) > self.clock()

        wait_for(is_polled)

    def close(self):
        self.engine.stop()
        self.door.close()
