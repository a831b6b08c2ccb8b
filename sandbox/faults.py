"""Fault injection for API requests, in the order in which faults were added. Pure."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

REPLACING = frozenset({"status", "html", "empty", "not_json"})
"""Kinds that replace the reply; the operation is not performed."""

CORRUPTING = frozenset({"truncate", "reset", "slow", "latency"})
"""Kinds that break the transfer of the real reply, after the operation was performed."""

PAGING = frozenset({"empty_page", "repeat_token", "refuse_token", "shift"})
"""Kinds that break pagination: an empty page before the requested one; a page whose token leads to itself;
every page token rejected; a page that starts with the last `rows` rows of the previous one.
Requests that don't return a paged list are not affected."""

KINDS = REPLACING | CORRUPTING | PAGING

_DEFAULT_STATUS = {"status": 500, "html": 502, "empty": 200, "not_json": 200}
_MAX_TIMES = 1_000_000
MAX_LATENCY_S = 300.0
_HEADER_NAME = re.compile(r"[A-Za-z0-9-]+")
_HEADER_VALUE = re.compile(r"[\x20-\x7e]*")


@dataclass(frozen=True)
class Fault:
    """A fault for `times` requests of a method ("" for all) below a path, after skipping `after` of them."""

    kind: str
    method: str = ""
    path: str = "/"
    times: int = 1
    after: int = 0
    status: int = 500
    headers: Mapping[str, str] = field(default_factory=dict)
    latency_s: float = 0.0
    rows: int = 1

    def matches(self, method: str, path: str) -> bool:
        """Check whether the fault applies to a request."""
        return self.method in {"", method} and path.startswith(self.path)


def parse_fault(fields: Mapping[str, Any]) -> Fault:
    """Build a fault from the fields of a control call; raise ValueError for an invalid one."""
    kind = fields.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(sorted(KINDS))}")
    fault = Fault(**({"status": _DEFAULT_STATUS.get(kind, 500)} | dict(fields)))
    for name, minimum in (("times", 1), ("after", 0), ("rows", 1)):
        number = getattr(fault, name)
        if not (isinstance(number, int) and minimum <= number <= _MAX_TIMES):
            raise ValueError(f"{name} must be an integer between {minimum} and {_MAX_TIMES}")
    if not (isinstance(fault.status, int) and 200 <= fault.status <= 599):  # noqa: PLR2004 - HTTP's range
        raise ValueError("status must be an integer between 200 and 599")
    if not (isinstance(fault.latency_s, int | float) and 0 <= fault.latency_s <= MAX_LATENCY_S):
        raise ValueError(f"latency_s must be between 0 and {MAX_LATENCY_S:g}")
    if not (isinstance(fault.method, str) and isinstance(fault.path, str)):
        raise ValueError("method and path must be strings")  # noqa: TRY004 - becomes a 400 like all others
    if not _are_headers(fault.headers):
        raise ValueError("headers must be an object of header names and printable ASCII strings")
    return replace(fault, method=fault.method.upper())


def _are_headers(value: Any) -> bool:
    return isinstance(value, dict) and all(
        isinstance(text, str) and pattern.fullmatch(text)
        for header in value.items()
        for text, pattern in zip(header, (_HEADER_NAME, _HEADER_VALUE), strict=True)
    )


class FaultQueue:
    """The pending faults."""

    def __init__(self) -> None:
        self._pending: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Add a fault after the pending ones."""
        self._pending.append(fault)

    def pop(self, method: str, path: str) -> Fault | None:
        """Return the first fault that applies to a request, and count it down."""
        for index, fault in enumerate(self._pending):
            if not fault.matches(method, path):
                continue
            if fault.after:
                self._pending[index] = replace(fault, after=fault.after - 1)
            else:
                rest = [replace(fault, times=fault.times - 1)] if fault.times > 1 else []
                self._pending[index : index + 1] = rest
                return fault
        return None

    def clear(self) -> None:
        """Remove all faults."""
        self._pending.clear()

    def to_json(self) -> list[dict[str, Any]]:
        """Return the pending faults as JSON values."""
        return [asdict(fault) for fault in self._pending]
