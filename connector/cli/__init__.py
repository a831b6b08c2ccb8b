"""The command line `calendly-connector`.

Exit codes: 0 done; 1 the connector or Calendly said no, in one line that says what to do; 2 wrong call.
"""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import click

from ..errors import ConnectorError, UsageError
from ..support.redaction import redact, redact_all
from ..version import __version__
from .lazy import LazyGroup
from .output import printable

_OTHER_SECRETS = frozenset({"CALENDLY_CONNECTOR_KEY", "CALENDLY_MCP_TOKEN"})
_SHORTEST_SECRET = 8  # characters: to mask what is shorter would mask words

_COMMANDS = {
    "check": "Say who a credential is and what it can do, or what exactly is wrong with it.",
    "actions": "List everything the connector can do.",
    "describe": "Show an action: its inputs, its output, an example, the scopes it needs.",
    "run": "Run an action.",
    "sync": "Copy an account into a database or files, and keep the copy up to date.",
    "webhooks": "Take what Calendly posts when something happens.",
    "request": "Send any request, for what the catalog does not have yet.",
    "sandbox": "Serve a made-up Calendly on this machine.",
    "login": "Sign in with OAuth, and keep the tokens in the vault.",
    "logout": "Give the tokens of a sign-in back.",
    "scopes": "Say which scopes actions and triggers need.",
    "vault": "Keep credentials under names: list, add, show, remove, rekey.",
    "mcp": "Serve AI agents over the Model Context Protocol.",
    "demo": "Show an automation host at work with the connector.",
}


@click.group(cls=LazyGroup, summaries=_COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--debug",
    is_flag=True,
    envvar="CALENDLY_DEBUG",
    help="Print requests and replies to standard error, without secrets and people.",
)
@click.option("--show-people", is_flag=True, help="With --debug: print people too.")
@click.version_option(__version__, prog_name="calendly-connector")
@click.pass_context
def _group(context: click.Context, *, debug: bool, show_people: bool) -> None:
    """Calendly for automation hosts, from the command line.

    Commands that sign in take --credential NAME, or the name in CALENDLY_CREDENTIAL: that of a credential
    in the vault. Without a name the token is read from CALENDLY_API_TOKEN, the webhook signing key from
    CALENDLY_WEBHOOK_SECRET. The API's origin is in CALENDLY_API_URL (default: Calendly itself).
    """
    if debug:
        from .debug import debugging

        context.with_resource(debugging(show_people=show_people))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; give its exit code. No traceback and no secret ever reaches the terminal."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if sys.stdout is None:  # whoever started us closed it
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - for as long as we run
    try:
        code = _group.main(words, prog_name="calendly-connector", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return 2
    except click.ClickException as error:
        return _refuse(words, UsageError(error.format_message()), 2)
    except UsageError as error:
        return _refuse(words, error, 2)
    except ConnectorError as error:
        return _refuse(words, error, 1)
    except (click.Abort, KeyboardInterrupt):
        return _refuse(words, ConnectorError("Interrupted."), 1)
    except OSError as error:
        # The disk is full, or whoever read our output has gone: a second try at exit must not complain.
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            return 1
        return _refuse(words, ConnectorError(f"{error.strerror or error}."), 1)
    return code if isinstance(code, int) else 0


def _refuse(words: Sequence[str], error: ConnectorError, code: int) -> int:
    secrets = _secrets()  # one may have been given in the place of a name
    if "--json" in words:
        import json

        click.echo(json.dumps({"error": redact_all(error.to_dict(), *secrets)}), err=True)
    else:
        click.echo(f"calendly-connector: {printable(redact(str(error), *secrets))}", err=True)
    return code


def _secrets() -> list[str]:
    """Return the secrets in the environment, without words too short to be one."""
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
