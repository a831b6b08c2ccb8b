"""Errors that the connector raises without Calendly, for the messages of docs/reference/errors.md."""

import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from socket import gaierror
from typing import Any, Final

import requests
from calendly_connector import connector
from calendly_connector.agent.engine.database import Database
from calendly_connector.auth.credential_check import CredentialCheck, unusable
from calendly_connector.auth.oauth import consent
from calendly_connector.auth.oauth.tokens import StaticOAuthToken
from calendly_connector.auth.personal_access_token import PersonalAccessToken, read_token
from calendly_connector.auth.vault import open_vault
from calendly_connector.catalog.manifest import find
from calendly_connector.connection import CalendlyConnection
from calendly_connector.contract import CheckReport, SignInRequest
from calendly_connector.errors import ConnectorError, InvalidCredential
from calendly_connector.events.inbox import open_inbox
from calendly_connector.events.webhooks import signature
from calendly_connector.hosts.mistral.results import _too_large
from calendly_connector.http.api_errors import CredentialLocation, error_for
from calendly_connector.http.network_errors import network_error
from calendly_connector.http.request import Request
from calendly_connector.recipes.meeting_search import only_one
from calendly_connector.recipes.rescheduling import _undo
from calendly_connector.sandbox.server import Sandbox
from calendly_connector.sandbox.world.fixtures import INTRO_CALL
from calendly_connector.support.clock import Timeouts, Timing
from calendly_connector.sync.database import Database as SyncDatabase
from calendly_connector.sync.database import open_destination
from calendly_connector.sync.models import parse_destination

_TOKEN: Final = "a-token"  # noqa: S105 - of nobody
_KIND: Final = "personal_access_token"
_ORIGIN: Final = "https://api.calendly.com"
_PLACE: Final = CredentialLocation("CALENDLY_API_TOKEN")
_READ: Final = Request("GET", "/scheduled_events")
_WRITE: Final = Request("POST", "/invitees")
_CANCELING: Final = Request("POST", "/scheduled_events/ID/cancellation")
_NO_STEPS: Final[Any] = None
_MOVED: Final = {"event": "NEW-ID", "start_time": "2026-12-03T09:00:00Z"}
_SIGN_IN: Final = SignInRequest("", "", ("scheduled_events:read", "users:read"), 0.0, "", "")
_EXPIRED: Final = {"access_token": _TOKEN, "expires_at": "0"}
_NOW: Final = 1_795_000_000
_KEY: Final = "a-signing-key"


def raised(call: Callable[[], Any]) -> ConnectorError:
    """Return the error that a call raises."""
    try:
        call()
    except ConnectorError as error:
        return error
    raise AssertionError(f"{call} raised nothing")


def answered(
    status: int,
    message: str = "",
    *,
    request: Request = _READ,
    headers: dict[str, str] | None = None,
    **body: Any,
) -> ConnectorError:
    """Return the error for a reply with this status and Calendly's message."""
    document = {"message": message, **body}
    return error_for(request, status, headers or {}, json.dumps(document).encode(), _PLACE)


def unanswered(error: Exception, request: Request = _READ) -> ConnectorError:
    """Return the error for a failure of the network."""
    return network_error(request, error, _ORIGIN, Timeouts())


def samples() -> Iterator[ConnectorError]:
    """Yield an error of most classes, with the message that it has in practice."""
    with _connection() as connection:
        yield raised(lambda: find("scheduled_event.list"))
        yield raised(lambda: connection.prepare("scheduled_events.list", {"status": "activ"}))
    yield raised(_two_meetings)
    yield raised(lambda: connector.connect({"kind": "token"}))
    yield _in_folder(_unknown_credential)
    yield answered(401)
    yield answered(403, required_scopes=["scheduled_events:read"])
    yield answered(404, request=Request("GET", "/scheduled_events/ID"))
    yield answered(
        400,
        "The supplied parameters are invalid.",
        details=[{"parameter": "start_time", "message": "must be in the future"}],
        request=_WRITE,
    )
    yield answered(429, headers={"x-ratelimit-reset": "12"})
    yield answered(503, request=_WRITE)
    yield unanswered(requests.exceptions.ReadTimeout())
    yield answered(302)
    yield raised(lambda: signature.verify(None, b"{}", [_KEY], _NOW))
    yield _in_folder(_damaged_key)
    yield _in_folder(_damaged_inbox)
    yield _in_folder(_damaged_agent_database)
    yield _in_folder(lambda folder: open_destination(parse_destination(str(folder / "calendly.db"))))
    yield _in_folder(_taken_over)
    yield raised(_taken_slot)
    yield raised(lambda: _undo(_NO_STEPS, {"event": "ID"}, _MOVED, answered(503, request=_CANCELING)))
    yield raised(lambda: consent.check_granted(_SIGN_IN, "users:read"))
    yield raised(StaticOAuthToken(_EXPIRED, _PLACE, Timing()).authorization)
    yield _too_large("The result is", 1024, done=False)


def network_failures() -> Iterator[ConnectorError]:
    """Yield the errors of all ways in which the network can fail."""
    yield unanswered(requests.exceptions.ProxyError())
    yield unanswered(requests.exceptions.SSLError())
    yield unanswered(requests.exceptions.ConnectTimeout())
    yield unanswered(requests.exceptions.ReadTimeout())
    yield unanswered(requests.exceptions.ReadTimeout(), _WRITE)
    yield unanswered(_caused_by(gaierror()))
    yield unanswered(ConnectionRefusedError())
    yield unanswered(requests.exceptions.ConnectionError())


def signature_failures() -> Iterator[ConnectorError]:
    """Yield the errors of all webhooks that a receiver rejects."""
    body, other = b"{}", b"[]"
    yield raised(lambda: signature.verify(None, body, [_KEY], _NOW))
    yield raised(lambda: signature.verify("v1=1", body, [_KEY], _NOW))
    yield raised(lambda: signature.verify(signature.sign(other, _KEY, _NOW), body, [_KEY], _NOW))
    yield raised(lambda: signature.verify(signature.sign(body, _KEY, _NOW - 900), body, [_KEY], _NOW))
    yield raised(lambda: signature.verify(signature.sign(body, _KEY, _NOW + 900), body, [_KEY], _NOW))
    yield raised(lambda: signature.usable_keys([""]))


def checks() -> Iterator[CheckReport]:
    """Yield the report of a credential check for each outcome."""
    user = {
        "resource": {
            "uri": f"{_ORIGIN}/users/a",
            "name": "Ada Okafor",
            "email": "ada@acme.example",
            "timezone": "Europe/Berlin",
            "current_organization": f"{_ORIGIN}/organizations/b",
        }
    }
    yield _check(user)
    yield _unusable("")
    yield _unusable("two words")
    me = Request("GET", "/users/me")
    yield _check(answered(401, request=me))
    yield _check(answered(403, required_scopes=["users:read"], request=me))
    yield _check(answered(403, "Permission Denied", request=me))
    yield _check(answered(429, headers={"x-ratelimit-reset": "12"}, request=me))
    yield _check(unanswered(ConnectionRefusedError(), me))
    yield _check(answered(503, request=me))
    yield _check(answered(302, request=me))


class _Client:
    """Answers each request with the same document, or error."""

    rate_limit = None
    skew_s = None
    calls = 0

    def __init__(self, reply: Any) -> None:
        self._reply = reply

    def send(self, request: Request, **_options: Any) -> Any:
        """Return the reply to the first request, and an empty list of memberships to the second."""
        if isinstance(self._reply, Exception):
            raise self._reply
        self.document = self._reply if request.path == "/users/me" else {"collection": [], "pagination": {}}
        return self


def _check(reply: Any) -> CheckReport:
    client: Any = _Client(reply)
    return CredentialCheck(client, _KIND, PersonalAccessToken(_TOKEN)).run()


def _unusable(token: str) -> CheckReport:
    error = raised(lambda: read_token(token, _PLACE.place))
    assert isinstance(error, InvalidCredential)  # noqa: S101 - for mypy
    return unusable(error, _KIND)


@contextmanager
def _connection() -> Iterator[CalendlyConnection]:
    with closing(connector.connect({"kind": _KIND, "token": _TOKEN}, origin=_ORIGIN)) as opened:
        yield opened


def _two_meetings() -> None:
    row = find("meetings.list").examples[0]["output"]
    other = row | {"event": "another", "start_local": "2026-11-25 09:00"}
    only_one("bookings.cancel", "noor", [row, other], [], by="event", fix="")


def _taken_slot() -> None:
    """Book a time in a sandbox at which another meeting is."""
    now = datetime(2026, 11, 30, 8, tzinfo=UTC)
    owner = {"kind": _KIND, "token": "sandbox-owner"}
    invitee = {"name": "Lena Marsh", "email": "lena@client.example"}
    booking = {
        "event_type": INTRO_CALL,
        "start_time": "2026-12-07T13:00:00Z",
        "invitee": invitee,
        "answers": {"What would you like to discuss?": "Pricing"},
        "location": {"kind": "zoom_conference"},
    }
    with (
        Sandbox(now=now, events=2, rate_limit=0) as sandbox,
        closing(connector.connect(owner, origin=sandbox.url, clock=now.timestamp)) as connection,
    ):
        connection.run("bookings.create", booking)


def _in_folder(call: Callable[[Path], Any]) -> ConnectorError:
    """Return the error that a call raises about a file; its folder stands for the person's own."""
    with tempfile.TemporaryDirectory() as folder:
        error = raised(lambda: call(Path(folder)))
    error.message = error.message.replace(f"{folder}/", "")
    return error


def _unknown_credential(folder: Path) -> None:
    open_vault({"CALENDLY_CONNECTOR_VAULT": str(folder / "vault.json")}).get("wrok")


def _damaged_key(folder: Path) -> None:
    file = folder / "vault.json.key"
    file.write_text("not a key", encoding="utf-8")
    file.chmod(0o600)
    vault = open_vault({"CALENDLY_CONNECTOR_VAULT": str(folder / "vault.json")})
    vault.put("work", {"kind": _KIND, "token": _TOKEN})


def _damaged_inbox(folder: Path) -> None:
    (folder / "inbox.db").write_text("not a database, " * 100, encoding="utf-8")
    open_inbox(folder / "inbox.db")


def _caused_by(cause: BaseException) -> Exception:
    error = requests.exceptions.ConnectionError()
    error.__cause__ = cause
    return error


def _damaged_agent_database(folder: Path) -> None:
    path = folder / "agent.db"
    path.write_text("not a database" * 100, "utf-8")
    with closing(Database(f"sqlite:///{path}")) as database:
        database.create()


def _taken_over(folder: Path) -> None:
    destination = parse_destination(str(folder / "calendly.db"))
    with closing(SyncDatabase(destination)) as one, closing(SyncDatabase(destination)) as later:
        one.take_over()
        later.take_over()
        with one.transaction():
            pass
