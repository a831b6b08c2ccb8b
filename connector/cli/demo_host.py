"""The demo's steps of a host: it finds the connector, checks tokens, and receives webhooks."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from queue import Empty
from typing import TYPE_CHECKING, Any, Final

from .demo_story import StepFailedError, Story, require
from .terminal import counted

if TYPE_CHECKING:
    from ..contract import CheckReport, Connection, Connector, Event

WAIT_S: Final = 15.0
_WRONG: Final = {"kind": "personal_access_token", "token": "not-a-valid-token"}
_LABEL: Final = 5


def tiny_host() -> Any:
    """Return the example host, which has no code for any application."""
    return import_module(f"{(__package__ or '').partition('.')[0]}.examples.tiny_host")


def find_connector(story: Story) -> "Connector":
    """Tell how a host loads the connector."""
    with story.step("A host loads the connector by its entry point"):
        host = tiny_host()
        story.say(f'stevedore.ExtensionManager("{host.GROUP}")', style="1")
        found: dict[str, Connector] = host.discover()
        require("calendly" in found, "the host found no connector named calendly")
        connector = found.pop("calendly")
        card, actions = connector.manifest, len(connector.actions())
        require(actions and card.triggers, "the connector has no actions or no triggers")
        offers = f"{counted(actions, 'action')}, {counted(len(card.triggers), 'trigger')}"
        story.say(f"calendly: {card.name} {card.version}, {offers}", style="32")
        if found:
            story.say(f"also found: {', '.join(found)}")
    return connector


def check_tokens(story: Story, connector: "Connector", connection: "Connection", *, origin: str = "") -> None:
    """Tell what is said about a token: at a sandbox with this origin, first about a wrong one."""
    with story.step("It checks a wrong token, then a right one" if origin else "It checks your token"):
        if origin:
            with connector.connect(_WRONG, origin=origin) as refused:
                _report(story, "wrong", refused.check(), "invalid_token")
        report = connection.check()
        _report(story, "right", report, "ok")
        user = report.user or {}
        granted = [scope for scope, state in report.scopes.items() if state == "granted"]
        story.say(f"role {report.role}, time zone {user['timezone']}", label=" " * _LABEL)
        story.say(f"scopes seen: {', '.join(granted)}", label=" " * _LABEL)
        me = connection.run("users.me").record or {}
        require(me["uri"] == user["uri"], "two requests returned different users")


def _report(story: Story, label: str, report: "CheckReport", outcome: str) -> None:
    require(
        report.outcome == outcome,
        f"the {label} token was reported as {report.outcome}, not {outcome}: {report.message} {report.fix}",
    )
    style = "32" if report.ok else "31"
    story.say(f"{report.outcome}: {report.message} {report.fix}".strip(), label=label, style=style)


class Subscription:
    """The host's own subscription to bookings."""

    def __init__(self, connection: "Connection", receiver: Any, signing_key: str) -> None:
        self._receiver = receiver
        self._key = signing_key
        self._address = f"http://127.0.0.1:{receiver.server_port}/calendly"
        rows = [
            ("events[]", "invitee.created"),
            ("scope", "organization"),
            ("organization", "~{GetOrganizationUrl}~"),
            ("url", self._address),
        ]
        hook = connection.run("Create Webhook Subscription", filter=rows).record or {}
        require(hook["state"] == "active", "the subscription isn't active")

    def receive(self, story: Story, email: str) -> None:
        """Tell how the webhook of a booking arrives, and what happens to a forged and a repeated one."""
        with story.step("Its signed webhook arrives at the host"):
            try:
                event: Event = self._receiver.queue.get(timeout=WAIT_S)
            except Empty:
                raise StepFailedError(f"no webhook arrived within {WAIT_S:.0f} s") from None
            payload = event.payload
            require(payload["email"] == email, f"it is of another booking: {payload['email']}")
            story.say(f"{event.kind}: {payload['name']}, {payload['scheduled_event']['name']}", style="1")
            story.say("its signature is verified: 200 accepted", style="32")
            self._post(story, event, "a forged one", "another key", 401)
            self._post(story, event, "the same again", self._key, 200)
            require(self._receiver.queue.empty(), "a forged or repeated webhook was accepted as new")

    def _post(self, story: Story, event: "Event", what: str, key: str, expected: int) -> None:
        from ..events.webhooks.event import write_event
        from ..events.webhooks.signature import sign

        body = write_event(event)
        status, answer = post(self._address, body, sign(body, key, int(time.time())))
        require(status == expected, f"{what} was answered with {status}, not {expected}")
        story.say(f"{what}: {status} {answer.partition('. ')[0]}", style="31" if status != 200 else "")  # noqa: PLR2004


@contextmanager
def subscription(connection: "Connection", signing_key: str) -> Iterator[Subscription]:
    """Subscribe the host to bookings, and receive them on a port of its own."""
    with tiny_host().Receiver(connection) as receiver:
        try:
            yield Subscription(connection, receiver, signing_key)
        finally:
            receiver.shutdown()  # its thread would spin on a closed socket


def post(address: str, body: bytes, signature: str) -> tuple[int, str]:
    """Post a webhook to a port of this machine; return status and text."""
    from urllib.error import HTTPError
    from urllib.request import ProxyHandler, Request, build_opener

    from ..events.webhooks.signature import HEADER

    opener = build_opener(ProxyHandler({}))
    request = Request(address, data=body, headers={HEADER: signature})  # noqa: S310 - our own port on loopback
    try:
        with opener.open(request, timeout=WAIT_S) as response:
            return response.status, response.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.read().decode()
