"""The command line in this process, with a standard input that isn't a terminal."""

import sys

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
