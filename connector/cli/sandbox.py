"""`calendly-connector sandbox`: a made-up Calendly on this machine."""

import errno
import json
from datetime import UTC

import click

from ..errors import ConnectorError, UsageError


@click.command("sandbox")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8700, show_default=True, help="0 takes a free one."
)
@click.option("--events", type=int, default=250, show_default=True, help="How many events the world has.")
@click.option("--users", type=int, default=8, show_default=True, help="How many users the organization has.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same world.")
@click.option(
    "--anchor",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="YYYY-MM-DD",
    help="The day that the events lie around. Default: the day of --now.",
)
@click.option(
    "--now",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"]),
    metavar="TIME",
    help="Start the sandbox's clock at this UTC time, such as 2026-11-17T09:00:00Z. Default: now.",
)
@click.option("--public-origin", is_flag=True, help="Name resources on https://api.calendly.com, as in life.")
@click.option("--rate-limit", type=int, metavar="N", help="Requests a minute per token; 0: no limit.")
@click.option(
    "--rate-mode",
    metavar="MODE",
    default="fixed",
    show_default=True,
    help="How they are counted and told of: fixed, sliding, always-60 or retry-after.",
)
@click.option(
    "--page-token-life", "page_token_life_s", type=float, default=600.0, show_default=True, metavar="SECONDS"
)
@click.option("--latency", "latency_s", type=float, default=0.0, metavar="SECONDS", help="Hold replies back.")
@click.option(
    "--time-scale",
    type=float,
    default=1.0,
    show_default=True,
    metavar="N",
    help="Seconds of the sandbox that pass in one.",
)
@click.option(
    "--retry-signature",
    metavar="MODE",
    default="fresh",
    show_default=True,
    help="Sign a webhook that is sent again anew (fresh), or send what it was first signed with (original).",
)
@click.option(
    "--connect-timeout",
    "connect_timeout_s",
    type=float,
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="How long a webhook receiver may take to accept a connection.",
)
@click.option(
    "--read-timeout",
    "read_timeout_s",
    type=float,
    default=15.0,
    show_default=True,
    metavar="SECONDS",
    help="How long it may then be silent.",
)
@click.option("--render-once", is_flag=True, help="Keep rendered pages, for benchmarks of a client.")
@click.option(
    "--strict",
    is_flag=True,
    help="Take requests in the documented form only, and send no undocumented header.",
)
@click.option("--check-replies", is_flag=True, help="Answer 500 where a reply does not fit its schema.")
@click.option("--json", "as_json", is_flag=True, help="Announce the address as a JSON line.")
def command(*, as_json: bool, **settings: object) -> None:
    """Serve a made-up Calendly on this machine, until interrupted."""
    try:
        from calendly_connector.sandbox.options import SandboxOptions
        from calendly_connector.sandbox.server import serve
    except ImportError as error:
        raise UsageError(
            f"The sandbox needs {error.name}.", fix="pip install 'calendly-connector[sandbox]'"
        ) from None

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
        click.echo(f"A made-up Calendly listens on {url}. In another terminal:\n")
        click.echo(f"  export CALENDLY_API_URL={url} CALENDLY_API_TOKEN=sandbox-owner")
        click.echo("  calendly-connector check\n")
        click.echo(f"Other tokens: {url}/__sandbox__/tokens. Press Ctrl-C to stop.")
