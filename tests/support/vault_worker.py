"""Child processes for the vault's tests: write, hold locks, or be killed at every step of a change.

    python vault_worker.py put NAMES        one credential after the other
    python vault_worker.py count NAME FILE TIMES    with the lock of NAME, add one to a number in FILE
    python vault_worker.py hold NAME        take the lock of NAME, report it, and wait
    python vault_worker.py crash CHANGE START FOLDER

`crash` copies the folder START to FOLDER/1, FOLDER/2 … and makes the change in each, in a process that is
killed at the first, the second … step that reaches the disk, until a change completes.
"""

import json
import os
import shutil
import signal
import sys
import time
from itertools import count
from pathlib import Path

from calendly_connector.auth.vault import files, open_vault

OLD = {"kind": "personal_access_token", "token": "OLD-SECRET-of-the-test"}
NEW = {"kind": "personal_access_token", "token": "NEW-SECRET-of-the-test"}
CHANGES = {
    "put": lambda vault: vault.put("new", NEW),
    "replace": lambda vault: vault.put("old", NEW),
    "delete": lambda vault: vault.delete("old"),
    "rekey": lambda vault: vault.rekey(),
}
STEPS = ("open", "close", "fsync", "mkdir", "replace", "unlink")  # functions of os


class KillAtStep:
    """Kills this process at a step, counted over wrapped functions, writes and opened files."""

    def __init__(self, step):
        self.left = step

    def count_step(self):
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, function):
        def wrapped(*arguments, **named):
            self.count_step()
            result = function(*arguments, **named)
            self.count_step()
            return result

        return wrapped

    def open(self, *arguments, **named):
        file = open(*arguments, **named)  # noqa: PTH123, SIM115 - like `vault/files.py`
        if "w" in file.mode:
            return HalfWritten(file, self)
        return file


class HalfWritten:
    """A file that can kill the process in the middle of a write."""

    def __init__(self, file, killer):
        self.file = file
        self.killer = killer

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.file.close()

    def write(self, content):
        middle = len(content) // 2
        self.file.write(content[:middle])
        self.file.flush()
        self.killer.count_step()
        self.file.write(content[middle:])

    def flush(self):
        self.file.flush()


def crash(change, start, folder):
    for step in count(1):
        place = folder / str(step)
        shutil.copytree(start, place)
        child = os.fork()
        if child == 0:
            killer = KillAtStep(step)
            for name in STEPS:
                setattr(os, name, killer.around(getattr(os, name)))
            files.open = killer.open
            CHANGES[change](open_vault({"CALENDLY_CONNECTOR_VAULT": str(place / "vault.json")}))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            sys.exit(os.WEXITSTATUS(status))
        assert os.WTERMSIG(status) == signal.SIGKILL


def main(command, *arguments):
    vault = open_vault() if command != "crash" else None
    if command == "put":
        for name in arguments:
            vault.put(name, {**NEW, "owner": name})
    elif command == "count":
        name, file, times = arguments[0], Path(arguments[1]), int(arguments[2])
        for _ in range(times):
            with vault.lock(name):
                number = json.loads(file.read_text())
                time.sleep(0)  # other processes may run now, if they can
                file.write_text(json.dumps(number + 1))
    elif command == "hold":
        with vault.lock(arguments[0]):
            sys.stdout.write("held\n")
            sys.stdout.flush()
            sys.stdin.read()
    else:
        crash(arguments[0], Path(arguments[1]), Path(arguments[2]))


if __name__ == "__main__":
    main(*sys.argv[1:])
