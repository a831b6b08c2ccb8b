"""The demo's agent: a process that carries out deployed flows until it is killed, or nobody needs it.

`python -m …cli.demo_agent DATABASE PORT` prints its address once it receives webhooks, and ends with its
standard input. It differs from `calendly-connector agent` in that it has no pages, and that a process without
a sign of life is dead after a second rather than fifteen.
"""

import os
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread, Timer
from typing import TYPE_CHECKING, Final, Self

from .agent_options import make_engine
from .demo_story import StepFailedError

if TYPE_CHECKING:
    from ..agent.engine.edge import Edge

_LOOK_EVERY_S: Final = 0.1
_LEASE_S: Final = 1.0
_WAIT_S: Final = 60


class AgentProcess:
    """The agent, as a process that can be killed and started again at the same address."""

    def __init__(self, folder: Path) -> None:
        self.database = folder / "agent.db"
        self._log = folder / "agent.log"
        self._process: subprocess.Popen[str] | None = None
        self.url = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        """Start the process, without waiting for it."""
        port = self.url.rpartition(":")[2] or "0"
        with self._log.open("a") as log:
            self._process = subprocess.Popen(  # noqa: S603 - this module
                [sys.executable, "-m", __name__, str(self.database), port],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,  # Ctrl-C is for the demo, which then ends this process
            )

    def wait(self) -> None:
        """Wait until it receives webhooks. Raises StepFailedError."""
        process = self._process
        if process is None or process.stdout is None:
            raise StepFailedError("the agent isn't started")
        too_slow = Timer(_WAIT_S, process.kill)
        too_slow.daemon = True
        too_slow.start()
        self.url = process.stdout.readline().strip()
        too_slow.cancel()
        if not self.url:
            process.wait(_WAIT_S)
            last = self._log.read_text().strip().rpartition("\n")[2]
            raise StepFailedError(f"the agent ended with code {process.returncode}: {last}")

    def kill(self) -> int:
        """Kill it, as a crash would. Return its process id, 0 if it wasn't running."""
        process, self._process = self._process, None
        if process is None:
            return 0
        process.kill()
        process.communicate()
        return process.pid


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    edge: "Edge | None" = None


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        """Receive a webhook."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status, text = 503, "not ready"
        if self.server.edge:
            status, text = self.server.edge.receive(self.path, dict(self.headers), body)
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Log no requests."""


def main(database: str, port: str) -> None:
    """Carry out flows until standard input ends."""
    with _Server(("127.0.0.1", int(port)), _Handler) as server:
        url = f"http://127.0.0.1:{server.server_port}"
        engine = make_engine(
            f"sqlite:///{database}",
            origins={"calendly": os.environ["CALENDLY_API_URL"]},
            base_url=url,
            look_every_s=_LOOK_EVERY_S,
            lease_s=_LEASE_S,
        )
        from ..agent.engine.edge import Edge

        engine.start()
        server.edge = Edge(engine, engine.connections)
        Thread(target=server.serve_forever, daemon=True).start()
        sys.stdout.write(f"{url}\n")
        sys.stdout.flush()
        sys.stdin.read()
        os._exit(0)  # the demo has ended, and its folder is gone: there is nothing to finish


if __name__ == "__main__":
    main(*sys.argv[1:])
