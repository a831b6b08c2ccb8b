"""The command that runs an action's example: `run ID KEY=VALUE …`, with `--dry-run` for a write. Pure."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml
from calendly_connector.catalog.models import Action
from calendly_connector.cli.commands import PROGRAM

CHOSEN: Final = Path(__file__).parent / "action_commands.yaml"
_ORIGIN: Final = re.compile(r"^https://api\.calendly\.com/.*/")
_WIDTH: Final = 90
_SAFE: Final = re.compile(r"[\w@%+=:,./#-]+")


def command_of(action: Action) -> list[str]:
    """Return the words of an action's example command, without the program's name."""
    rows = chosen().get(action.id)
    if rows is None:
        rows = list(_rows(_without_defaults(action)))
    elif file := input_file(action):
        rows = [rows[0], file, *rows[1:]]
    return ["run", action.id, *rows, *([] if action.effect == "read" else ["--dry-run"])]


def input_file(action: Action) -> str:
    """Return the file that the command reads the example from; empty if it doesn't."""
    return f"{action.id}.json" if chosen().get(action.id, [""])[0] == "--input" else ""


def example_input(action: Action) -> Mapping[str, Any]:
    """Return the input of the example; of one in a file, without those that the command sets."""
    given: Mapping[str, Any] = action.examples[0]["input"]
    if not input_file(action):
        return given
    named = {row.partition("=")[0] for row in chosen()[action.id]}
    return {name: value for name, value in given.items() if name not in named}


@cache
def chosen() -> Mapping[str, list[str]]:
    """Return the inputs that were chosen by hand, by action."""
    lines: Mapping[str, str] = yaml.safe_load(CHOSEN.read_text(encoding="utf-8"))
    return {action: shlex.split(line) for action, line in lines.items()}


def console(words: Sequence[str]) -> Iterator[str]:
    """Yield the lines of a command in a console block, broken where it gets too long."""
    line = f"$ {PROGRAM}"
    for word in words:
        shown = _shell(word)
        if len(line) + len(shown) + 3 > _WIDTH:
            yield f"{line} \\"
            line = f"    {shown}"
        else:
            line = f"{line} {shown}"
    yield line


def _without_defaults(action: Action) -> Mapping[str, Any]:
    """Return the inputs of the example, without those that the connector adds itself."""
    given: Mapping[str, Any] = action.examples[0]["input"]
    return {
        name: value
        for name, value in given.items()
        if not (name in action.defaults and str(action.defaults[name]).startswith("~{Get"))
        and action.defaults.get(name) != value
    }


def _rows(value: Any, path: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _rows(item, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        yield from (f"{path}[]={_text(item)}" for item in value)
    elif value is None or isinstance(value, bool):
        yield f"{path}={json.dumps(value)}"
    else:
        yield f"{path}={_text(value)}"


def _text(value: Any) -> str:
    """Return a value as text; of a resource's URI only the id."""
    return _ORIGIN.sub("", str(value))


def _shell(word: str) -> str:
    """Quote a word for a shell; of KEY=VALUE only the value, if that is enough."""
    if _SAFE.fullmatch(word) and not word.startswith("#"):
        return word
    name, sign, value = word.partition("=")
    if sign and _SAFE.fullmatch(name):
        return f"{name}={shlex.quote(value)}"
    return shlex.quote(word)
