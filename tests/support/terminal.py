"""The command line in this process, with a standard input that is no terminal."""

import sys

from calendly_connector import cli


class Piped:
    """A standard input that is no terminal; a function as its text is called when it is read."""

    def __init__(self, text):
        self._text = text

    def read(self):
        return self._text() if callable(self._text) else self._text

    readline = read

    def isatty(self):
        return False


def caller(capsys, monkeypatch):
    """Give what runs a command, `given` being its input: exit code, output, errors."""

    def run(*arguments, given=""):
        monkeypatch.setattr(sys, "stdin", Piped(given))
        code = cli.main(list(arguments))
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run
