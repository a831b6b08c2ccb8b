"""The command line `calendly-connector`.

Exit codes: 0 for success, 1 for an error, 2 for wrong usage. An error is one line that says what to do.
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
from .commands import PROGRAM, LazyGroup, debug_options, examples, usage_error
from .terminal import printable

_OTHER_SECRETS = frozenset({"CALENDLY_CONNECTOR_KEY", "CALENDLY_MCP_TOKEN", "CALENDLY_SLACK_URL"})
_SHORTEST_SECRET = 8  # characters; masking shorter values would mask words


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=examples("login", "agenda --week", "slots intro --next-week", 'cancel "mon 14:00"'),
)
@click.version_option(__version__, prog_name=PROGRAM)
def _group() -> None:
    """Work with Calendly from the command line.

    Sign in once with `calendly-connector login`. Commands use the credential that --credential or
    CALENDLY_CREDENTIAL names, then the token in CALENDLY_API_TOKEN, then the default credential, which `use`
    shows and changes. Set CALENDLY_API_URL to use another API server, such as the sandbox.
    """


_group.params.extend(debug_options())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code. Errors are printed without tracebacks or secrets."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if sys.stdout is None:  # the parent process closed it
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - open until exit
    try:
        code = _group.main(arguments, prog_name=PROGRAM, standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return 2
    except click.ClickException as error:
        return _fail(arguments, usage_error(error), 2)
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
        variable for form in forms for field in form.fields if field.secret for variable in field.environment
    } | _OTHER_SECRETS
    values = (os.environ.get(variable, "") for variable in sorted(variables))
    return [value for value in values if len(value) >= _SHORTEST_SECRET]
