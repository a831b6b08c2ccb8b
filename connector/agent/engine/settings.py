"""How an engine works."""

from dataclasses import dataclass, field
from typing import Final

from .moves import Settling
from .watchdog import LEASE_S
from .webhook_watch import EVERY_S

RETENTION_S: Final = 30 * 86400.0
MOST_STARTS: Final = 20


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """How an engine works.

    `base_url` is where Process Flow URLs begin; "" keeps what an earlier process set. `at_once` runs are
    carried out at a time, and the queue is read every `look_every_s`. A process that shows no life for
    `lease_s` is dead for the others. Runs that ended are kept for `retention_s`. A run whose process dies
    again and again fails after `most_starts`. The webhook subscriptions of flows are looked at every
    `watch_every_s`.
    """

    base_url: str = ""
    at_once: int = 20
    look_every_s: float = 0.2
    lease_s: float = LEASE_S
    settling: Settling = field(default_factory=Settling)
    retention_s: float = RETENTION_S
    most_starts: int = MOST_STARTS
    watch_every_s: float = EVERY_S
