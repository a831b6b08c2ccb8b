"""Which actions an agent can reach, and which of them are tools of their own. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Any, Final

from ...catalog.manifest import catalog, named
from ...catalog.manifest import find as find_action
from ...catalog.models import Action
from ...errors import UnknownAction, UsageError

_SEARCH_TOOLS: Final = ("search_actions", "run_action")
_WORD: Final = re.compile(r"[a-z0-9]+")
_SHORTEST_WORD: Final = 3  # those below, such as "of" and "a", are in every other description
_SHORTEST_STEM: Final = 4


@cache
def declared(name: str) -> Mapping[str, Any]:
    """Read a YAML file of this folder."""
    import yaml

    told: Mapping[str, Any] = yaml.safe_load(files(__package__ or "").joinpath(name).read_bytes())
    return told


def tool_name(action: Action) -> str:
    """Give an action's name as a tool: clients refuse dots."""
    return action.id.replace(".", "_")


@dataclass(frozen=True)
class Offer:
    """The actions that can be reached, by id, those that are tools, and the names of the helper tools."""

    actions: Mapping[str, Action]
    tools: Mapping[str, Action]
    helpers: tuple[str, ...]
    read_only: bool

    def find(self, name: str, given: Iterable[str] = ()) -> Action:
        """Find a reachable action by id, alias or tool name; where an alias is shared, by what is given."""
        if matches := _named(name):
            action = matches[0] if len(matches) == 1 else find_action(name, frozenset(given))
            fitting = [match for match in (action, *matches) if match.id in self.actions]
            if fitting:
                return fitting[0]
            why = "this server is read-only" if self.read_only else "it is not among what --only names"
            raise UnknownAction(
                f"{action.id} is not offered here: {why}.", fix="Tell the user, who started the server so."
            )
        near = get_close_matches(name, map(tool_name, self.actions.values()), n=3, cutoff=0.5)
        hint = f"Did you mean {', '.join(near)}? " if near else ""
        more = "search_actions finds actions by words." if "search_actions" in self.helpers else ""
        raise UnknownAction(f"There is no tool or action {name[:100]!r}.", fix=f"{hint}{more}".strip())

    def search(self, query: str) -> list[Action]:
        """Give the actions that words are about, best first; nothing where none is."""
        words = [word for word in _WORD.findall(query.lower()) if len(word) >= _SHORTEST_WORD]
        scores = {action.id: _score(action, words) for action in self.actions.values()}
        found = [action for action in self.actions.values() if scores[action.id]]
        return sorted(found, key=lambda action: -scores[action.id])


def make_offer(only: Sequence[str] = (), *, read_only: bool = False) -> Offer:
    """Decide what is offered: `only` names groups, resources or actions, and then nothing else is reachable.

    Raises UsageError for a name that stands for nothing.
    """
    reachable = {
        action.id: action
        for action in (_chosen(only) if only else catalog().values())
        if action.effect == "read" or not read_only
    }
    if not reachable:
        raise UsageError("Nothing is left to offer: --only names writes alone, and --read-only refuses them.")
    helpers = tuple(declared("tools.yaml")["helpers"])
    if only:
        shown = list(reachable.values())
        helpers = tuple(name for name in helpers if name not in _SEARCH_TOOLS)
    else:
        shown = [reachable[name] for name in declared("tools.yaml")["default"] if name in reachable]
    return Offer(reachable, {tool_name(action): action for action in shown}, helpers, read_only)


def _chosen(names: Sequence[str]) -> list[Action]:
    groups: Mapping[str, list[str]] = declared("tools.yaml")["groups"]
    resources = {action.id.partition(".")[0] for action in catalog().values()}
    wanted: set[str] = set()
    for name in names:
        if name in groups or name in resources:
            of = set(groups.get(name, [name]))
            wanted |= {action.id for action in catalog().values() if action.id.partition(".")[0] in of}
        else:
            wanted.add(_one(name, [*groups, *resources]).id)
    return [action for action in catalog().values() if action.id in wanted]


def _one(name: str, others: list[str]) -> Action:
    if matches := _named(name):
        return matches[0]
    near = get_close_matches(name, [*others, *map(tool_name, catalog().values())], n=3, cutoff=0.5)
    hint = f"Did you mean {', '.join(near)}? " if near else ""
    raise UsageError(
        f"--only: there is no group, resource or action {name!r}.",
        fix=f"{hint}Groups: {', '.join(declared('tools.yaml')['groups'])}.",
    )


def _named(name: str) -> tuple[Action, ...]:
    """Give the actions that a tool name, id or alias stands for."""
    as_tool = tuple(action for action in catalog().values() if tool_name(action) == name)
    return as_tool or named(name)


def _score(action: Action, words: Iterable[str]) -> int:
    """Count the words that an action is about; one in its name weighs more than one in its description."""
    texts = {5: " ".join((action.id, *action.aliases)), 3: action.title, 1: action.description}
    told = {weight: _WORD.findall(text.lower()) for weight, text in texts.items()}
    return sum(
        max(
            weight for weight in (0, *told) if not weight or any(_same(word, known) for known in told[weight])
        )
        for word in words
    )


def _same(word: str, known: str) -> bool:
    """Whether two words are one, also in the plural or with another ending."""
    shorter, longer = sorted((word, known), key=len)
    return word == known or (len(shorter) >= _SHORTEST_STEM and longer.startswith(shorter))
