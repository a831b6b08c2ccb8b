"""The command line `calendly-connector`.

Exit codes: 0 for success, 1 for an error, 2 for wrong usage. An error is one line that says what to do.
"""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import click

from ..errors import ConnectorError, UsageError
from ..support.redaction import redact, redact_all
from ..version import __version__
from .terminal import debugging, printable

_OTHER_SECRETS = frozenset({"CALENDLY_CONNECTOR_KEY", "CALENDLY_MCP_TOKEN"})
_SHORTEST_SECRET = 8  # characters; masking shorter values would mask words

_COMMANDS = {
    "check": "Check a credential: its owner, its permissions, and any problems.",
    "actions": "List all actions.",
    "describe": "Show an action's inputs, output and scopes, with an example.",
    "run": "Run an action.",
    "sync": "Sync your account to a database or files.",
    "webhooks": "Receive and manage webhooks.",
    "request": "Send a raw API request.",
    "sandbox": "Run a local mock of Calendly.",
    "login": "Sign in with OAuth and store the tokens in the vault.",
    "logout": "Sign out: revoke and delete stored OAuth tokens.",
    "scopes": "List the scopes that actions and triggers need.",
    "vault": "Manage named, encrypted credentials.",
    "mcp": "Run an MCP server for AI agents.",
    "demo": "Watch a sample automation host use the connector.",
}


class _LazyGroup(click.Group):
    """A group that imports a command's module only when needed, so `run` doesn't load `demo`."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = import_module(f".{cmd_name}", __package__).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(
    cls=_LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--debug",
    is_flag=True,
    envvar="CALENDLY_DEBUG",
    help="Print requests and responses to standard error, without secrets or personal data.",
)
@click.option("--show-people", is_flag=True, help="With --debug: include personal data.")
@click.version_option(__version__, prog_name="calendly-connector")
@click.pass_context
def _group(context: click.Context, *, debug: bool, show_people: bool) -> None:
    """Work with Calendly from the command line.

    Commands that need a credential use the one from the vault that --credential or CALENDLY_CREDENTIAL names.
    Without a name, they read the token from CALENDLY_API_TOKEN and the webhook signing key from
    CALENDLY_WEBHOOK_SECRET. Set CALENDLY_API_URL to use another API server, such as the sandbox.
    """
    if debug:
        context.with_resource(debugging(show_people=show_people))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code. Errors are printed without tracebacks or secrets."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if sys.stdout is None:  # the parent process closed it
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - open until exit
    try:
        code = _group.main(arguments, prog_name="calendly-connector", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return 2
    except click.ClickException as error:
        return _fail(arguments, UsageError(error.format_message()), 2)
    except UsageError as error:
        return _fail(arguments, error, 2)
    except ConnectorError as error:
        return _fail(arguments, error, 1)
    except (click.Abort, KeyboardInterrupt):
        return _fail(arguments, ConnectorError("Interrupted."), 1)
    except OSError as error:
        # The disk is full, or the reader of our output is gone. Don't let Python fail again at exit.
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            return 1
        return _fail(arguments, ConnectorError(f"{error.strerror or error}."), 1)
    return code if isinstance(code, int) else 0


def _fail(arguments: Sequence[str], error: ConnectorError, code: int) -> int:
    secrets = _secrets()  # one may have been passed where a name belongs
    if "--json" in arguments:
        import json

        click.echo(json.dumps({"error": redact_all(error.to_dict(), *secrets)}), err=True)
    else:
        click.echo(f"calendly-connector: {printable(redact(str(error), *secrets))}", err=True)
    return code


def _secrets() -> list[str]:
    """Return the secrets in the environment, except values too short to be one."""
    from ..catalog.manifest import manifest

    forms = manifest().credentials.values()
    variables = {
        variable
        for form in forms
        for field in form.fields.values()
        if field.secret
        for variable in field.environment
    } | _OTHER_SECRETS
    values = (os.environ.get(variable, "") for variable in sorted(variables))
    return [value for value in values if len(value) >= _SHORTEST_SECRET]
