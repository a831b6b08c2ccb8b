"""The manual pages in `man/` and the completion scripts in `completions/`, made from the command line.

`tools/docs.py` writes them. They name no version and no date, so only a change of the commands changes them.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click
from calendly_connector.cli import _group as program
from calendly_connector.cli.commands import COMMANDS, GROUPS, PROGRAM
from calendly_connector.cli.completion import source

import docs_configuration
import troff
from docs_cli import examples_of, subcommands

ROOT: Final = Path(__file__).parent.parent
_COMPLETIONS: Final = {
    "bash": f"bash/{PROGRAM}",
    "zsh": f"zsh/_{PROGRAM}",
    "fish": f"fish/{PROGRAM}.fish",
}
_ENVIRONMENT: Final = {
    name: text.replace("`", "")
    for title, variables in docs_configuration.declared().items()
    if not title.startswith("Set for")  # these are set by the program, not for it
    for name, text in variables.items()
} | {"NO_COLOR": "Set to anything: no colors and no bold text."}
_FOLDER: Final = f"~/.local/share/{PROGRAM}"
_FILES: Final = {
    "vault.json": "Credentials, encrypted. CALENDLY_CONNECTOR_VAULT names another place.",
    "vault.json.key": "The key of the vault, only if the operating system has no keyring.",
    "vault.json.default": "The name of the default credential, that of the last `login` or `use`.",
    "inbox.db": "Webhooks that were received, and what became of them.",
    "agent.db": "Process flows and their runs.",
}
_EXIT_CODES: Final = {
    "0": "Success.",
    "1": "An error. It is printed to standard error, and says what to do.",
    "2": "Wrong usage: an unknown command, option or value, or an input that is missing.",
}
_LONGEST_TITLE: Final = 38  # characters: half of a terminal, less `(1)`
_HELP_OPTION: Final = ("-h, --help", "Show the command's help and exit.")


def files() -> dict[Path, str]:
    """Return the text of each manual page and completion script."""
    pages = {ROOT / "man" / f"{page.name}.1": page.text() for page in _pages(program, (PROGRAM,))}
    scripts = {ROOT / "completions" / name: source(shell) for shell, name in _COMPLETIONS.items()}
    return {**pages, **scripts}


def stale_files() -> list[Path]:
    """Return the files in the two folders that no command has any more."""
    there = [*(ROOT / "man").glob("*"), *(ROOT / "completions").glob("*/*")]
    return sorted(set(there) - files().keys())


def _pages(command: click.Command, words: tuple[str, ...]) -> Iterator["_Page"]:
    yield _Page(command, words)
    for name, each in subcommands(command).items():
        yield from _pages(each, (*words, name))


class _Page:
    """The page of a command, whose words are those that call it."""

    def __init__(self, command: click.Command, words: tuple[str, ...]) -> None:
        self.name = "-".join(words)
        self._command = command
        self._words = words
        self._context = click.Context(command, info_name=" ".join(words), **program.context_settings)
        self._inner = subcommands(command)

    def text(self) -> str:
        """Return the page."""
        lines = [
            r".\" Generated from the command line by `make docs`.",
            rf'.TH "{troff.escaped(self._title().upper())}" 1 "" "{PROGRAM}" "\&"',
            ".nh",
            ".nr HY 0",  # man-db's macros turn hyphenation on again, unless the register is 0
            ".ad l",
            troff.heading("NAME"),
            f"{troff.escaped(self.name)} \\- {self._summary()}",
            troff.heading("SYNOPSIS"),
            f"{troff.bold(' '.join(self._words))} {troff.usage(' '.join(self._usage()))}",
            troff.heading("DESCRIPTION"),
            *troff.paragraphs(self._help()),
            *self._commands(),
            troff.heading("OPTIONS"),
            *troff.definitions(self._options()),
            troff.heading("EXAMPLES"),
            *troff.commands(examples_of(self._command)),
            *self._environment(),
            troff.heading("EXIT STATUS"),
            *troff.definitions((troff.bold(code), text) for code, text in _EXIT_CODES.items()),
            *self._files(),
            troff.heading("SEE ALSO"),
            ",\n".join(f"{troff.bold(page)}(1)" for page in self._related()),
        ]
        return "\n".join(lines) + "\n"

    @property
    def _is_program(self) -> bool:
        return len(self._words) == 1

    def _title(self) -> str:
        """Return what stands twice at the top: the name of the group if the command's own doesn't fit."""
        return self.name if len(self.name) < _LONGEST_TITLE else "-".join(self._words[:-1])

    def _help(self) -> str:
        return self._command.help or ""

    def _summary(self) -> str:
        text = " ".join(re.split(r"\n\s*\n", self._help())[0].split()).rstrip(".")
        return troff.prose(text[0].lower() + text[1:])

    def _usage(self) -> list[str]:
        return self._command.collect_usage_pieces(self._context)

    def _commands(self) -> Iterator[str]:
        if not self._inner:
            return
        yield troff.heading("COMMANDS")
        for title, entries in self._command_groups().items():
            if title:
                yield f".SS {troff.escaped(title)}"
            yield from troff.definitions((troff.bold(name), text) for name, text in entries.items())

    def _command_groups(self) -> dict[str, dict[str, str]]:
        if self._is_program:
            return {title: dict(entries) for title, entries in GROUPS.items() if entries}
        return {"": {name: each.get_short_help_str(limit=200) for name, each in self._inner.items()}}

    def _options(self) -> Iterator[tuple[str, str]]:
        options = [each for each in self._command.params if isinstance(each, click.Option)]
        records = [option.get_help_record(self._context) for option in options]
        shared = [option.get_help_record(self._context) for option in program.params]
        general = (
            [] if self._is_program else [record for record in shared if record and "debug" in "".join(record)]
        )
        for names, text in [*filter(None, records), *general, _HELP_OPTION]:
            yield troff.usage(names), re.sub(r"\s{2,}\[", " [", text)

    def _environment(self) -> Iterator[str]:
        names = list(_ENVIRONMENT) if self._is_program else self._own_variables()
        if names:
            yield troff.heading("ENVIRONMENT")
            yield from troff.definitions((troff.bold(name), _ENVIRONMENT[name]) for name in names)

    def _own_variables(self) -> list[str]:
        """Return the variables that the options read, or that the help names."""
        texts = [self._help(), *(getattr(option, "help", None) or "" for option in self._command.params)]
        read = {str(option.envvar) for option in self._command.params if option.envvar}
        return [name for name in _ENVIRONMENT if name in read or any(name in text for text in texts)]

    def _files(self) -> Iterator[str]:
        if self._is_program:
            yield troff.heading("FILES")
            entries = _FILES.items()
            yield from troff.definitions((troff.bold(f"{_FOLDER}/{name}"), text) for name, text in entries)
            yield ".PP"
            yield from troff.paragraphs("On macOS and Windows they are in the folder for application data.")

    def _related(self) -> list[str]:
        if self._is_program:
            return [f"{PROGRAM}-{name}" for name in COMMANDS]
        above = ["-".join(self._words[:-1])] + ([PROGRAM] if len(self._words) > 2 else [])  # noqa: PLR2004
        return above + [f"{self.name}-{name}" for name in self._inner]
