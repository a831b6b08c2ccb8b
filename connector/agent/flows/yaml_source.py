"""Reads YAML that anyone may have written: plain values with their positions, and all problems at once.

Only mappings, lists, texts, numbers, true, false and null exist. Numbers are those of JSON, so `no` and
`on`, `007`, `+49 30`, `12:30` and dates are texts. Aliases, tags and second documents are problems. Parser
events are read one by one, so neither depth nor size can exhaust anything.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from ...support.redaction import shortened
from .problems import FlowProblem, Position, Positions

MOST_BYTES: Final = 1 << 20
"""The largest file."""
_MOST_DEPTH: Final = 40
_MOST_PROBLEMS: Final = 100
_CORE: Final = "tag:yaml.org,2002:"
_WORDS: Final = {"": None, "~": None, "null": None, "Null": None, "NULL": None} | {
    form: word == "true" for word in ("true", "false") for form in (word, word.capitalize(), word.upper())
}
_INTEGER: Final = re.compile(r"-?(0|[1-9][0-9]{0,17})")
NUMBER: Final = re.compile(r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,18})?([eE][-+]?[0-9]{1,2})?$")


@dataclass
class Source:
    """What a file contains. `document` is None if it can't be read."""

    document: Any = None
    positions: Positions = field(default_factory=Positions)
    problems: list[FlowProblem] = field(default_factory=list)

    def add(self, position: Position, path: str, message: str, fix: str = "") -> None:
        """Add a problem."""
        if len(self.problems) < _MOST_PROBLEMS:
            self.problems.append(FlowProblem(position.line, position.column, path, message, fix))


def read(content: str | bytes) -> Source:
    """Read a YAML document."""
    import yaml

    source = Source()
    try:
        text = content.decode("utf-8-sig") if isinstance(content, bytes) else content.removeprefix("\ufeff")
        size = len(text.encode())
    except (UnicodeDecodeError, UnicodeEncodeError) as error:
        source.add(_at(error.object[: error.start]), "", "The file isn't valid UTF-8")
        return source
    if size > MOST_BYTES:
        source.add(Position(), "", f"The file is larger than {MOST_BYTES >> 20} MiB")
        return source
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        source.document = _Builder(source, yaml).build(iter(yaml.parse(text, loader)))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Position(mark.line + 1, mark.column + 1) if mark else Position()
        source.add(place, "", f"The file isn't valid YAML: {_in_words(error)}", _fix(text, place))
    except yaml.reader.ReaderError as error:
        # libyaml counts bytes in some cases and characters in others, so look for the character.
        control = next((at for at, letter in enumerate(text) if ord(letter) == error.character), 0)
        source.add(_at(text[:control]), "", "The file contains a control character")
    except _TooDeepError as error:
        source.add(error.position, "", f"The file is nested more than {_MOST_DEPTH} levels deep")
    return source


class _TooDeepError(Exception):
    """A document is nested too deeply."""

    def __init__(self, position: Position) -> None:
        super().__init__(position)
        self.position = position


@dataclass
class _Open:
    """A mapping or list whose end hasn't been read yet. A `key` of None expects a key."""

    value: Any
    path: str
    key: str | None = None


class _Builder:
    """Builds the document from parser events."""

    def __init__(self, source: Source, yaml: Any) -> None:
        self._source = source
        self._yaml = yaml
        self._open: list[_Open] = []
        self._document: Any = None
        self._documents = 0

    def build(self, events: Iterator[Any]) -> Any:
        """Return the document."""
        yaml = self._yaml
        for event in events:
            place = Position(event.start_mark.line + 1, event.start_mark.column + 1)
            if isinstance(event, yaml.DocumentStartEvent):
                self._documents += 1
                if self._documents > 1:
                    self._source.add(
                        place, "", "The file contains a second document", "Use a file for each flow."
                    )
                    break
            elif isinstance(event, yaml.AliasEvent):
                fix = "Write the value again."
                self._source.add(place, self._path(), "Aliases aren't supported", fix)
                self._put(None, place)
            elif isinstance(event, yaml.ScalarEvent):
                self._put(self._scalar(event, place), place)
            elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
                kind = "map" if isinstance(event, yaml.MappingStartEvent) else "seq"
                self._check_tag(event.tag, {kind}, place)
                self._start({} if kind == "map" else [], place)
            elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
                self._open.pop()
        return self._document

    def _path(self) -> str:
        """Return the path of the value that comes next."""
        if not self._open:
            return ""
        parent = self._open[-1]
        if isinstance(parent.value, list):
            return f"{parent.path}[{len(parent.value)}]"
        return f"{parent.path}.{parent.key}".removeprefix(".") if parent.key is not None else parent.path

    def _start(self, value: Any, place: Position) -> None:
        if len(self._open) >= _MOST_DEPTH:
            raise _TooDeepError(place)
        path = self._path()
        self._put(value, place)
        self._open.append(_Open(value, path))

    def _put(self, value: Any, place: Position) -> None:
        path = self._path()
        if not self._open:
            self._document = value
        elif isinstance(self._open[-1].value, list):
            self._open[-1].value.append(value)
        elif self._open[-1].key is None:
            self._put_key(value, place)
            return
        else:
            parent = self._open[-1]
            parent.value.setdefault(parent.key, value)
            parent.key = None
        self._source.positions.values.setdefault(path, place)

    def _put_key(self, key: Any, place: Position) -> None:
        parent = self._open[-1]
        if not isinstance(key, str):
            shown = "null" if key is None else str(key).lower() if isinstance(key, bool) else key
            kind = "list or mapping" if isinstance(key, dict | list) else f"{shown}"
            self._source.add(place, parent.path, f"A key must be text, not {kind}", "Put it in quotes.")
            key = str(key) if isinstance(key, bool | int | float) else ""
        elif key in parent.value:
            path = f"{parent.path}.{key}".removeprefix(".")
            first = self._source.positions.keys[path]
            self._source.add(place, path, f"{shortened(key)} is written twice, first in line {first.line}")
        parent.key = key
        self._source.positions.keys.setdefault(f"{parent.path}.{key}".removeprefix("."), place)

    def _scalar(self, event: Any, place: Position) -> Any:
        text: str = event.value
        self._check_tag(event.tag, {"str", "int", "float", "bool", "null"}, place)
        is_quoted = bool(event.style) and not event.tag
        if is_quoted or event.tag in {"!", f"{_CORE}str"}:
            return text
        if text in _WORDS:
            return _WORDS[text]
        if _INTEGER.fullmatch(text):
            return int(text)
        return float(text) if NUMBER.fullmatch(text) else text

    def _check_tag(self, tag: str | None, allowed: set[str], place: Position) -> None:
        if tag and tag != "!" and tag.removeprefix(_CORE) not in allowed:
            self._source.add(place, self._path(), f"The tag {shortened(tag)} isn't supported", "Remove it.")


def _at(before: str | bytes) -> Position:
    """Return the position after a text."""
    text = before.decode("utf-8-sig", "replace") if isinstance(before, bytes) else before
    lines = re.split(r"\r\n|\r|\n", text)
    return Position(len(lines), len(lines[-1]) + 1)


def _in_words(error: Any) -> str:
    problem = " ".join(str(error.problem or error.context or "it can't be parsed").split())
    if "\\t" in problem or "'\t'" in (error.problem or ""):
        return "a tab can't indent a line or begin a value"
    return shortened(problem, 120)


def _fix(text: str, place: Position) -> str:
    lines = re.split(r"\r\n|\r|\n", text)
    line = lines[place.line - 1] if place.line <= len(lines) else ""
    if "\t" in line[: max(place.column, len(line) - len(line.lstrip()))]:
        return "Indent with spaces."
    return "Put text with : or # or quotes in quotes." if ":" in line else ""
