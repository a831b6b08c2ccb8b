"""`calendly-connector mcp`: an MCP server with the connector's actions as tools."""

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
from ..support import extras
from ..support.redaction import RedactingFilter
from .commands import examples
from .options import credential, signs_in

_HOST, _PORT = "127.0.0.1", 8701


@click.command("mcp", epilog=examples("mcp", "mcp --http --port 8800"))
@signs_in
@click.option("--read-only", is_flag=True, help="Offer only tools that read.")
@click.option(
    "--only",
    multiple=True,
    metavar="NAME",
    help="Offer only this action, resource or group (repeatable).",
)
@click.option("--http", is_flag=True, help="Use streamable HTTP instead of standard input and output.")
@click.option("--host", metavar="HOST", help=f"With --http: the address to listen on. Default: {_HOST}.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    help=f"With --http: the port to listen on; 0 picks a free one. Default: {_PORT}.",
)
def command(
    *, read_only: bool, only: tuple[str, ...], http: bool, host: str | None, port: int | None
) -> None:
    """Run an MCP server for AI agents.

    It uses standard input and output, and stops when the client disconnects. With --http, clients must send
    the value of CALENDLY_MCP_TOKEN as a bearer token.
    """
    try:
        from ..hosts.mcp.http import TOKEN_VARIABLE, check_token, serve_http
        from ..hosts.mcp.server import serve_stdio
        from ..hosts.mcp.toolset import select_tools
    except ImportError as error:
        raise UsageError(f"The MCP server needs {error.name}.", fix=extras.install("mcp")) from None

    if not http and (host, port) != (None, None):
        raise UsageError("--host and --port require --http.")
    chosen = credential()

    def connect() -> Connection:
        from ..plugin import connector

        return connector.connect(chosen, source=credential_source(chosen, "of the MCP server"))

    toolset = select_tools(only, read_only=read_only)
    with _warnings_shown():
        if http:
            token = check_token(os.environ.get(TOKEN_VARIABLE, ""))
            port = _PORT if port is None else port
            serve_http(toolset, connect, token, host=host or _HOST, port=port, announce=_announce)
            return
        if sys.stdin.isatty():
            click.echo("Waiting for an MCP client on standard input. Press Ctrl-C to stop.", err=True)
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # nothing else stops the thread that waits for input
        serve_stdio(toolset, connect)


@contextmanager
def _warnings_shown() -> Iterator[None]:
    """Log warnings and errors to standard error, without secrets; standard output belongs to the protocol."""
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
            "Put TLS in front of it. Without TLS, tokens and personal data cross the network unencrypted.",
            err=True,
        )
