"""What a DAG asks for, checked when it is parsed: without network, and as far as it is written already.

A template, or what an earlier task gives, is known at the run alone: what is told of it is left out of the
check. So is an address that is not on Calendly's own origin, since the connection may have another.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from typing import Any, Final, get_args

from ...auth.identity import Identity
from ...catalog.expressions import pairs
from ...catalog.json_schema import Schema
from ...catalog.manifest import find, manifest
from ...catalog.models import Action
from ...contract import Filter, Params
from ...errors import InvalidParams, Problem, UsageError
from ...events.event_filter import read_event_filter
from ...events.polling.poll import read_since
from ...events.scope_assignment import assign_scopes
from ...plugin import connector
from ...storage.sql import holds_password
from ...sync import SyncOptions
from ...sync.config import FileFormat

_TEMPLATE: Final = re.compile(r"\{[{%#]")
_STAND_IN: Final = "known at the run"
_NOBODY: Final = "00000000-0000-4000-8000-000000000000"
_KIND: Final = "personal_access_token"


def check_call(action: str, params: Params, rows: Filter, limit: int | None) -> Action:
    """Find the action, and refuse inputs that it does not take. Raises UsageError."""
    if not (_is_written("action_params", params) and _is_written("filter", rows)):
        return find(action)
    rows = pairs(rows)
    found = find_called(action, params, rows)
    _refuse_secrets(found, params, rows)
    sketched, later = _sketch(params)
    by_row = [(key, *_sketch(value, _name(key))) for key, value in rows]
    later = _named(found.inputs, later.union(*(places for _, _, places in by_row)))
    if later.intersection(found.path_ids[-1:]):
        later.update(found.path_ids)  # it may be a whole address, which holds the others
    with _known_alone(later):
        connector.connect({"kind": _KIND, **_made_up_secrets()}).preview(
            action, sketched, filter=[(key, value) for key, value, _ in by_row], limit=limit
        )
    return found


def find_called(action: str, params: Params, rows: Filter) -> Action:
    """Find the action that a call means: several may share an alias, and the inputs tell them apart."""
    return find(action, frozenset(params) | {_name(key) for key, _ in pairs(rows)})


def check_trigger(
    events: Sequence[str], filters: Params, *, halves: bool, since: str | None, scope: str, group: str
) -> None:
    """Refuse events, filters, times and scopes that there are not. Raises UsageError."""
    sketched, later = _sketch(filters if _is_written("filters", filters) else {})
    triggers = manifest().triggers
    for event in events:
        if event in triggers:
            later = _named(triggers[event].filters["properties"], later)
    with _known_alone(later):
        wanted = read_event_filter(
            events,
            sketched,
            include_raw_reschedules=halves,
            lookup=_made_up,
            origins=(manifest().origin,),
        )
    if _is_known(since):
        read_since(since)
    if _is_known(scope) and _is_known(group):
        assign_scopes(wanted.sources, triggers, Identity("", "", role="owner"), scope=scope, group=group)


def check_copy(to: str | None, to_conn_id: str | None, form: str | None, options: Params) -> None:
    """Refuse a copy without one destination, a password in it, another form or option. Raises UsageError."""
    if (to is None) == (to_conn_id is None):
        raise UsageError("A copy has one destination.", fix="Give to or to_conn_id, not both.")
    if to is not None and holds_password(to):
        raise UsageError(
            "to holds a password, which Airflow would keep in clear.",
            fix="Make a connection of it in Airflow, and name that in to_conn_id.",
        )
    if form is not None and (to is None or form not in get_args(FileFormat)):
        raise UsageError(
            f"No copy has the form {form!r} there.", fix="Give jsonl or csv, and a folder in to."
        )
    known = [field.name for field in fields(SyncOptions)]
    if unknown := sorted(options.keys() - set(known)):
        raise UsageError(f"A copy has no option {', '.join(unknown)}.", fix=f"It has {', '.join(known)}.")
    SyncOptions(**options)


def check_object(name: str, value: Any) -> None:
    """Refuse what is no object of inputs, such as the text that a template for all of it may give."""
    if not isinstance(value, Mapping | list | tuple if name == "filter" else Mapping):
        raise UsageError(
            f"{name} holds names and values, and is {type(value).__name__}.",
            fix="Give a template for each value, or set render_template_as_native_obj on the DAG.",
        )


def _is_written(name: str, value: Any) -> bool:
    """Say whether an object of inputs stands in the DAG, or only the run knows it whole."""
    if isinstance(value, Mapping | list | tuple) or _is_known(value):
        check_object(name, value)
        return True
    return False


def _is_known(value: Any) -> bool:
    """Say whether one value stands in the DAG as it will be sent."""
    if isinstance(value, str):
        elsewhere = "://" in value and not value.startswith(manifest().origin)
        return not elsewhere and _TEMPLATE.search(value) is None
    return not (callable(value) or hasattr(value, "resolve"))  # how Airflow itself tells


def _sketch(value: Any, place: str = "") -> tuple[Any, set[str]]:
    """Give a value with a stand-in for each part that only the run knows, and the places of those."""
    match value:
        case Mapping():
            parts = [(key, *_sketch(part, f"{place}.{key}".removeprefix("."))) for key, part in value.items()]
            sketched: Any = {key: part for key, part, _ in parts}
        case list() | tuple():
            parts = [(number, *_sketch(part, f"{place}[{number}]")) for number, part in enumerate(value)]
            sketched = [part for _, part, _ in parts]
        case _ if _is_known(value):
            return value, set()
        case _:
            return _STAND_IN, {place}
    return sketched, set[str]().union(*(places for _, _, places in parts))


def _named(known: Collection[str], places: set[str]) -> set[str]:
    """Leave out what is in inputs of other names: those are wrong, whatever the run gives for them."""
    return {place for place in places if re.split(r"[.\[]", place, maxsplit=1)[0] in known}


def _name(key: str) -> str:
    return key.removesuffix("[]")


@contextmanager
def _known_alone(later: set[str]) -> Iterator[None]:
    """Let pass what is told of values that are not there yet, or of all that they stand in."""
    try:
        yield
    except InvalidParams as error:
        left = [problem for problem in error.problems if not any(_touches(problem, one) for one in later)]
        if left:
            raise InvalidParams(error.action, left, fix=error.fix) from None


def _touches(problem: Problem, place: str) -> bool:
    inner, outer = sorted((problem.path, place), key=len, reverse=True)
    return not outer or inner == outer or inner.startswith((f"{outer}.", f"{outer}["))


def _refuse_secrets(action: Action, params: Params, rows: Sequence[tuple[str, Any]]) -> None:
    """Keep secrets out of what Airflow writes down: a DAG, a rendered template, an XCom."""
    written = {key for key in params if key in action.secrets}
    written |= {_name(key) for key, value in rows if _name(key) in action.secrets and "~{" not in str(value)}
    if written:
        told = "is a secret, and Airflow keeps a task's inputs in clear: leave it out, the connection has it"
        raise InvalidParams(action.id, [Problem(name, told) for name in sorted(written)])


def _made_up_secrets() -> dict[str, str]:
    form = manifest().credentials[_KIND]
    return {name: "made up" for name, field in form.fields.items() if field.secret}


def _made_up(_text: str, field: Schema) -> str:
    return f"{manifest().origin}/{field['x-resource']}/{_NOBODY}"
