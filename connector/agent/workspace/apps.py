"""The installed connectors, as the pages show them. One whose code raises is shown with its problem."""

import base64
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from ...contract import ActionGroup, ActionInfo, Connector, CredentialKind, TriggerInfo
from ...errors import UnknownAction, UsageError
from ...support.redaction import quoted
from ..connectors import NAMESPACE
from .model import Workspace

STORED: Final = "stored"
"""The kind of credential that is only a name of another one. No form offers it."""

_LARGEST_ICON: Final = 100_000  # bytes
_PNG: Final = b"\x89PNG"
_LOGGER: Final = logging.getLogger("calendly_connector.agent")
_T = TypeVar("_T")
_REPORTED: Final[set[str]] = set()  # connectors whose errors were logged: pages ask again and again


@dataclass(frozen=True, slots=True)
class App:
    """A connector. `package` is its distribution with version, `icon` a data URI or "".

    `problem` says what is wrong with a connector that can't be used; the rest is then empty.
    """

    id: str
    name: str
    summary: str = ""
    version: str = ""
    package: str = ""
    docs: str = ""
    icon: str = ""
    kinds: tuple[CredentialKind, ...] = ()
    actions: int = 0
    triggers: int = 0
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of an app's catalog. `kind` is what it does: GET, POST …, Recipe, or Action without a request."""

    id: str
    title: str
    group: str
    endpoint: str
    kind: str
    schema: str
    help: str
    path: str
    docs: str
    effect: str


def apps(workspace: Workspace) -> list[App]:
    """Return all connectors by name, also those that can't be loaded."""
    points = {point.name: point for point in entry_points(group=NAMESPACE)}
    known = sorted({*workspace.connectors, *points})
    return sorted(
        (_app(workspace, name, points.get(name)) for name in known), key=lambda app: app.name.lower()
    )


def app(workspace: Workspace, name: str) -> App:
    """Return a connector. Raises UsageError for an unknown one."""
    points = {point.name: point for point in entry_points(group=NAMESPACE)}
    if name not in points:
        workspace.connector(name)
    return _app(workspace, name, points.get(name))


def _app(workspace: Workspace, name: str, point: EntryPoint | None) -> App:
    package = f"{point.dist.name} {point.dist.version}" if point and point.dist else ""
    if name not in workspace.connectors:
        return App(name, name, package=package, problem="It can't be loaded. The agent's log says why.")
    try:
        return _described(workspace.connectors[name], name, package)
    except Exception:
        _LOGGER.exception("The connector %s can't be shown", name)
        return App(name, name, package=package, problem="It raises an error. The agent's log says which.")


def _described(connector: Connector, name: str, package: str) -> App:
    manifest = connector.manifest
    return App(
        name,
        str(manifest.name),
        str(manifest.summary),
        str(manifest.version),
        package,
        web_address(manifest.docs),
        _icon(connector),
        tuple(kind for kind in manifest.credentials.values() if kind.id != STORED),
        len(connector.actions()),
        len(manifest.triggers),
    )


def _icon(connector: Connector) -> str:
    png = connector.manifest.icon.png
    if not png.startswith(_PNG) or len(png) > _LARGEST_ICON:
        return ""
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def kinds(workspace: Workspace) -> dict[str, Mapping[str, CredentialKind]]:
    """Return the kinds of credentials of each connector; a connector that raises has none."""
    return {name: _safely(name, partial(_kinds, one), {}) for name, one in workspace.connectors.items()}


def _kinds(connector: Connector) -> Mapping[str, CredentialKind]:
    return dict(connector.manifest.credentials)


def catalog(workspace: Workspace, name: str) -> list[Entry]:
    """Return an app's actions, in the order of its groups. Raises UsageError for an unknown app."""
    known, groups = actions(workspace, name), _groups(workspace, name)
    grouped = [(group.title, id_) for group in groups for id_ in group.actions if id_ in known]
    named = {id_ for _, id_ in grouped}
    rest = [("Others", id_) for id_ in known if id_ not in named]
    return [_entry(known[id_], title) for title, id_ in grouped + rest]


def _entry(action: ActionInfo, group: str) -> Entry:
    method, _, path = action.request.partition(" ")
    kind = method or ("Recipe" if action.steps else "Action")
    schema = action.id.rpartition(".")[0] or action.id
    return Entry(
        action.id,
        action.title,
        group,
        path.strip("/") or schema,
        kind,
        schema,
        _first_sentence(action.description),
        path or (f"recipe of {len(action.steps)} actions" if action.steps else ""),
        web_address(action.docs),
        action.effect,
    )


def actions(workspace: Workspace, name: str) -> Mapping[str, ActionInfo]:
    """Return an app's actions by id. Raises UsageError for an unknown app."""
    nothing: Mapping[str, ActionInfo] = {}
    return _safely(name, workspace.connector(name).actions, nothing)


def _first_sentence(text: str) -> str:
    first, end, _ = text.replace("\n", " ").partition(". ")
    return f"{first}." if end else first


def triggers(workspace: Workspace, name: str) -> list[TriggerInfo]:
    """Return an app's triggers. Raises UsageError for an unknown app."""
    connector = workspace.connector(name)
    return _safely(name, lambda: list(connector.manifest.triggers.values()), [])


def action(workspace: Workspace, name: str, id_: str) -> ActionInfo:
    """Return an action of an app. Raises UsageError for an unknown app or action."""
    known = actions(workspace, name)
    if id_ not in known:
        raise UnknownAction(f"{name} has no action {quoted(id_)}.", fix="Choose one from its catalog.")
    return known[id_]


def kind(workspace: Workspace, name: str, id_: str) -> CredentialKind:
    """Return a kind of credential that a form can offer. Raises UsageError for an unknown one."""
    workspace.connector(name)
    found = kinds(workspace)[name].get(id_)
    if found is None or id_ == STORED:
        raise UsageError(f"{name} has no credentials of the kind {quoted(id_)}.", fix="Choose another kind.")
    return found


def web_address(address: Any) -> str:
    """Return an address that a page may link to; "" for one that isn't http or https."""
    try:
        parts = urlsplit(str(address or ""))
    except ValueError:
        return ""
    return str(address) if parts.scheme in {"http", "https"} and parts.netloc else ""


def _groups(workspace: Workspace, name: str) -> tuple[ActionGroup, ...]:
    connector = workspace.connector(name)
    nothing: tuple[ActionGroup, ...] = ()
    return _safely(name, lambda: connector.manifest.groups, nothing)


def _safely(name: str, read: Callable[[], _T], otherwise: _T) -> _T:
    """Return what a connector declares, or something else if its code raises."""
    try:
        return read()
    except Exception:
        if name not in _REPORTED:
            _REPORTED.add(name)
            _LOGGER.exception("The connector %s raises an error", name)
        return otherwise
