"""Commands that serve until they are stopped: started, waited for, and stopped with Ctrl-C."""

import os
import select
import signal
import subprocess
import time
from contextlib import contextmanager

from listeners import SCRIPT

WAIT_S = 60


@contextmanager
def serving(*words, until, environment=None, stdin=subprocess.DEVNULL):
    """Run a command; yield what it has shown when `until` appears. It must end well after Ctrl-C."""
    process = subprocess.Popen(
        [SCRIPT, *words],
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        bufsize=0,
        env={**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})},
    )
    try:
        yield _shown(process, until)
        process.send_signal(signal.SIGINT)
        rest = process.communicate(timeout=WAIT_S)[0].decode()
        # One that has just begun to serve may not handle the signal itself yet.
        assert process.returncode == 0 or rest.endswith("calendly-connector: Interrupted.\n"), rest
    finally:
        process.kill()
        process.communicate()


def _shown(process, until):
    """Read until a text appears; fail if the command ends before."""
    shown, give_up_at = b"", time.monotonic() + WAIT_S
    while until.encode() not in shown:
        assert select.select([process.stdout], [], [], max(0, give_up_at - time.monotonic()))[0], shown
        piece = os.read(process.stdout.fileno(), 1 << 16)
        assert piece, f"it ended: {shown.decode()}"
        shown += piece
    return shown.decode()
