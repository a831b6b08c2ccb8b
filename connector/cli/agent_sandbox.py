"""`agent --sandbox`: a mock Calendly, a vault and a database for as long as the agent runs."""

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from ..errors import UsageError
from ..support import extras
from .sandbox_environment import sandbox_environment

if TYPE_CHECKING:
    from ..agent.workspace import Workspace
    from ..auth.vault import Vault

FILE: Final = "bookings.csv"
CLIENT_ID: Final = "sandbox-agent"
"""An OAuth app of the sandbox, without a secret, which may send people back to the agent on any port."""

_CALLBACKS: Final = [f"http://{host}/credentials/callback" for host in ("127.0.0.1", "localhost", "[::1]")]
_FLOWS: Final = (
    f"""\
# Each booking becomes a line of a file. Press "Book a sample meeting" to see it run.
name: bookings-to-csv
title: Write new bookings to a CSV file
connections:
  calendly: {{connector: calendly, credential: calendly}}
  files: {{connector: file, credential: files}}
trigger:
  type: triggered
  connection: calendly
  events: [invitee.created]
  subscribe: true
steps:
  - id: meeting
    connection: calendly
    action: meetings.list
    filter:
      text: ~{{event.payload.uri}}~
      email: ~{{event.payload.email}}~
      start: ~{{event.payload.scheduled_event.start_time}}~
      end: ~{{event.payload.scheduled_event.end_time}}~
    on_error: {{retry: {{times: 5, wait: 10s}}}}
  - id: line
    connection: files
    action: file.append
    filter:
      path: {FILE}
      key: ~{{event.id}}~
      record.meeting: ~{{meeting.records[0].name}}~
      record.start: ~{{meeting.records[0].start_local}}~
      record.host: ~{{meeting.records[0].host_name}}~
      record.name: ~{{event.payload.name}}~
      record.email: ~{{event.payload.email}}~
""",
    """\
# Run it by hand, from its page.
name: upcoming-meetings
title: Write the meetings of the next 7 days to a JSON file
connections:
  calendly: {connector: calendly, credential: calendly}
  files: {connector: file, credential: files}
trigger: {type: manual}
steps:
  - id: upcoming
    connection: calendly
    action: meetings.list
    filter:
      status: active
      start: ~{Now}~
      end: ~{Now+7d}~
    all_pages: true
  - id: file
    connection: files
    action: file.write
    filter:
      path: upcoming_meetings.json
      records: ~{upcoming.records}~
""",
)


@dataclass(frozen=True, slots=True)
class SandboxAccount:
    """What the agent uses in place of your own data. `prepare` deploys the sample flows.

    `folder` is where they write to.
    """

    vault: "Vault"
    database: str
    origins: Mapping[str, str]
    folder: Path
    book_sample: Callable[[], None]
    prepare: "Callable[[Workspace], None]"

    def hints(self) -> list[str]:
        """Return what a person needs to know, in lines."""
        return [
            f"The sample flows write to {self.folder}.",
            f"To try the sign-in with Calendly, use the client ID {CLIENT_ID}, without a secret.",
        ]


@contextmanager
def sandbox_account() -> Iterator[SandboxAccount]:
    """Yield a sandbox account, and delete it at the end. Raises UsageError without the sandbox."""
    try:
        from calendly_connector.sandbox.server import Sandbox
    except ImportError as error:
        fix = extras.install("agent", "sandbox")
        raise UsageError(f"The sandbox needs {error.name}.", fix=fix) from None
    with ExitStack() as stack:
        own = Path(stack.enter_context(TemporaryDirectory(prefix="calendly-agent-")))
        files = own / "files"
        files.mkdir()
        calendly = stack.enter_context(Sandbox())
        calendly.control(
            "POST", "/apps", {"client_id": CLIENT_ID, "kind": "native", "redirect_uris": _CALLBACKS}
        )
        vault = stack.enter_context(sandbox_environment(calendly.url, own))
        signing_key = secrets.token_urlsafe(32)  # so that flows may subscribe others to events
        vault.put(
            "calendly",
            {"kind": "personal_access_token", "token": "sandbox-owner", "signing_key": signing_key},
        )
        vault.put("files", {"kind": "folder", "path": str(files)})

        def book() -> None:
            calendly.book()

        yield SandboxAccount(
            vault, f"sqlite:///{own}/agent.db", {"calendly": calendly.url}, files, book, _deploy
        )


def _deploy(workspace: "Workspace") -> None:
    from ..agent.flows import check

    for text in _FLOWS:
        flow = check.load(text, workspace.connectors, credentials=workspace.vault.names())
        workspace.engine.deploy(text, flow)
