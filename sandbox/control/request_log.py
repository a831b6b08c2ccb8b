"""Log requests: counts and the latest requests, without headers because they contain tokens."""

from collections import Counter, deque
from typing import Any

MAX_LOG_ENTRIES = 1000


class RequestLog:
    """Counts per operation, and the latest requests."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._latest: deque[dict[str, Any]] = deque(maxlen=MAX_LOG_ENTRIES)

    def add(self, *, operation: str, method: str, path: str, query: str, status: int, at: float) -> None:
        """Log one request; `operation` is the method with the path template, `at` is in Unix seconds."""
        self._counts[operation] += 1
        self._latest.append({"method": method, "path": path, "query": query, "status": status, "at": at})

    def clear(self) -> None:
        """Clear counts and requests."""
        self._counts.clear()
        self._latest.clear()

    def to_json(self) -> dict[str, Any]:
        """Return counts by operation and the requests, oldest first, as {method, path, query, status, at}."""
        return {"counts": dict(self._counts), "requests": list(self._latest)}
