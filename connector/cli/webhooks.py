"""`calendly-connector webhooks`: what Calendly posts. Each command is in `webhooks_NAME.py`."""

import click

from .lazy import LazyGroup

_COMMANDS = {
    "listen": "Take webhooks, and print, forward or run a command with each event.",
}


@click.group("webhooks", cls=LazyGroup, summaries=_COMMANDS, prefix="webhooks_")
def command() -> None:
    """Take what Calendly posts when something happens."""
