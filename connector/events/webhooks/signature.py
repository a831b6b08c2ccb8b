"""The webhook signature: `Calendly-Webhook-Signature: t=<unix seconds>,v1=<hex>`. Pure.

`v1` is HMAC-SHA256 of `t`, a dot and the raw body, under the subscription's signing key. Source:
https://developer.calendly.com/api-docs/overview/webhooks/webhook-signatures
See docs/decisions/signing-key-required.md.
"""

import hmac
import re
from collections.abc import Sequence
from typing import Final

from ...errors import SignatureError

HEADER: Final = "Calendly-Webhook-Signature"
TOLERANCE_S: Final = 180.0

_ITEM: Final = re.compile(r"([a-z][a-z0-9]{0,15})=([0-9a-z]{1,128})")
_ITEMS: Final = re.compile(f"{_ITEM.pattern}(?:,{_ITEM.pattern})*")
_TIME: Final = re.compile(r"[0-9]{1,12}")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_MAX_HEADER: Final = 1024  # characters; Calendly sends 79


def sign(body: bytes, key: str, timestamp: int) -> str:
    """Return the header's value for a body, as Calendly computes it. Use it to test a receiver."""
    return f"t={timestamp},v1={_digest(body, key, str(timestamp)).hex()}"


def verify(
    header: str | None, body: bytes, keys: Sequence[str], now: float, tolerance_s: float = TOLERANCE_S
) -> int:
    """Return the time at which a body was signed (unix seconds). Raises SignatureError.

    `body` is the raw bytes as they arrived. Any of `keys` may have signed it, so keys can be rotated.
    """
    usable = usable_keys(keys)
    if header is None:
        raise SignatureError(
            "The request has no signature.",
            fix="Create the subscription with a signing key; Calendly doesn't sign others.",
            reason="no_header",
        )
    timestamp, digests = _parse(header)
    expected = [_digest(body, key, timestamp) for key in usable]
    # Every pair is compared, so the duration doesn't reveal which one matched.
    matches = [hmac.compare_digest(known, digest) for known in expected for digest in digests]
    if not any(matches):
        raise SignatureError(
            "The signature doesn't match the body.",
            fix="Verify the raw bytes, with the key that the subscription was created with.",
            reason="mismatch",
        )
    if not abs(now - int(timestamp)) <= tolerance_s:  # written so that NaN fails too
        when = "old" if now > int(timestamp) else "future"
        raise SignatureError(
            f"The signature's time is more than {tolerance_s:.0f} s away from this machine's clock.",
            fix="Set the clock, unless this is a replay of an old post.",
            reason=when,
        )
    return int(timestamp)


def usable_keys(keys: Sequence[str]) -> tuple[str, ...]:
    """Return the keys without blank ones, which could be guessed. Raises SignatureError if none is left."""
    listed = [keys] if isinstance(keys, str) else keys or ()
    usable = tuple(key for key in listed if key and not key.isspace())
    if not usable:
        raise SignatureError(
            "No signing key to verify webhooks with.",
            fix="Set signing_key of the credential, or CALENDLY_WEBHOOK_SECRET, to the subscription's key.",
            reason="no_key",
        )
    return usable


def _parse(header: str) -> tuple[str, list[bytes]]:
    """Return the time and the digests in a header."""
    items = _ITEM.findall(header) if len(header) <= _MAX_HEADER and _ITEMS.fullmatch(header) else []
    times = [value for name, value in items if name == "t"]
    digests = [value for name, value in items if name == "v1"]
    if (
        len(times) != 1
        or not _TIME.fullmatch(times[0])
        or not digests
        or not all(map(_DIGEST.fullmatch, digests))
    ):
        raise SignatureError(
            f"The {HEADER} header doesn't have the form t=…,v1=….",
            fix="Only Calendly's own posts are accepted.",
            reason="malformed",
        )
    return times[0], list(map(bytes.fromhex, digests))


def _digest(body: bytes, key: str, timestamp: str) -> bytes:
    secret = key.encode(errors="surrogatepass")
    return hmac.digest(secret, timestamp.encode() + b"." + body, "sha256")
