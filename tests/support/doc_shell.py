"""A person at a terminal of 80 columns, and at a Python prompt, in a folder and home of their own."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pexpect

WAIT_S = 60
_QUIET_S = 0.5  # a program that has shown a question and nothing more for this long waits for the answer
_ASKS = re.compile(r"[:?>\]] ?$")
_FORGET = r"unset \$(compgen -e)"  # variables that a command unset
_CODES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
_PROMPT = """
import json, sys, traceback
names = {"__name__": "__main__", "token": "sandbox-owner"}
for line in sys.stdin:
    try:
        exec(compile(json.loads(line), "page", "exec"), names)
    except BaseException:
        traceback.print_exc(file=sys.stdout)
    print("\\x1e", flush=True)
"""


class Shell:
    """Run commands one after the other in terminals. Exported variables and the folder carry over."""

    def __init__(self, folder: Path, variables: dict[str, str]) -> None:
        self._variables = variables
        self._own = TemporaryDirectory()  # the variables have secrets, and the folder is somebody's
        self._state = Path(self._own.name) / "state.sh"
        self._state.write_text(f"cd '{folder}'\n")
        self._servers: list[pexpect.spawn[str]] = []

    def run(self, command: str, shown: list[str], hidden: list[str]) -> tuple[int, list[str]]:
        """Run a command. Return its exit status and what the terminal shows.

        When it asks, type what `shown` has after the question, or the next of `hidden`, such as a token.
        """
        keep = f'trap \'{{ echo "{_FORGET}"; export -p; echo cd "$PWD"; }} >{self._state}\' EXIT'
        terminal = self._spawn(f"{keep}\n{command}")
        shown = list(shown)
        quiet_s = 0.0
        answered = 0
        while terminal.expect([pexpect.EOF, pexpect.TIMEOUT], timeout=_QUIET_S):
            quiet_s = 0.0 if len(terminal.before) > answered else quiet_s + _QUIET_S
            if len(terminal.before) > answered and _ASKS.search(terminal.before):
                terminal.sendline(_answer(terminal.before, shown, hidden))
            answered = len(terminal.before)
            if quiet_s > WAIT_S:
                raise AssertionError(f"{command}: still runs after {WAIT_S} s: {terminal.before}")
        terminal.close()
        status = terminal.exitstatus
        return (status if status is not None else 128 + terminal.signalstatus), _lines(terminal.before)

    def serve(self, command: str, lines: int) -> list[str]:
        """Start a command that runs until the page ends. Return the first lines that it shows."""
        terminal = self._spawn(command)
        self._servers.append(terminal)
        shown = ""
        for _ in range(lines):
            if terminal.expect(["\n", pexpect.EOF]):
                raise AssertionError(f"{command}: ended: {shown}{terminal.before}")
            shown += f"{terminal.before}\n"
        return _lines(shown)

    def stop(self) -> None:
        """End the server that started last, as Ctrl-C does."""
        terminal = self._servers.pop()
        terminal.sendintr()
        terminal.expect([pexpect.EOF, pexpect.TIMEOUT])
        terminal.close(force=True)

    def close(self) -> None:
        """End the servers, the last one first, and forget the variables."""
        while self._servers:
            self.stop()
        self._own.cleanup()

    def _spawn(self, script: str) -> "pexpect.spawn[str]":
        return pexpect.spawn(
            "/bin/bash",
            ["--norc", "-c", f". {self._state}\n{script}"],
            env=self._variables,
            encoding="utf-8",
            dimensions=(50, 80),
            timeout=WAIT_S,
        )


class Prompt:
    """Run Python blocks one after the other. They share their names; `token` is there from the start."""

    def __init__(self, folder: Path, variables: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _PROMPT],
            cwd=folder,
            env=variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, code: str) -> list[str]:
        """Run a block. Return what it prints, with a traceback if it fails."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(code) + "\n")
        self._process.stdin.flush()
        shown = ""
        while (line := self._process.stdout.readline()) and line != "\x1e\n":
            shown += line
        return _lines(shown.removesuffix("\x1e\n"))

    def close(self) -> None:
        """End it."""
        self._process.stdin.close()
        self._process.wait(WAIT_S)
        self._process.stdout.close()


def environment(home: Path, **more: str) -> dict[str, str]:
    """Return the variables of somebody who has just installed the package."""
    return {
        "HOME": str(home),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "LANG": "C.UTF-8",
        "TERM": "dumb",
        "NO_COLOR": "1",
        "TZ": "Europe/Berlin",
        "PIP_NO_INDEX": "1",  # what a page installs must be here; tests/release runs installations
        **more,
    }


def _answer(before: str, shown: list[str], hidden: list[str]) -> str:
    """Return what the page shows after this question, and leave what it shows after that in `shown`."""
    question = _lines(before)[-1]
    for position, line in enumerate(shown):
        answer = line.removeprefix(question).strip()
        if line.startswith(question) and (answer or not hidden):  # without either, only Enter
            del shown[: position + 1]
            return answer
    if not hidden:
        raise AssertionError(f"It asks {question!r}, and the page shows no answer:\n{before}")
    return hidden.pop(0)


def _lines(shown: str) -> list[str]:
    plain = _CODES.sub("", shown).replace("\r\n", "\n")
    return [line.rpartition("\r")[2].rstrip() for line in plain.splitlines()]
