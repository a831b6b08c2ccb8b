"""`calendly-connector webhooks`: what Calendly posts. Each command is in `webhooks_NAME.py`."""

import click

from .lazy import LazyGroup

_COMMANDS = {
    "listen": "Take webhooks, and print, forward or run a command with each event.",
    "inbox": "Show what waits in the inbox, and give again what was parked.",
    "subscribe": "Have events posted to an address.",
    "list": "Show all subscriptions, and how each one stands.",
    "unsubscribe": "End a subscription and forget its key.",
    "rotate": "Replace a subscription by one with a new key.",
    "prune": "Repair what was lost, doubled or disabled, with consent.",
    "doctor": "Say why an address cannot be reached.",
}


@click.group("webhooks", cls=LazyGroup, summaries=_COMMANDS, prefix="webhooks_")
def command() -> None:
    """Subscribe to events, and take what Calendly posts.

    Each subscription has a random id in its callback address and a signing key of its own, kept in the vault.
    """
