"""Everything that the connector promises to a host.

A host loads the connector by its entry point and needs nothing else:

    connector = stevedore.DriverManager("integration_platform.connectors", "calendly").driver
    with connector.connect({"kind": "personal_access_token", "token": "…"}) as connection:
        connection.check()                       # a CheckReport; never raises for a bad token
        connection.run("users.me").record        # one record
        connection.run("scheduled_events.list")  # one page; `complete` says whether that was all

Flows and hosts pass names of credentials, not credentials: `connect({"kind": "stored", "name": "work"})`.

`params` are plain values that are sent unchanged. `filter` is text that the author of a flow wrote: key/value
rows with `~{…}~` functions, `name[]` lists, `name.field` keys, and values that are converted to the type in
the action's schema. A host puts what comes from outside (a webhook, an earlier step) into `params`, or into a
row as `Plain(value)`. Records are plain dicts, times the ISO 8601 UTC texts that Calendly sends. Errors are
in `errors`.

The names are imported when they are first used: reading the catalog needs few of them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .catalog import (
        ActionGroup,
        ActionInfo,
        Column,
        CredentialKind,
        Effect,
        FunctionInfo,
        Icon,
        LookUp,
        ManifestInfo,
        Returns,
        TriggerInfo,
    )
    from .connection import CallOptions, Connection, Connector, PreparedCall, Trigger
    from .fields import Field, FieldType, Option, OptionPage, OutputField
    from .results import (
        Ability,
        CheckReport,
        Event,
        Filter,
        Outcome,
        Params,
        Plain,
        Polled,
        RateLimit,
        Record,
        Records,
        Result,
        Settled,
        Subscription,
        SubscriptionState,
        Verdict,
    )
    from .sign_in import CredentialStore, OAuth, SignInRequest

__all__ = [
    "Ability",
    "ActionGroup",
    "ActionInfo",
    "CallOptions",
    "CheckReport",
    "Column",
    "Connection",
    "Connector",
    "CredentialKind",
    "CredentialStore",
    "Effect",
    "Event",
    "Field",
    "FieldType",
    "Filter",
    "FunctionInfo",
    "Icon",
    "LookUp",
    "ManifestInfo",
    "OAuth",
    "Option",
    "OptionPage",
    "Outcome",
    "OutputField",
    "Params",
    "Plain",
    "Polled",
    "PreparedCall",
    "RateLimit",
    "Record",
    "Records",
    "Result",
    "Returns",
    "Settled",
    "SignInRequest",
    "Subscription",
    "SubscriptionState",
    "Trigger",
    "TriggerInfo",
    "Verdict",
]

_MODULES = {
    "Ability": "results",
    "ActionGroup": "catalog",
    "ActionInfo": "catalog",
    "CallOptions": "connection",
    "CheckReport": "results",
    "Column": "catalog",
    "Connection": "connection",
    "Connector": "connection",
    "CredentialKind": "catalog",
    "CredentialStore": "sign_in",
    "Effect": "catalog",
    "Event": "results",
    "Field": "fields",
    "FieldType": "fields",
    "Filter": "results",
    "FunctionInfo": "catalog",
    "Icon": "catalog",
    "LookUp": "catalog",
    "ManifestInfo": "catalog",
    "OAuth": "sign_in",
    "Option": "fields",
    "OptionPage": "fields",
    "Outcome": "results",
    "OutputField": "fields",
    "Params": "results",
    "Plain": "results",
    "Polled": "results",
    "PreparedCall": "connection",
    "RateLimit": "results",
    "Record": "results",
    "Records": "results",
    "Result": "results",
    "Returns": "catalog",
    "Settled": "results",
    "SignInRequest": "sign_in",
    "Subscription": "results",
    "SubscriptionState": "results",
    "Trigger": "connection",
    "TriggerInfo": "catalog",
    "Verdict": "results",
}


def __getattr__(name: str) -> Any:
    """Return a name of the contract, and import its module first."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_MODULES[name]}", __name__), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
