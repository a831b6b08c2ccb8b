"""The webhook signature: `Calendly-Webhook-Signature: t=<unix seconds>,v1=<hex>`. Pure.

`v1` is HMAC-SHA256 of `t`, a dot and the raw body, under the subscription's signing key. Source:
https://developer.calendly.com/api-docs/overview/webhooks/webhook-signatures
"""

import hmac
import re
from collections.abc import Sequence
from typing import Final

from ...errors import SignatureError

HEADER: Final = "Calendly-Webhook-Signature"
TOLERANCE_S: Final = 180.0

_ITEM: Final = re.compile(r"([a-z][a-z0-9]{0,15})=([0-9a-z]{1,128})")
_TIME: Final = re.compile(r"[0-9]{1,12}")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_LONGEST: Final = 1024  # characters of a header; a real one has 79


def sign(body: bytes, key: str, timestamp: int) -> str:
    """Make the header's value for a body, as Calendly does; for tests of a receiver."""
    return f"t={timestamp},v1={_digest(body, key, str(timestamp)).hex()}"


def verify(
    header: str | None, body: bytes, keys: Sequence[str], now: float, tolerance_s: float = TOLERANCE_S
) -> int:
    """Give the time at which a body was signed (unix seconds), or raise SignatureError.

    `body` is the raw bytes as they arrived. Any of `keys` may have signed, so that keys can be rotated.
    """
    # A blank key could be guessed; of a bare text, each character would pass for a key.
    usable = [key for key in ([keys] if isinstance(keys, str) else keys) if key and not key.isspace()]
    if not usable:
        raise SignatureError(
            "There is no signing key to verify webhooks with.",
            fix="Set CALENDLY_WEBHOOK_SECRET to the key of the subscription.",
            reason="no_key",
        )
    if header is None:
        raise SignatureError(
            "The request has no signature.",
            fix="Make the subscription with a signing key: Calendly signs only those.",
            reason="no_header",
        )
    timestamp, digests = _parse(header)
    good = [_digest(body, key, timestamp) for key in usable]
    # Every pair is compared, so that the time taken does not tell which one matched.
    matches = [hmac.compare_digest(known, digest) for known in good for digest in digests]
    if not any(matches):
        raise SignatureError(
            "The signature does not fit the body.",
            fix="Verify the raw bytes, with the key that the subscription was made with.",
            reason="mismatch",
        )
    if not abs(now - int(timestamp)) <= tolerance_s:  # in this form a clock that is no number fails too
        when = "old" if now > int(timestamp) else "future"
        raise SignatureError(
            f"The signature is more than {tolerance_s:.0f} s away from this machine's clock.",
            fix="If this was no replay, set the clock.",
            reason=when,
        )
    return int(timestamp)


def _parse(header: str) -> tuple[str, list[bytes]]:
    items = [_ITEM.fullmatch(item) for item in header[: _LONGEST + 1].split(",")]
    if len(header) > _LONGEST or not all(items):
        raise _malformed()
    pairs = [(item[1], item[2]) for item in items if item]
    times = [value for name, value in pairs if name == "t"]
    digests = [value for name, value in pairs if name == "v1"]
    if len(times) != 1 or not _TIME.fullmatch(times[0]) or not digests:
        raise _malformed()
    if not all(map(_DIGEST.fullmatch, digests)):
        raise _malformed()
    return times[0], [bytes.fromhex(digest) for digest in digests]


def _malformed() -> SignatureError:
    return SignatureError(
        f"The {HEADER} header is not of the form t=…,v1=….",
        fix="Only Calendly's own posts pass.",
        reason="malformed",
    )


def _digest(body: bytes, key: str, timestamp: str) -> bytes:
    secret = key.encode(errors="surrogatepass")
    return hmac.digest(secret, timestamp.encode() + b"." + body, "sha256")
