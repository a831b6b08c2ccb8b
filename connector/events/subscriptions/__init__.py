"""Webhook subscriptions that are never leaked, doubled or lost.

    subscriptions = Subscriptions(connection, VaultStore(open_vault()), signer_of(credential))
    subscriptions.subscribe(["invitee.created"], "https://hooks.acme.example/calendly")

What is kept, and what is found and repaired: `docs/subscriptions.md`.
"""

from .audit import Finding, Kind
from .keys import Signer, SigningKeys, signer_of
from .manager import Repair, Subscriptions
from .store import Kept, Store, VaultStore

__all__ = [
    "Finding",
    "Kept",
    "Kind",
    "Repair",
    "Signer",
    "SigningKeys",
    "Store",
    "Subscriptions",
    "VaultStore",
    "signer_of",
]
