"""`calendly-connector webhooks`: subscriptions to events, and what keeps them from arriving."""

import click

from ..lazy import LazyGroup

_COMMANDS = {
    "subscribe": "Have events posted to an address.",
    "list": "Show all subscriptions, and how each one stands.",
    "unsubscribe": "End a subscription and forget its key.",
    "rotate": "Replace a subscription by one with a new key.",
    "prune": "Repair what was lost, doubled or disabled, with consent.",
    "doctor": "Say why an address cannot be reached.",
}


@click.group("webhooks", cls=LazyGroup, modules=__name__, about=_COMMANDS)
def command() -> None:
    """Subscribe to events, and keep the subscriptions in order.

    Each has a random id in its callback address and a signing key of its own, which is kept in the vault.
    """
