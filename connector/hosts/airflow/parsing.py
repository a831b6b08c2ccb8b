"""What a DAG asks for, checked when it is parsed: without network, and as far as it is written already.

A template, or what an earlier task gives, is known at the run alone: its input is left out of the check. So
is an address that is not on Calendly's own origin, since the connection may have another.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from typing import Any, Final

from ...addresses import holds_password
from ...contract import Filter, Params
from ...errors import InvalidParams, Problem, UsageError
from ...manifest import find, manifest
from ...plugin import connector
from ...schema import Schema
from ...sync import Options
from ...triggers.wants import read_wants

_TEMPLATE: Final = re.compile(r"\{[{%#]")
_STAND_IN: Final = "known at the run"
_NOBODY: Final = "00000000-0000-4000-8000-000000000000"
_KIND: Final = "personal_access_token"


def check_call(action: str, params: Params, rows: Filter, limit: int | None) -> None:
    """Refuse an action that there is not, and inputs that it does not take. Raises UsageError."""
    if not isinstance(params, Mapping) or not isinstance(rows, Mapping | list | tuple):
        find(action)
        return
    pairs = list(rows.items() if isinstance(rows, Mapping) else rows)
    _refuse_secrets(action, params, pairs)
    later = {key for key, value in params.items() if not _is_known(value)}
    later |= {key.removesuffix("[]") for key, value in pairs if not _is_known(value)}
    with _known_alone(later):
        connector.connect({"kind": _KIND, **_made_up_secrets()}).preview(
            action,
            {key: value if _is_known(value) else _STAND_IN for key, value in params.items()},
            filter=[(key, value if _is_known(value) else _STAND_IN) for key, value in pairs],
            limit=limit,
        )


def check_wants(events: Sequence[str], filters: Params, *, halves: bool) -> None:
    """Refuse events and filters that there are not. Raises InvalidParams."""
    if not isinstance(filters, Mapping):
        filters = {}
    later = {key for key, value in filters.items() if not _is_known(value)}
    with _known_alone(later):
        read_wants(
            events,
            {key: value if _is_known(value) else _STAND_IN for key, value in filters.items()},
            halves=halves,
            lookup=_made_up,
            origins=(manifest().origin,),
        )


def check_copy(to: str | None, to_conn_id: str | None, options: Params) -> None:
    """Refuse a copy without one destination, a password in it, and unknown options. Raises UsageError."""
    if (to is None) == (to_conn_id is None):
        raise UsageError("A copy has one destination.", fix="Give to or to_conn_id, not both.")
    if to is not None and holds_password(to):
        raise UsageError(
            "to holds a password, which Airflow would keep in clear.",
            fix="Make a connection of it in Airflow, and name that in to_conn_id.",
        )
    known = [field.name for field in fields(Options)]
    if unknown := sorted(options.keys() - set(known)):
        raise UsageError(f"A copy has no option {', '.join(unknown)}.", fix=f"It has {', '.join(known)}.")
    Options(**options)


def _is_known(value: Any) -> bool:
    match value:
        case str():
            elsewhere = "://" in value and not value.startswith(manifest().origin)
            return not elsewhere and _TEMPLATE.search(value) is None
        case Mapping():
            return all(_is_known(part) for pair in value.items() for part in pair)
        case list() | tuple():
            return all(map(_is_known, value))
    return value is None or isinstance(value, int | float)


@contextmanager
def _known_alone(later: set[str]) -> Iterator[None]:
    """Let pass what is only wrong with inputs that are not there yet."""
    try:
        yield
    except InvalidParams as error:
        # A problem without a path is one of several inputs together.
        left = [problem for problem in error.problems if not later or _input(problem) not in {*later, ""}]
        if left:
            raise InvalidParams(error.action, left, fix=error.fix) from None


def _input(problem: Problem) -> str:
    return re.split(r"[.\[]", problem.path, maxsplit=1)[0]


def _refuse_secrets(action: str, params: Params, pairs: Sequence[tuple[str, Any]]) -> None:
    """Keep secrets out of what Airflow writes down: a DAG, a rendered template, an XCom."""
    secrets = find(action, frozenset(params) | {key for key, _ in pairs}).secrets
    written = {key for key in params if key in secrets}
    written |= {key for key, value in pairs if key in secrets and "~{" not in str(value)}
    if written:
        told = "is a secret, and Airflow keeps a task's inputs in clear: leave it out, the connection has it"
        raise InvalidParams(action, [Problem(name, told) for name in sorted(written)])


def _made_up_secrets() -> dict[str, str]:
    form = manifest().credentials[_KIND]
    return {name: "made up" for name, field in form.fields.items() if field.secret}


def _made_up(_text: str, field: Schema) -> str:
    return f"{manifest().origin}/{field['x-resource']}/{_NOBODY}"
