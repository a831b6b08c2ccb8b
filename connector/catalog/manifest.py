"""Reads the declarations lazily, one file at a time: identity, forms, functions, triggers, groups, actions.

See docs/decisions/declarations-unchecked-at-load.md.
"""

from collections.abc import Iterable, Mapping
from functools import cache, cached_property
from importlib.resources import files
from itertools import chain
from typing import TYPE_CHECKING, Any

from ..contract import ActionGroup, Column
from ..errors import UnknownAction
from ..version import __version__
from .look_ups import look_up_rule
from .models import Action, CredentialForm, Function, TriggerSpec
from .scopes import minimal
from .time_order import TimeOrder
from .time_windows import TimeWindows

if TYPE_CHECKING:
    from ..contract import Field

_PACKAGE = (__package__ or "calendly_connector.catalog").partition(".")[0]
_TYPED: Mapping[str, Any] = {"window": TimeWindows, "time_order": TimeOrder, "look_up": look_up_rule}
_EFFECTS = {"GET": "read", "DELETE": "destroy"}


class PackagedIcon:
    """The icon, read from the package when it is first used."""

    @cached_property
    def svg(self) -> bytes:
        """A square SVG without fonts, scripts and references."""
        return _read(f"{_PACKAGE}.catalog", "icon.svg")

    @cached_property
    def png(self) -> bytes:
        """The same with 256 by 256 pixels and a transparent background; tools/icon.py renders it."""
        return _read(f"{_PACKAGE}.catalog", "icon.png")


class Manifest:
    """Who the connector is, and what it declares besides actions, as `contract.ManifestInfo` describes it."""

    def __init__(self) -> None:
        self._card: Mapping[str, Any] = _read_yaml(f"{_PACKAGE}.catalog", "manifest.yaml")
        self.version: str = __version__
        self.id: str = self._card["id"]
        self.name: str = self._card["name"]
        self.summary: str = self._card["summary"]
        self.icon: PackagedIcon = PackagedIcon()
        self.docs: str = self._card["docs"]
        self.origin: str = self._card["origin"]
        self.auth_origin: str = self._card["auth_origin"]
        self.credential_kinds: tuple[str, ...] = tuple(self._card["credentials"])

    @cached_property
    def credentials(self) -> Mapping[str, CredentialForm]:
        """The form of each kind of credential, by kind."""
        return {kind: credential_form(kind) for kind in self.credential_kinds}

    @cached_property
    def functions(self) -> Mapping[str, Function]:
        """The functions that a filter may call as `~{Name}~`, by name."""
        return {name: Function(name, **_tuples(entry)) for name, entry in self._card["functions"].items()}

    @cached_property
    def triggers(self) -> Mapping[str, TriggerSpec]:
        """The events that a flow can be triggered by, by name."""
        return {name: TriggerSpec(name, **_tuples(entry)) for name, entry in self._card["triggers"].items()}

    @cached_property
    def groups(self) -> tuple[ActionGroup, ...]:
        """All actions and triggers by subject, in the order of a menu."""
        return tuple(self._group(name, **entry) for name, entry in self._card["groups"].items())

    def _group(
        self, name: str, title: str, description: str, resources: list[str], triggers: Iterable[str] = ()
    ) -> ActionGroup:
        actions = tuple(chain.from_iterable(map(_actions_of, resources)))
        events = (event for family in triggers for event in self.triggers if event.startswith(f"{family}."))
        return ActionGroup(name, title, description, actions, tuple(events))


@cache
def manifest() -> Manifest:
    """Return the manifest, which is read once per process."""
    return Manifest()


@cache
def catalog() -> Mapping[str, Action]:
    """Return all actions by id, ordered by resource."""
    actions: dict[str, Action] = {}
    for resource in _resources():
        actions |= _actions_of(resource)
    return actions


def lookup(action_id: str) -> Action | None:
    """Return an action by id, None if it doesn't exist. Only the file of its resource is read."""
    resource = action_id.rpartition(".")[0]
    return _actions_of(resource).get(action_id) if resource in _resources() else None


def find(name: str, given: frozenset[str] = frozenset()) -> Action:
    """Return an action by id or alias. Raises UnknownAction.

    Actions may share an alias. Then the one with the most path ids is used, provided all are in `given`.
    """
    if action := lookup(name):
        return action
    matches = named(name)
    if not matches:
        from ..support.redaction import quoted

        hint = did_you_mean(
            name, (alias for action in catalog().values() for alias in (action.id, *action.aliases))
        )
        raise UnknownAction(
            f"Unknown action {quoted(name)}.", fix=f"{hint}Run `calendly-connector actions` for a list."
        )
    ready = [action for action in matches if given.issuperset(action.path_ids)]
    return max(ready or matches, key=lambda action: len(action.path_ids))


def unknown(name: str) -> UnknownAction:
    """Return the error for a name that is neither an action's nor a trigger's, with the nearest ones."""
    from ..support.redaction import quoted

    hint = did_you_mean(name, [*catalog(), *manifest().triggers])
    return UnknownAction(
        f"Unknown action or trigger {quoted(name)}.",
        fix=f"{hint}`calendly-connector actions` lists actions. Triggers are named like invitee.created.",
    )


def named(name: str) -> tuple[Action, ...]:
    """Return all actions with this id or alias, ignoring case."""
    if name in catalog():
        return (catalog()[name],)
    wanted = name.strip().casefold()
    return tuple(
        action
        for action in catalog().values()
        if wanted in {alias.casefold() for alias in (action.id, *action.aliases)}
    )


@cache
def _resources() -> tuple[str, ...]:
    entries = files(f"{_PACKAGE}.actions").iterdir()
    return tuple(sorted(entry.name[: -len(".yaml")] for entry in entries if entry.name.endswith(".yaml")))


@cache
def _actions_of(resource: str) -> Mapping[str, Action]:
    actions: dict[str, Action] = {}
    for verb, entry in _read_yaml(f"{_PACKAGE}.actions", f"{resource}.yaml").items():
        derived = _derived_from_steps(entry) if "recipe" in entry else _derived_from_method(entry)
        typed = {name: kind(**entry[name]) for name, kind in _TYPED.items() if name in entry}
        typed["columns"] = tuple(Column(**column) for column in entry.get("columns", ()))
        action = Action(**{"id": f"{resource}.{verb}", **derived, **_tuples(entry), **typed})
        actions[action.id] = action
    return actions


def _derived_from_method(entry: Mapping[str, Any]) -> dict[str, Any]:
    method = entry["request"].partition(" ")[0]
    return {"effect": _EFFECTS.get(method, "write"), "idempotent": method != "POST"}


def _derived_from_steps(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the scopes that all steps need, and Calendly's page about the first one."""
    steps = [find(step) for step in entry["steps"]]
    return {"scopes": minimal(scope for step in steps for scope in step.scopes), "docs": steps[0].docs}


@cache
def credential_form(kind: str) -> CredentialForm:
    """Return the form of one of the manifest's `credential_kinds`."""
    card = _read_yaml(f"{_PACKAGE}.credentials", f"{kind}.yaml")
    fields = {name: _fields(card.get(name, {})) for name in ("fields", "added_by_sign_in")}
    return CredentialForm(**{"id": kind, **card, **fields})


def _fields(entries: Mapping[str, Any]) -> "tuple[Field, ...]":
    from ..contract import Field, Option

    fields = []
    for name, entry in entries.items():
        choices = tuple(Option(**choice) for choice in entry.get("choices", ()))
        fields.append(Field(name, **{**_tuples(entry), "choices": choices}))
    return tuple(fields)


def _tuples(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in entry.items()}


def _read_yaml(package: str, name: str) -> Any:
    import yaml

    loader = getattr(
        yaml, "CSafeLoader", yaml.SafeLoader
    )  # the C loader is ten times as fast, but not always built
    return yaml.load(_read(package, name), loader)  # noqa: S506 - both loaders are safe


def _read(package: str, name: str) -> bytes:
    return files(package).joinpath(name).read_bytes()


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a hint such as "Did you mean users.me? " with up to three similar names, or an empty text.

    Names that contain all words of `name` come first, the shortest before the others: "events" is a part of
    "scheduled_events", although "event_types" has more letters in common with it.
    """
    from difflib import get_close_matches

    names = {each.casefold(): each for each in known}
    wanted = name.casefold()
    containing = [each for each in names if _words(wanted) and _words(wanted) <= _words(each)]
    similar = get_close_matches(wanted, names, n=3, cutoff=0.5)
    nearest = list(dict.fromkeys([*sorted(containing, key=len), *similar]))[:3]
    return f"Did you mean {', '.join(names[each] for each in nearest)}? " if nearest else ""


def _words(name: str) -> set[str]:
    return set(name.replace(".", " ").replace("_", " ").split())
