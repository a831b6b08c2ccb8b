"""Which webhook subscriptions hear of a happening, and what exactly they are sent. Pure."""

import hashlib
import hmac
from dataclasses import dataclass

import orjson

from ..world import cast, times
from ..world.happenings import Happening
from ..world.world import Subscription, World

SIGNATURE_HEADER = "Calendly-Webhook-Signature"


@dataclass(frozen=True)
class Notice:
    """One message to one callback URL; the signing key is used up, only the signature remains."""

    event: str
    subscription: str
    url: str
    body: bytes
    headers: dict[str, str]


def notices(world: World, happening: Happening, now: int) -> list[Notice]:
    """Give the messages for all active subscriptions that a happening concerns."""
    return [
        _notice(subscription, happening, now)
        for subscription in world.subscriptions.values()
        if _concerned(world, subscription, happening)
    ]


def sign(key: str, timestamp_s: int, body: bytes) -> str:
    """Give the signature header's value for a raw body."""
    digest = hmac.new(key.encode(), f"{timestamp_s}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={timestamp_s},v1={digest}"


def _concerned(world: World, subscription: Subscription, happening: Happening) -> bool:
    record = subscription.record
    if (
        record["state"] != "active"
        or happening.event not in record["events"]
        or subscription.organization != happening.organization
    ):
        return False
    if record["scope"] == "user":
        member = world.member(record["user"].rpartition("/")[2])
        return member is not None and member.number in happening.members
    if record["scope"] == "group":
        of_group = record["group"].rpartition("/")[2] == cast.GROUP
        return of_group and not world.population.group.isdisjoint(happening.members)
    return True


def _notice(subscription: Subscription, happening: Happening, now: int) -> Notice:
    record = subscription.record
    body = orjson.dumps(
        {
            "created_at": times.write(now),
            "created_by": record["creator"],
            "event": happening.event,
            "payload": happening.payload,
        }
    )
    headers = {"Content-Type": "application/json"}
    if subscription.signing_key:
        headers[SIGNATURE_HEADER] = sign(subscription.signing_key, now // times.SECOND, body)
    return Notice(happening.event, record["uri"], record["callback_url"], body, headers)
