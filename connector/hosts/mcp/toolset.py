"""Which actions an agent can reach, and which of them are tools of their own. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from itertools import chain
from typing import Any, Final

from ...catalog.manifest import catalog, manifest, named
from ...catalog.manifest import find as find_action
from ...catalog.models import Action
from ...errors import UnknownAction, UsageError

_SEARCH_TOOLS: Final = ("search_actions", "run_action")
_WORD: Final = re.compile(r"[a-z0-9]+")
_MIN_WORD_LENGTH: Final = 3  # shorter ones, such as "of" and "a", are in nearly every description
_MIN_STEM_LENGTH: Final = 4


@cache
def declared(name: str) -> Mapping[str, Any]:
    """Return the content of a YAML file in this folder."""
    import yaml

    content: Mapping[str, Any] = yaml.safe_load(files(__package__ or "").joinpath(name).read_bytes())
    return content


@cache
def groups() -> Mapping[str, tuple[str, ...]]:
    """Return the actions of each group that `--only` accepts, in the order of the manifest's menu."""
    menu = {group.id: group.actions for group in manifest().groups}
    return {
        name: (
            *chain.from_iterable(menu[group] for group in entry["groups"]),
            *(action for action in catalog() if resource_of(action) in entry.get("resources", ())),
        )
        for name, entry in declared("tools.yaml")["groups"].items()
    }


def resource_of(action: str) -> str:
    """Return the resource in an action's id."""
    return action.partition(".")[0]


def tool_name(action: Action) -> str:
    """Return an action's name as a tool; clients reject dots."""
    return action.id.replace(".", "_")


@dataclass(frozen=True)
class Toolset:
    """The actions that an agent can reach by id, those that are tools by tool name, and the helper tools."""

    actions: Mapping[str, Action]
    tools: Mapping[str, Action]
    helpers: tuple[str, ...]
    read_only: bool

    def find(self, name: str, inputs: Iterable[str] = ()) -> Action:
        """Return an available action by id, alias or tool name; `inputs` decide between shared aliases.

        Raises UnknownAction.
        """
        if matches := _matches(name):
            action = matches[0] if len(matches) == 1 else find_action(name, frozenset(inputs))
            available = [match for match in (action, *matches) if match.id in self.actions]
            if available:
                return available[0]
            reason = "it is read-only" if self.read_only else "--only doesn't include it"
            raise UnknownAction(
                f"{action.id} is not available on this server: {reason}.",
                fix="Tell the user; the server's start options decide this.",
            )
        near = get_close_matches(name, map(tool_name, self.actions.values()), n=3, cutoff=0.5)
        hint = f"Did you mean {', '.join(near)}? " if near else ""
        more = "Use search_actions to find actions." if "search_actions" in self.helpers else ""
        raise UnknownAction(f"Unknown tool or action {name[:100]!r}.", fix=f"{hint}{more}".strip())

    def search(self, query: str) -> list[Action]:
        """Return the actions that match any word of the query, best first, after one with that name."""
        words = [word for word in _WORD.findall(query.lower()) if len(word) >= _MIN_WORD_LENGTH]
        scores = {action.id: _score(action, words) for action in self.actions.values()}
        found = [action for action in self.actions.values() if scores[action.id]]
        named = {action.id for action in _matches(query.strip())}
        return sorted(found, key=lambda action: (action.id not in named, -scores[action.id]))


def select_tools(only: Sequence[str] = (), *, read_only: bool = False) -> Toolset:
    """Return the toolset of a server; `only` names the groups, resources or actions to restrict it to.

    Raises UsageError for an unknown name, or if no action is left.
    """
    reachable = {
        action.id: action
        for action in (_expand(only) if only else catalog().values())
        if action.effect == "read" or not read_only
    }
    if not reachable:
        raise UsageError("No tools left: --only names only writes, and --read-only excludes them.")
    helpers = tuple(declared("tools.yaml")["helpers"])
    if only:
        tools = list(reachable.values())
        helpers = tuple(name for name in helpers if name not in _SEARCH_TOOLS)
    else:
        tools = [reachable[name] for name in declared("tools.yaml")["default"] if name in reachable]
    return Toolset(reachable, {tool_name(action): action for action in tools}, helpers, read_only)


def _expand(names: Sequence[str]) -> list[Action]:
    """Return the actions that groups, resources and actions stand for, in catalog order."""
    resources = {resource_of(action) for action in catalog()}
    selected: set[str] = set()
    for name in names:
        if name in groups():
            selected.update(groups()[name])
        elif name in resources:
            selected |= {action for action in catalog() if resource_of(action) == name}
        elif matches := _matches(name):
            selected.add(matches[0].id)
        else:
            known = [*groups(), *resources, *map(tool_name, catalog().values())]
            near = get_close_matches(name, known, n=3, cutoff=0.5)
            hint = f"Did you mean {', '.join(near)}? " if near else ""
            raise UsageError(
                f"--only: unknown group, resource or action {name!r}.",
                fix=f"{hint}Groups: {', '.join(groups())}.",
            )
    return [action for action in catalog().values() if action.id in selected]


def _matches(name: str) -> tuple[Action, ...]:
    """Return the actions that a tool name, id or alias stands for."""
    by_tool_name = tuple(action for action in catalog().values() if tool_name(action) == name)
    return by_tool_name or named(name)


def _score(action: Action, words: Iterable[str]) -> int:
    """Add up the best match of each word: one in the name counts more than one in the description."""
    texts = {5: " ".join((action.id, *action.aliases)), 3: action.title, 1: action.description}
    known = {weight: _WORD.findall(text.lower()) for weight, text in texts.items()}
    return sum(
        max(
            (weight for weight, others in known.items() if any(_same(word, other) for other in others)),
            default=0,
        )
        for word in words
    )


def _same(word: str, other: str) -> bool:
    """Whether two words are equal, or one is the other with an ending such as a plural's."""
    shorter, longer = sorted((word, other), key=len)
    return word == other or (len(shorter) >= _MIN_STEM_LENGTH and longer.startswith(shorter))
