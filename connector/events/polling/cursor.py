"""A cursor: what existed at the last poll, as a short text that a host keeps. Pure.

See docs/decisions/cursors-hold-no-events.md and docs/decisions/hashes-in-cursors.md.
"""

import base64
import hashlib
import json
import zlib
from dataclasses import dataclass, field
from typing import Any, Final

from ...errors import UsageError

_VERSION: Final = 1
_MAX_BYTES: Final = 256 * 1024 * 1024  # unpacked: a text from outside must not exhaust the memory

# The saved names of fields; earlier releases wrote these, too.
_IDENTITY: Final = "reach"
_RESCHEDULED: Final = "joined"
_DELIVERED: Final = "told"


@dataclass(slots=True)
class Cursor:
    """The state between two polls. Times are unix seconds.

    `at` is the time of the last poll, None before the first. `identity` is the token's user, organization and
    role. `seen` is what existed, by scope and family of records. `rescheduled` are the reschedules of the
    last days by short id, with the time of the poll that found them.

    If a host took only the first events of a poll, the cursor stays at the poll before: `delivered` are the
    short ids of the events it took, `since` is where a first poll began.
    """

    at: float | None = None
    identity: dict[str, Any] = field(default_factory=dict)
    seen: dict[str, dict[str, Any]] = field(default_factory=dict)
    rescheduled: dict[str, float] = field(default_factory=dict)
    delivered: list[str] = field(default_factory=list)
    since: float | None = None


def read(text: str) -> Cursor:
    """Return the cursor of a text; "" is the one before the first poll. Raises UsageError."""
    if not text:
        return Cursor()
    try:
        unpacker = zlib.decompressobj()
        plain = unpacker.decompress(base64.b64decode(text, validate=True), _MAX_BYTES)
        saved: Any = json.loads(plain) if unpacker.eof else None
        version, at, since = saved["version"], _seconds(saved["at"]), _seconds(saved.get("since"))
        identity, seen, rescheduled = (dict(saved[name]) for name in (_IDENTITY, "seen", _RESCHEDULED))
        delivered = [str(name) for name in saved.get(_DELIVERED, ())]
    except (ValueError, TypeError, KeyError, RecursionError, zlib.error):
        raise UsageError(
            "Invalid cursor.", fix="Pass the cursor of the last poll unchanged, or omit it to start from now."
        ) from None
    if version != _VERSION:
        raise UsageError("The cursor was written by a newer version.", fix="Update calendly-connector.")
    return Cursor(at, identity, seen, rescheduled, delivered, since)


def _seconds(value: Any) -> float | None:
    return None if value is None else float(value)


def write(cursor: Cursor) -> str:
    """Return a cursor as text."""
    saved = {
        "version": _VERSION,
        "at": cursor.at,
        _IDENTITY: cursor.identity,
        "seen": cursor.seen,
        _RESCHEDULED: cursor.rescheduled,
        _DELIVERED: cursor.delivered,
        "since": cursor.since,
    }
    return base64.b64encode(zlib.compress(json.dumps(saved, separators=(",", ":")).encode())).decode()


def short(text: str) -> str:
    """Return 11 characters that stand for a name; the chance of a collision in a million is 1 in 10^7."""
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
