"""`calendly-connector agent` as a process, and a chat that it posts to."""

import json
import signal
import subprocess
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from listeners import SCRIPT, Listener


class Agent(Listener):
    """A running `agent`."""

    def __init__(self, process):
        super().__init__(process)
        (line,) = (line for line in self.announced.splitlines() if "listens on" in line)
        self.url = line.rpartition("listens on ")[2].rstrip("./")


@contextmanager
def agent(database, *options):
    """Run an agent on a free port."""
    command = [SCRIPT, "agent", "--port", "0", "--database", str(database), *options]
    # Unbuffered, or `select` would miss what is in the buffer.
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0) as process:
        try:
            yield Agent(process)
        finally:
            process.send_signal(signal.SIGKILL)


class Chat(BaseHTTPRequestHandler):
    """Keeps the messages that are posted to it."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.messages.append(json.loads(body))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_words):
        pass


@contextmanager
def chat():
    """Run a chat; yield its server, with `messages` and `url`."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Chat) as server:
        server.messages = []
        server.url = f"http://127.0.0.1:{server.server_port}/hook"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()
