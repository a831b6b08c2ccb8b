"""What Mistral is offered: every action of the catalog and two of its own, with their inputs. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

from ...catalog import validation
from ...catalog.json_schema import Schema
from ...catalog.manifest import catalog
from ...catalog.models import Action
from ...contract import Effect, Record, Returns
from ...errors import InvalidParams, Problem, UnknownAction

_PREFIX: Final = "calendly."
CHECK: Final = f"{_PREFIX}check"
POLL: Final = f"{_PREFIX}poll"


@dataclass(frozen=True, slots=True)
class Offered:
    """An action as Mistral shows it. `id` is its name in the catalog, `inputs` are schemas by name.

    `hosts` are those of the inputs that the adapter takes, `clearable` those for which null is a value;
    `secrets` are inputs that Mistral is not offered.
    """

    id: str
    help: str
    inputs: Mapping[str, Schema]
    required: tuple[str, ...]
    hosts: frozenset[str]
    returns: Returns = "one"
    effect: Effect = "read"
    clearable: frozenset[str] = frozenset()
    secrets: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """Its name in Mistral."""
        return _PREFIX + self.id

    @property
    def changes(self) -> bool:
        """Whether it may change something in Calendly."""
        return self.effect != "read"

    @property
    def signature(self) -> str:
        """The inputs as Mistral reads them: it parts the text at commas, so that null is the only default."""
        optional = (f"{name}=null" for name in self.inputs if name not in self.required)
        return ", ".join((*self.required, *optional))

    def check_names(self, inputs: Mapping[str, Any]) -> None:
        """Refuse inputs that there are not, and say which are missing. Raises InvalidParams."""
        names: Schema = {
            "properties": {name: {} for name in self.inputs},
            "required": self.required,
            "additionalProperties": False,
        }
        why = (
            "is a secret, and Mistral keeps inputs in clear text: leave it out, it comes from the credential"
        )
        secrets = [Problem(name, why) for name in inputs if name in self.secrets]
        others = {name: value for name, value in inputs.items() if name not in self.secrets}
        self._refuse([*secrets, *validation.explain(names, others)])

    def check_values(self, inputs: Mapping[str, Any]) -> None:
        """Refuse values of the adapter's inputs; a call checks the others itself. Raises InvalidParams."""
        mine = {name: value for name, value in inputs.items() if name in self.hosts}
        problems = validation.explain({"properties": {name: self.inputs[name] for name in mine}}, mine)
        if mine.get("all_pages") and "limit" in mine:
            problems.append(Problem("limit", "is of no use beside all_pages"))
        self._refuse(problems)

    def given(self, inputs: Mapping[str, Any]) -> Record:
        """Leave out what is null, which is what an expression gives that found nothing."""
        return {name: value for name, value in inputs.items() if value is not None or name in self.clearable}

    def _refuse(self, problems: list[Problem]) -> None:
        if problems:
            raise InvalidParams(
                self.name, problems, fix=f"`mistral action-get {self.name}` shows what it takes."
            )


@cache
def offer() -> Mapping[str, Offered]:
    """Give everything by its name in Mistral."""
    return {entry.name: entry for entry in (*_own(), *map(_of_catalog, catalog().values()))}


def offered(name: str) -> Offered:
    """Give what is offered under a name. Raises UnknownAction: an engine may be newer than its executors."""
    if entry := offer().get(name):
        return entry
    raise UnknownAction(
        f"This executor knows no action {name!r}.", fix="Install the same version on engines and executors."
    )


def _own() -> Iterator[Offered]:
    for name, told in _declared()["actions"].items():
        inputs: Mapping[str, Schema] = {**told["input"]["properties"], **_declared()["every"]}
        required = tuple(told["input"].get("required", ()))
        words = [f"{told['title']}. {told['description']}"]
        yield Offered(name, _help(words, inputs, required), inputs, required, hosts=frozenset(inputs))


def _of_catalog(action: Action) -> Offered:
    mine = {**(_declared()["lists"] if action.returns == "many" else {}), **_declared()["every"]}
    theirs = {name: rule for name, rule in action.inputs.items() if name not in action.secrets}
    inputs = theirs | mine
    required = tuple(action.input.get("required", ()))
    words = [
        f"{action.title}. {action.description}".strip(),
        f"Effect: {action.effect}. Gives: {action.returns}. {action.docs}",
    ]
    return Offered(
        action.id,
        _help(words, inputs, required),
        inputs,
        required,
        hosts=frozenset(mine),
        returns=action.returns,
        effect=action.effect,
        clearable=frozenset(name for name, types in action.input_types.items() if "null" in types),
        secrets=action.secrets,
    )


def _help(words: list[str], inputs: Mapping[str, Schema], required: tuple[str, ...]) -> str:
    """Word an action and its inputs for `mistral action-get`."""
    rows = (
        f"  {name}{' (required)' if name in required else ''}: {rule.get('description', '')}"
        for name, rule in inputs.items()
    )
    return "\n".join([*words, "Inputs:", *rows])


@cache
def _declared() -> Mapping[str, Any]:
    import yaml

    told: Mapping[str, Any] = yaml.safe_load(files(__package__ or "").joinpath("own.yaml").read_bytes())
    return told
