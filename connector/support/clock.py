"""Injectable clock, sleep and jitter, so tests don't wait or depend on chance; and timeouts."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

# A generator of our own: a host's seed neither makes several processes retry at once, nor is it disturbed.
_RANDOM: Final = random.SystemRandom()


@dataclass(frozen=True, slots=True)
class Timing:
    """`clock` returns Unix seconds, `monotonic` seconds that never go back, `jitter` a number from 0 to 1."""

    clock: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = _RANDOM.random


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Limits of a call in seconds: to connect, between two bytes of a reply, with all attempts and waits."""

    connect_s: float = 10.0
    read_s: float = 30.0
    call_s: float = 180.0
