"""A group of commands that imports each one when it is called, so that `run` does not pay for `demo`."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click


class LazyGroup(click.Group):
    """Commands by name with a few words each in `about`; `x` is `command` in the module x below `modules`."""

    def __init__(self, *args: Any, modules: str, about: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._modules = modules
        self._about = about

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Give the names."""
        return list(self._about)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import a command."""
        if cmd_name not in self._about:
            return None
        command: click.Command = import_module(f"{self._modules}.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write what the commands are for, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(self._about.items()))
