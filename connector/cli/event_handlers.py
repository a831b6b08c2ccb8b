"""What `webhooks listen` does with an event: print it, forward it, run a command, or write to Slack."""

import json
import os
import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass, fields
from datetime import UTC, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from ..errors import ConnectorError, UsageError
from ..support.redaction import SECRET_VARIABLES, quoted
from .account_view import AccountView
from .terminal import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..connection import CalendlyConnection
    from ..contract import Event
    from ..events.notices import Template

SLACK_VARIABLE: Final = "CALENDLY_SLACK_URL"
_TIMEOUT_S: Final = 50.0  # shorter than the inbox's lease
_PIECE: Final = re.compile(
    r'(\\*)"|(\s+)|[^\s"\\]+|\\'
)  # a quote after backslashes, whitespace, or other text


@dataclass(frozen=True, slots=True)
class NoticeOptions:
    """The options of messages to Slack; `connection` reads the account's time zone."""

    url: str | None = None
    templates: tuple[str, ...] = ()
    zone: tzinfo | None = None
    connection: "CalendlyConnection | None" = None


def event_handler(
    *, show: bool, forward: str | None, program: str | None, notices: NoticeOptions
) -> "tuple[Callable[[Event], None], str]":
    """Return the handler that the options ask for, and a phrase such as "printed" that describes it."""
    others = [show, forward is not None, program is not None].count(True)
    url = notices.url or (None if others else os.environ.get(SLACK_VARIABLE))
    if others + (url is not None) != 1:
        raise UsageError(
            "Choose what to do with events.",
            fix="Pass exactly one of --slack, --print, --forward and --exec.",
        )
    if url is not None:
        return _slack_notifier(url, notices), "sent to Slack"
    if notices.templates or notices.zone:
        raise UsageError("--template and --tz require --slack.")
    if forward is not None:
        from ..events.forwarder import Forwarder

        return Forwarder(forward), f"forwarded to {printable(forward)}"
    if program is not None:
        run = Program(program)
        return run, f"passed to {printable(run.name)}"
    return print_event, "printed"


def _slack_notifier(url: str, notices: NoticeOptions) -> "Callable[[Event], None]":
    from ..events.slack import SlackNotifier

    templates = dict(map(read_template, notices.templates))
    account = AccountView(notices.connection, notices.zone) if notices.connection else None
    return SlackNotifier(url, templates, account.shown_zone if account else notices.zone or UTC)


def read_template(option: str) -> "tuple[str, Template]":
    """Return the kind of event, "" for all, and the template that `--template` names. Raises UsageError."""
    from ..catalog.manifest import manifest
    from ..events.notices import Template

    kind, sign, text = option.partition("=")
    if not sign or kind not in manifest().triggers:
        kind, text = "", option
    if "{" not in text and "\n" not in text:  # a message without a field says nothing about the event
        try:
            text = Path(text).read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            reason = (error.strerror if isinstance(error, OSError) else "") or "it isn't a text file"
            raise UsageError(
                f"--template: can't read {quoted(printable(text))}: {reason}.",
                fix="Pass a file, or a text with fields such as '{name} booked {meeting}'.",
            ) from None
    return kind, Template(text)


def print_event(event: "Event") -> None:
    """Print an event as a line of JSON, with its warnings if there are any."""
    shown = {field.name: getattr(event, field.name) for field in fields(event)}
    if not event.warnings:
        del shown["warnings"]
    click.echo(json.dumps(shown))


class Program:
    """Runs a command for each event, without a shell."""

    def __init__(self, command: str) -> None:
        try:
            self._words = split_command(command, windows=os.name == "nt")
        except ValueError as error:
            raise UsageError(f"Invalid --exec command: {error}.") from None
        self.name = self._words[0] if self._words else ""
        if shutil.which(self.name) is None:
            raise UsageError(
                f"--exec: command {self.name!r} not found.", fix="Check the name, or pass a path."
            )

    def __call__(self, event: "Event") -> None:
        """Run the command once. Raises ConnectorError if it fails or takes too long."""
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
            raise ConnectorError(f"{self.name} timed out after {_TIMEOUT_S:.0f} s.") from None
        except OSError as error:
            raise ConnectorError(f"Can't run {self.name}: {error.strerror}.") from None
        if done.returncode:
            raise ConnectorError(f"{self.name} exited with code {done.returncode}.")


def without_secrets(environment: "Mapping[str, str]") -> dict[str, str]:
    """Return the environment without variables that may hold one of our secrets."""
    secret = {name.upper() for name in secret_variables()}  # names are case-insensitive on Windows
    return {name: value for name, value in environment.items() if name.upper() not in secret}


def secret_variables() -> frozenset[str]:
    """Return the names of the variables that may hold a secret."""
    from ..catalog.manifest import manifest

    fields = (field for form in manifest().credentials.values() for field in form.fields)
    return frozenset(SECRET_VARIABLES).union(*(field.environment for field in fields if field.secret))


def split_command(command: str, *, windows: bool) -> list[str]:
    """Split a command by the rules of the operating system. Raises ValueError if a quote isn't closed."""
    return _split_on_windows(command) if windows else shlex.split(command)


def _split_on_windows(command: str) -> list[str]:
    """Split as CommandLineToArgvW does: backslashes are literal, unless a double quote follows them."""
    words: list[str] = []
    word: str | None = None
    quoted = False
    for piece in _PIECE.finditer(command):
        backslashes, blanks = piece.groups()
        if backslashes is not None:  # two stand for one; an odd one escapes the quote
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
