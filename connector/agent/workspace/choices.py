"""The lists of a flow's form: applications, schemas, actions, keys of rows, and choices for their values."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from ...contract import ActionInfo, Connector, Field
from ...errors import ConnectorError, UnknownCredential
from ..engine.outcomes import as_connector_error
from ..flows import check
from ..flows.model import Flow
from . import completions
from .completions import MOST, Suggestion
from .draft_edits import connection_at
from .model import Workspace

MOST_ACTIONS: Final = 60
_WORDS: Final = {
    "date-time": "date and time",
    "uri": "address",
    "object": "mapping",
    "boolean": "true or false",
}


@dataclass(frozen=True, slots=True)
class Choices:
    """What to offer. `note` says why there is nothing, or what else to know; `next_page` gets more."""

    items: tuple[Suggestion, ...] = ()
    note: str = ""
    next_page: str | None = None


def connectors(workspace: Workspace) -> dict[str, str]:
    """Return the names of the installed connectors, with the titles of their applications."""
    found = {name: one.manifest.name for name, one in workspace.connectors.items()}
    return dict(sorted(found.items(), key=lambda item: item[1].casefold()))


def credentials(workspace: Workspace, connector: str) -> list[str]:
    """Return the names of the stored credentials that a connector accepts."""
    if connector not in workspace.connectors:
        return []
    kinds = workspace.connectors[connector].manifest.credentials
    return [name for name in sorted(workspace.vault.names()) if _kind(workspace, name) in kinds]


def _kind(workspace: Workspace, name: str) -> str:
    try:
        return workspace.vault.get(name).get("kind", "")
    except ConnectorError:
        return ""


# Actions


def schema_of(action: str) -> str:
    """Return the schema of an action, such as `users` of `users.me`."""
    return action.partition(".")[0]


def schemas(connector: Connector, search: str = "") -> Choices:
    """Return the schemas of a connector: what its actions work with."""
    counts: dict[str, int] = {}
    for action in connector.actions():
        counts[schema_of(action)] = counts.get(schema_of(action), 0) + 1
    wanted = _words(search)
    found = [
        Suggestion(name, name, f"{count} action{'s' if count > 1 else ''}")
        for name, count in counts.items()
        if all(word in name.casefold().replace("_", " ") for word in wanted)
    ]
    return Choices(tuple(found), "" if found else "No schema has this name.")


def actions(connector: Connector, schema: str = "", search: str = "") -> Choices:
    """Return the actions of a schema ("": of all) that fit a search by title, id or another name.

    A schema may be written as the guide does, such as `webhook_subscription`.
    """
    known = connector.actions()
    named = {schema_of(action) for action in known}
    chosen = next((name for name in named if schema and name in {schema, f"{schema}s"}), "")
    wanted = _words(search)
    found = [
        action
        for action in known.values()
        if (not chosen or schema_of(action.id) == chosen) and all(word in _texts(action) for word in wanted)
    ]
    exact = search.strip().casefold()
    found.sort(key=lambda one: exact not in {name.casefold() for name in (one.id, one.title, *one.aliases)})
    shown = tuple(_action(action) for action in islice(found, MOST_ACTIONS))
    more = f"{len(found) - MOST_ACTIONS} more: type to find them." if len(found) > MOST_ACTIONS else ""
    return Choices(shown, more if found else "No action fits. Choose another schema, or type less.")


def describe(action: ActionInfo) -> str:
    """Return what an action does, in a line for people."""
    kind = {"read": "Reads", "write": "Changes data", "destroy": "Deletes data"}[action.effect]
    return " · ".join(filter(None, (action.title, kind, action.request or "several calls")))


def _action(action: ActionInfo) -> Suggestion:
    names = f"also {', '.join(action.aliases)}" if action.aliases else ""
    detail = " · ".join(filter(None, (action.id, action.request, names)))
    return Suggestion(action.id, action.title, detail)


def _texts(action: ActionInfo) -> str:
    return " ".join((action.id, action.title, *action.aliases)).casefold().replace("_", " ").replace(".", " ")


def _words(search: str) -> list[str]:
    return search.casefold().replace("_", " ").replace(".", " ").split()


# Rows


def fields_at(workspace: Workspace, flow: Flow, step: int | None) -> tuple[Field, ...]:
    """Return the fields of the rows of a step's action, or of the trigger's events (None)."""
    connector = workspace.connectors.get(connection_at(flow, step).connector)
    if connector is None:
        return ()
    if step is None:
        known = connector.manifest.triggers
        events = [known[event] for event in flow.trigger.events if event in known]
        return tuple({field.path: field for event in events for field in event.fields}.values())
    action = check.find_action(connector.actions(), flow.steps[step].call)
    return action.fields if action else ()


def all_fields(fields: Iterable[Field]) -> Iterator[Field]:
    """Yield fields and those inside of them."""
    for field in fields:
        yield field
        yield from all_fields(field.fields)


def field_of(fields: Iterable[Field], key: str) -> Field | None:
    """Return the field that a row's key means."""
    wanted = key.strip().removesuffix("[]")
    return next((field for field in all_fields(fields) if field.path.removesuffix("[]") == wanted), None)


def keys(fields: Iterable[Field], search: str, taken: Iterable[str] = ()) -> Choices:
    """Return the keys for rows: what is required first, then the others; those of rows that exist last."""
    every = [field for field in all_fields(fields) if "[]." not in field.path]
    if not every:
        return Choices((), "Choose an action first, or type the key.")
    wanted, used = search.strip().casefold().removesuffix("[]"), {key.removesuffix("[]") for key in taken}
    found = [one for one in every if wanted in one.path.casefold() or wanted in one.title.casefold()]
    found.sort(key=lambda one: (one.path in used, not one.required, one.group == "advanced"))
    items = tuple(Suggestion(key_of(field), key_of(field), describe_field(field)) for field in found)
    return Choices(items[:MOST], "" if items else "The action has no such input.")


def key_of(field: Field) -> str:
    """Return the key of a field as a row has it: `events[]` for a list of values."""
    return f"{field.path}[]" if field.is_list and not field.fields else field.path


def describe_field(field: Field) -> str:
    """Return what a field takes, in a line for people."""
    kind = _WORDS.get(field.type, field.type.replace("-", " "))
    parts = (field.title, "required" if field.required else "", f"list of {kind}" if field.is_list else kind)
    return " · ".join(filter(None, parts))


def values(
    workspace: Workspace,
    flow: Flow,
    step: int | None,
    number: int,
    text: str,
    *,
    is_search: bool = False,
    page: str | None = None,
) -> Choices:
    """Return what to offer for the value of a row. It may use the network.

    Behind `~{` these are functions and references. Otherwise they are the choices of the field: with
    `is_search` those that contain the text.
    """
    rows = flow.trigger.filters if step is None else flow.steps[step].call.rows
    field = field_of(fields_at(workspace, flow, step), rows[number][0])
    connector = workspace.connectors.get(connection_at(flow, step).connector)
    if step is not None and (offered := _complete(workspace, flow, step, text, connector, field)):
        return Choices(offered)
    search = text if is_search else ""
    if field is None:
        return Choices((), "Choose a key first." if not rows[number][0] else "")
    if field.choices:
        fitting = [one for one in field.choices if _fits(search, one.label, one.value)]
        return Choices(tuple(Suggestion(one.value, one.label, one.value) for one in fitting[:MOST]))
    if field.type == "boolean":
        return Choices((Suggestion("true", "Yes", "true"), Suggestion("false", "No", "false")))
    if not field.has_options:
        return Choices((), field.description or describe_field(field))
    return _listed(workspace, flow, step, field, rows, search, page)


def _complete(
    workspace: Workspace, flow: Flow, step: int, text: str, connector: Connector | None, field: Field | None
) -> tuple[Suggestion, ...]:
    if "~{" not in text:
        return ()
    names = [one.name for one in workspace.engine.flows.all()]
    known = completions.known_values(flow, step, workspace.connectors, names)
    return completions.complete(text, known, connector.manifest.functions if connector else {}, field)


def references(workspace: Workspace, flow: Flow, step: int, text: str) -> Choices:
    """Return what to offer where a reference stands: in a condition, or after "for each"."""
    if "~{" not in text and not text.strip():
        text = "~{"
    return Choices(_complete(workspace, flow, step, text, None, None))


def lists(workspace: Workspace, flow: Flow, step: int, text: str) -> Choices:
    """Return the lists that a step can run for."""
    known = completions.known_values(flow, step, workspace.connectors)
    found = [value for value in known if value.type == "list" or value.path.endswith("[]")]
    found += _lists_inside(known)
    typed = text if "~{" in text else "~{"
    return Choices(completions.complete(typed, found, {}), "" if found else "No earlier step returns a list.")


def _lists_inside(known: Iterable[completions.KnownValue]) -> list[completions.KnownValue]:
    """Return the lists in events and records: what stands before a `[]` that isn't the whole result's."""
    paths: dict[str, None] = {}
    for value in known:
        base = value.path.partition("[]")[0]
        if base != value.path and base.startswith("event."):
            paths.setdefault(base)
    return [completions.KnownValue(path, "", "list") for path in paths]


def _listed(
    workspace: Workspace,
    flow: Flow,
    step: int | None,
    field: Field,
    rows: tuple[tuple[str, Any], ...],
    search: str,
    page: str | None,
) -> Choices:
    """Read the choices of a field from the application."""
    wanted = connection_at(flow, step)
    of = _subject(workspace, flow, step, field)
    given = _given(rows, field.depends_on)
    try:
        with workspace.open(wanted.connector, wanted.credential) as connection:
            found = connection.options(of, field.path, given, search=search, page=page)
    except UnknownCredential:
        return Choices((), "Choose a credential to see the choices, or type the value.")
    except Exception as error:  # noqa: BLE001 - a fault of one connector must not break the form
        fault = as_connector_error(error)
        return Choices((), f"{fault.message} {fault.fix}".rstrip() + " You can type the value.")
    items = tuple(Suggestion(one.value, one.label, one.value) for one in found.options)
    if found.reason:
        return Choices(items, f"{found.reason} You can type the value.")
    return Choices(
        items, "" if items or found.next_page else "There is nothing to choose from.", found.next_page
    )


def _subject(workspace: Workspace, flow: Flow, step: int | None, field: Field) -> str:
    """Return the action, or the first event with such a filter, that a field belongs to."""
    connector = workspace.connectors[connection_at(flow, step).connector]
    if step is not None:
        action = check.find_action(connector.actions(), flow.steps[step].call)
        return action.id if action else ""
    known = connector.manifest.triggers
    events = [known[event] for event in flow.trigger.events if event in known]
    return next(event.id for event in events if field.path in {one.path for one in event.fields})


def _given(rows: Iterable[tuple[str, Any]], wanted: tuple[str, ...]) -> Mapping[str, Any]:
    """Return the rows that choices depend on, if a person has chosen their values already."""
    return {
        key.removesuffix("[]"): value
        for key, value in rows
        if key.removesuffix("[]") in wanted and value not in (None, "") and "~{" not in str(value)
    }


def _fits(search: str, *texts: str) -> bool:
    wanted = search.strip().casefold()
    return any(wanted in text.casefold() for text in texts)
