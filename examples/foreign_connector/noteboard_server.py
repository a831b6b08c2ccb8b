"""Noteboard itself, in memory, on a port of this machine: what the tests of the connector run against."""

import json
import time
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

KEY = "nb_robins_key"
PAGE = 20


class Noteboard:
    """The application. `url` is where it listens, `writes` counts the notes that were put on the board."""

    def __init__(self, notes=0, clock=time.time):
        self.notes, self.writes, self._clock = [], 0, clock
        self.failing = 0  # the next requests that it answers with 503
        self.losing = False  # whether it carries the next write out, but doesn't reply
        for number in range(notes):
            self.add(f"Note {number + 1}")

    def __enter__(self):
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.board = self
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def add(self, text, color="yellow"):
        """Put a note on the board, as a person would."""
        made_at = datetime.fromtimestamp(self._clock(), UTC).isoformat()
        self.notes.append(
            {"id": str(len(self.notes) + 1), "text": text, "color": color, "created_at": made_at}
        )
        return self.notes[-1]

    def page(self, after):
        """Return the notes after the one with this id."""
        start = int(after)
        end = start + PAGE
        return {"notes": self.notes[start:end], "more": end < len(self.notes)}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        url = urlsplit(self.path)
        if url.path == "/me":
            self.answer(lambda _board: {"name": "Robin Reader"})
        elif url.path == "/about":
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<p>A board for notes.</p>")
        elif url.path == "/notes":
            after = parse_qs(url.query).get("after", ["0"])[0]
            self.answer(lambda board: board.page(after))
        else:
            self.send_error(404)

    def do_POST(self):
        values = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.answer(lambda board: board.add(**values), writes=True)

    def answer(self, handle, *, writes=False):
        board, status, reply = self.server.board, 200, {}
        if self.headers["Authorization"] != f"Bearer {KEY}":
            status = 401
        elif board.failing:
            board.failing, status = board.failing - 1, 503
        else:
            reply = handle(board)
            board.writes += writes
            if writes and board.losing:
                board.losing = False
                return
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(reply).encode())

    def log_message(self, *_):
        """Keep the tests' output quiet."""
