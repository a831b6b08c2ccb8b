"""Which webhook subscriptions hear of a happening, and what exactly they are sent. Pure."""

import hashlib
import hmac
from dataclasses import dataclass

import orjson

from ..world import times
from ..world.happenings import Happening
from ..world.world import Subscription, World

SIGNATURE_HEADER = "Calendly-Webhook-Signature"


@dataclass(frozen=True)
class Notice:
    """One message to one callback URL, unsigned.

    Attributes:
        event: what it tells of.
        subscription: the URI of the subscription it belongs to.
        url: where it goes.
        body: what is posted.
        booked_end: when the meeting it is about is over, in microseconds; None for what is about no meeting.
    """

    event: str
    subscription: str
    url: str
    body: bytes
    booked_end: int | None


def notices(world: World, happening: Happening, now: int) -> list[Notice]:
    """Give the messages for all active subscriptions that a happening concerns."""
    return [
        _notice(subscription, happening, now)
        for subscription in world.subscriptions.values()
        if is_live(world, subscription) and _concerned(world, subscription, happening)
    ]


def is_live(world: World, subscription: Subscription) -> bool:
    """Whether a subscription is sent anything; those of users end when the user leaves."""
    record = subscription.record
    if record["state"] != "active":
        return False
    return record["scope"] != "user" or world.member(_uuid(record["user"])) is not None


def find_live(world: World, uri: str) -> Subscription | None:
    """Give the subscription of a URI if it is there and sent anything."""
    subscription = world.subscriptions.get(_uuid(uri))
    return subscription if subscription and is_live(world, subscription) else None


def headers(signature: str | None) -> dict[str, str]:
    """Give the headers of a message."""
    signed = {} if signature is None else {SIGNATURE_HEADER: signature}
    return {"Content-Type": "application/json", **signed}


def sign(key: str, timestamp_s: int, body: bytes) -> str:
    """Give the signature header's value for a raw body."""
    digest = hmac.new(key.encode(), f"{timestamp_s}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={timestamp_s},v1={digest}"


def _concerned(world: World, subscription: Subscription, happening: Happening) -> bool:
    record = subscription.record
    if happening.event not in record["events"] or subscription.organization != happening.organization:
        return False
    if record["scope"] == "user":
        member = world.member(_uuid(record["user"]))
        return member is not None and member.number in happening.members
    if record["scope"] == "group":
        return not world.group_members(_uuid(record["group"])).isdisjoint(happening.members)
    return True


def _notice(subscription: Subscription, happening: Happening, now: int) -> Notice:
    record, payload = subscription.record, happening.payload
    body = orjson.dumps(
        {
            "created_at": times.write(now),
            "created_by": record["creator"],
            "event": happening.event,
            "payload": payload,
        }
    )
    booked = payload.get("scheduled_event")
    booked_end = times.read(booked["end_time"]) if booked else None
    return Notice(happening.event, record["uri"], record["callback_url"], body, booked_end)


def _uuid(uri: str) -> str:
    return uri.rpartition("/")[2]
