"""The connector under test, with a server for it to call. This module has one for Calendly."""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

_TOKEN: Final = "sandbox-owner"
_BAD_TOKEN: Final = "eyJraWQiOiIxIn0.bm90LWEtcmVhbC1vbmU.c2lnbmF0dXJl"  # has the form of a token
_SIGNING_KEY: Final = "the-signing-key-of-the-kit"
_WEB_APP: Final = {
    "kind": "oauth",
    "client_id": "sandbox-web",
    "client_secret": "sandbox-web-secret",
    "redirect_uri": "https://app.acme.example/oauth/callback",
}
_UNKNOWN_ID: Final = "00000000-0000-4000-8000-000000000000"


@dataclass(frozen=True, slots=True)
class ExpectedCall:
    """A call and its result: one record with the fields of `record`, or `total` records on several pages."""

    action: str
    inputs: Mapping[str, Any] = field(default_factory=dict)
    record: Mapping[str, Any] = field(default_factory=dict)
    total: int = 0


@dataclass(frozen=True, slots=True)
class FailingCall:
    """A call that fails, after `arrange`. The host must show all of `texts` and keep `retryable`."""

    name: str
    action: str
    inputs: Mapping[str, Any]
    texts: tuple[str, ...]
    retryable: bool = False
    arrange: Callable[[], object] = lambda: None


@dataclass(frozen=True, slots=True)
class SignIn:
    """A sign-in by OAuth, with a person who allows it.

    - `credential`: the filled-in form of a kind that `needs_sign_in`, with a redirect URI
    - `consent` opens the authorization address as a person would, and returns the URL they are sent back to
    - `expire` returns a credential as it is when its access token has expired
    """

    credential: Mapping[str, str]
    consent: Callable[[str], str]
    expire: Callable[[Mapping[str, str]], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class LostReply:
    """A write that `connection.settle` can look up.

    `inputs` returns new inputs at each call. After `lose`, the server carries out the next write but doesn't
    reply. `writes` counts the writes that it carried out.
    """

    action: str
    inputs: Callable[[], Mapping[str, Any]]
    lose: Callable[[], object]
    writes: Callable[[], int]


@dataclass(frozen=True, slots=True)
class Delivery:
    """A webhook as it arrives, the credential with the key that signed it, and its event's id."""

    headers: Mapping[str, str]
    body: bytes
    credential: Mapping[str, str]
    event_id: str


@dataclass(frozen=True, slots=True)
class Subject:
    """A connector under test.

    - `environment`: variables that point the host's processes to the server
    - `credential`: a good credential; `user_name`: the name that checking it must show
    - `bad_credentials`: pairs of a credential and a text that checking it must show
    - `invalid_calls` are rejected before the network is used; `failing_calls` by the server
    - `reset`: undoes what a failing call arranged
    - `secrets`: must not appear in anything that the host writes

    A connector may lack the rest; then omit the suites that need it:

    - `listing`: a list of several pages, for hosts and `ListsSuite`
    - `cause_event`: causes an event of `event_kind` and returns its id, for `TriggerSuite` and `EventsSuite`
    - `deliver`: causes a webhook and returns it, for `WebhooksSuite`
    - `lost_reply`: a write whose reply can be lost, for `LostReplySuite`
    - `sign_in`: a sign-in by OAuth, for `SignInSuite`
    """

    connector: Any
    environment: Mapping[str, str]
    credential: Mapping[str, str]
    bad_credentials: Sequence[tuple[Mapping[str, str], str]]
    user_name: str
    single: ExpectedCall
    invalid_calls: Sequence[FailingCall]
    failing_calls: Sequence[FailingCall]
    reset: Callable[[], object]
    secrets: Sequence[bytes]
    listing: ExpectedCall | None = None
    event_kind: str = ""
    cause_event: Callable[[], str] | None = None
    deliver: Callable[[], Delivery] | None = None
    lost_reply: LostReply | None = None
    sign_in: SignIn | None = None


@contextmanager
def calendly() -> Iterator[Subject]:
    """Yield Calendly's connector with its own sandbox."""
    from calendly_connector.sandbox.server import Sandbox

    from ..plugin import connector

    kind = "personal_access_token"
    with Sandbox(rate_limit=0, events=250) as sandbox:
        unknown_user = {"uuid": _UNKNOWN_ID}
        with connector.connect({"kind": kind, "token": _TOKEN}, origin=sandbox.url) as connection:
            me = connection.run("users.me").record or {}
            # Past events stay the same, whatever is booked while a host is under test.
            past = {
                "organization": me["current_organization"],
                "max_start_time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            }
            total = len(connection.run("scheduled_events.list", past, all_pages=True).records)
        yield Subject(
            connector=connector,
            environment={"CALENDLY_API_URL": sandbox.url, "CALENDLY_AUTH_URL": sandbox.url},
            credential={"kind": kind, "token": _TOKEN},
            bad_credentials=(
                ({"kind": kind, "token": _BAD_TOKEN}, "accept the token"),
                ({"kind": kind, "token": "no token at all"}, "token"),
            ),
            user_name=str(me["name"]),
            single=ExpectedCall("users.me", record={"uri": me["uri"]}),
            listing=ExpectedCall("scheduled_events.list", past, total=total),
            invalid_calls=(
                FailingCall("unknown_input", "users.get", {"uid": "x", **unknown_user}, ("uid",)),
                FailingCall("missing_input", "users.get", {}, ("uuid",)),
                FailingCall("invalid_value", "scheduled_events.list", {"status": "activ"}, ("active",)),
            ),
            failing_calls=(
                FailingCall("not_found", "users.get", unknown_user, ("404",)),
                FailingCall(
                    "down",
                    "users.get",
                    unknown_user,
                    ("503",),
                    retryable=True,
                    arrange=lambda: sandbox.fault("status", path="/users/", status=503, times=100),
                ),
            ),
            reset=lambda: sandbox.control("DELETE", "/faults"),
            event_kind="invitee.created",
            cause_event=lambda: _book(sandbox),
            secrets=(_TOKEN.encode(), _BAD_TOKEN.encode()),
            sign_in=SignIn(
                _WEB_APP,
                consent=lambda url: _allow(sandbox, url),
                expire=lambda credential: {**credential, "expires_at": "0"},
            ),
            lost_reply=LostReply(
                "contacts.create",
                inputs=_new_contact,
                lose=lambda: sandbox.fault("reset", method="POST", path="/contacts"),
                writes=lambda: sandbox.requests()["counts"].get("POST /contacts", 0),
            ),
            deliver=lambda: _deliver(sandbox),
        )


def _book(sandbox: Any) -> str:
    return _event_id(sandbox, sandbox.book()["invitee"])


def _event_id(sandbox: Any, invitee: Mapping[str, Any]) -> str:
    uri: str = invitee["uri"]
    return f"invitee.created:{uri.removeprefix(sandbox.url).strip('/')}"


def _allow(sandbox: Any, url: str) -> str:
    """Allow a sign-in, as a person would in the browser; return the URL they are sent back to."""
    import httpx

    sandbox.control("POST", "/consent", {"answer": "allow"})
    return httpx.get(url, trust_env=False).headers["location"]


def _new_contact() -> Mapping[str, Any]:
    email = f"contact-{uuid4()}@client.example"
    return {"name": "Kim Kuiper", "emails": [{"email": email, "is_primary": True}]}


def _deliver(sandbox: Any) -> Delivery:
    from ..events.webhooks.signature import HEADER, sign

    invitee = sandbox.book()["invitee"]
    message = {
        "event": "invitee.created",
        "created_at": invitee["created_at"],
        "created_by": None,
        "payload": invitee,
    }
    body = json.dumps(message).encode()
    headers = {HEADER: sign(body, _SIGNING_KEY, int(time.time()))}
    credential = {"kind": "personal_access_token", "token": _TOKEN, "signing_key": _SIGNING_KEY}
    return Delivery(headers, body, credential, _event_id(sandbox, invitee))
