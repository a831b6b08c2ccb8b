"""A Calendly connector for any Python automation host.

    from calendly_connector import connector

    with connector.connect({"kind": "personal_access_token", "token": "…"}) as connection:
        for event in connection.iterate("scheduled_events.list"):
            print(event["name"])

Hosts load `connector` by its entry point: group `integration_platform.connectors`, name `calendly`. What it
promises to them is in `contract`. The names below are imported when they are first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .version import __version__

if TYPE_CHECKING:
    from .auth.vault import open_vault
    from .connection import CalendlyConnection
    from .contract import (
        ActionGroup,
        ActionInfo,
        CallOptions,
        CheckReport,
        Column,
        Connection,
        Connector,
        CredentialKind,
        CredentialStore,
        Event,
        Field,
        FunctionInfo,
        Icon,
        LookUp,
        ManifestInfo,
        OAuth,
        Option,
        OptionPage,
        OutputField,
        Plain,
        Polled,
        PreparedCall,
        RateLimit,
        Records,
        Result,
        Settled,
        SignInRequest,
        Subscription,
        SubscriptionState,
        Trigger,
        TriggerInfo,
        Verdict,
    )
    from .errors import (
        AgentDatabaseError,
        AmbiguousMeeting,
        CalendlyDown,
        CalendlyError,
        ConnectorError,
        DestinationError,
        InboxError,
        InvalidCredential,
        InvalidParams,
        NoAnswer,
        NotFound,
        PartlyDone,
        PermissionDenied,
        Problem,
        RateLimited,
        Rejected,
        ResultTooLarge,
        SignatureError,
        SignInFailed,
        SignInRequired,
        SlotTaken,
        TakenOver,
        Unauthenticated,
        UnexpectedAnswer,
        UnknownAction,
        UnknownCredential,
        UsageError,
        VaultError,
    )
    from .events.dispatcher import Dispatcher
    from .events.forwarder import Forwarder
    from .events.inbox import Inbox, open_inbox
    from .events.reconcile import reconcile
    from .events.subscriptions import SigningKeys, Subscriptions, SubscriptionStore, VaultStore, signer_of
    from .events.webhooks.asgi import asgi
    from .events.webhooks.receiver import Receiver, WebhookResponse
    from .events.webhooks.signature import sign
    from .events.webhooks.wsgi import wsgi
    from .plugin import CalendlyConnector, connector
    from .support.clock import Timeouts
    from .support.redaction import RedactingFilter

__all__ = [
    "ActionGroup",
    "ActionInfo",
    "AgentDatabaseError",
    "AmbiguousMeeting",
    "CalendlyConnection",
    "CalendlyConnector",
    "CalendlyDown",
    "CalendlyError",
    "CallOptions",
    "CheckReport",
    "Column",
    "Connection",
    "Connector",
    "ConnectorError",
    "CredentialKind",
    "CredentialStore",
    "DestinationError",
    "Dispatcher",
    "Event",
    "Field",
    "Forwarder",
    "FunctionInfo",
    "Icon",
    "Inbox",
    "InboxError",
    "InvalidCredential",
    "InvalidParams",
    "LookUp",
    "ManifestInfo",
    "NoAnswer",
    "NotFound",
    "OAuth",
    "Option",
    "OptionPage",
    "OutputField",
    "PartlyDone",
    "PermissionDenied",
    "Plain",
    "Polled",
    "PreparedCall",
    "Problem",
    "RateLimit",
    "RateLimited",
    "Receiver",
    "Records",
    "RedactingFilter",
    "Rejected",
    "Result",
    "ResultTooLarge",
    "Settled",
    "SignInFailed",
    "SignInRequest",
    "SignInRequired",
    "SignatureError",
    "SigningKeys",
    "SlotTaken",
    "Subscription",
    "SubscriptionState",
    "SubscriptionStore",
    "Subscriptions",
    "TakenOver",
    "Timeouts",
    "Trigger",
    "TriggerInfo",
    "Unauthenticated",
    "UnexpectedAnswer",
    "UnknownAction",
    "UnknownCredential",
    "UsageError",
    "VaultError",
    "VaultStore",
    "Verdict",
    "WebhookResponse",
    "__version__",
    "asgi",
    "connector",
    "open_inbox",
    "open_vault",
    "reconcile",
    "sign",
    "signer_of",
    "wsgi",
]

_MODULES = {
    "ActionGroup": "contract",
    "ActionInfo": "contract",
    "CalendlyConnection": "connection",
    "CalendlyConnector": "plugin",
    "CallOptions": "contract",
    "CheckReport": "contract",
    "Column": "contract",
    "Connection": "contract",
    "Connector": "contract",
    "CredentialKind": "contract",
    "CredentialStore": "contract",
    "Dispatcher": "events.dispatcher",
    "Event": "contract",
    "Field": "contract",
    "Forwarder": "events.forwarder",
    "FunctionInfo": "contract",
    "Icon": "contract",
    "Inbox": "events.inbox",
    "LookUp": "contract",
    "ManifestInfo": "contract",
    "OAuth": "contract",
    "Option": "contract",
    "OptionPage": "contract",
    "OutputField": "contract",
    "Plain": "contract",
    "Polled": "contract",
    "PreparedCall": "contract",
    "RateLimit": "contract",
    "Receiver": "events.webhooks.receiver",
    "Records": "contract",
    "RedactingFilter": "support.redaction",
    "Result": "contract",
    "Settled": "contract",
    "SignInRequest": "contract",
    "SigningKeys": "events.subscriptions",
    "Subscription": "contract",
    "SubscriptionState": "contract",
    "SubscriptionStore": "events.subscriptions",
    "Subscriptions": "events.subscriptions",
    "Timeouts": "support.clock",
    "Trigger": "contract",
    "TriggerInfo": "contract",
    "VaultStore": "events.subscriptions",
    "Verdict": "contract",
    "WebhookResponse": "events.webhooks.receiver",
    "asgi": "events.webhooks.asgi",
    "connector": "plugin",
    "open_inbox": "events.inbox",
    "open_vault": "auth.vault",
    "reconcile": "events.reconcile",
    "sign": "events.webhooks.signature",
    "signer_of": "events.subscriptions",
    "wsgi": "events.webhooks.wsgi",
}
"""Where each public name is defined; the others are in `errors`."""


def __getattr__(name: str) -> Any:
    """Return a public name, and import its module first."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_MODULES.get(name, 'errors')}", __name__), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
