"""The commands in groups, as `--help` lists them, and what all of them share: examples, hints, `--debug`."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final

import click

from ..errors import UsageError
from ..support.redaction import quoted
from .terminal import debugging, printable

PROGRAM: Final = "calendly-connector"

GROUPS: Final[Mapping[str, Mapping[str, str]]] = {
    "Everyday commands": {
        "agenda": "Show your meetings and invitees.",
        "slots": "Show free times of an event type.",
        "book": "Book a meeting.",
        "cancel": "Cancel meetings.",
        "reschedule": "Move a meeting to another time.",
        "no-show": "Mark invitees who didn't come.",
        "links": "Create single-use booking links.",
        "report": "Count bookings, cancellations and no-shows.",
    },
    "Actions": {
        "run": "Run an action.",
        "actions": "List all actions.",
        "describe": "Show an action's inputs, output and scopes, with an example.",
        "choices": "List the choices of a field.",
        "functions": "List the functions that inputs may contain.",
        "request": "Send a raw API request.",
    },
    "Sync and webhooks": {
        "sync": "Sync your account to a database or files.",
        "webhooks": "Receive and manage webhooks.",
    },
    "Process flows": {
        "flow": "Write, check, deploy and follow process flows.",
        "agent": "Run the deployed flows, and receive their events.",
    },
    "Credentials": {
        "login": "Sign in, and use this credential from now on.",
        "logout": "Sign out: revoke and delete stored tokens.",
        "use": "Choose the credential that commands use by default.",
        "check": "Check a credential: its owner, its permissions, and any problems.",
        "scopes": "List the scopes that actions and triggers need.",
        "vault": "Manage named, encrypted credentials.",
    },
    "For developers and agents": {
        "completion": "Install tab completion for your shell.",
        "mcp": "Run an MCP server for AI agents.",
        "sandbox": "Run a local mock of Calendly.",
        "demo": "Watch a host, a person and a process flow use the connector.",
    },
}
"""The commands with their one-line help. Each is a module of this package with the same name."""

COMMANDS: Final = {name: text for group in GROUPS.values() for name, text in group.items()}

_FOR_PEOPLE = {
    "bookings.cancel": "cancel",
    "bookings.create": "book",
    "bookings.no_show": "no-show",
    "bookings.reschedule": "reschedule",
    "links.create": "links",
    "meetings.list": "agenda",
    "reports.bookings": "report",
    "slots.list": "slots",
}


def action_of(name: str) -> str:
    """Return the action behind an everyday command such as `cancel`, or the name itself."""
    return next((action for action, command in _FOR_PEOPLE.items() if command == name), name)


def examples(*arguments: str) -> str:
    """Return the end of a command's help: its examples, each as the arguments after the program's name."""
    lines = "\n".join(f"  {PROGRAM} {line}" for line in arguments)
    return f"\b\nExamples:\n{lines}"


class CommandGroup(click.Group):
    """A group that names the nearest command for a misspelt one."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that the first argument names. Raises UsageError."""
        name = args[0]
        if name not in self.list_commands(ctx) and not name.startswith("-") and not ctx.resilient_parsing:
            raise UsageError(f"No such command {quoted(printable(name))}.", fix=self.hint(ctx, name))
        return super().resolve_command(ctx, args)

    def hint(self, ctx: click.Context, name: str) -> str:
        """Return what to do about an unknown command."""
        from .guesses import nearest

        group = ctx.command_path.removeprefix(PROGRAM).strip()
        command = nearest(group, name, self.list_commands(ctx))
        if command:
            return f"Did you mean `{PROGRAM} {command}`?"
        return f"Run `{ctx.command_path} --help` for a list."


class LazyGroup(CommandGroup):
    """The program: imports a command's module only when needed, so `run` doesn't load `demo`."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names of all commands, as `--help` orders them."""
        return list(COMMANDS)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the program's arguments; `help COMMAND` means `COMMAND --help`."""
        if args[:1] == ["help"]:
            args = [*args[1:], "--help"]
        return super().parse_args(ctx, args)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Return a command, None if it doesn't exist."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f".{cmd_name.replace('-', '_')}", __package__).command
        _accept_debug(command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the commands, a section for each group."""
        width = max(map(len, COMMANDS))
        for title, commands in GROUPS.items():
            if commands:
                with formatter.section(title):
                    formatter.write_dl([(f"{name:<{width}}", text) for name, text in commands.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        """Return the commands that begin with a text, without importing their modules."""
        from click.shell_completion import CompletionItem

        if incomplete.startswith("-"):
            return click.Command.shell_complete(self, ctx, incomplete)
        return [
            CompletionItem(name, help=text) for name, text in COMMANDS.items() if name.startswith(incomplete)
        ]

    def hint(self, ctx: click.Context, name: str) -> str:
        """Return what to do about an unknown command, which may be an action."""
        from ..catalog.manifest import named

        actions = named(name)
        if not actions:
            return super().hint(ctx, name)
        run = f"To run the action, use: {PROGRAM} run {name.strip()}"
        command = _FOR_PEOPLE.get(actions[0].id)
        return f"Did you mean `{PROGRAM} {command}`? {run}" if command else run


def usage_error(error: click.ClickException) -> UsageError:
    """Return our error for one of click's. A missing or unexpected argument leads to the command's help."""
    message = error.format_message().replace("a valid integer range", "a whole number")
    context = error.ctx if isinstance(error, click.UsageError) else None
    is_about_arguments = isinstance(error, click.MissingParameter) or message.startswith("Got unexpected")
    if not (context and is_about_arguments):
        return UsageError(message)
    return UsageError(f"{message.rstrip('.')}.", fix=f"Run `{context.command_path} --help` for its usage.")


def debug_options(*, hidden: bool = False) -> list[click.Parameter]:
    """Return the options `--debug` and `--show-people`."""
    return [
        click.Option(
            ["--debug"],
            is_flag=True,
            expose_value=False,
            hidden=hidden,
            envvar=None if hidden else "CALENDLY_DEBUG",
            callback=_switch_on,
            help="Print requests and responses to standard error, without secrets or personal data.",
        ),
        click.Option(
            ["--show-people"],
            is_flag=True,
            expose_value=False,
            hidden=hidden,
            callback=_switch_on,
            help="With --debug: include personal data.",
        ),
    ]


def _switch_on(context: click.Context, option: click.Parameter, value: bool) -> None:
    """Start the log, whichever of the two options comes first, before or after the command."""
    if not value or context.resilient_parsing:
        return
    context.meta[f"{__name__}.{option.name}"] = True
    if context.meta.get(f"{__name__}.debug"):
        shows_people = bool(context.meta.get(f"{__name__}.show_people"))
        context.find_root().with_resource(debugging(show_people=shows_people))


def _accept_debug(command: click.Command) -> None:
    """Let a command and its subcommands accept the options of the program, too."""
    if not any(option.name == "debug" for option in command.params):
        command.params.extend(debug_options(hidden=True))
    if isinstance(command, click.Group):
        for each in command.commands.values():
            _accept_debug(each)
