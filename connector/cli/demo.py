"""`calendly-connector demo`: an automation host at work, each step shown and checked.

Everything goes through `examples/tiny_host.py`, which knows no Calendly. Against the sandbox it needs
no account and no network; with LIVE=1 and a token the steps that only read run against Calendly itself.
"""

import os
import secrets
import time
from contextlib import ExitStack
from importlib import import_module
from importlib.resources import files
from queue import Empty
from typing import TYPE_CHECKING, Any

import click

from ..auth.credentials import credential_source
from ..errors import ConnectorError, UsageError
from .check import lines
from .output import printable
from .session import credential, signs_in

if TYPE_CHECKING:
    from calendly_connector.sandbox.server import Sandbox

    from ..contract import CheckReport, Connection, Connector, Event

_EXAMPLES = f"{(__package__ or '').partition('.')[0]}.examples"
_KIND = "personal_access_token"
_WAIT_S = 10.0
_STALE_S = 3600
_WIDE = 240  # columns, where no terminal says how wide it is


class _NotHeldError(Exception):
    """A step did not do what it should."""


@click.command("demo")
@signs_in
def command() -> int:
    """Show an automation host at work with the connector."""
    live = os.environ.get("LIVE", "") not in {"", "0"}
    try:
        with ExitStack() as stack:
            _Demo(None if live else stack.enter_context(_sandbox())).run()
    except (_NotHeldError, ConnectorError) as error:
        click.echo(f"demo: failed: {printable(str(error))}", err=True)
        return 1
    click.echo("demo: ok")
    return 0


def _sandbox() -> "Sandbox":
    try:
        from calendly_connector.sandbox.server import Sandbox
    except ImportError as error:
        fix = "pip install 'calendly-connector[sandbox]'"
        raise UsageError(f"The sandbox needs {error.name}.", fix=fix) from None
    return Sandbox(public_origin=True, check_replies=True)


class _Demo:
    """The steps, in order. Without a sandbox, only those that read."""

    def __init__(self, sandbox: "Sandbox | None" = None) -> None:
        from rich.console import Console

        self._host: Any = import_module(f"{_EXAMPLES}.tiny_host")
        self._sandbox = sandbox
        self._origin = sandbox.url if sandbox else None
        self._console: Console = Console(highlight=False)
        if not self._console.is_terminal:
            self._console.width = _WIDE
        self._step = 0

    def run(self) -> None:
        connector = self._discover()
        self._show_form(connector)
        signing_key = secrets.token_urlsafe(24)
        if self._sandbox:
            self._check_bad(connector)
            signed_in = {
                "kind": "personal_access_token",
                "token": "sandbox-owner",
                "signing_key": signing_key,
            }
        else:
            signed_in = credential()
        source = "" if self._sandbox else credential_source(signed_in)
        with connector.connect(signed_in, origin=self._origin, source=source) as connection:
            report = self._check(connection, "a good token", "ok")
            self._show_catalog(connector)
            self._read(connection, report)
            if self._sandbox:
                self._receive(connection, self._sandbox, signing_key)

    def _discover(self) -> "Connector":
        self._head("A host discovers connectors by their entry point")
        found: dict[str, Connector] = self._host.discover()
        for name, connector in found.items():
            card = connector.manifest
            self._say(f"{name}: {card.name} {card.version}. {card.summary}")
        _must("calendly" in found, "the host found no connector called calendly")
        return found["calendly"]

    def _show_form(self, connector: "Connector") -> None:
        for kind, card in connector.manifest.credentials.items():
            self._head(f"It shows the credential form: {card.label}")
            self._say(card.help)
            self._table(["field", "", "", "help"], self._host.form(connector, kind))

    def _check_bad(self, connector: "Connector") -> None:
        self._head("It checks tokens, and says what to do about each")
        for what, token, outcome in (
            ("an empty token", "", "missing_token"),
            ("a wrong token", "not-a-token-of-anybody", "invalid_token"),
            ("a token without scopes", "sandbox-no-scopes", "missing_scope"),
        ):
            with connector.connect({"kind": _KIND, "token": token}, origin=self._origin) as connection:
                self._check(connection, what, outcome)

    def _check(self, connection: "Connection", what: str, outcome: str) -> "CheckReport":
        report = connection.check()
        first, *others = lines(report)
        self._say(f"[bold]{what}[/bold] → {_plain(first)}")
        for line in others:
            self._say(_plain(line))
        _must(report.outcome == outcome, f"{what} was reported as {report.outcome}, not {outcome}")
        return report

    def _show_catalog(self, connector: "Connector") -> None:
        self._head("It lists what can be done")
        rows = list(self._host.catalog(connector))
        self._table(["endpoint", "action", "type", "schema", "help", "API path"], rows)
        _must(len(rows) == len(connector.actions()) > 0, "the catalog is empty")

    def _read(self, connection: "Connection", report: "CheckReport") -> None:
        self._head("It runs actions that read")
        me = connection.run("users.me").record or {}
        self._say(f"users.me → {_plain(me['name'])}, {_plain(me['timezone'])}")
        same = connection.run("users.get", {"uuid": me["uri"]}).record or {}
        self._say(f"users.get → {_plain(same['name'])}")
        _must(
            me == same and report.user is not None and me["uri"] == report.user["uri"],
            "these are not one user",
        )
        types = connection.run("event_types.list", all_pages=True)
        self._say(f"event_types.list → {', '.join(_plain(str(record['name'])) for record in types.records)}")
        # The smaller pages make several of them, so that the paging is seen.
        rows = {"organization": "~{GetOrganizationUrl}~", "sort": "start_time:asc", "count": "40"}
        if not self._sandbox:
            rows = {"user": "~{GetUserUrl}~", "sort": "start_time:asc"}
        stream = connection.iterate("scheduled_events.list", filter=rows)
        events = list(stream)
        whole = "all of them" if stream.complete else "not all"
        self._say(f"scheduled_events.list → {len(events)} events in {stream.calls} pages, {whole}")
        _must(stream.complete and not stream.warnings, f"the list is not whole: {stream.warnings}")
        distinct = len({event["uri"] for event in events})
        _must(distinct == len(events), "an event was given twice")
        if self._sandbox:
            _must(stream.calls > 1 and len(events) == self._sandbox.world.events, "events are missing")

    def _receive(self, connection: "Connection", sandbox: "Sandbox", signing_key: str) -> None:
        self._head("It subscribes to bookings with an action filter")
        with self._host.Receiver(connection) as receiver:
            self._hear(connection, sandbox, signing_key, receiver)
            receiver.shutdown()

    def _hear(self, connection: "Connection", sandbox: "Sandbox", signing_key: str, receiver: Any) -> None:
        address = f"http://127.0.0.1:{receiver.server_port}/calendly"
        rows = [
            ("events[]", "invitee.created"),
            ("scope", "organization"),
            ("organization", "~{GetOrganizationUrl}~"),
            ("url", address),
        ]
        self._table(["key", "value"], rows)
        hook = connection.run("Create Webhook Subscription", filter=rows).record or {}
        self._say(f"→ {hook['uri']}, {hook['state']}")
        _must(hook["state"] == "active" and hook["callback_url"] == address, "the subscription is not active")

        self._head("Somebody books: the signed webhook arrives on a local port, is verified and runs a flow")
        sandbox.book(name="Noor van Dijk", email="noor@client.example")
        try:
            event: Event = receiver.queue.get(timeout=_WAIT_S)
        except Empty:
            raise _NotHeldError(f"no webhook arrived within {_WAIT_S:.0f} s") from None
        meeting = event.payload["scheduled_event"]
        told = {"kind": event.kind, "id": event.id, "created at": event.created_at}
        told |= {"invitee": event.payload["name"], "email": event.payload["email"]}
        told |= {"meeting": meeting["name"], "starts at": meeting["start_time"]}
        self._table(["event", ""], told.items())
        self._run_flow(connection, event)
        self._head("Forged and stale webhooks are refused; a repeat is accepted and runs nothing")
        self._attack(receiver, address, event, signing_key)
        connection.run("webhook_subscriptions.delete", {"uuid": hook["uri"]})

    def _run_flow(self, connection: "Connection", event: "Event") -> None:
        import yaml

        flow = yaml.safe_load(files(_EXAMPLES).joinpath("flow.yaml").read_bytes())
        _must(event.kind == flow["when"], f"a webhook of another kind arrived: {event.kind}")
        results = {}
        for step, result in self._host.run_flow(flow, connection, event):
            results[step["id"]] = result
            what = _plain(str(result.record["name"])) if result.record else f"{len(result.records)} event(s)"
            self._say(f"step {step['id']}: {step['action']} → {what}")
        host = event.payload["scheduled_event"]["event_memberships"][0]["user"]
        week = [member["user"] for found in results["week"].records for member in found["event_memberships"]]
        _must((results["host"].record or {}).get("uri") == host, "the first step gave another host")
        _must(
            week.count(host) == len(results["week"].records), "the second step ignored the first one's result"
        )

    def _attack(self, receiver: Any, address: str, event: "Event", signing_key: str) -> None:
        from ..events.webhooks.event import write_event
        from ..events.webhooks.signature import sign

        body = write_event(event)
        now = int(time.time())
        for what, key, moment, expected in (
            ("forged", "another key", now, 401),
            ("stale", signing_key, now - _STALE_S, 401),
            ("repeat", signing_key, now, 200),
        ):
            status, words = _post(address, body, sign(body, key, moment))
            self._say(f"{what}: {status} {_plain(words)}")
            _must(status == expected, f"a {what} webhook was answered {status}")
        _must(receiver.queue.empty(), "a refused or repeated webhook reached the flow")

    def _head(self, words: str) -> None:
        self._step += 1
        self._console.print(f"\n[bold cyan]{self._step}. {words}[/bold cyan]")

    def _say(self, words: str) -> None:
        from rich.padding import Padding

        depth = len(words) - len(words.lstrip())
        self._console.print(Padding(words.lstrip(), (0, 0, 0, 3 + depth)))

    def _table(self, heads: list[str], rows: Any) -> None:
        from rich.box import SIMPLE
        from rich.table import Table

        table = Table(box=SIMPLE, pad_edge=False)
        for head in heads:
            table.add_column(head, overflow="fold")
        for row in rows:
            table.add_row(*(_plain(str(cell)) for cell in row))
        self._console.print(table)


def _must(held: bool, words: str) -> None:
    if not held:
        raise _NotHeldError(words)


def _plain(words: str) -> str:
    """Take markup and control characters out of words that are not ours."""
    from rich.markup import escape

    return escape(printable(words))


def _post(address: str, body: bytes, header: str) -> tuple[int, str]:
    from urllib.error import HTTPError
    from urllib.request import ProxyHandler, Request, build_opener

    from ..events.webhooks.signature import HEADER

    opener = build_opener(ProxyHandler({}))
    request = Request(address, data=body, headers={HEADER: header})  # noqa: S310 - our own port on loopback
    try:
        with opener.open(request, timeout=_WAIT_S) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.read().decode()
