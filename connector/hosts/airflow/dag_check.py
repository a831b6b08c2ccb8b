"""Checks a DAG's calls when it is parsed, without using the network.

Templates and results of earlier tasks are known only at run time, so problems with them are ignored here. So
are problems with URLs outside Calendly's own origin, since the connection may use another origin.

See docs/decisions/airflow-parse-check.md.
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
from ...sync.models import FileFormat

_TEMPLATE: Final = re.compile(r"\{[{%#]")
_PLACEHOLDER: Final = "known at run time"
_FAKE_ID: Final = "00000000-0000-4000-8000-000000000000"
_KIND: Final = "personal_access_token"


def check_call(action: str, params: Params, rows: Filter, limit: int | None) -> Action:
    """Return the action of a call after checking its inputs. Raises UsageError."""
    if not (_is_literal("action_params", params) and _is_literal("filter", rows)):
        return find(action)
    rows = pairs(rows)
    found = find_called(action, params, rows)
    _reject_secrets(found, params, rows)
    checkable, runtime_paths = _with_placeholders(params)
    checked_rows = [(key, *_with_placeholders(value, _name(key))) for key, value in rows]
    runtime_paths = _below_known(found.inputs, runtime_paths.union(*(paths for _, _, paths in checked_rows)))
    if runtime_paths.intersection(found.path_ids[-1:]):
        runtime_paths.update(found.path_ids)  # it may be a full URI, which contains the others
    with _ignoring_problems_at(runtime_paths):
        connector.connect({"kind": _KIND, **_placeholder_secrets()}).preview(
            action, checkable, filter=[(key, value) for key, value, _ in checked_rows], limit=limit
        )
    return found


def find_called(action: str, params: Params, rows: Filter) -> Action:
    """Return the action of a call; if several share an alias, the inputs decide."""
    return find(action, frozenset(params) | {_name(key) for key, _ in pairs(rows)})


def check_trigger(
    events: Sequence[str],
    filters: Params,
    *,
    include_raw_reschedules: bool,
    since: str | None,
    scope: str,
    group: str,
) -> None:
    """Check the arguments of a poll. Raises UsageError."""
    checkable, runtime_paths = _with_placeholders(filters if _is_literal("filters", filters) else {})
    triggers = manifest().triggers
    for event in events:
        if event in triggers:
            runtime_paths = _below_known(triggers[event].filters["properties"], runtime_paths)
    with _ignoring_problems_at(runtime_paths):
        wanted = read_event_filter(
            events,
            checkable,
            include_raw_reschedules=include_raw_reschedules,
            lookup=_fake_uri,
            origins=(manifest().origin,),
        )
    if _is_known(since):
        read_since(since)
    if _is_known(scope) and _is_known(group):
        assign_scopes(wanted.sources, triggers, Identity("", "", role="owner"), scope=scope, group=group)


def check_sync(to: str | None, to_conn_id: str | None, form: str | None, options: Params) -> None:
    """Check the destination and options of a sync. Raises UsageError."""
    if (to is None) == (to_conn_id is None):
        raise UsageError("A sync needs one destination.", fix="Set either to or to_conn_id.")
    if to is not None and holds_password(to):
        raise UsageError(
            "to contains a password, which Airflow would store in plain text.",
            fix="Create an Airflow connection for the database and set to_conn_id.",
        )
    if form is not None and (to is None or form not in get_args(FileFormat)):
        raise UsageError(
            f"Invalid form {form!r} for this destination.",
            fix="Set `form` to jsonl or csv, and `to` to a folder.",
        )
    known = [field.name for field in fields(SyncOptions)]
    if unknown := sorted(options.keys() - set(known)):
        raise UsageError(f"Unknown sync options: {', '.join(unknown)}.", fix=f"Options: {', '.join(known)}.")
    SyncOptions(**options)


def check_object(name: str, value: Any) -> None:
    """Raise UsageError unless the value is an object of inputs; one template for all of it renders text."""
    if not isinstance(value, Mapping | list | tuple if name == "filter" else Mapping):
        raise UsageError(
            f"{name} must be an object of names and values, not {type(value).__name__}.",
            fix="Use a template for each value, or set render_template_as_native_obj=True on the DAG.",
        )


def _is_literal(name: str, value: Any) -> bool:
    """Whether an object of inputs is written in the DAG, rather than known as a whole only at run time."""
    if isinstance(value, Mapping | list | tuple) or _is_known(value):
        check_object(name, value)
        return True
    return False


def _is_known(value: Any) -> bool:
    """Whether a value is written in the DAG as it will be sent."""
    if isinstance(value, str):
        other_origin = "://" in value and not value.startswith(manifest().origin)
        return not other_origin and _TEMPLATE.search(value) is None
    return not (callable(value) or hasattr(value, "resolve"))  # Airflow's own test


def _with_placeholders(value: Any, path: str = "") -> tuple[Any, set[str]]:
    """Return a value with placeholders for the parts known only at run time, and the paths of those."""
    match value:
        case Mapping():
            parts = [
                (key, *_with_placeholders(part, f"{path}.{key}".removeprefix(".")))
                for key, part in value.items()
            ]
            checkable: Any = {key: part for key, part, _ in parts}
        case list() | tuple():
            parts = [
                (number, *_with_placeholders(part, f"{path}[{number}]")) for number, part in enumerate(value)
            ]
            checkable = [part for _, part, _ in parts]
        case _ if _is_known(value):
            return value, set()
        case _:
            return _PLACEHOLDER, {path}
    return checkable, set[str]().union(*(paths for _, _, paths in parts))


def _below_known(known: Collection[str], paths: set[str]) -> set[str]:
    """Return the paths below known inputs. An unknown input is wrong whatever its value at run time."""
    return {path for path in paths if re.split(r"[.\[]", path, maxsplit=1)[0] in known}


def _name(key: str) -> str:
    return key.removesuffix("[]")


@contextmanager
def _ignoring_problems_at(runtime_paths: set[str]) -> Iterator[None]:
    """Ignore problems at these paths and at what contains them: the values are known only at run time."""
    try:
        yield
    except InvalidParams as error:
        problems = [
            problem for problem in error.problems if not any(_touches(problem, one) for one in runtime_paths)
        ]
        if problems:
            raise InvalidParams(error.action, problems, fix=error.fix) from None


def _touches(problem: Problem, path: str) -> bool:
    inner, outer = sorted((problem.path, path), key=len, reverse=True)
    return not outer or inner == outer or inner.startswith((f"{outer}.", f"{outer}["))


def _reject_secrets(action: Action, params: Params, rows: Sequence[tuple[str, Any]]) -> None:
    """Keep secrets out of what Airflow stores: DAGs, rendered templates and XComs."""
    written = {key for key in params if key in action.secrets}
    written |= {_name(key) for key, value in rows if _name(key) in action.secrets and "~{" not in str(value)}
    if written:
        reason = "is a secret, and Airflow stores a task's inputs in plain text; the connection provides it"
        raise InvalidParams(action.id, [Problem(name, reason) for name in sorted(written)], fix="Omit it.")


def _placeholder_secrets() -> dict[str, str]:
    form = manifest().credentials[_KIND]
    return {field.name: "placeholder" for field in form.fields if field.secret}


def _fake_uri(_text: str, field: Schema) -> str:
    return f"{manifest().origin}/{field['x-resource']}/{_FAKE_ID}"
