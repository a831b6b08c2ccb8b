"""Addresses of booking pages that nobody can guess. Pure."""

from .ids import Dice
from .world import World

_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
_PARTS = {"d": (4, 3, 3), "s": (4, 2, 4)}


def secret_page(world: World, kind: str) -> str:
    """Give a new address below the booking origin: `d/abcd-brv-efg` or `s/x1y2-z3-a4b5`."""
    dice = Dice("page", world.new_uuid("page"))
    return f"{kind}/" + "-".join("".join(dice.pick(_LETTERS) for _ in range(size)) for size in _PARTS[kind])
