"""Run `oauth_worker.py`."""

import json
import subprocess
import sys

from locations import SUPPORT

WORKER = SUPPORT / "oauth_worker.py"
PROCESSES = 8


class Workers:
    """Rounds of processes that use one stored credential at the same time."""

    def __init__(self, name, *options):
        self.process = subprocess.Popen(
            [sys.executable, str(WORKER), name, str(PROCESSES), *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self):
        return self

    def round(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def __exit__(self, *_error):
        self.process.stdin.close()
        self.process.stdout.close()
        assert self.process.wait(60) == 0
