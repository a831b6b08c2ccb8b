"""An action that runs once per row of a table: what is left to run, and running it. Resumable.

An outcome is recorded before each call, as `started`, and after it. A later run skips what is done, repeats
what failed, and looks for the result of a call whose outcome is unknown if the action can do that.
See docs/decisions/links-without-a-key.md.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

from ..catalog import expressions
from ..catalog.models import Action
from ..contract import Params, PreparedCall, Record
from ..errors import (
    ConnectorError,
    NoAnswer,
    PermissionDenied,
    RateLimited,
    SignInFailed,
    Unauthenticated,
    UsageError,
    VaultError,
)
from ..support import timestamps
from .steps import Prepare

RowStatus = Literal["done", "failed", "unknown", "started"]

_CLOCKS_DIFFER: Final = timedelta(seconds=10)
UNKNOWN: Final = "The call may have been carried out: the run ended before its reply arrived."
_ENDS_ALL: Final = (Unauthenticated, SignInFailed, VaultError, RateLimited)


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table: its number from 1, all its cells, and those that are inputs as filter rows.

    `key` stays the same in later runs as long as the inputs do; equal rows have different keys.
    """

    number: int
    cells: Mapping[str, Any]
    inputs: tuple[tuple[str, Any], ...]
    key: str


@dataclass(frozen=True, slots=True)
class RowOutcome:
    """What is known about a row. `started_at` is the time of its first call whose outcome is unknown."""

    key: str
    status: RowStatus
    started_at: str = ""
    result: Record = field(default_factory=dict)
    error: str = ""


@dataclass(frozen=True, slots=True)
class Batch:
    """Runs an action per row. `params` and `defaults` are the same for all rows; cells take precedence."""

    action: Action
    prepare: Prepare
    clock: Callable[[], float]
    params: Params = field(default_factory=dict)
    defaults: Sequence[tuple[str, Any]] = ()

    def rows(self, table: Iterable[Mapping[str, Any]]) -> list[Row]:
        """Return the rows of a table; columns that aren't inputs are only carried along."""
        rows: list[Row] = []
        seen: dict[str, int] = {}
        for number, cells in enumerate(table, 1):
            inputs = self._inputs(cells)
            digest = _digest([self.action.id, {**self.params}, sorted(inputs, key=lambda pair: pair[0])])
            seen[digest] = seen.get(digest, 0) + 1
            key = digest if seen[digest] == 1 else _digest([digest, seen[digest]])
            rows.append(Row(number, cells, tuple(inputs), key))
        return rows

    def check(self, row: Row) -> ConnectorError | None:
        """Return what is wrong with a row, without using the network."""
        try:
            self.prepared(row)
        except UsageError as error:
            return error
        return None

    def left(
        self, rows: Iterable[Row], outcomes: Mapping[str, RowOutcome], *, retry_unknown: bool = False
    ) -> list[tuple[Row, RowOutcome | None]]:
        """Return the rows to run, each with the earlier call to look for, if any."""
        found: list[tuple[Row, RowOutcome | None]] = []
        for row in rows:
            outcome = outcomes.get(row.key)
            if outcome is None or outcome.status == "failed" or (outcome.status != "done" and retry_unknown):
                found.append((row, None))
            elif outcome.status != "done" and self._is_repeatable(row, outcome):
                found.append((row, outcome))
        return found

    def run(
        self,
        left: Iterable[tuple[Row, RowOutcome | None]],
        known: Iterable[str],
        record: Callable[[Row, RowOutcome], None],
    ) -> Iterator[RowOutcome]:
        """Run rows one after another. `known` are the links that earlier rows have.

        Raises the error of a row if it would be that of all following rows as well.
        """
        known = set(known)
        for row, earlier in left:
            now = timestamps.write(datetime.fromtimestamp(self.clock(), UTC))
            unresolved = RowOutcome(row.key, "started", earlier.started_at if earlier else now)
            if self.action.effect != "read":
                record(row, unresolved)
            error: ConnectorError | None = None
            try:
                params = self._retry(row, earlier, known)
                outcome = RowOutcome(row.key, "done", result=_result(self.prepared(row, params)))
            except ConnectorError as raised:
                error = raised
                outcome = self._failure(error, unresolved, earlier)
            known.add(str(outcome.result.get(self.action.retry.get("field", ""), "")))
            record(row, outcome)
            yield outcome
            if error and _ends_all(error):
                raise error

    def _inputs(self, cells: Mapping[str, Any]) -> list[tuple[str, Any]]:
        """Return the cells that are inputs as filter rows, with the defaults of those that are empty."""
        own = {
            name: value
            for column, cell in cells.items()
            if (name := input_of(column, self.action)) and (value := _plain(cell)) not in ("", None)
        }
        heads = {self._head(name) for name in own}
        kept = [
            (key, value)
            for key, value in self.defaults
            if key not in own and self._head(key) not in own and key not in heads
        ]
        return [*kept, *own.items()]

    def prepared(self, row: Row, params: Params | None = None) -> PreparedCall:
        """Return the checked call of a row, with `params` besides its own inputs. Raises UsageError."""
        heads = {self._head(name) for name, _ in row.inputs}
        shared = {name: value for name, value in self.params.items() if name not in heads}
        return self.prepare(self.action.id, {**shared, **(params or {})}, filter=row.inputs)

    def _head(self, key: str) -> str:
        """Return the input that a filter row belongs to."""
        return expressions.input_name(key, self.action.inputs)

    def finds_earlier(self, row: Row) -> bool:
        """Check whether a repeated call of a row finds what an earlier one created."""
        retry = self.action.retry
        return bool(retry) and not self._uses(row, retry.get("unless", ""))

    def _uses(self, row: Row, path: str) -> bool:
        """Check whether a row, or what all rows share, has a value for an input or a field of one."""
        values = {**self.params, **dict(row.inputs)}
        head, _, name = path.partition(".")
        fields = values.get(head)
        return bool(values.get(path) or (isinstance(fields, Mapping) and fields.get(name)))

    def _is_repeatable(self, row: Row, outcome: RowOutcome) -> bool:
        """Check whether the action finds what an earlier call created, or does no harm a second time."""
        if "since" in self.action.retry:
            return timestamps.read_or_none(outcome.started_at) is not None
        return self.action.effect == "read" or self.action.idempotent or self.finds_earlier(row)

    def _retry(self, row: Row, earlier: RowOutcome | None, known: set[str]) -> Record:
        """Return the inputs that let the action find what an earlier call of the row created."""
        retry = self.action.retry
        if "key" in retry:
            has_key = self._uses(row, retry["key"])
            return {} if has_key or not self.finds_earlier(row) else {retry["key"]: row.key}
        since = timestamps.read_or_none(earlier.started_at) if earlier else None
        if since is None or "since" not in retry:
            return {}
        return {
            retry["since"]: timestamps.write((since - _CLOCKS_DIFFER).replace(microsecond=0)),
            retry["known"]: sorted(known - {""}),
        }

    def _failure(
        self, error: ConnectorError, unresolved: RowOutcome, earlier: RowOutcome | None
    ) -> RowOutcome:
        """Return `failed` if certainly nothing happened, in this call and in an earlier one."""
        if earlier or getattr(error, "may_have_happened", False):
            return replace(unresolved, status="unknown", error=str(error))
        return RowOutcome(unresolved.key, "failed", error=str(error))


def input_of(column: str, action: Action) -> str | None:
    """Return the input or field of an input that a column is, ignoring case; None if it is neither."""
    name = column.strip()
    head, dot, rest = name.removesuffix("[]").partition(".")
    matches = [known for known in action.inputs if known.casefold() == head.casefold()]
    if not matches or (action.inputs[matches[0]].get("writeOnly")):
        return None
    path = f"{matches[0]}{dot}{rest}"
    if dot and expressions.input_name(path, action.inputs) != matches[0]:
        return None
    return path + ("[]" if name.endswith("[]") else "")


def _plain(value: Any) -> Any:
    """Return a cell as a filter row's value: what looks like a function in it stays text."""
    if isinstance(value, str):
        return value.strip().replace("~{", "~~{")
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return value


def _result(call: PreparedCall) -> Record:
    if call.action.returns != "many":
        return call.run().record or {}
    result = call.run(all_pages=True)
    return {"count": len(result.records), "records": result.records}


def _digest(value: Any) -> str:
    """Return a short key; its letter in front keeps spreadsheets from reading it as a number."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=True, default=str)
    return "r" + hashlib.sha256(text.encode()).hexdigest()[:20]


def _ends_all(error: ConnectorError) -> bool:
    if isinstance(error, PermissionDenied):
        return error.reason in {"scope", "plan"}
    if isinstance(error, NoAnswer):
        return not error.may_have_happened
    return isinstance(error, _ENDS_ALL)
