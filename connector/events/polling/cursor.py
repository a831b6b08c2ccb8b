"""A cursor: what was there at the last look, as a short text that a host keeps. Pure."""

import base64
import hashlib
import json
import zlib
from dataclasses import dataclass, field
from typing import Any, Final

from ...errors import UsageError

_VERSION: Final = 1
_LARGEST: Final = 256 * 1024 * 1024  # bytes, unpacked: a text from outside may not fill the memory


@dataclass(slots=True)
class Cursor:
    """`at` is the time of the last look (unix seconds), None before the first.

    `reach` says whose token it was. `seen` holds what was there, by whose it is and what kind of thing;
    `joined` the reschedules of the last days by their short id, with the time they were told. Where a host
    took only the first events of a look, the cursor stays where that look began: `told` holds the short ids
    of what it took, `since` where a first look began.
    """

    at: float | None = None
    reach: dict[str, Any] = field(default_factory=dict)
    seen: dict[str, dict[str, Any]] = field(default_factory=dict)
    joined: dict[str, float] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)
    since: float | None = None


def read(text: str) -> Cursor:
    """Read a cursor; UsageError for a text that is none."""
    if not text:
        return Cursor()
    try:
        unpacker = zlib.decompressobj()
        plain = unpacker.decompress(base64.b64decode(text, validate=True), _LARGEST)
        told: Any = json.loads(plain) if unpacker.eof else None
        version, at, since = told["version"], _seconds(told["at"]), _seconds(told.get("since"))
        reach, seen, joined = (dict(told[name]) for name in ("reach", "seen", "joined"))
        taken = [str(name) for name in told.get("told", ())]
    except (ValueError, TypeError, KeyError, RecursionError, zlib.error):
        raise UsageError(
            "The cursor is none that poll gave.",
            fix="Give it back to the letter, or none to begin anew: then nothing that is past is told.",
        ) from None
    if version != _VERSION:
        raise UsageError("The cursor was made by a newer version.", fix="Update calendly-connector.")
    return Cursor(at, reach, seen, joined, taken, since)


def _seconds(value: Any) -> float | None:
    return None if value is None else float(value)


def write(cursor: Cursor) -> str:
    """Write a cursor."""
    told = {
        "version": _VERSION,
        "at": cursor.at,
        "reach": cursor.reach,
        "seen": cursor.seen,
        "joined": cursor.joined,
        "told": cursor.told,
        "since": cursor.since,
    }
    return base64.b64encode(zlib.compress(json.dumps(told, separators=(",", ":")).encode())).decode()


def short(text: str) -> str:
    """Give a name in 11 characters; that any two of a million are the same has a chance of 1 to 10^7."""
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
