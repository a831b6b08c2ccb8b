"""What the suite knows of a connector, and a server for it to talk to. One for Calendly is here."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

_TOKEN: Final = "sandbox-owner"
_WRONG: Final = "eyJraWQiOiIxIn0.bm90LWEtcmVhbC1vbmU.c2lnbmF0dXJl"  # of the form of a token, and none
_NOBODY: Final = "00000000-0000-4000-8000-000000000000"


@dataclass(frozen=True, slots=True)
class Call:
    """A call, and what must come of it: one record that holds `record`, or `total` records on more pages."""

    action: str
    inputs: Mapping[str, Any] = field(default_factory=dict)
    record: Mapping[str, Any] = field(default_factory=dict)
    total: int = 0


@dataclass(frozen=True, slots=True)
class Refusal:
    """A call that fails after `arrange`; the host must show `words`, and know whether to try again."""

    name: str
    call: Call
    words: tuple[str, ...]
    retryable: bool
    arrange: Callable[[], object] = lambda: None


@dataclass(frozen=True, slots=True)
class Subject:
    """A connector under test. `environment` leads the host's processes to the server.

    `credential` is good; `wrong` are credentials that are not, each with words that the check must show.
    `misuses` are calls that are refused before the network. `calm` ends what a refusal arranged. `event` is
    a kind of event, `happen` makes one happen and gives its id. `secrets` may be nowhere in what a host
    writes.
    """

    connector: Any
    environment: Mapping[str, str]
    credential: Mapping[str, str]
    wrong: Sequence[tuple[Mapping[str, str], str]]
    who: str
    one: Call
    many: Call
    misuses: Sequence[Refusal]
    refusals: Sequence[Refusal]
    calm: Callable[[], object]
    event: str
    happen: Callable[[], str]
    secrets: Sequence[bytes]


@contextmanager
def calendly() -> Iterator[Subject]:
    """Give Calendly's connector, with a sandbox of its own."""
    from calendly_connector.sandbox.server import Sandbox

    from ..plugin import connector

    kind = "personal_access_token"
    with Sandbox(rate_limit=0, events=250) as sandbox:
        someone = {"uuid": _NOBODY}
        with connector.connect({"kind": kind, "token": _TOKEN}, origin=sandbox.url) as connection:
            me = connection.run("users.me").record or {}
            # What is past stays as it is, whatever happens while a host is under test.
            past = {
                "organization": me["current_organization"],
                "max_start_time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            }
            total = len(connection.run("scheduled_events.list", past, all_pages=True).records)
        yield Subject(
            connector=connector,
            environment={"CALENDLY_API_URL": sandbox.url},
            credential={"kind": kind, "token": _TOKEN},
            wrong=(
                ({"kind": kind, "token": _WRONG}, "doesn't accept the token"),
                ({"kind": kind, "token": "no token at all"}, "token"),
            ),
            who=str(me["name"]),
            one=Call("users.me", record={"uri": me["uri"]}),
            many=Call("scheduled_events.list", past, total=total),
            misuses=(
                Refusal(
                    "unknown_input", Call("users.get", {"uid": "x", **someone}), ("uid",), retryable=False
                ),
                Refusal("missing_input", Call("users.get"), ("uuid",), retryable=False),
                Refusal(
                    "wrong_value",
                    Call("scheduled_events.list", {"status": "activ"}),
                    ("active",),
                    retryable=False,
                ),
            ),
            refusals=(
                Refusal("not_found", Call("users.get", someone), ("404",), retryable=False),
                Refusal(
                    "down",
                    Call("users.get", someone),
                    ("503",),
                    retryable=True,
                    arrange=lambda: sandbox.fault("status", path="/users/", status=503, times=100),
                ),
            ),
            calm=lambda: sandbox.control("DELETE", "/faults"),
            event="invitee.created",
            happen=lambda: _booked(sandbox),
            secrets=(_TOKEN.encode(), _WRONG.encode()),
        )


def _booked(sandbox: Any) -> str:
    uri: str = sandbox.book()["invitee"]["uri"]
    return f"invitee.created:{uri.removeprefix(sandbox.url).strip('/')}"
