"""`calendly-connector agent`: a process that carries out deployed flows, and receives their events."""

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import click

from ..errors import AgentDatabaseError, InvalidParams, UsageError
from .agent_options import database_option, database_url, make_engine, needs_extra
from .commands import examples
from .terminal import logged, printable

if TYPE_CHECKING:
    from ..agent.engine.engine import Engine

_URL_VARIABLE: Final = "CALENDLY_AGENT_URL"
_DAY_S: Final = 86_400
_WITHIN_S: Final = 10


@click.command(
    "agent",
    epilog=examples(
        "agent",
        "agent --public-url https://flows.acme.example",
        "agent --database postgresql+psycopg://db.acme.example/agent --host 0.0.0.0",
    ),
)
@database_option
@click.option(
    "--host", metavar="HOST", default="127.0.0.1", show_default=True, help="The address to listen on."
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    default=8080,
    show_default=True,
    help="The port to listen on; 0 picks a free one.",
)
@click.option(
    "--public-url",
    envvar=_URL_VARIABLE,
    metavar="URL",
    help=f"Where others reach this agent: Process Flow URLs begin with it. Can be set in {_URL_VARIABLE}. "
    "Default: the address it listens on.",
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
def command(
    database: str | None, host: str, port: int, *, public_url: str | None, at_once: int, keep_days: float
) -> None:
    """Run the process flows that you deployed with `flow deploy`.

    Every step is recorded in the database. After a crash, or on another machine with the same PostgreSQL
    database, a run continues where it was. A write whose reply was lost is looked up, never blindly repeated.

    Webhooks are received at POST /flows/…, and GET /health says how the agent is. Put a proxy with TLS before
    it, and pass its address as --public-url.
    """
    engine = make_engine(
        database_url(database),
        base_url=_checked(public_url) if public_url else "",
        at_once=at_once,
        retention_s=keep_days * _DAY_S,
    )
    from ..agent.engine.edge import Edge

    with needs_extra():
        from ..agent.server import application
    from ..events.webhooks.server import serve

    ended = threading.Event()

    def announce(address: str, end: Callable[[], None]) -> None:
        if not public_url and _is_local(engine.flows.base_url()):
            engine.flows.set_base_url(address.rstrip("/"))
        click.echo(
            f"The agent runs flows in {printable(engine.place)}, and listens on {address}.\n"
            f"Process Flow URLs begin with {printable(engine.flows.base_url())}/flows/.\n"
            "Press Ctrl-C to stop.",
            err=True,
        )
        threading.Thread(target=_end_if_lost, args=(engine, ended, end), daemon=True).start()

    with logged(logging.INFO):
        engine.start()
        try:
            serve(application(Edge(engine, engine.connections), engine.health), host, port, announce)
        finally:
            ended.set()
            engine.stop(within_s=_WITHIN_S)
    if engine.lost.is_set():
        raise AgentDatabaseError(
            "Other processes took over the runs of this one, because it couldn't reach the database in time.",
            fix="Start it again.",
        )


def _end_if_lost(engine: "Engine", ended: threading.Event, end: Callable[[], None]) -> None:
    """End the server if this process may not act any more."""
    while not ended.is_set():
        if engine.lost.wait(0.5):
            end()
            return


def _checked(public_url: str) -> str:
    from ..events.subscriptions.urls import checked

    try:
        return checked(public_url).rstrip("/")
    except InvalidParams as error:
        raise UsageError(f"--public-url {error.problems[0].message}.") from None


def _is_local(base_url: str) -> bool:
    from urllib.parse import urlsplit

    from ..events.subscriptions.urls import LOOPBACK

    return not base_url or urlsplit(base_url).hostname in LOOPBACK
