"""What `webhooks listen` does with an event: print it, forward it, or run a command."""

import json
import os
import shlex
import shutil
import subprocess
from dataclasses import fields
from typing import TYPE_CHECKING, Final

import click

from ..errors import ConnectorError, UsageError
from .output import printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..contract import Event

_TIMEOUT_S: Final = 50.0  # less than a lease of the inbox
_NOT_FOR_OTHERS: Final = frozenset({"CALENDLY_WEBHOOK_SECRET"})


def chosen(*, show: bool, forward: str | None, program: str | None) -> "tuple[Callable[[Event], None], str]":
    """Give the handler that was asked for, and what it does, in words."""
    if [show, forward is not None, program is not None].count(True) != 1:
        raise UsageError("Say what to do with events.", fix="Give one of --print, --forward and --exec.")
    if forward is not None:
        from ..triggers.forwarding import Forwarder

        return Forwarder(forward), f"forwarded to {printable(forward)}"
    if program is not None:
        run = Program(program)
        return run, f"given to {printable(run.name)}"
    return print_event, "printed"


def print_event(event: "Event") -> None:
    """Print an event as a line of JSON."""
    click.echo(json.dumps({field.name: getattr(event, field.name) for field in fields(event)}))


class Program:
    """Runs a command, without a shell; its exit code says whether it took the event."""

    def __init__(self, command: str) -> None:
        try:
            self._words = shlex.split(command)
        except ValueError as error:
            raise UsageError(f"The command of --exec cannot be read: {error}.") from None
        self.name = self._words[0] if self._words else ""
        if shutil.which(self.name) is None:
            raise UsageError(f"There is no program {self.name!r} to run.", fix="Give its path in --exec.")

    def __call__(self, event: "Event") -> None:
        """Run it once; ConnectorError where it does not take the event."""
        from ..webhooks.event import write_event

        environment = {name: value for name, value in os.environ.items() if name not in _NOT_FOR_OTHERS}
        environment |= {"CALENDLY_EVENT_ID": event.id, "CALENDLY_EVENT_KIND": event.kind}
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
