"""What `webhooks listen` does with an event: print it, forward it, or run a command."""

import json
import os
import re
import shlex
import shutil
import subprocess
from dataclasses import fields
from typing import TYPE_CHECKING, Final

import click

from ..errors import ConnectorError, UsageError
from ..support.redaction import SECRET_VARIABLES
from .output import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..contract import Event

_TIMEOUT_S: Final = 50.0  # less than a lease of the inbox
_PIECE: Final = re.compile(r'(\\*)"|(\s+)|[^\s"\\]+|\\')  # a quote after backslashes, blanks, or other text


def chosen(*, show: bool, forward: str | None, program: str | None) -> "tuple[Callable[[Event], None], str]":
    """Give the handler that was asked for, and what it does, in words."""
    if [show, forward is not None, program is not None].count(True) != 1:
        raise UsageError("Say what to do with events.", fix="Give one of --print, --forward and --exec.")
    if forward is not None:
        from ..events.forwarder import Forwarder

        return Forwarder(forward), f"forwarded to {printable(forward)}"
    if program is not None:
        run = Program(program)
        return run, f"given to {printable(run.name)}"
    return print_event, "printed"


def print_event(event: "Event") -> None:
    """Print an event as a line of JSON; warnings only where there are some."""
    told = {field.name: getattr(event, field.name) for field in fields(event)}
    if not event.warnings:
        del told["warnings"]
    click.echo(json.dumps(told))


class Program:
    """Runs a command, without a shell; its exit code says whether it took the event."""

    def __init__(self, command: str) -> None:
        try:
            self._words = split_command(command, windows=os.name == "nt")
        except ValueError as error:
            raise UsageError(f"The command of --exec cannot be read: {error}.") from None
        self.name = self._words[0] if self._words else ""
        if shutil.which(self.name) is None:
            raise UsageError(f"There is no program {self.name!r} to run.", fix="Give its path in --exec.")

    def __call__(self, event: "Event") -> None:
        """Run it once; ConnectorError where it does not take the event."""
        from ..events.webhooks.event import write_event

        environment = without_secrets(os.environ)
        environment |= {"CALENDLY_EVENT_ID": event.id, "CALENDLY_EVENT_KIND": event.kind}
        if event.warnings:
            environment["CALENDLY_EVENT_WARNINGS"] = "\n".join(event.warnings)
        try:
            done = subprocess.run(  # noqa: S603 - the user's own command
                self._words, input=write_event(event), env=environment, timeout=_TIMEOUT_S, check=False
            )
        except subprocess.TimeoutExpired:
            raise ConnectorError(f"{self.name} took longer than {_TIMEOUT_S:.0f} s.") from None
        except OSError as error:
            raise ConnectorError(f"{self.name} cannot be run: {error.strerror}.") from None
        if done.returncode:
            raise ConnectorError(f"{self.name} ended with exit code {done.returncode}.")


def without_secrets(environment: "Mapping[str, str]") -> dict[str, str]:
    """Return an environment for somebody else's program: whatever may hold a secret of ours is left out."""
    secret = {
        name.upper() for name in secret_variables()
    }  # Windows does not tell capitals from small letters
    return {name: value for name, value in environment.items() if name.upper() not in secret}


def secret_variables() -> frozenset[str]:
    """Return the names of the variables that may hold a secret."""
    from ..catalog.manifest import manifest

    fields = (field for form in manifest().credentials.values() for field in form.fields.values())
    return frozenset(SECRET_VARIABLES).union(*(field.environment for field in fields if field.secret))


def split_command(command: str, *, windows: bool) -> list[str]:
    """Split a command into words by the rules of the system. Raises ValueError for an open quote."""
    return _split_on_windows(command) if windows else shlex.split(command)


def _split_on_windows(command: str) -> list[str]:
    """Split as CommandLineToArgvW does: backslashes are plain, unless a double quote follows them."""
    words: list[str] = []
    word: str | None = None
    quoted = False
    for piece in _PIECE.finditer(command):
        backslashes, blanks = piece.groups()
        if backslashes is not None:  # two stand for one, an odd one makes the quote plain
            is_plain = len(backslashes) % 2
            word = (word or "") + "\\" * (len(backslashes) // 2) + '"' * is_plain
            quoted ^= not is_plain
        elif blanks is None or quoted:
            word = (word or "") + piece[0]
        elif word is not None:
            words.append(word)
            word = None
    if quoted:
        raise ValueError("No closing quotation")
    return words if word is None else [*words, word]
