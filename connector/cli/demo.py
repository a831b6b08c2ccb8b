"""`calendly-connector demo`: a sample automation host that uses the connector; each step is checked.

Everything goes through `examples/tiny_host.py`, which has no Calendly-specific code. The demo runs against
the sandbox, without an account or network access. With LIVE=1 and a token, its read-only steps run against
Calendly.
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
from . import demo_flow
from .check import lines
from .commands import examples
from .options import credential, signs_in
from .terminal import counted, printable

if TYPE_CHECKING:
    from calendly_connector.sandbox.server import Sandbox

    from ..agent.engine.engine import Engine
    from ..contract import CheckReport, Connection, Connector, Event

_EXAMPLES = f"{(__package__ or '').partition('.')[0]}.examples"
_KIND = "personal_access_token"
_WAIT_S = 10.0
_FLOW_WAIT_S = 30.0
_STALE_S = 3600
_WIDTH = 240  # columns, if the output isn't a terminal


class _StepFailedError(Exception):
    """A step had an unexpected result."""


@click.command("demo", epilog=examples("demo"))
@signs_in
def command() -> int:
    """Watch a sample automation host use the connector.

    Runs against the sandbox. Set LIVE=1 to run the read-only steps against Calendly with your own token.
    """
    live = os.environ.get("LIVE", "") not in {"", "0"}
    try:
        with ExitStack() as stack:
            _Demo(None if live else stack.enter_context(_sandbox())).run()
    except (_StepFailedError, ConnectorError) as error:
        click.echo(f"demo: failed: {printable(str(error))}", err=True)
        return 1
    click.echo("demo: ok")
    return 0


def _sandbox() -> "Sandbox":
    try:
        from calendly_connector.sandbox.server import Sandbox
    except ImportError as error:
        fix = "Run: pip install 'calendly-connector[sandbox]'"
        raise UsageError(f"The sandbox needs {error.name}.", fix=fix) from None
    return Sandbox(public_origin=True, check_replies=True)


class _Demo:
    """The steps, in order. Without a sandbox, only the read-only ones."""

    def __init__(self, sandbox: "Sandbox | None" = None) -> None:
        from rich.console import Console

        self._host: Any = import_module(f"{_EXAMPLES}.tiny_host")
        self._sandbox = sandbox
        self._origin = sandbox.url if sandbox else None
        self._console: Console = Console(highlight=False)
        if not self._console.is_terminal:
            self._console.width = _WIDTH
        self._step = 0

    def run(self) -> None:
        connector = self._discover()
        self._show_form(connector)
        signing_key = secrets.token_urlsafe(24)
        if self._sandbox:
            self._check_bad_tokens(connector)
            signed_in = {
                "kind": "personal_access_token",
                "token": "sandbox-owner",
                "signing_key": signing_key,
            }
        else:
            signed_in = credential()
        source = "" if self._sandbox else credential_source(signed_in)
        with connector.connect(signed_in, origin=self._origin, source=source) as connection:
            report = self._check(connection, "a valid token", "ok")
            self._show_catalog(connector)
            self._read(connection, report)
            if self._sandbox:
                self._receive(connection, self._sandbox, signing_key)
                self._run_deployed_flow(self._sandbox)

    def _discover(self) -> "Connector":
        self._head("A host discovers connectors by their entry point")
        found: dict[str, Connector] = self._host.discover()
        for name, connector in found.items():
            card = connector.manifest
            self._say(f"{name}: {card.name} {card.version}. {card.summary}")
        _require("calendly" in found, "the host found no connector named calendly")
        return found["calendly"]

    def _show_form(self, connector: "Connector") -> None:
        for kind, card in connector.manifest.credentials.items():
            self._head(f"It shows a credential form: {card.title}")
            self._say(card.description)
            self._table(["field", "", "", "description"], self._host.form(connector, kind))

    def _check_bad_tokens(self, connector: "Connector") -> None:
        self._head("It checks tokens, and says how to fix each problem")
        for what, token, outcome in (
            ("an empty token", "", "missing_token"),
            ("an invalid token", "not-a-valid-token", "invalid_token"),
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
        _require(report.outcome == outcome, f"{what} was reported as {report.outcome}, not {outcome}")
        return report

    def _show_catalog(self, connector: "Connector") -> None:
        self._head("It lists the available actions")
        rows = list(self._host.catalog(connector))
        self._table(["endpoint", "action", "type", "schema", "help", "API path"], rows)
        _require(len(rows) == len(connector.actions()) > 0, "the catalog is empty")

    def _read(self, connection: "Connection", report: "CheckReport") -> None:
        self._head("It runs read-only actions")
        me = connection.run("users.me").record or {}
        self._say(f"users.me → {_plain(me['name'])}, {_plain(me['timezone'])}")
        same = connection.run("users.get", {"uuid": me["uri"]}).record or {}
        self._say(f"users.get → {_plain(same['name'])}")
        _require(
            me == same and report.user is not None and me["uri"] == report.user["uri"],
            "users.me and users.get returned different users",
        )
        types = connection.run("event_types.list", all_pages=True)
        self._say(f"event_types.list → {', '.join(_plain(str(record['name'])) for record in types.records)}")
        # Small pages, to show the paging.
        rows = {"organization": "~{GetOrganizationUrl}~", "sort": "start_time:asc", "count": "40"}
        if not self._sandbox:
            rows = {"user": "~{GetUserUrl}~", "sort": "start_time:asc"}
        stream = connection.iterate("scheduled_events.list", filter=rows)
        events = list(stream)
        complete = "complete" if stream.complete else "incomplete"
        self._say(f"scheduled_events.list → {len(events)} events in {stream.calls} pages, {complete}")
        _require(stream.complete and not stream.warnings, f"the list is incomplete: {stream.warnings}")
        distinct = len({event["uri"] for event in events})
        _require(distinct == len(events), "an event was returned twice")
        if self._sandbox:
            _require(stream.calls > 1 and len(events) == self._sandbox.world.events, "events are missing")

    def _receive(self, connection: "Connection", sandbox: "Sandbox", signing_key: str) -> None:
        self._head("It subscribes to bookings by running an action")
        with self._host.Receiver(connection) as receiver:
            try:
                self._receive_booking(connection, sandbox, signing_key, receiver)
            finally:
                receiver.shutdown()  # its thread would spin on a closed socket

    def _receive_booking(
        self, connection: "Connection", sandbox: "Sandbox", signing_key: str, receiver: Any
    ) -> None:
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
        _require(
            hook["state"] == "active" and hook["callback_url"] == address, "the subscription is not active"
        )

        self._head("Someone books a meeting: its signed webhook arrives on a local port and starts a flow")
        sandbox.book(name="Noor van Dijk", email="noor@client.example")
        try:
            event: Event = receiver.queue.get(timeout=_WAIT_S)
        except Empty:
            raise _StepFailedError(f"no webhook arrived within {_WAIT_S:.0f} s") from None
        meeting = event.payload["scheduled_event"]
        details = {"kind": event.kind, "id": event.id, "created at": event.created_at}
        details |= {"invitee": event.payload["name"], "email": event.payload["email"]}
        details |= {"meeting": meeting["name"], "starts at": meeting["start_time"]}
        self._table(["event", ""], details.items())
        self._run_flow(connection, event)
        self._head("Forged and stale webhooks are rejected; a repeated one doesn't run the flow again")
        self._attack(receiver, address, event, signing_key)
        connection.run("webhook_subscriptions.delete", {"uuid": hook["uri"]})

    def _run_deployed_flow(self, sandbox: "Sandbox") -> None:
        self._head("A flow that is deployed in the agent answers a booking with a message in a chat")
        with demo_flow.deployed(sandbox.url) as (server, engine):
            self._say(_plain(f"{demo_flow.TEMPLATE} is deployed: {engine.url(demo_flow.TEMPLATE)}"))
            sandbox.book(name="Sam Lindqvist", email="sam@client.example")
            try:
                message = server.messages.get(timeout=_FLOW_WAIT_S)
            except Empty:
                raise _StepFailedError(f"no message arrived within {_FLOW_WAIT_S:.0f} s") from None
            text = message["blocks"][0]["text"]["text"]
            for line in text.splitlines():
                self._say(_plain(line))
            _require("Sam Lindqvist" in text, "the message doesn't name the invitee")
            (run,) = self._ended_runs(engine)
            for call in engine.show(run["id"])["calls"]:
                if call["action"]:
                    self._say(f"step {call['step']}: {call['action']} → {call['state']}")
            _require(run["state"] == "done", f"the run is {run['state']}")

    def _ended_runs(self, engine: "Engine") -> "list[dict[str, Any]]":
        """Return the runs, after a moment in which the last one is recorded as done."""
        deadline = time.monotonic() + _FLOW_WAIT_S
        while True:
            runs = engine.list_runs()
            if all(run["ended_at"] for run in runs) or time.monotonic() > deadline:
                return runs
            time.sleep(0.05)

    def _run_flow(self, connection: "Connection", event: "Event") -> None:
        import yaml

        flow = yaml.safe_load(files(_EXAMPLES).joinpath("flow.yaml").read_bytes())
        _require(event.kind == flow["when"], f"unexpected webhook kind: {event.kind}")
        results = {}
        for step, result in self._host.run_flow(flow, connection, event):
            results[step["id"]] = result
            what = (
                _plain(str(result.record["name"])) if result.record else counted(len(result.records), "event")
            )
            self._say(f"step {step['id']}: {step['action']} → {what}")
        host = event.payload["scheduled_event"]["event_memberships"][0]["user"]
        week = [member["user"] for found in results["week"].records for member in found["event_memberships"]]
        _require((results["host"].record or {}).get("uri") == host, "the first step returned another host")
        _require(
            week.count(host) == len(results["week"].records),
            "the second step ignored the first step's result",
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
            status, answer = _post(address, body, sign(body, key, moment))
            self._say(f"{what}: {status} {_plain(answer)}")
            _require(status == expected, f"a {what} webhook got status {status}")
        _require(receiver.queue.empty(), "a rejected or repeated webhook started the flow")

    def _head(self, title: str) -> None:
        self._step += 1
        self._console.print(f"\n[bold cyan]{self._step}. {title}[/bold cyan]")

    def _say(self, text: str) -> None:
        from rich.padding import Padding

        depth = len(text) - len(text.lstrip())
        self._console.print(Padding(text.lstrip(), (0, 0, 0, 3 + depth)))

    def _table(self, heads: list[str], rows: Any) -> None:
        from rich.box import SIMPLE
        from rich.table import Table

        table = Table(box=SIMPLE, pad_edge=False)
        for head in heads:
            table.add_column(head, overflow="fold")
        for row in rows:
            table.add_row(*(_plain(str(cell)) for cell in row))
        self._console.print(table)


def _require(condition: bool, problem: str) -> None:
    if not condition:
        raise _StepFailedError(problem)


def _plain(text: str) -> str:
    """Escape markup and replace control characters in text from elsewhere."""
    from rich.markup import escape

    return escape(printable(text))


def _post(address: str, body: bytes, header: str) -> tuple[int, str]:
    from urllib.error import HTTPError
    from urllib.request import ProxyHandler, Request, build_opener

    from ..events.webhooks.signature import HEADER

    opener = build_opener(ProxyHandler({}))
    request = Request(address, data=body, headers={HEADER: header})  # noqa: S310 - our own port on loopback
    try:
        with opener.open(request, timeout=_WAIT_S) as response:
            return response.status, response.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.read().decode()
