"""Ids and draws that are the same for the same seed, without a table of what was handed out. Pure."""

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
    """UUIDs that hide a number: a million events need no id table, an id is read back into its number."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def make(self, kind: str, number: int) -> str:
        """Give the hyphenated UUID of the `number`-th thing of a kind."""
        tag = _hash_64_bits(f"{self._seed}:{kind}:{number}") & ~_VERSION_BITS | _VERSION_4
        low = (number ^ _hash_64_bits(f"{self._seed}:{tag}")) & _PAYLOAD | _VARIANT
        text = f"{tag:016x}{low:016x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    def number(self, kind: str, uuid: str) -> int | None:
        """Give the number `make` was called with, None for an id that was never made."""
        digits = uuid.replace("-", "")
        try:
            value = int(digits, 16)
        except ValueError:
            return None
        tag, low = value >> 64, value & (1 << 64) - 1
        number = (low ^ _hash_64_bits(f"{self._seed}:{tag}")) & _PAYLOAD
        return number if len(uuid) == _UUID_LENGTH and self.make(kind, number) == uuid else None


class Rng:
    """Small draws out of one digest: far cheaper than seeding a generator for each record."""

    def __init__(self, *parts: object) -> None:
        self._pool = int.from_bytes(blake2b(repr(parts).encode()).digest())

    def below(self, limit: int) -> int:
        """Give 0…limit-1."""
        self._pool, value = divmod(self._pool, limit)
        return value

    def chance(self, percent: int) -> bool:
        """Say yes in `percent` of 100 cases."""
        return self.below(100) < percent

    def choice(self, choices: Sequence[T]) -> T:
        """Give one of the choices."""
        return choices[self.below(len(choices))]


def _hash_64_bits(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest())
