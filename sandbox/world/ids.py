"""Reproducible ids and random choices, without tables. Pure."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeVar

T = TypeVar("T")

_VERSION_BITS = 0xF000
_VERSION_4 = 0x4000
_VARIANT = 2 << 62
_PAYLOAD = (1 << 62) - 1
_UUID_LENGTH = 36


class Ids:
    """UUIDs that encode a number, so a million events need no table of ids."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def make(self, kind: str, number: int) -> str:
        """Return the hyphenated UUID of the `number`-th resource of a kind."""
        tag = _hash_64_bits(f"{self._seed}:{kind}:{number}") & ~_VERSION_BITS | _VERSION_4
        low = (number ^ _hash_64_bits(f"{self._seed}:{tag}")) & _PAYLOAD | _VARIANT
        text = f"{tag:016x}{low:016x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    def number(self, kind: str, uuid: str) -> int | None:
        """Return the number in an id from `make`, None for any other id."""
        digits = uuid.replace("-", "")
        try:
            value = int(digits, 16)
        except ValueError:
            return None
        tag, low = value >> 64, value & (1 << 64) - 1
        number = (low ^ _hash_64_bits(f"{self._seed}:{tag}")) & _PAYLOAD
        return number if len(uuid) == _UUID_LENGTH and self.make(kind, number) == uuid else None


class Rng:
    """A few random choices from one digest, which is much cheaper than seeding `Random` for each record."""

    def __init__(self, *parts: object) -> None:
        self._pool = int.from_bytes(blake2b(repr(parts).encode()).digest())

    def below(self, limit: int) -> int:
        """Return an integer from 0 to limit-1."""
        self._pool, value = divmod(self._pool, limit)
        return value

    def chance(self, percent: int) -> bool:
        """Return True in `percent` of 100 cases."""
        return self.below(100) < percent

    def choice(self, choices: Sequence[T]) -> T:
        """Return one of the choices."""
        return choices[self.below(len(choices))]


def _hash_64_bits(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest())
