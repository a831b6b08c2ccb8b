"""Webhook subscriptions that are never leaked, created twice or lost.

    subscriptions = Subscriptions(connection, VaultStore(open_vault()), signer_of(credential))
    subscriptions.subscribe(["invitee.created"], "https://hooks.acme.example/calendly")

What is stored, and what is found and repaired: `docs/how-to/subscriptions.md`.
"""

from .audit import Finding, Kind
from .keys import Signer, SigningKeys, signer_of
from .manager import Repair, Subscriptions
from .store import SubscriptionRecord, SubscriptionStore, VaultStore

__all__ = [
    "Finding",
    "Kind",
    "Repair",
    "Signer",
    "SigningKeys",
    "SubscriptionRecord",
    "SubscriptionStore",
    "Subscriptions",
    "VaultStore",
    "signer_of",
]
