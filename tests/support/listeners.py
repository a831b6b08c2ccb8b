"""`calendly-connector webhooks listen` as a process."""

import base64
import json
import select
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from receivers import KEY, WAIT_S, Post, exchange, signed

SCRIPT = str(Path(sys.executable).with_name("calendly-connector"))


class Listener:
    """A running `webhooks listen`."""

    def __init__(self, process):
        self.process = process
        self.announced = self.line(process.stderr)
        while not self.announced.endswith("Press Ctrl-C to stop.\n"):
            line = self.line(process.stderr)
            assert line, f"it ended: {self.announced}"
            self.announced += line
        self.url = self.announced.split()[2]

    def line(self, stream):
        assert select.select([stream], [], [], 4 * WAIT_S)[0]  # a loaded machine starts a process slowly
        return stream.readline().decode()

    def printed(self):
        return json.loads(self.line(self.process.stdout))

    def post(self, body, key=KEY):
        post = Post(body, signature=(signed(body, key, int(time.time())),))
        return exchange(self.url, post.head() + body)[0]

    def code(self):
        """Wait for its exit code. On a timeout, fail with the stack of each thread."""
        try:
            return self.process.wait(4 * WAIT_S)  # the disk may be slow
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGABRT)  # faulthandler prints the stacks
            pytest.fail(self.process.stderr.read().decode())

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        rest = self.process.communicate(timeout=WAIT_S)
        return self.process.returncode, *(text.decode() for text in rest)


@contextmanager
def listening(place, *options, mode=("--port", "0"), stdout=subprocess.PIPE):
    """Run `webhooks listen` on a free port, or in another mode."""
    command = [SCRIPT, "webhooks", "listen", *mode, "--inbox", str(place), *options]
    # Unbuffered, or `select` would miss what is in the buffer.
    with subprocess.Popen(command, stdout=stdout, stderr=subprocess.PIPE, bufsize=0) as process:
        try:
            yield Listener(process)
        finally:
            process.kill()


@contextmanager
def own_account(make_sandbox, connect, monkeypatch, tmp_path):
    """Run a sandbox for the command; yield it with a connection of the same account. There is a vault."""
    monkeypatch.setenv("CALENDLY_API_TOKEN", "sandbox-owner")
    monkeypatch.setenv("CALENDLY_CONNECTOR_VAULT", str(tmp_path / "vault.json"))
    monkeypatch.setenv("CALENDLY_CONNECTOR_KEY", base64.b64encode(bytes(32)).decode())
    with make_sandbox(now=None) as sandbox:  # the command uses the real clock
        monkeypatch.setenv("CALENDLY_API_URL", sandbox.url)
        yield sandbox, connect(sandbox, clock=time.time)
