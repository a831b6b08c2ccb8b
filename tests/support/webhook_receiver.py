"""A webhook receiver on this machine that tests control."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CLOSE, HANG = "close", "hang"


class LocalServer(ThreadingHTTPServer):
    request_queue_size = 128  # the default of 5 breaks many simultaneous connections


class Receiver:
    """Records each message: (path, headers, body).

    `answer` is the status of the reply, `CLOSE` to end the connection without a reply, `HANG` to keep it open
    without a reply, or a function that returns one of these for a message; `gate` holds all replies back.
    """

    def __init__(self):
        self.received = []
        self.answer = 200
        self.gate = threading.Event()
        self.gate.set()
        self._closing = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.gate.wait(10)
                receiver.received.append((self.path, dict(self.headers), body))
                answer = receiver.answer(json.loads(body)) if callable(receiver.answer) else receiver.answer
                if answer == HANG:
                    receiver._closing.wait(10)
                if answer in {CLOSE, HANG}:
                    self.close_connection = True
                    return
                self.send_response(answer)
                self.send_header("Location", f"{receiver.url}/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_args):
                pass

        self._server = LocalServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    @property
    def messages(self):
        """The parsed bodies of all messages."""
        return [json.loads(body) for _, _, body in self.received]

    def close(self):
        self.gate.set()
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@contextmanager
def receiving():
    receiver = Receiver()
    try:
        yield receiver
    finally:
        receiver.close()
