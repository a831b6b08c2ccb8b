"""Webhook subscriptions: their state, the flow and the last delivery of each, the doctor, and repair."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from ...contract import Connection, SubscriptionState
from ...errors import ConnectorError, UsageError
from ...support.redaction import shortened
from ..connectors import OWN
from ..engine.outcomes import as_connector_error
from ..engine.webhook_changes import BROKEN, SUBSCRIBE_AGAIN, Watched, key_of, of_flows
from . import audit
from .flow_words import WEBHOOK_STATES
from .model import Workspace
from .notice import Notice

PAGE: Final = "/webhooks"
LASTING_S: Final = 300.0  # looks that fail for a shorter time are no news: the network, or a deployment

_ORDER: Final = ("disabled", "vanished", "failing", "pending", "surplus", "active", "foreign", "unknown")
_MISSED: Final = "Events that happen now don't arrive."


@dataclass(frozen=True, slots=True)
class Webhook:
    """A subscription, and with which credential it was listed.

    `flow` is the one that it posts to ("": another address), `delivered_at` when this agent last received
    an event of that flow by webhook, and `looked_at` when the watch last saw its state (unix seconds).
    """

    connector: str
    credential: str
    subscription: SubscriptionState
    flow: str = ""
    delivered_at: float | None = None
    looked_at: float | None = None

    @property
    def key(self) -> str:
        """What identifies it, in addresses of pages, too."""
        return key_of(self.subscription)

    @property
    def state_word(self) -> str:
        """The state as people read it."""
        state = self.subscription.state
        return WEBHOOK_STATES.get(state, state)

    @property
    def short_url(self) -> str:
        """The URL in lists: without its last part, because the address of a flow ends with a secret."""
        if self.flow:
            return f"…/flows/{self.flow}/…"
        return f"{self.subscription.url.removeprefix('https://').partition('/')[0]}/…"


@dataclass(frozen=True, slots=True)
class Unread:
    """A credential whose subscriptions can't be listed, and why."""

    connector: str
    credential: str
    message: str
    fix: str
    looked_at: float | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """All that could be listed, what needs repair first, and the credentials that couldn't be used."""

    webhooks: tuple[Webhook, ...]
    unread: tuple[Unread, ...]


def listing(workspace: Workspace) -> Listing:
    """List the subscriptions of every stored credential that may have some. It uses the network."""
    watch = workspace.engine.webhooks
    flow_of = watch.flow_finder()
    looked = {(one.connector, one.credential): one.looked_at for one in watch.looks()}
    known = watch.known()
    found: dict[tuple[str, str], Webhook] = {}
    unread = []
    for connector, credential in _sources(workspace):
        at = looked.get((connector, credential))
        try:
            with workspace.open(connector, credential) as connection:
                states = connection.subscription_states()
        except Exception as raised:  # noqa: BLE001 - one credential must not hide the others
            fault = as_connector_error(raised)
            unread.append(Unread(connector, credential, fault.message, fault.fix, at))
            continue
        states = of_flows(states, flow_of)
        states += _missed(known.get(connector, []), states, credential)
        for one in states:
            webhook = Webhook(connector, credential, one, flow_of(one.url), looked_at=at)
            key = (connector, webhook.key)
            # Another credential may see what this one can't.
            if key not in found or found[key].subscription.state == "unknown":
                found[key] = webhook
    delivered = _deliveries(workspace, {one.flow for one in found.values() if one.flow})
    webhooks = [replace(one, delivered_at=delivered.get(one.flow)) for one in found.values()]
    return Listing(tuple(sorted(webhooks, key=_urgency)), tuple(unread))


def look_again(workspace: Workspace) -> None:
    """Let the watch look at all webhooks at once, and not when it is due."""
    for connector in {look.connector for look in workspace.engine.webhooks.looks()}:
        workspace.engine.webhooks.hurry(connector)


def find(workspace: Workspace, connector: str, key: str) -> Webhook:
    """Return one subscription as it is now. Raises UsageError if there is none."""
    for one in listing(workspace).webhooks:
        if (one.connector, one.key) == (connector, key):
            return one
    raise UsageError(
        f"There is no subscription {shortened(key)!r}.",
        fix="It may have been replaced or deleted. Look at the list.",
    )


def diagnose(workspace: Workspace, webhook: Webhook) -> list[Any]:
    """Return what keeps the application from posting to a subscription's address, as the doctor says.

    It posts to the address, so only those of subscriptions are accepted, not any that a person writes.
    """
    if workspace.probe is None:
        raise UsageError("This agent has no doctor for addresses.")
    if webhook.subscription.state == "foreign":
        raise UsageError(
            "Something else created this subscription, so its address isn't ours to try.",
            fix="Ask who runs the address.",
        )
    return list(workspace.probe(webhook.subscription.url))


def repair(workspace: Workspace, webhook: Webhook, by: str) -> str:
    """Repair a subscription, to which a person has agreed. Return what happened, in a sentence."""
    one = webhook.subscription
    if not one.repair:
        raise UsageError("There is nothing to repair.")
    audit.note(by, "webhook.repair", webhook.key, state=one.state, flow=webhook.flow)
    with workspace.open(webhook.connector, webhook.credential) as connection:
        done = _subscribe_again(workspace, connection, webhook) if _is_missed(one) else None
        if done is None:
            done = connection.repair_subscription(one)
    workspace.engine.webhooks.hurry(webhook.connector)
    return "Repaired." if done else "It has changed meanwhile. Look at it again."


def delete(workspace: Workspace, webhook: Webhook, by: str) -> str:
    """Delete a subscription of ours, to which a person has agreed. Return what happened."""
    if webhook.subscription.state == "vanished" and _is_missed(webhook.subscription):
        workspace.engine.webhooks.forget(webhook.connector, webhook.key)
        return "It is no longer watched."
    if not webhook.subscription.id:
        raise UsageError("Something else created this subscription.", fix="Delete it where it was created.")
    audit.note(by, "webhook.delete", webhook.key, flow=webhook.flow)
    with workspace.open(webhook.connector, webhook.credential) as connection:
        deleted = connection.unsubscribe(webhook.subscription.id)
    workspace.engine.webhooks.forget(webhook.connector, webhook.key)
    workspace.engine.webhooks.hurry(webhook.connector)
    return "Deleted. Its address gets no more events." if deleted else "It was deleted already."


def notices(workspace: Workspace) -> list[Notice]:
    """Return what the watch has noticed: broken subscriptions, and credentials that it can't look with."""
    watch = workspace.engine.webhooks
    found = [_notice(one) for known in watch.known().values() for one in known if one.state in BROKEN]
    now = workspace.timing.clock()
    for look in watch.looks():
        if look.failing_since is None:
            continue
        if look.passes and now - look.failing_since < LASTING_S:
            continue
        message = f"The webhooks of the credential {shortened(look.credential)} can't be watched."
        found.append(Notice(f"{message} {look.error}", PAGE, "Look at them", "warning"))
    return found


def _notice(one: Watched) -> Notice:
    where = f"of the flow {one.flow}" if one.flow else f"for {', '.join(one.events)}"
    what = "is disabled" if one.state == "disabled" else "has vanished"
    return Notice(f"A webhook {where} {what}. {_MISSED}", f"{PAGE}?of={one.key}", "Repair it")


def _sources(workspace: Workspace) -> list[tuple[str, str]]:
    """Return connectors and credentials that may have subscriptions: those of flows, and by their kinds."""
    deployed = [workspace.engine.flows.flow(one.name, one.version) for one in workspace.engine.flows.all()]
    used = {(one.connector, one.credential) for flow in deployed for one in flow.connections.values()}
    named = {credential: connector for connector, credential in used if credential}
    found = {one for one in used if _may_have(workspace, one[0])}
    for name in workspace.vault.names():
        if name in named:
            continue
        try:
            kind = workspace.vault.get(name).get("kind", "none")
        except ConnectorError:
            continue
        fitting = [one for one in workspace.connectors if _may_have(workspace, one, kind)]
        found |= {(connector, name) for connector in fitting}
    return sorted(found)


def _may_have(workspace: Workspace, connector: str, kind: str = "") -> bool:
    one = workspace.connectors.get(connector)
    if one is None or connector == OWN or not one.manifest.triggers:
        return False
    return not kind or kind in one.manifest.credentials


def _missed(
    known: Iterable[Watched], states: Iterable[SubscriptionState], credential: str
) -> list[SubscriptionState]:
    """Return those that the watch misses, and that the application doesn't even list."""
    listed = {key_of(one) for one in states}
    return [
        SubscriptionState(
            "vanished", "", one.key, one.url, one.events, one.scope, "", one.message, SUBSCRIBE_AGAIN
        )
        for one in known
        if one.state == "vanished" and one.credential == credential and one.key not in listed
    ]


def _is_missed(one: SubscriptionState) -> bool:
    return one.repair == SUBSCRIBE_AGAIN


def _subscribe_again(workspace: Workspace, connection: Connection, webhook: Webhook) -> bool:
    one = webhook.subscription
    scope = "" if one.scope == "group" else one.scope
    connection.subscribe(one.events, workspace.engine.url(webhook.flow), scope=scope)
    return True


def _deliveries(workspace: Workspace, flows: Iterable[str]) -> Mapping[str, float]:
    """Return when each flow last got an event by webhook."""
    return {
        name: at
        for name in flows
        if (at := workspace.engine.runs.last_started(name, "triggered")) is not None
    }


def _urgency(one: Webhook) -> tuple[int, str, str]:
    return _ORDER.index(one.subscription.state), one.flow, one.key
