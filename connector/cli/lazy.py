"""Groups of commands, each in a module of its own, which is imported when the command is called."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click


class LazyGroup(click.Group):
    """A group that knows its commands by name and summary, so that `run` does not pay for `demo`.

    The command `name` is `command` in the module `prefix` + `name` beside this one.
    """

    def __init__(self, *args: Any, summaries: Mapping[str, str], prefix: str = "", **more: Any) -> None:
        super().__init__(*args, **more)
        self._summaries = summaries
        self._prefix = prefix

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Give the names, in the order of the help."""
        return list(self._summaries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import a command."""
        if cmd_name not in self._summaries:
            return None
        command: click.Command = import_module(f".{self._prefix}{cmd_name}", __package__).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the commands' part of the help without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(self._summaries.items()))
