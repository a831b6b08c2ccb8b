"""What an action gives to Mistral, within the size that Mistral keeps. Pure."""

import sys
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any, Final

from ...contract import CheckReport, Polled, Record, Records, Result
from ...errors import ConnectorError, ResultTooLarge

_FIX: Final = (
    "Ask for less, by limit, by a narrower range, or page by page; or raise execution_field_size_limit_kb "
    "under [engine] in mistral.conf, on engines and executors."
)
_DONE: Final = "What was asked for has been done: do not repeat it."
_RETRYABLE: Final = frozenset({"rate_limited", "offline", "calendly_down"})


def of_one(result: Result) -> Record:
    """Give one record, or that it is done."""
    told: Record = {"done": True} if result.record is None else {"record": result.record}
    return {**told, "warnings": list(result.warnings)}


def of_list(records: list[Record], told: Result | Records) -> Record:
    """Give a list, and whether it is all."""
    return {
        "records": records,
        "complete": told.complete,
        "next_page_token": told.next_page_token,
        "extra": told.extra,
        "warnings": list(told.warnings),
    }


def of_look(polled: Polled) -> Record:
    """Give the events of a look, and its cursor."""
    return {
        "events": [asdict(event) for event in polled.events],
        "cursor": polled.cursor,
        "complete": polled.complete,
        "warnings": list(polled.warnings),
    }


def of_report(report: CheckReport) -> Record:
    """Give a credential report; one that is not well as an error, without what it cannot do."""
    told = asdict(report)
    if report.ok:
        return told
    left_out = {"scopes", "actions", "outcome"}
    return {
        **{name: value for name, value in told.items() if name not in left_out},
        "code": report.outcome,
        "retryable": report.outcome in _RETRYABLE,
    }


def of_error(error: ConnectorError, limit_kb: int) -> Record:
    """Give an error as data, without its details where they are too large to be kept."""
    told = error.to_dict()
    if _too_large(told, limit_kb):
        return {name: told[name] for name in ("code", "message", "fix", "retryable")}
    return told


def gather(pages: Iterable[list[Record]], limit_kb: int) -> list[Record]:
    """Read a list up to what Mistral keeps. Raises ResultTooLarge as soon as it is more."""
    records: list[Record] = []
    size = 0
    for page in pages:
        records += page
        size += sys.getsizeof(str(page))
        if 0 <= limit_kb < size // 1024:
            raise _refusal(f"The first {len(records)} records have", limit_kb, done=False)
    return records


def check_size(answer: Record, limit_kb: int, *, done: bool) -> None:
    """Refuse what Mistral cannot keep; `done` says that something was changed. Raises ResultTooLarge."""
    if _too_large(answer, limit_kb):
        raise _refusal("The answer has", limit_kb, done=done)


def _refusal(what: str, limit_kb: int, *, done: bool) -> ResultTooLarge:
    words = f"{what} more than the {limit_kb} KB that Mistral keeps."
    return ResultTooLarge(words, fix=_DONE if done else _FIX, may_have_happened=done)


def _too_large(value: Any, limit_kb: int) -> bool:
    """Measure as Mistral does: by the memory that the text takes which Python makes of it."""
    return 0 <= limit_kb < sys.getsizeof(str({"result": value})) // 1024
