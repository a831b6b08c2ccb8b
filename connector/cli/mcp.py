"""`calendly-connector mcp`: the connector as tools of an AI agent."""

import os
import signal
import sys

import click

from ..contract import Connection
from ..errors import UsageError
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
@click.option("--host", metavar="NAME", help="With --http: where to listen. Default: 127.0.0.1.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="N",
    help="With --http: the port, 0 for a free one. Default: 8701.",
)
def command(
    *, read_only: bool, only: tuple[str, ...], http: bool, host: str | None, port: int | None
) -> None:
    """Serve AI agents over the Model Context Protocol, until they close it.

    With --http clients send CALENDLY_MCP_TOKEN as bearer token.
    """
    try:
        from ..hosts.mcp.offer import make_offer
        from ..hosts.mcp.server import serve_stdio
    except ImportError as error:
        raise UsageError(f"mcp needs {error.name}.", fix="pip install 'calendly-connector[mcp]'") from None

    if not http and (host, port) != (None, None):
        raise UsageError("--host and --port say where to listen with --http.")
    chosen = credential()

    def connect() -> Connection:
        from ..plugin import connector

        return connector.connect(chosen)

    offer = make_offer(only, read_only=read_only)
    if not http:
        if sys.stdin.isatty():
            click.echo("Waiting for the client that should have started this. Press Ctrl-C to stop.", err=True)
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # the thread that waits for input hears of no other end
        serve_stdio(offer, connect)
        return
    from ..hosts.mcp.http import TOKEN_VARIABLE, check_token, serve_http

    token = check_token(os.environ.get(TOKEN_VARIABLE, ""))
    port = _PORT if port is None else port
    serve_http(offer, connect, token, host=host or _HOST, port=port, announce=_announce)


def _announce(url: str, loopback: bool) -> None:
    click.echo(f"Listening on {url}. Press Ctrl-C to stop.", err=True)
    if not loopback:
        click.echo(
            "Put TLS in front of it: without, tokens and people go over the network in clear.", err=True
        )
