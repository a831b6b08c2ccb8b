"""A call that a person tries on a page: its choices, its request and its result."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ...contract import ActionInfo, OptionPage, Result
from . import audit
from .model import Workspace

MOST_RECORDS: Final = 50
_LONGEST_TEXT: Final = 200_000
_LONGEST_CELL: Final = 200


@dataclass(frozen=True, slots=True)
class Tried:
    """What a call returned, as a table and as text."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    text: str
    summary: str
    warnings: tuple[str, ...] = ()


def options(
    workspace: Workspace,
    app: str,
    credential: str,
    of: str,
    field: str,
    values: Mapping[str, Any],
    *,
    search: str = "",
    page: str | None = None,
) -> OptionPage:
    """Return choices for a field of an action or trigger. Raises the error of a call that fails."""
    with workspace.open(app, credential) as connection:
        return connection.options(of, field, values, search=search, page=page)


def preview(
    workspace: Workspace, app: str, credential: str, action: str, values: Mapping[str, Any]
) -> list[Mapping[str, Any]]:
    """Return the requests of a call, as they will be sent; it may read names. Raises InvalidParams."""
    with workspace.open(app, credential) as connection:
        return list(connection.prepare(action, filter=values).preview_resolved())


def run(
    workspace: Workspace, by: str, app: str, credential: str, action: ActionInfo, values: Mapping[str, Any]
) -> Tried:
    """Run a call, of a list at most `MOST_RECORDS`. Raises the error of a call that fails."""
    limit = MOST_RECORDS if action.returns == "many" else None
    with workspace.open(app, credential) as connection:
        prepared = connection.prepare(action.id, filter=values, limit=limit)
        if action.effect != "read":
            audit.note(by, "action.run", f"{app} {action.id}", credential=credential)
        return tried(action, prepared.run())


def tried(action: ActionInfo, result: Result) -> Tried:
    """Return a result as a person reads it."""
    records = result.records if action.returns == "many" else [result.record] if result.record else []
    paths = [column.path for column in action.columns] or _paths(records)
    headings = [column.heading for column in action.columns] or paths
    shown: Any = records if action.returns == "many" else result.record
    return Tried(
        tuple(headings),
        tuple(tuple(cell(record, path) for path in paths) for record in records),
        as_text(shown) if records else "",
        _summary(action, result, len(records)),
        result.warnings,
    )


def _summary(action: ActionInfo, result: Result, count: int) -> str:
    requests = f"{result.calls} request{'' if result.calls == 1 else 's'}"
    if action.returns == "none":
        return f"Done, with {requests}."
    more = "" if result.complete else ". There are more"
    return f"{count} record{'' if count == 1 else 's'}, with {requests}{more}."


def cell(record: Any, path: str) -> str:
    """Return the value at a dotted path of a record as a cell. A list contributes each of its items."""
    found = [record]
    for name in path.replace("[]", "").split("."):
        parts = [part.get(name) for part in found if isinstance(part, Mapping)]
        found = [item for part in parts for item in (part if isinstance(part, list) else [part])]
    texts = [
        value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
        for value in found
        if value is not None
    ]
    return _shortened(", ".join(texts), _LONGEST_CELL)


def as_text(value: Any) -> str:
    """Return a JSON value as text to read, cut off if it is huge."""
    return _shortened(json.dumps(value, ensure_ascii=False, indent=2, default=str), _LONGEST_TEXT)


def _shortened(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest]}…"


def _paths(records: Sequence[Mapping[str, Any]]) -> list[str]:
    names = dict.fromkeys(name for record in records[:MOST_RECORDS] for name in record)
    return list(names)[:8]
