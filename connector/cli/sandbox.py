"""`calendly-connector sandbox`: a local mock of Calendly."""

import errno
import json
from datetime import UTC

import click

from ..errors import ConnectorError, UsageError
from ..support import extras
from .commands import examples
from .options import prints_json


@click.command("sandbox", epilog=examples("sandbox", "sandbox --port 0 --events 1000 --json"))
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    default=8700,
    show_default=True,
    help="The port to listen on; 0 picks a free one.",
)
@click.option(
    "--events",
    type=int,
    metavar="N",
    default=250,
    show_default=True,
    help="The number of scheduled events to generate.",
)
@click.option(
    "--users",
    type=int,
    metavar="N",
    default=8,
    show_default=True,
    help="The number of users in the organization.",
)
@click.option(
    "--event-types",
    type=int,
    metavar="N",
    default=0,
    show_default=True,
    help="The number of event types that the owner has besides the usual ones.",
)
@click.option(
    "--seed",
    type=int,
    metavar="N",
    default=1,
    show_default=True,
    help="The same seed generates the same data.",
)
@click.option(
    "--anchor",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="YYYY-MM-DD",
    help="Generate events around this day. Default: the day of --now.",
)
@click.option(
    "--now",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"]),
    metavar="TIME",
    help="Start the sandbox's clock at this UTC time, such as 2026-11-17T09:00:00Z. Default: now.",
)
@click.option(
    "--public-origin", is_flag=True, help="Use https://api.calendly.com in resource URIs, as Calendly does."
)
@click.option(
    "--rate-limit",
    type=int,
    metavar="N",
    help="Requests per minute and token; 0 means no limit. Default: the limit of the user's plan.",
)
@click.option(
    "--rate-mode",
    metavar="MODE",
    default="fixed",
    show_default=True,
    help="How requests are counted and limits reported: fixed, sliding, always-60 or retry-after.",
)
@click.option(
    "--page-token-life",
    "page_token_life_s",
    type=float,
    default=600.0,
    show_default=True,
    metavar="SECONDS",
    help="How long a page token stays valid.",
)
@click.option(
    "--latency", "latency_s", type=float, default=0.0, metavar="SECONDS", help="Delay every response."
)
@click.option(
    "--time-scale",
    type=float,
    default=1.0,
    show_default=True,
    metavar="N",
    help="Run the sandbox's clock N times as fast.",
)
@click.option(
    "--retry-signature",
    metavar="MODE",
    default="fresh",
    show_default=True,
    help="Sign a retried webhook again (fresh), or resend its first signature (original).",
)
@click.option(
    "--connect-timeout",
    "connect_timeout_s",
    type=float,
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for a webhook receiver to accept a connection.",
)
@click.option(
    "--read-timeout",
    "read_timeout_s",
    type=float,
    default=15.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for its response.",
)
@click.option("--render-once", is_flag=True, help="Cache rendered pages, for benchmarking a client.")
@click.option(
    "--strict",
    is_flag=True,
    help="Accept only documented request formats, and send no undocumented headers.",
)
@click.option("--check-replies", is_flag=True, help="Answer 500 if a response doesn't match its schema.")
@prints_json("Print the URL as a JSON line.")
def command(*, as_json: bool, **settings: object) -> None:
    """Run a local mock of Calendly, without an account or network access."""
    try:
        from calendly_connector.sandbox.options import SandboxOptions
        from calendly_connector.sandbox.server import serve
    except ImportError as error:
        raise UsageError(f"The sandbox needs {error.name}.", fix=extras.install("sandbox")) from None

    anchor = settings.pop("anchor")
    settings["anchor"] = anchor and anchor.date()  # type: ignore[attr-defined]
    now = settings.pop("now")
    settings["now"] = now and now.replace(tzinfo=UTC)  # type: ignore[attr-defined]
    try:
        options = SandboxOptions(**settings)
    except ValueError as error:
        raise UsageError(f"{error}.") from None
    try:
        serve(options, lambda url: _announce(url, as_json=as_json))
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        raise ConnectorError(f"Port {options.port} is in use.", fix="Pass --port 0 for a free one.") from None


def _announce(url: str, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"url": url}))
    else:
        click.echo(f"Mock Calendly is running at {url}. In another terminal, run:\n")
        click.echo(f"  export CALENDLY_API_URL={url} CALENDLY_API_TOKEN=sandbox-owner")
        click.echo("  calendly-connector check\n")
        click.echo(f"More tokens: {url}/__sandbox__/tokens\nPress Ctrl-C to stop.")
