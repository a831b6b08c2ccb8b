"""`calendly-connector demo`: a short story, told with a sandbox; each step is checked.

A host loads the connector, a person reads the agenda and books, a webhook arrives, and a process flow answers
it, also if its process is killed. It needs no account and no network, and keeps nothing. With LIVE=1 and a
token, its read-only steps run against Calendly.
"""

import logging
import os
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import click

from ..auth.credentials import credential_source
from ..errors import ConnectorError, UsageError
from ..support import extras
from . import demo_host, demo_meetings
from .agent_options import DATABASE_VARIABLE
from .commands import examples
from .demo_story import StepFailedError, Story
from .options import credential, signs_in
from .sandbox_environment import sandbox_environment, variables
from .terminal import printable

if TYPE_CHECKING:
    from calendly_connector.sandbox.server import Sandbox

    from ..auth.vault import Vault

_TOKEN: Final = "sandbox-owner"  # noqa: S105 - the sandbox's
_NEXT_TITLE: Final = "Next, with your own account:"
_NEXT: Final = {
    "login": "sign in with your token",
    "agenda --tomorrow": "list tomorrow's meetings",
    "agent": "make process flows",
}


@click.command("demo", epilog=examples("demo"))
@signs_in
def command() -> int:
    """Watch a host, a person and a process flow use the connector.

    Runs against the sandbox. Set LIVE=1 to run the read-only steps against Calendly with your own token.
    """
    live = os.environ.get("LIVE", "") not in {"", "0"}
    story = Story()
    logging.getLogger("uvicorn").addHandler(logging.NullHandler())  # the sandbox may be stopped at any time
    try:
        if live:
            _tell_live(story)
        else:
            _tell(story)
    except (StepFailedError, ConnectorError) as error:
        return _failed(str(error))
    except BrokenPipeError:  # nobody listens any more
        raise
    except OSError as error:
        return _failed(f"{error.strerror or error}. The demo must be able to listen on ports of 127.0.0.1.")
    return 0


def _failed(why: str) -> int:
    click.echo(f"demo: {printable(why)}", err=True)
    return 1


def _tell(story: Story) -> None:
    story.open("The connector in seven steps, with a mock of Calendly on this machine.")
    with ExitStack() as stack:
        sandbox = stack.enter_context(_sandbox())
        folder = stack.enter_context(_folder())
        vault = stack.enter_context(_environment(sandbox.url, folder))
        from .demo_agent import AgentProcess
        from .demo_chat import Chat
        from .demo_flow import DeployedFlow

        agent = stack.enter_context(AgentProcess(folder))
        agent.start()
        connector = demo_host.find_connector(story)
        key = secrets.token_urlsafe(24)
        fields = {"kind": "personal_access_token", "token": _TOKEN, "signing_key": key}
        connection = stack.enter_context(connector.connect(fields, origin=sandbox.url))
        demo_host.check_tokens(story, connector, connection, origin=sandbox.url)
        demo_meetings.plan_tomorrow(sandbox)
        demo_meetings.show_agenda(story)
        with story.step("A flow is deployed, and a meeting booked by name and local time"):
            flow = DeployedFlow(sandbox, agent, stack.enter_context(Chat()))
            flow.deploy(story, vault, folder)
            host = stack.enter_context(demo_host.subscription(connection, key))
            demo_meetings.book(story, connection)
        host.receive(story, demo_meetings.EMAIL)
        flow.answer(story, demo_meetings.INVITEE)
        flow.survive(story, "Sam Lindqvist", demo_meetings.tomorrow_at("16:30"))
        story.end(_NEXT_TITLE, _NEXT)


def _tell_live(story: Story) -> None:
    fields = credential()
    story.open("The steps that only read, with your account.")
    connector = demo_host.find_connector(story)
    with connector.connect(fields, source=credential_source(fields)) as connection:
        demo_host.check_tokens(story, connector, connection)
    named = ("--credential", fields["name"]) if fields["kind"] == "stored" else ()
    demo_meetings.show_agenda(story, *named, expected=False)
    story.end(_NEXT_TITLE, _NEXT)


def _sandbox() -> "Sandbox":
    """Return a sandbox. Raises UsageError if a library is missing."""
    try:
        from calendly_connector.sandbox.server import Sandbox
    except ImportError as error:
        raise _missing(error.name) from None
    if find_spec("dbos") is None:
        raise _missing("dbos")
    return Sandbox(public_origin=True, check_replies=True, events=2)


def _missing(library: str | None) -> UsageError:
    return UsageError(f"The demo needs {library}.", fix=extras.install("agent", "sandbox"))


@contextmanager
def _folder() -> Iterator[Path]:
    """Yield a folder that is deleted at the end. Raises ConnectorError if there can't be one."""
    try:
        folder = TemporaryDirectory(prefix="calendly-demo-", ignore_cleanup_errors=True)
    except OSError as error:
        raise ConnectorError(
            f"Can't write temporary files: {error.strerror or error}.",
            fix="Set TMPDIR to a folder in which you can write.",
        ) from None
    with folder as name:
        yield Path(name)


@contextmanager
def _environment(origin: str, folder: Path) -> Iterator["Vault"]:
    """Let commands and the agent use the sandbox and a vault in a folder, and none of your own settings."""
    own = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("CALENDLY_")}
    settings = {"CALENDLY_API_TOKEN": _TOKEN, DATABASE_VARIABLE: str(folder / "agent.db")}
    settings["XDG_CACHE_HOME"] = str(folder)  # stevedore caches the entry points that it finds
    try:
        with sandbox_environment(origin, folder) as vault, variables(settings):
            yield vault
    finally:
        os.environ.update(own)
