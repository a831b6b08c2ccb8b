"""What to do next about a call, from its last outcome. Pure: a recovered run decides the same again."""

from dataclasses import dataclass
from typing import Any, Final, Literal

from ..flows.model import Retry

Outcome = dict[str, Any]
"""How a call ended, as DBOS records it: plain JSON, with a `state`.

- `ok`: `record`, `records`, `extra`, `complete`
- `failed`: it certainly didn't happen, or only read; `error`, `retryable`, `retry_after_s`
- `unsettled`: it was sent (`sent_at`), and it isn't known whether it happened; look it up in `wait_s`
- `not_done`: looked up: it didn't happen; `error`, or none if the process died meanwhile
- `unknown`: nothing shows whether it happened; a person decides
- `paused`: the connector or credential can't be used; `error`

Each has the `attempt` that it belongs to, and `input`. `waited` says that the wait after it is over.
"""

RESENDS: Final = 3  # of a write that a look-up showed not to have happened, if the flow has fewer retries


@dataclass(frozen=True, slots=True)
class Settling:
    """How a write without a reply is looked up.

    First after `grace_s`, when it must have arrived, then with growing waits, for at most `most_s`.
    """

    grace_s: float = 10.0
    most_s: float = 1800.0
    most_wait_s: float = 300.0

    def wait_s(self, looks: int) -> float:
        """Return the wait before the next look-up, after some that showed nothing."""
        return float(min(self.grace_s * 2**looks, self.most_wait_s))


@dataclass(frozen=True, slots=True)
class Move:
    """Send a call, or look up whether it happened, after a wait."""

    kind: Literal["send", "settle"]
    attempt: int
    wait_s: float = 0.0


def next_move(outcome: Outcome | None, retry: Retry) -> Move | None:
    """Return the next move, or None if the outcome is final."""
    if outcome is None:
        return Move("send", 1)
    attempt = outcome["attempt"]
    match outcome["state"]:
        case "unsettled":
            return Move("settle", attempt, 0.0 if outcome.get("waited") else outcome["wait_s"])
        case "not_done":
            if outcome.get("error") is None:
                return Move("send", attempt + 1)
            return _again(outcome, retry, max(retry.times, RESENDS))
        case "failed" if outcome["retryable"]:
            return _again(outcome, retry, retry.times)
    return None


def _again(outcome: Outcome, retry: Retry, times: int) -> Move | None:
    attempt = outcome["attempt"]
    if attempt > times:
        return None
    if outcome.get("waited"):
        return Move("send", attempt + 1)
    wait = min(retry.wait_s * retry.factor ** (attempt - 1), retry.most_wait_s)
    return Move("send", attempt + 1, max(wait, outcome.get("retry_after_s") or 0.0))
