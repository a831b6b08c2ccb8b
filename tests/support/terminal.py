"""The command line: in this process without a terminal, or in its own process with one."""

import os
import pty
import select
import subprocess
import sys
from pathlib import Path

from calendly_connector import cli


class Piped:
    """A standard input that isn't a terminal. `text` may be a function, called on reading."""

    def __init__(self, text):
        self._text = text

    def read(self):
        return self._text() if callable(self._text) else self._text

    readline = read

    def isatty(self):
        return False


def caller(capsys, monkeypatch):
    """Return a function that runs a command with this standard input: exit code, output, errors."""

    def run(*arguments, stdin=""):
        monkeypatch.setattr(sys, "stdin", Piped(stdin))
        code = cli.main(list(arguments))
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


SCRIPT = str(Path(sys.executable).parent / "calendly-connector")
WAIT_S = 30


def at_terminal(*arguments, answers=()):
    """Run a command in a terminal; type each answer after its prompt. Return exit code and screen."""
    controller, terminal = pty.openpty()
    seen, start = b"", 0
    with subprocess.Popen(
        [SCRIPT, *arguments], stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True
    ) as process:
        os.close(terminal)
        for prompt, answer in answers:
            while prompt.encode() not in seen[start:]:
                piece = _read(controller)
                assert piece, f"{prompt!r} isn't in {seen!r}"
                seen += piece
            start = len(seen)
            os.write(controller, f"{answer}\n".encode())
        while piece := _read(controller):
            seen += piece
        code = process.wait(WAIT_S)
    os.close(controller)
    return code, seen.decode().replace("\r\n", "\n")


def _read(controller):
    assert select.select([controller], [], [], WAIT_S)[0]
    try:
        return os.read(controller, 1000)
    except OSError:  # Linux reports the end like this
        return b""
