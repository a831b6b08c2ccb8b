"""Trouble on demand: declared faults that requests run into, in the order they were declared. Pure."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

REPLACING = frozenset({"status", "html", "empty", "not_json"})
"""Kinds that answer in place of the operation, which is not done."""

CORRUPTING = frozenset({"truncate", "reset", "slow", "latency"})
"""Kinds that spoil the way of the true reply, after the operation was done."""

PAGING = frozenset({"empty_page", "repeat_token", "refuse_token", "shift"})
"""Kinds that lead a reader of pages astray: an empty page before the one asked for; a page whose token
leads to itself; any page token refused; a page that begins with the last `rows` rows of the one before.
What is no list is done as usual."""

KINDS = REPLACING | CORRUPTING | PAGING

_DEFAULT_STATUS = {"status": 500, "html": 502, "empty": 200, "not_json": 200}
_MAX_TIMES = 1_000_000
MAX_LATENCY_S = 300.0
_HEADER_NAME = re.compile(r"[A-Za-z0-9-]+")
_HEADER_VALUE = re.compile(r"[\x20-\x7e]*")


@dataclass(frozen=True)
class Fault:
    """One kind of trouble for `times` requests of a method ("" for all) below a path, after some others."""

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
        """Whether a request runs into it."""
        return self.method in {"", method} and path.startswith(self.path)


def parse_fault(given: Mapping[str, Any]) -> Fault:
    """Make a fault of its fields as a caller sent them; ValueError says what is wrong."""
    kind = given.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(sorted(KINDS))}")
    fault = Fault(**({"status": _DEFAULT_STATUS.get(kind, 500)} | dict(given)))
    for name, least in (("times", 1), ("after", 0), ("rows", 1)):
        number = getattr(fault, name)
        if not (isinstance(number, int) and least <= number <= _MAX_TIMES):
            raise ValueError(f"{name} must be an integer between {least} and {_MAX_TIMES}")
    if not (isinstance(fault.status, int) and 200 <= fault.status <= 599):  # noqa: PLR2004 - HTTP's range
        raise ValueError("status must be an integer between 200 and 599")
    if not (isinstance(fault.latency_s, int | float) and 0 <= fault.latency_s <= MAX_LATENCY_S):
        raise ValueError(f"latency_s must be between 0 and {MAX_LATENCY_S:g}")
    if not (isinstance(fault.method, str) and isinstance(fault.path, str)):
        raise ValueError("method and path must be texts")  # noqa: TRY004 - answered with 400 like all others
    if not _are_headers(fault.headers):
        raise ValueError("headers must be an object of header names and printable ASCII texts")
    return replace(fault, method=fault.method.upper())


def _are_headers(value: Any) -> bool:
    return isinstance(value, dict) and all(
        isinstance(text, str) and pattern.fullmatch(text)
        for header in value.items()
        for text, pattern in zip(header, (_HEADER_NAME, _HEADER_VALUE), strict=True)
    )


class FaultQueue:
    """The faults that are still to come."""

    def __init__(self) -> None:
        self._pending: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Let a fault wait for its requests."""
        self._pending.append(fault)

    def pop(self, method: str, path: str) -> Fault | None:
        """Give the fault a request runs into, and count it down."""
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
        """Forget all faults."""
        self._pending.clear()

    def to_json(self) -> list[dict[str, Any]]:
        """Give the waiting faults as JSON values."""
        return [asdict(fault) for fault in self._pending]
