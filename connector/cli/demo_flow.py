"""The demo's deployed flow: a booking in the sandbox becomes a message in a chat."""

import json
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from tempfile import TemporaryDirectory
from threading import Thread
from typing import TYPE_CHECKING, Any, Final

from .agent_options import make_engine
from .sandbox_environment import sandbox_environment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..agent.engine.edge import Edge
    from ..agent.engine.engine import Engine

TEMPLATE: Final = "booking-to-chat"
_LOOK_EVERY_S: Final = 0.1


class Server(ThreadingHTTPServer):
    """Receives the flow's webhooks, and the messages that it posts to the chat."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.edge: Edge | None = None
        self.messages: Queue[dict[str, Any]] = Queue()
        self.url = f"http://127.0.0.1:{self.server_port}"
        Thread(target=self.serve_forever, daemon=True).start()


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/chat":
            self.server.messages.put(json.loads(body))
            status, text = 200, "ok"
        elif self.server.edge:
            status, text = self.server.edge.receive(self.path, dict(self.headers), body)
        else:
            status, text = 503, "not ready"
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Keep the terminal for the demo."""


@contextmanager
def deployed(origin: str) -> "Iterator[tuple[Server, Engine]]":
    """Deploy the template, with an agent that runs it, and stop it at the end."""
    from ..agent import templates
    from ..agent.connectors import installed
    from ..agent.flows import check

    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        vault = stack.enter_context(sandbox_environment(origin, folder))
        server = stack.enter_context(Server())
        stack.callback(server.shutdown)
        vault.put("calendly", {"kind": "personal_access_token", "token": "sandbox-owner"})
        vault.put("chat", {"kind": "webhook", "url": f"{server.url}/chat", "private_network": "allowed"})
        engine = make_engine(
            f"sqlite:///{folder}/agent.db",
            store=vault,
            origins={"calendly": origin},
            base_url=server.url,
            look_every_s=_LOOK_EVERY_S,
        )
        stack.enter_context(engine)
        from ..agent.engine.edge import Edge

        server.edge = Edge(engine, engine.connections)
        text = templates.read(TEMPLATE)
        engine.deploy(text, check.load(text, installed(), credentials=vault.names()))
        yield server, engine
