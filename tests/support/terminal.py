"""The command line in this process with a piped standard input, or in its own terminal of a certain width."""

import errno
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
from pathlib import Path

from calendly_connector import cli

SCRIPT = str(Path(sys.executable).parent / "calendly-connector")
WAIT_S = 30
PATIENCE_S = 5
INTERRUPT = object()
STYLES = re.compile(r"\x1b\[\d+m")  # the only escape sequences that tables use


def screen(*arguments, width=80, environment=None):
    """Run a command in a terminal of its own: exit code, and everything it shows, with Unix line ends."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
    inherited = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "NO_COLOR"}}
    child = subprocess.Popen(
        [SCRIPT, *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**inherited, "TERM": "xterm-256color", **(environment or {})},
        start_new_session=True,
    )
    os.close(theirs)
    shown = b""
    while chunk := _chunk(ours):
        shown += chunk
    os.close(ours)
    return child.wait(), shown.decode().replace("\r\n", "\n")


def _chunk(terminal):
    try:
        return os.read(terminal, 1 << 16)
    except OSError as error:
        if error.errno != errno.EIO:  # Linux's end of a terminal
            raise
        return b""


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


def at_terminal(*arguments, answers=(), width=80, program=(SCRIPT,)):
    """Run a command in a terminal; type each answer after its prompt. Return exit code and screen.

    `program` is what to run it with. The answer INTERRUPT is Ctrl-C.
    """
    controller, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
    seen, start = b"", 0
    with subprocess.Popen(
        [*program, *arguments], stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True
    ) as process:
        os.close(terminal)
        for prompt, answer in answers:
            while prompt.encode() not in seen[start:]:
                piece = _read(controller)
                assert piece, f"{prompt!r} isn't in {seen!r}"
                seen += piece
            start = len(seen)
            if answer is INTERRUPT:
                process.send_signal(signal.SIGINT)
                while not select.select([controller], [], [], PATIENCE_S)[0]:
                    process.send_signal(signal.SIGINT)  # Python misses one just before it reads
            else:
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
