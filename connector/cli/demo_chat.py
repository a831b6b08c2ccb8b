"""The demo's chat, which shows the messages that are posted to it."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Empty, Queue
from threading import Thread
from typing import Any, Final, Self

from .demo_story import StepFailedError

_WAIT_S: Final = 30.0
_LOOK_EVERY_S: Final = 0.05  # for its end


class Chat(ThreadingHTTPServer):
    """Receives messages as an incoming webhook of Slack does."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.messages: Queue[dict[str, Any]] = Queue()
        self.url = f"http://127.0.0.1:{self.server_port}/chat"
        self.count = 0

    def __enter__(self) -> Self:
        Thread(target=self.serve_forever, args=(_LOOK_EVERY_S,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    def next_message(self) -> str:
        """Return the text of the next message. Raises StepFailedError if none arrives."""
        try:
            message = self.messages.get(timeout=_WAIT_S)
        except Empty:
            raise StepFailedError(f"no message arrived within {_WAIT_S:.0f} s") from None
        return str(message["blocks"][0]["text"]["text"])


class _Handler(BaseHTTPRequestHandler):
    server: Chat

    def do_POST(self) -> None:
        """Keep a message."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.count += 1
        self.server.messages.put(json.loads(body))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        """Keep the terminal for the demo."""
