"""Trouble with webhook messages on demand, the same for the same seed. Pure."""

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
    """How often what goes wrong; shares lie between 0 and 1, times are seconds of the sandbox's clock.

    Attributes:
        duplicate: share of the messages that are sent once more, whatever became of the first.
        duplicate_within_s: the copy goes out at once, or up to so much later.
        reorder: share of the messages that are held back, so that later ones overtake them.
        reorder_within_s: they are held back for a second or more, up to so long.
        lose_answer: share of the attempts that are posted, while the answer is thrown away: they have failed.
        lose_message: share of the attempts that fail without being posted.
        outage_until: until then nothing is posted, and every attempt fails; microseconds.
        seed: what the draws come from.
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
        """Give how long after the message of that number its copy goes out; None for no copy."""
        rng = Rng(self.seed, number, "duplicate")
        return rng.below(self.duplicate_within_s + 1) * times.SECOND if _occurs(rng, self.duplicate) else None

    def delay(self, number: int) -> int:
        """Give how long the message of that number is held back."""
        rng = Rng(self.seed, number, "reorder")
        return (1 + rng.below(self.reorder_within_s)) * times.SECOND if _occurs(rng, self.reorder) else 0

    def attempt_outcome(self, number: int, attempt: int, now: int) -> str:
        """Give what becomes of an attempt, both counted from 1."""
        rng = Rng(self.seed, number, attempt, "lose")
        if now < self.outage_until or _occurs(rng, self.lose_message):
            return NOT_POSTED
        return ANSWER_LOST if _occurs(rng, self.lose_answer) else POSTED

    def to_json(self) -> dict[str, Any]:
        """Give the faults as JSON values."""
        until = times.isoformat(self.outage_until) if self.outage_until else None
        return asdict(self) | {"outage_until": until}


def with_changes(faults: DeliveryFaults, given: Mapping[str, Any], now: int) -> DeliveryFaults:
    """Change what is given, with `outage_s` for how long an outage lasts; ValueError says what is wrong."""
    changes = dict(given)
    for name in _SHARES:
        share = changes.get(name, 0)
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
            raise ValueError(f"{name} must be between 0 and 1")
    for name, least in (("duplicate_within_s", 0), ("reorder_within_s", 1), ("outage_s", 0), ("seed", 0)):
        number = changes.get(name, least)
        if isinstance(number, bool) or not isinstance(number, int) or not least <= number <= _MAX_S:
            raise ValueError(f"{name} must be an integer between {least} and {_MAX_S}")
    if "outage_s" in changes:
        lasting = changes.pop("outage_s")
        changes["outage_until"] = now + lasting * times.SECOND if lasting else 0
    return replace(faults, **changes)


def _occurs(rng: Rng, share: float) -> bool:
    return rng.below(_RNG_RANGE) < share * _RNG_RANGE
