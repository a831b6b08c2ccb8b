"""Fault injection for webhook messages, reproducible by seed. Pure."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from ..world import times
from ..world.ids import Rng

POSTED, ANSWER_LOST, NOT_POSTED = "posted", "answer lost", "not posted"

_SHARES = ("duplicate", "reorder", "lose_answer", "lose_message")
_MAX_S = 30 * 24 * 60 * 60
_RNG_RANGE = 1_000_000


@dataclass(frozen=True)
class DeliveryFaults:
    """Settings for delivery faults; shares are between 0 and 1, times are seconds of the sandbox's clock.

    Attributes:
        duplicate: share of the messages that are sent twice, whether the first succeeds or not.
        duplicate_within_s: maximum delay of the duplicate; 0 sends it immediately.
        reorder: share of the messages that are delayed, so later ones overtake them.
        reorder_within_s: maximum delay of these messages; the minimum is one second.
        lose_answer: share of the attempts that are posted but fail because the reply is dropped.
        lose_message: share of the attempts that fail without being posted.
        outage_until: end of an outage, in microseconds; until then all attempts fail without being posted.
        seed: seed of the random choices.
    """

    duplicate: float = 0.0
    duplicate_within_s: int = 0
    reorder: float = 0.0
    reorder_within_s: int = 60
    lose_answer: float = 0.0
    lose_message: float = 0.0
    outage_until: int = 0
    seed: int = 1

    def copy_after(self, number: int) -> int | None:
        """Return the delay of a message's duplicate in microseconds, None for no duplicate."""
        rng = Rng(self.seed, number, "duplicate")
        return rng.below(self.duplicate_within_s + 1) * times.SECOND if _occurs(rng, self.duplicate) else None

    def delay(self, number: int) -> int:
        """Return the delay of a message in microseconds."""
        rng = Rng(self.seed, number, "reorder")
        return (1 + rng.below(self.reorder_within_s)) * times.SECOND if _occurs(rng, self.reorder) else 0

    def attempt_outcome(self, number: int, attempt: int, now: int) -> str:
        """Return the outcome of an attempt at a message; both are numbered from 1."""
        rng = Rng(self.seed, number, attempt, "lose")
        if now < self.outage_until or _occurs(rng, self.lose_message):
            return NOT_POSTED
        return ANSWER_LOST if _occurs(rng, self.lose_answer) else POSTED

    def to_json(self) -> dict[str, Any]:
        """Return the settings as JSON values."""
        until = times.isoformat(self.outage_until) if self.outage_until else None
        return asdict(self) | {"outage_until": until}


def with_changes(faults: DeliveryFaults, fields: Mapping[str, Any], now: int) -> DeliveryFaults:
    """Return changed settings; `outage_s` starts an outage now. Raises ValueError for an invalid field."""
    changes = dict(fields)
    for name in _SHARES:
        share = changes.get(name, 0)
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
            raise ValueError(f"{name} must be between 0 and 1")
    for name, minimum in (("duplicate_within_s", 0), ("reorder_within_s", 1), ("outage_s", 0), ("seed", 0)):
        number = changes.get(name, minimum)
        if isinstance(number, bool) or not isinstance(number, int) or not minimum <= number <= _MAX_S:
            raise ValueError(f"{name} must be an integer between {minimum} and {_MAX_S}")
    if "outage_s" in changes:
        outage_s = changes.pop("outage_s")
        changes["outage_until"] = now + outage_s * times.SECOND if outage_s else 0
    return replace(faults, **changes)


def _occurs(rng: Rng, share: float) -> bool:
    return rng.below(_RNG_RANGE) < share * _RNG_RANGE
