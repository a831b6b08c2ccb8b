"""What a connector declares in one file, `connector.yaml` beside its code, and its icons.

The file declares the identity, the credential kinds and the actions with their JSON Schemas. It is read when
it is first used; the tests check it (`CatalogSuite`), not every load.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from ...version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ...contract import (
        ActionGroup,
        Column,
        Effect,
        Field,
        FunctionInfo,
        LookUp,
        OutputField,
        Returns,
        TriggerInfo,
    )

NONE: Final[Mapping[str, Any]] = {}


@dataclass(frozen=True, eq=False)
class DeclaredAction:
    """An action of `connector.yaml`. It is a `contract.ActionInfo`."""

    id: str
    title: str
    description: str
    docs: str
    request: str
    returns: Returns
    effect: Effect
    input: Mapping[str, Any]
    output: Mapping[str, Any]
    examples: Sequence[Mapping[str, Any]]
    safe_to_repeat: bool
    look_up: LookUp | None = None
    columns: tuple[Column, ...] = ()
    steps: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()

    @property
    def hints(self) -> Mapping[str, bool]:
        """Hints for agents, with MCP's names and meaning."""
        return {
            "readOnlyHint": self.effect == "read",
            "destructiveHint": self.effect == "destroy",
            "idempotentHint": self.safe_to_repeat,
            "openWorldHint": True,
        }

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """The inputs as a form."""
        from ...catalog.fields import form_fields

        return form_fields(self.input)

    @cached_property
    def outputs(self) -> tuple[OutputField, ...]:
        """The values of its record."""
        from ...catalog.fields import output_fields

        return output_fields(self.output, self.examples[0]["output"])


@dataclass(frozen=True, eq=False)
class DeclaredTrigger:
    """A trigger of `connector.yaml`. It is a `contract.TriggerInfo`."""

    id: str
    title: str
    description: str
    polling_gaps: str
    filters: Mapping[str, Any]
    payload: Mapping[str, Any]
    examples: Sequence[Mapping[str, Any]]
    scopes: tuple[str, ...] = ()
    plan: str | None = None

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """The filters as a form."""
        from ...catalog.fields import form_fields

        return form_fields(self.filters)

    @cached_property
    def outputs(self) -> tuple[OutputField, ...]:
        """The values of its payload."""
        from ...catalog.fields import output_fields

        return output_fields(self.payload, self.examples[0]["payload"])


@dataclass(frozen=True)
class DeclaredKind:
    """A kind of credential of `connector.yaml`. It is a `contract.CredentialKind`."""

    id: str
    title: str
    description: str
    page: str
    docs: str
    fields: tuple[Field, ...]
    needs_sign_in: bool = False


class DeclaredIcon:
    """The icons in a package: `icon.svg`, and `icon.png`, which tools/icon.py renders."""

    def __init__(self, package: str) -> None:
        self._package = package

    @cached_property
    def svg(self) -> bytes:
        """A square SVG."""
        return files(self._package).joinpath("icon.svg").read_bytes()

    @cached_property
    def png(self) -> bytes:
        """The same with 256 by 256 pixels."""
        return files(self._package).joinpath("icon.png").read_bytes()


class DeclaredManifest:
    """The identity, forms and triggers of `connector.yaml`. It is a `contract.ManifestInfo`."""

    functions: Mapping[str, FunctionInfo] = NONE

    def __init__(self, package: str, card: Mapping[str, Any]) -> None:
        self._card = card
        self.version = __version__
        self.id: str = card["id"]
        self.name: str = card["name"]
        self.summary: str = card["summary"]
        self.docs: str = card["docs"]
        self.icon = DeclaredIcon(package)

    @cached_property
    def credentials(self) -> Mapping[str, DeclaredKind]:
        """The form of each kind of credential, by kind."""
        from ...contract import Field, Option

        def field(path: str, entry: Mapping[str, Any]) -> Field:
            choices = tuple(Option(**choice) for choice in entry.get("choices", ()))
            return Field(path, **{**entry, "choices": choices})

        return {
            kind: DeclaredKind(
                **{
                    **entry,
                    "id": kind,
                    "fields": tuple(field(path, one) for path, one in entry["fields"].items()),
                }
            )
            for kind, entry in self._card["credentials"].items()
        }

    @cached_property
    def triggers(self) -> Mapping[str, TriggerInfo]:
        """The triggers by id. Those of one connector share their filters and the shape of their payload."""
        declared = self._card.get("triggers", {})
        shared: dict[str, Any] = {
            name: _schema(declared[name], {}) for name in ("filters", "payload") if declared
        }
        return {
            name: DeclaredTrigger(id=name, **shared, **entry)
            for name, entry in declared.get("events", {}).items()
        }

    @cached_property
    def groups(self) -> tuple[ActionGroup, ...]:
        """One group with all actions and triggers."""
        from ...contract import ActionGroup

        actions = tuple(self._card["actions"])
        return (ActionGroup(self.id, self.name, self.summary, actions, tuple(self.triggers)),)


class Declarations:
    """The declarations of a package: its manifest and its actions by id."""

    def __init__(self, package: str) -> None:
        self._package = package

    @cached_property
    def manifest(self) -> DeclaredManifest:
        """The identity and the forms of credentials."""
        return DeclaredManifest(self._package, self._card)

    @cached_property
    def _card(self) -> Mapping[str, Any]:
        import yaml

        # The C loader is several times as fast; some builds of PyYAML lack it.
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        text = files(self._package).joinpath("connector.yaml").read_bytes()
        card: Mapping[str, Any] = yaml.load(text, loader)  # noqa: S506 - both loaders are safe
        return card

    @cached_property
    def actions(self) -> Mapping[str, DeclaredAction]:
        """The actions by id, in the order of the file."""
        from ...contract import Column, LookUp

        shapes = self._card.get("shapes", {})

        def look_up(entry: Mapping[str, Any] | None) -> LookUp | None:
            return LookUp(**{**entry, "by": tuple(entry["by"])}) if entry else None

        def action(name: str, entry: Mapping[str, Any]) -> DeclaredAction:
            declared = {
                "docs": self.manifest.docs,
                "safe_to_repeat": entry["effect"] == "read",
                **entry,
                "input": _schema(entry["input"], shapes),
                "output": _schema(entry["output"], shapes),
                "look_up": look_up(entry.get("look_up")),
                "columns": tuple(Column(**column) for column in entry.get("columns", ())),
            }
            return DeclaredAction(id=name, **declared)

        return {name: action(name, entry) for name, entry in self._card["actions"].items()}


def _schema(declared: Mapping[str, Any], shapes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of an object: closed, with the shapes that its properties name by `shape`."""
    properties = {
        name: {**shapes[rule["shape"]], **{key: value for key, value in rule.items() if key != "shape"}}
        if "shape" in rule
        else rule
        for name, rule in declared["properties"].items()
    }
    return {"type": "object", "additionalProperties": False, **declared, "properties": properties}
