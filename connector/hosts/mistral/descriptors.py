"""The actions as Mistral offers them: the whole catalog and two more, with their inputs. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

from ...catalog import explanations
from ...catalog.json_schema import Schema
from ...catalog.manifest import catalog
from ...catalog.models import Action
from ...contract import Effect, Record, Returns
from ...errors import InvalidParams, Problem, UnknownAction

_PREFIX: Final = "calendly."
CHECK: Final = f"{_PREFIX}check"
POLL: Final = f"{_PREFIX}poll"


@dataclass(frozen=True, slots=True)
class MistralAction:
    """An action with its `id` in the catalog and its inputs, as schemas by name.

    `own_inputs` are those that this adapter reads itself, `nullable` those that accept null as a value.
    `secrets` are inputs of the catalog's action that Mistral doesn't offer.
    """

    id: str
    help: str
    inputs: Mapping[str, Schema]
    required: tuple[str, ...]
    own_inputs: frozenset[str]
    returns: Returns = "one"
    effect: Effect = "read"
    nullable: frozenset[str] = frozenset()
    secrets: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """Its name in Mistral."""
        return _PREFIX + self.id

    @property
    def writes(self) -> bool:
        """Whether it may change something in Calendly."""
        return self.effect != "read"

    @property
    def signature(self) -> str:
        """The inputs as Mistral parses them. It splits the text at commas, so null is the only default."""
        optional = (f"{name}=null" for name in self.inputs if name not in self.required)
        return ", ".join((*self.required, *optional))

    def check_names(self, inputs: Mapping[str, Any]) -> None:
        """Reject unknown and missing inputs. Raises InvalidParams."""
        names: Schema = {
            "properties": {name: {} for name in self.inputs},
            "required": self.required,
            "additionalProperties": False,
        }
        reason = "is a secret, and Mistral stores inputs in plain text; the credential provides it"
        secrets = [Problem(name, reason) for name in inputs if name in self.secrets]
        others = {name: value for name, value in inputs.items() if name not in self.secrets}
        self._raise([*secrets, *explanations.explain(names, others)])

    def check_own_inputs(self, inputs: Mapping[str, Any]) -> None:
        """Reject invalid values of the adapter's inputs; the call checks the others. Raises InvalidParams."""
        own = {name: value for name, value in inputs.items() if name in self.own_inputs}
        problems = explanations.explain({"properties": {name: self.inputs[name] for name in own}}, own)
        if own.get("all_pages") and "limit" in own:
            problems.append(Problem("limit", "can't be used with all_pages"))
        self._raise(problems)

    def without_nulls(self, inputs: Mapping[str, Any]) -> Record:
        """Drop nulls, which expressions return if they find nothing, except where null is a value."""
        return {name: value for name, value in inputs.items() if value is not None or name in self.nullable}

    def _raise(self, problems: list[Problem]) -> None:
        if problems:
            raise InvalidParams(
                self.name, problems, fix=f"Run `mistral action-get {self.name}` to see its inputs."
            )


@cache
def mistral_actions() -> Mapping[str, MistralAction]:
    """Return all actions by their name in Mistral."""
    return {action.name: action for action in (*_own_actions(), *map(_from_catalog, catalog().values()))}


def find_action(name: str) -> MistralAction:
    """Return an action by its name in Mistral. Raises UnknownAction on an executor older than the engine."""
    if action := mistral_actions().get(name):
        return action
    raise UnknownAction(
        f"Unknown action {name!r} on this executor.",
        fix="Install the same version on engines and executors.",
    )


def _own_actions() -> Iterator[MistralAction]:
    for name, declared in _declared()["actions"].items():
        inputs: Mapping[str, Schema] = {**declared["input"]["properties"], **_declared()["every"]}
        required = tuple(declared["input"].get("required", ()))
        text = _help([f"{declared['title']}. {declared['description']}"], inputs, required)
        yield MistralAction(name, text, inputs, required, own_inputs=frozenset(inputs))


def _from_catalog(action: Action) -> MistralAction:
    own = {**(_declared()["lists"] if action.returns == "many" else {}), **_declared()["every"]}
    inputs = {name: rule for name, rule in action.inputs.items() if name not in action.secrets} | own
    required = tuple(action.input.get("required", ()))
    lines = [
        f"{action.title}. {action.description}".strip(),
        f"Effect: {action.effect}. Returns: {action.returns}. {action.docs}",
    ]
    return MistralAction(
        action.id,
        _help(lines, inputs, required),
        inputs,
        required,
        own_inputs=frozenset(own),
        returns=action.returns,
        effect=action.effect,
        nullable=frozenset(name for name, types in action.input_types.items() if "null" in types),
        secrets=action.secrets,
    )


def _help(lines: list[str], inputs: Mapping[str, Schema], required: tuple[str, ...]) -> str:
    """Return the text that `mistral action-get` shows."""
    rows = (
        f"  {name}{' (required)' if name in required else ''}: {rule.get('description', '')}"
        for name, rule in inputs.items()
    )
    return "\n".join([*lines, "Inputs:", *rows])


@cache
def _declared() -> Mapping[str, Any]:
    import yaml

    content: Mapping[str, Any] = yaml.safe_load(files(__package__ or "").joinpath("own.yaml").read_bytes())
    return content
