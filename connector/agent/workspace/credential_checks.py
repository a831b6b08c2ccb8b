"""What is known about stored credentials: the outcome of their last check, in memory."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from ...contract import CheckReport

BROKEN: Final = frozenset({"missing_token", "malformed_token", "invalid_token", "missing_scope", "forbidden"})
"""Outcomes that a person has to repair. After others, such as "offline", the next check may succeed."""


@dataclass(frozen=True, slots=True)
class Checked:
    """The last check of a credential, when (unix seconds), and the report that says it is broken, if it is.

    A check that couldn't be carried out doesn't repair a broken credential, so `broken` stays. `is_deep` says
    that it tried every scope.
    """

    report: CheckReport
    at: float
    broken: CheckReport | None = None
    is_deep: bool = False


class CredentialChecks:
    """The last check of each credential by name, and whether someone waits for new ones. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._checked: dict[str, Checked] = {}
        self._asked = threading.Event()

    def get(self, name: str) -> Checked | None:
        """Return the last check of a credential; None if there was none since the agent started."""
        with self._lock:
            return self._checked.get(name)

    def put(self, name: str, report: CheckReport, at: float, *, is_deep: bool = False) -> None:
        """Keep a report."""
        with self._lock:
            before = self._checked.get(name)
            broken = report if report.outcome in BROKEN else None
            if broken is None and not report.ok and before is not None:
                broken = before.broken
            self._checked[name] = Checked(report, at, broken, is_deep)

    def forget(self, name: str) -> None:
        """Forget a credential: it was deleted, or is another one now."""
        with self._lock:
            self._checked.pop(name, None)

    def keep_only(self, names: Iterable[str]) -> None:
        """Forget all credentials but these."""
        kept = set(names)
        with self._lock:
            self._checked = {name: one for name, one in self._checked.items() if name in kept}

    def broken(self) -> dict[str, CheckReport]:
        """Return the reports on credentials that a person has to repair, by name."""
        with self._lock:
            return {name: one.broken for name, one in sorted(self._checked.items()) if one.broken}

    def ask(self) -> None:
        """Ask for new checks soon: a person looks at the credentials."""
        self._asked.set()

    def was_asked(self) -> bool:
        """Return whether someone asked since the last call."""
        asked = self._asked.is_set()
        self._asked.clear()
        return asked
