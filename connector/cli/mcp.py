"""`calendly-connector mcp`: the connector as tools of an AI agent."""

import logging
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from ..auth.credentials import credential_source
from ..contract import Connection
from ..errors import UsageError
from ..support.redaction import RedactingFilter
from .session import credential, signs_in

_HOST, _PORT = "127.0.0.1", 8701


@click.command("mcp")
@signs_in
@click.option("--read-only", is_flag=True, help="Offer no tool that changes anything.")
@click.option(
    "--only",
    multiple=True,
    metavar="NAME",
    help="Offer these actions, resources or groups, and nothing else; may be repeated.",
)
@click.option("--http", is_flag=True, help="Serve streamable HTTP instead of standard input and output.")
@click.option("--host", metavar="NAME", help=f"With --http: where to listen. Default: {_HOST}.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="N",
    help=f"With --http: the port, 0 for a free one. Default: {_PORT}.",
)
def command(
    *, read_only: bool, only: tuple[str, ...], http: bool, host: str | None, port: int | None
) -> None:
    """Serve AI agents over the Model Context Protocol, until they close it.

    With --http clients send CALENDLY_MCP_TOKEN as bearer token.
    """
    try:
        from ..hosts.mcp.http import TOKEN_VARIABLE, check_token, serve_http
        from ..hosts.mcp.server import serve_stdio
        from ..hosts.mcp.toolset import make_offer
    except ImportError as error:
        raise UsageError(f"mcp needs {error.name}.", fix="pip install 'calendly-connector[mcp]'") from None

    if not http and (host, port) != (None, None):
        raise UsageError("--host and --port say where to listen with --http.")
    chosen = credential()

    def connect() -> Connection:
        from ..plugin import connector

        return connector.connect(chosen, source=credential_source(chosen, "of the MCP server"))

    offer = make_offer(only, read_only=read_only)
    with _warnings_shown():
        if http:
            token = check_token(os.environ.get(TOKEN_VARIABLE, ""))
            port = _PORT if port is None else port
            serve_http(offer, connect, token, host=host or _HOST, port=port, announce=_announce)
            return
        if sys.stdin.isatty():
            click.echo("Waiting for the client that should start this. Press Ctrl-C to stop.", err=True)
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # the thread that waits for input hears of no other end
        serve_stdio(offer, connect)


@contextmanager
def _warnings_shown() -> Iterator[None]:
    """Print what goes wrong inside on standard error, without secrets; standard output is the protocol's."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setLevel(logging.WARNING)
    handler.addFilter(RedactingFilter())
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)


def _announce(url: str, loopback: bool) -> None:
    click.echo(f"Listening on {url}. Press Ctrl-C to stop.", err=True)
    if not loopback:
        click.echo(
            "Put TLS in front of it: without, tokens and people go over the network in clear.", err=True
        )
