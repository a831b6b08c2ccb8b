"""Tells the demo's story in a terminal: numbered steps, what a person sees, and the commands they type."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path
from shlex import quote
from typing import Any, Final

import click

from ..errors import ConnectorError
from . import tables
from .commands import PROGRAM
from .sandbox_environment import variables
from .terminal import output_width, printable, shows_bold

_INDENT: Final = 3
_WIDTH: Final = 80  # columns, if the output isn't a terminal
_WIDEST: Final = 100  # longer lines are hard to read
_FAILURES: Final = (ConnectorError, click.ClickException, LookupError, OSError, TypeError, ValueError)


class StepFailedError(Exception):
    """A step had an unexpected result."""


def require(condition: object, problem: str) -> None:
    """Raise StepFailedError unless a condition holds."""
    if not condition:
        raise StepFailedError(problem)


class Story:
    """Prints the steps, and names the one that failed."""

    def __init__(self) -> None:
        self.width = min(output_width() or _WIDTH, _WIDEST)
        self._colors = shows_bold(sys.stdout)
        self._number = 0

    def open(self, text: str) -> None:
        """Begin the story."""
        for line in tables.wrapped(text, self.width):
            click.echo(line)

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Begin a step. Raises StepFailedError with its number and title if something in it fails."""
        self._number += 1
        click.echo()
        for number, line in enumerate(tables.wrapped(title, self.width - _INDENT)):
            first = " " * _INDENT if number else f"{self._number}. "
            click.echo(self._styled(first + line, "1;36"))
        try:
            yield
        except BrokenPipeError:  # nobody listens any more
            raise
        except (*_FAILURES, StepFailedError) as error:
            why = str(error) if isinstance(error, ConnectorError | StepFailedError) else _described(error)
            raise StepFailedError(f"step {self._number}, {title!r}, failed: {why}") from error

    def say(self, text: str, *, label: str = "", style: str = "") -> None:
        """Print a text below a step, after a label, wrapped between words."""
        first = " " * _INDENT + (f"{label}  " if label else "")
        for part in text.splitlines() or [""]:
            for line in tables.wrapped(printable(part), max(1, self.width - len(first))):
                click.echo((first + self._styled(line, style)).rstrip())
                first = " " * len(first)

    def type(self, *words: str) -> None:
        """Print a command as a person types it, continued on the next line if it is long."""
        prompt, more = "$ ", "    "
        lines = [prompt + words[0]]
        for part in _parts(words[1:]):
            if len(lines[-1]) + len(part) + 3 + _INDENT > self.width:
                lines[-1] += " \\"
                lines.append(more + part)
            else:
                lines[-1] += f" {part}"
        for line in lines:
            click.echo(" " * _INDENT + self._styled(line, "1"))

    def run(self, *arguments: str, most: int | None = None) -> str:
        """Type a command of this program, run it, and print the first `most` lines of what it prints.

        Paths are typed as their names. Return all that it prints. Raises StepFailedError or ConnectorError.
        """
        self.type(PROGRAM, *(Path(word).name if Path(word).is_absolute() else word for word in arguments))
        code, shown, problems = self._ran(list(arguments))
        require(code == 0, problems.strip() or shown.strip() or f"exit code {code}")
        for line in shown.splitlines()[:most]:
            for part in [line] if "\x1b" in line else tables.wrapped(line, self.width - _INDENT):
                click.echo(f"{' ' * _INDENT}{part}".rstrip())
        return shown

    def _ran(self, arguments: list[str]) -> tuple[int, str, str]:
        from . import _group as group

        screen, problems = _Screen(), StringIO()
        settings = {"COLUMNS": str(self.width - _INDENT), "NO_COLOR": "" if self._colors else "1"}
        with variables(settings), redirect_stdout(screen.text), redirect_stderr(problems):
            code = group.main(arguments, prog_name=PROGRAM, standalone_mode=False)
            screen.text.flush()
        return code if isinstance(code, int) else 0, screen.getvalue().decode(), problems.getvalue()

    def end(self, title: str, commands: Mapping[str, str]) -> None:
        """Print the commands to go on with. What they do is left out of a narrow terminal."""
        click.echo(f"\n{self._styled(title, '1;36')}")
        program = _program()
        rows = [(f"{program} {command}", text) for command, text in commands.items()]
        commands_width = max(len(command) for command, _ in rows)
        fits = all(_INDENT + commands_width + tables.GAP + len(text) <= self.width for _, text in rows)
        for command, text in rows:
            shown = tables.padded(command, commands_width + tables.GAP) if fits else command
            click.echo(f"{' ' * _INDENT}{self._styled(shown, '1')}{text if fits else ''}")

    def _styled(self, text: str, style: str) -> str:
        return f"\x1b[{style}m{text}\x1b[0m" if style and self._colors else text


class _Screen(BytesIO):
    """What a command writes to, as if it were a terminal."""

    def __init__(self) -> None:
        super().__init__()
        self.text = TextIOWrapper(self, encoding="utf-8", write_through=True)

    def isatty(self) -> bool:
        """Let commands print for people."""
        return True


def _parts(words: tuple[str, ...]) -> Iterator[str]:
    """Yield an option together with its value, and quote what a shell needs quoted."""
    waiting = ""
    for word in words:
        if word.startswith("--"):
            if waiting:
                yield waiting
            waiting = word
        else:
            shown = word if quote(word) == word else f'"{word}"'
            yield f"{waiting} {shown}".strip()
            waiting = ""
    if waiting:
        yield waiting


def _program() -> str:
    """Return the program as it was started: by its name if that is on the path, else by its place."""
    from shutil import which

    started = Path(sys.argv[0])
    if started.stem != PROGRAM or not started.is_file():
        return PROGRAM
    known = which(PROGRAM)
    if known and Path(known).samefile(started):
        return PROGRAM
    place = started.absolute()
    return str(place.relative_to(Path.cwd())) if place.is_relative_to(Path.cwd()) else str(place)


def _described(error: Any) -> str:
    if isinstance(error, click.ClickException):
        return error.format_message()
    if isinstance(error, OSError):
        return f"{error.strerror or error}."
    return f"unexpected reply ({type(error).__name__}: {error})."
