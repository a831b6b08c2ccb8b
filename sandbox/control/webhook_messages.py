"""Select the webhook subscriptions for an event and build their messages. Pure."""

import hashlib
import hmac
from dataclasses import dataclass

import orjson

from ..world import times
from ..world.domain_events import DomainEvent
from ..world.state import WebhookSubscription
from ..world.world import World

SIGNATURE_HEADER = "Calendly-Webhook-Signature"


@dataclass(frozen=True)
class WebhookMessage:
    """One message to one callback URL, unsigned.

    Attributes:
        event: event name, such as `invitee.created`.
        subscription: URI of the subscription.
        url: callback URL.
        body: raw body to post.
        booked_end: end of the meeting that the event is about, in microseconds; None if it isn't about one.
    """

    event: str
    subscription: str
    url: str
    body: bytes
    booked_end: int | None


def messages_for(world: World, event: DomainEvent, now: int) -> list[WebhookMessage]:
    """Return the messages of an event for all active subscriptions that match it."""
    return [
        _message(subscription, event, now)
        for subscription in world.subscriptions.values()
        if is_live(world, subscription) and _matches(world, subscription, event)
    ]


def is_live(world: World, subscription: WebhookSubscription) -> bool:
    """Check whether a subscription gets messages; a user's subscription ends when the user leaves."""
    record = subscription.record
    if record["state"] != "active":
        return False
    return record["scope"] != "user" or world.member(_uuid(record["user"])) is not None


def find_live(world: World, uri: str) -> WebhookSubscription | None:
    """Return the subscription with a URI if it exists and gets messages."""
    subscription = world.subscriptions.get(_uuid(uri))
    return subscription if subscription and is_live(world, subscription) else None


def headers(signature: str | None) -> dict[str, str]:
    """Return the HTTP headers of a message."""
    signed = {} if signature is None else {SIGNATURE_HEADER: signature}
    return {"Content-Type": "application/json", **signed}


def sign(key: str, timestamp_s: int, body: bytes) -> str:
    """Return the value of the signature header for a raw body."""
    digest = hmac.new(key.encode(), f"{timestamp_s}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={timestamp_s},v1={digest}"


def _matches(world: World, subscription: WebhookSubscription, event: DomainEvent) -> bool:
    record = subscription.record
    if event.name not in record["events"] or subscription.organization != event.organization:
        return False
    if record["scope"] == "user":
        member = world.member(_uuid(record["user"]))
        return member is not None and member.number in event.members
    if record["scope"] == "group":
        return not world.group_members(_uuid(record["group"])).isdisjoint(event.members)
    return True


def _message(subscription: WebhookSubscription, event: DomainEvent, now: int) -> WebhookMessage:
    record, payload = subscription.record, event.payload
    body = orjson.dumps(
        {
            "created_at": times.isoformat(now),
            "created_by": record["creator"],
            "event": event.name,
            "payload": payload,
        }
    )
    booked = payload.get("scheduled_event")
    booked_end = times.parse(booked["end_time"]) if booked else None
    return WebhookMessage(event.name, record["uri"], record["callback_url"], body, booked_end)


def _uuid(uri: str) -> str:
    return uri.rpartition("/")[2]
