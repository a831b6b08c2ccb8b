"""Results and errors in the form that workflows get, within the size that Mistral stores. Pure."""

import sys
from collections.abc import Iterable
from copy import copy
from dataclasses import asdict
from typing import Any, Final

from ...contract import CheckReport, Polled, Record, Records, Result, Settled
from ...errors import CalendlyDown, ConnectorError, NoAnswer, ResultTooLarge

_FIX: Final = (
    "Request less, with limit, a narrower range or page by page, or raise execution_field_size_limit_kb "
    "under [engine] in mistral.conf, on engines and executors."
)
_FIX_DONE: Final = "The action has been carried out; do not repeat it."
_RETRYABLE: Final = frozenset({"rate_limited", "offline", "calendly_down"})


def single_result(result: Result) -> Record:
    """Return the result of an action that returns one record or none."""
    content: Record = {"done": True} if result.record is None else {"record": result.record}
    return {**content, "warnings": list(result.warnings)}


def settled_result(action: str, settled: Settled) -> Result:
    """Return the result of a write whose reply was lost, and which a look-up found."""
    return Result(action, record=settled.record, warnings=(f"The reply was lost. {settled.message}",))


def settled_error(error: NoAnswer | CalendlyDown, settled: Settled) -> ConnectorError:
    """Return a lost reply's error with what a look-up found: it may be retried if the write wasn't done."""
    explained = copy(error)
    explained.message = f"{error.message} {settled.message}"
    explained.may_have_happened = settled.state == "unknown"
    explained.retryable = not explained.may_have_happened
    explained.fix = settled.fix or "Run it again."
    return explained


def list_result(records: list[Record], source: Result | Records) -> Record:
    """Return the result of a list; `complete` says whether it has all records."""
    return {
        "records": records,
        "complete": source.complete,
        "next_page_token": source.next_page_token,
        "extra": source.extra,
        "warnings": list(source.warnings),
    }


def poll_result(polled: Polled) -> Record:
    """Return the events of a poll and the cursor for the next one."""
    return {
        "events": [asdict(event) for event in polled.events],
        "cursor": polled.cursor,
        "complete": polled.complete,
        "warnings": list(polled.warnings),
    }


def check_result(report: CheckReport) -> Record:
    """Return a report; a failed one in the form of an error."""
    fields = asdict(report)
    if report.ok:
        return fields
    omitted = {"scopes", "actions", "outcome"}
    return {
        **{name: value for name, value in fields.items() if name not in omitted},
        "code": report.outcome,
        "retryable": report.outcome in _RETRYABLE,
    }


def error_result(error: ConnectorError, limit_kb: int) -> Record:
    """Return an error as data, without its details if they are too large."""
    fields = error.to_dict()
    if _is_too_large(fields, limit_kb):
        return {name: fields[name] for name in ("code", "message", "fix", "retryable")}
    return fields


def read_all(pages: Iterable[list[Record]], limit_kb: int) -> list[Record]:
    """Read a list. Raises ResultTooLarge as soon as it exceeds the limit."""
    records: list[Record] = []
    size = 0
    for page in pages:
        records += page
        size += sys.getsizeof(str(page))
        if 0 <= limit_kb < size // 1024:
            raise _too_large(f"The first {len(records)} records are", limit_kb, done=False)
    return records


def check_size(result: Record, limit_kb: int, *, done: bool) -> None:
    """Raise ResultTooLarge if Mistral can't store a result; `done` says that a write was carried out."""
    if _is_too_large(result, limit_kb):
        raise _too_large("The result is", limit_kb, done=done)


def _too_large(subject: str, limit_kb: int, *, done: bool) -> ResultTooLarge:
    message = f"{subject} larger than the {limit_kb} KB that Mistral stores."
    return ResultTooLarge(message, fix=_FIX_DONE if done else _FIX, may_have_happened=done)


def _is_too_large(value: Any, limit_kb: int) -> bool:
    """Measure as Mistral does: the memory of Python's text form of the result."""
    return 0 <= limit_kb < sys.getsizeof(str({"result": value})) // 1024
