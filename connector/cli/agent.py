"""`calendly-connector agent`: a process that carries out deployed flows, and receives their events."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from ..errors import AgentDatabaseError, UsageError
from ..support.clock import Timing
from .agent_options import database_option, database_url, make_engine, needs_extra
from .agent_sandbox import sandbox_account
from .agent_serving import Serving, is_local
from .commands import examples
from .terminal import logged, printable

if TYPE_CHECKING:
    import socket

    from ..agent.engine.engine import Engine
    from ..agent.workspace import Workspace
    from .agent_sandbox import SandboxAccount

_URL_VARIABLE: Final = "CALENDLY_AGENT_URL"
_DAY_S: Final = 86_400
_WITHIN_S: Final = 10
_port = click.IntRange(0, 65535)


@click.command(
    "agent",
    epilog=examples(
        "agent",
        "agent --sandbox",
        "agent --public-url https://flows.acme.example",
        "agent --url https://agent.acme.example --webhook-port 8081 --public-url https://flows.acme.example",
        "agent --database postgresql+psycopg://db.acme.example/agent --host 0.0.0.0 --no-pages",
    ),
)
@database_option
@click.option(
    "--host", metavar="HOST", default="127.0.0.1", show_default=True, help="The address to listen on."
)
@click.option(
    "--port",
    type=_port,
    metavar="PORT",
    default=8080,
    show_default=True,
    help="The port to listen on; 0 picks a free one.",
)
@click.option(
    "--public-url",
    default="",
    envvar=_URL_VARIABLE,
    metavar="URL",
    help=f"Where others reach this agent: Process Flow URLs begin with it. Can be set in {_URL_VARIABLE}. "
    "Default: --url, or the address it listens on.",
)
@click.option(
    "--url",
    default="",
    metavar="URL",
    help="Where people reach the pages, through a proxy with TLS: https://agent.acme.example. Without it, "
    "only people on this machine do.",
)
@click.option(
    "--pages/--no-pages",
    default=True,
    help="Serve the pages and the API, or only run flows and receive webhooks.  [default: pages]",
)
@click.option(
    "--webhook-port",
    type=_port,
    metavar="PORT",
    help="Receive webhooks on a port of their own, on which nothing else is served.",
)
@click.option(
    "--webhook-host", default="", metavar="HOST", help="The address of --webhook-port.  [default: --host]"
)
@click.option(
    "--oidc-allowed",
    multiple=True,
    metavar="PERSON",
    help="Who may sign in at the OpenID provider: an email address, or the domain of many. Can be repeated.",
)
@click.option(
    "--trusted-proxy",
    "trusted_proxies",
    multiple=True,
    metavar="ADDRESS",
    help="A proxy, or a network of them, whose X-Forwarded-For names the client. Can be repeated.",
)
@click.option(
    "--audit-log",
    metavar="FILE",
    help="Append who changed what to a private file, as JSON lines.  [default: the log only]",
)
@click.option(
    "--drain",
    "drain_s",
    type=click.FloatRange(0, 600),
    metavar="SECONDS",
    default=0,
    help="When it is stopped, first answer /ready with 503 for so long, so that a proxy sends no more "
    "requests.  [default: 0]",
)
@click.option(
    "--at-once",
    type=click.IntRange(1, 1000),
    metavar="N",
    default=20,
    show_default=True,
    help="The number of runs at a time.",
)
@click.option(
    "--keep-days",
    type=click.FloatRange(min=0, min_open=True),
    metavar="DAYS",
    default=30,
    show_default=True,
    help="Delete runs that ended more than DAYS ago.",
)
@click.option(
    "--sandbox",
    is_flag=True,
    help="Try it with a mock Calendly and sample flows. What you make is deleted at the end.",
)
def command(
    database: str | None,
    port: int,
    *,
    at_once: int,
    keep_days: float,
    sandbox: bool,
    audit_log: str | None,
    drain_s: float,
    **options: Any,
) -> None:
    """Run the process flows that you deployed, and serve the pages on which you make them.

    Every step is recorded in the database. After a crash, or on another machine with the same PostgreSQL
    database, a run continues where it was. A write whose reply was lost is looked up, never blindly repeated.

    Webhooks are received at POST /flows/…. GET /health says how the agent is, and GET /ready whether it takes
    requests. Put a proxy with TLS before it, and pass its address as --url and --public-url.

    People sign in with the token in CALENDLY_AGENT_ACCESS_TOKEN, or at the OpenID provider that
    CALENDLY_AGENT_OIDC_ISSUER, CALENDLY_AGENT_OIDC_CLIENT_ID and CALENDLY_AGENT_OIDC_CLIENT_SECRET describe.
    Steps reach a private network only if their credential or CALENDLY_AGENT_PRIVATE_HOSTS allows it.
    """
    serving = Serving(has_pages=options.pop("pages"), **options)
    with ExitStack() as stack:
        account = stack.enter_context(sandbox_account()) if sandbox else None
        engine = make_engine(
            account.database if account else database_url(database),
            store=account.vault if account else None,
            origins=account.origins if account else None,
            base_url=serving.base_url,
            at_once=at_once,
            retention_s=keep_days * _DAY_S,
        )
        stack.enter_context(logged(logging.INFO))
        stack.enter_context(_audited(audit_log))
        _Process(engine, account, serving).serve(port, drain_s)
    if engine.lost.is_set():
        raise AgentDatabaseError(
            "Other processes took over the runs of this one, because it couldn't reach the database in time.",
            fix="Start it again.",
        )


class _Process:
    """One process of an agent."""

    def __init__(self, engine: "Engine", account: "SandboxAccount | None", serving: Serving) -> None:
        from ..agent.readiness import Readiness

        self._engine = engine
        self._account = account
        self._serving = serving
        self._readiness = Readiness(engine.flows.base_url)
        self._ended = threading.Event()
        self._timing = Timing()

    def serve(self, port: int, drain_s: float) -> None:
        """Serve until it is stopped, then let requests and steps end."""
        from ..events.webhooks.server import serve_on
        from ..support.sockets import listen

        serving, engine = self._serving, self._engine
        with ExitStack() as stack:
            listener = stack.enter_context(listen(serving.host, port))
            hooks = None
            if serving.webhook_port is not None:
                hooks = stack.enter_context(
                    listen(serving.webhook_host or serving.host, serving.webhook_port)
                )
            workspace = self._workspace() if serving.has_pages else None
            application, announce = self._application(workspace, listener, hooks)
            engine.start()
            try:
                if hooks:
                    stack.enter_context(self._webhooks_on(hooks))
                if workspace:
                    stack.enter_context(_watching(workspace))
                serve_on(
                    listener,
                    application,
                    announce,
                    has_pages=serving.has_pages,
                    drain_s=drain_s,
                    on_signal=self._readiness.is_stopping,
                )
            finally:
                self._readiness.is_stopping()
                self._ended.set()
                stack.close()  # no webhook is accepted any more
                engine.stop(within_s=_WITHIN_S)

    def _application(
        self, workspace: "Workspace | None", listener: "socket.socket", hooks: "socket.socket | None"
    ) -> tuple[Any, Callable[[str, Callable[[], None]], None]]:
        """Return what is served on the port, and what to do once it is."""
        with needs_extra():
            from ..agent import server

        port = listener.getsockname()[1]
        routes = server.health_routes(self._engine.health, self._readiness)
        if hooks is None:
            routes += server.webhook_routes(self._edge())
        if workspace is None:
            return server.application(*routes), lambda at, end: self._announce(at, end, hooks)
        with needs_extra():
            from ..agent.application import application

        people, token = self._serving.people(self._engine.database, self._timing, port)

        def announce(address: str, end: Callable[[], None]) -> None:
            at_proxy = f"People open {self._serving.url.rstrip('/')}/"
            page = f"Open {address}/sign-in?token={token}" if token else at_proxy
            self._announce(address, end, hooks, workspace, page)

        return application(workspace, routes, self._serving.site(port), people), announce

    def _edge(self) -> Any:
        from ..agent.engine.edge import Edge

        return Edge(self._engine, self._engine.connections)

    def _workspace(self) -> "Workspace":
        from ..agent.connectors import installed
        from ..agent.workspace import Workspace
        from ..auth.vault import open_vault
        from ..auth.vault.default import forget_default
        from ..events.subscriptions.probe import probe

        account = self._account
        vault = account.vault if account else open_vault()
        return Workspace(
            self._engine,
            vault,
            installed(),
            account.origins if account else {},
            self._timing,
            account.book_sample if account else None,
            forget=lambda name: forget_default(vault, name),
            probe=probe,
        )

    def _set_base_url(self, address: str, hooks: "socket.socket | None") -> None:
        """Let Process Flow URLs begin with the address it listens on, unless another one is known."""
        from ..support import sockets

        if not self._serving.base_url and is_local(self._engine.flows.base_url()):
            self._engine.flows.set_base_url((sockets.address(hooks) if hooks else address).rstrip("/"))

    def _announce(
        self,
        address: str,
        end: Callable[[], None],
        hooks: "socket.socket | None",
        workspace: "Workspace | None" = None,
        page: str = "",
    ) -> None:
        from ..support import sockets

        self._set_base_url(address, hooks)
        if self._account and workspace:
            self._account.prepare(workspace)
        engine = self._engine
        shown = [
            f"The agent runs flows in {printable(engine.place)}, and listens on {address}.",
            *([printable(page)] if page else []),
            *(self._account.hints() if self._account else []),
            *([f"It receives webhooks on {sockets.address(hooks)}."] if hooks else []),
            f"Process Flow URLs begin with {printable(engine.flows.base_url())}/flows/.",
            "Press Ctrl-C to stop.",
        ]
        click.echo("\n".join(shown), err=True)
        threading.Thread(target=self._end_if_lost, args=(end,), daemon=True).start()
        self._readiness.has_started()

    def _end_if_lost(self, end: Callable[[], None]) -> None:
        """End the server if this process may not act any more."""
        while not self._ended.is_set():
            if self._engine.lost.wait(0.5):
                end()
                return

    @contextmanager
    def _webhooks_on(self, hooks: "socket.socket") -> Iterator[None]:
        """Receive webhooks on a port of their own, in a thread."""
        from ..agent import server
        from ..events.webhooks.server import serve_on

        started = threading.Event()
        ends: list[Callable[[], None]] = []

        def announce(_address: str, end: Callable[[], None]) -> None:
            ends.append(end)
            started.set()

        def run() -> None:
            try:
                serve_on(hooks, server.application(*server.webhook_routes(self._edge())), announce)
            finally:
                started.set()

        thread = threading.Thread(target=run, name="agent-webhooks")
        thread.start()
        started.wait()
        try:
            yield
        finally:
            for end in ends:
                end()
            thread.join()


@contextmanager
def _watching(workspace: "Workspace") -> Iterator[None]:
    """Check the stored credentials now and then."""
    from ..agent.workspace.credential_watch import CredentialWatch

    watch = CredentialWatch(workspace)
    watch.start()
    try:
        yield
    finally:
        watch.stop()


@contextmanager
def _audited(path: str | None) -> Iterator[None]:
    if path is None:
        yield
        return
    from ..agent.workspace import audit

    try:
        with audit.to_file(Path(path).expanduser()):
            yield
    except OSError as error:
        raise UsageError(
            f"Can't write {printable(path)}: {error.strerror}.", fix="Choose another file."
        ) from None
