"""Markdown for generated pages: escaped text, tables, and JSON in few lines. Pure."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

_WIDTH: Final = 100
# What Markdown would read as markup, outside code: emphasis, strikethrough, HTML, escapes.
_MARKUP: Final = re.compile(r"[\\*<>~]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_CODE: Final = re.compile(r"(`+[^`]+`+)")
# What is code even if its author didn't say so: functions, options, variables.
_CODELIKE: Final = re.compile(r"~\{[^}]*\}~|(?<![\w`-])--[a-z][a-z-]*[a-z]|\bCALENDLY_[A-Z_]+[A-Z]\b")


def escaped(text: str) -> str:
    """Return a text as Markdown: code in backticks stays, names of options and variables become code."""
    pieces = _CODE.split(" ".join(text.split()))
    coded = "".join(
        piece if number % 2 else _CODELIKE.sub(r"`\g<0>`", piece) for number, piece in enumerate(pieces)
    )
    pieces = _CODE.split(coded)
    return "".join(
        piece if number % 2 else _MARKUP.sub(r"\\\g<0>", piece) for number, piece in enumerate(pieces)
    )


def code(text: str) -> str:
    """Return a text as code."""
    return f"`{text}`"


def codes(texts: Iterable[str]) -> str:
    """Return texts as code, separated by commas."""
    return ", ".join(map(code, texts))


def cell(text: str) -> str:
    """Return Markdown as the cell of a table."""
    return re.sub(r"(?<!\\)\|", r"\\|", text.replace("\n", " "))


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table."""
    yield f"| {' | '.join(titles)} |"
    yield f"|{'---|' * len(titles)}"
    for row in rows:
        yield f"| {' | '.join(map(cell, row))} |"


def anchor(heading: str) -> str:
    """Return the anchor of a heading, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def page(lines: Iterable[str]) -> str:
    """Return lines as the text of a page."""
    return "\n".join(lines).rstrip() + "\n"


def json_block(value: Any) -> Iterator[str]:
    """Yield the lines of a block of JSON; what is short stands on one line."""
    yield "```json"
    yield compact_json(value)
    yield "```"


def compact_json(value: Any, indent: int = 0, used: int = 0) -> str:
    """Return indented JSON in which objects and lists that fit on a line aren't broken.

    `used` is how many characters of the line are taken.
    """
    line = json.dumps(value, ensure_ascii=False)
    if used + len(line) <= _WIDTH or not value or not isinstance(value, dict | list):
        return line
    deeper = indent + 2
    if isinstance(value, list):
        items = [compact_json(item, deeper, deeper) for item in value]
    else:
        keys = [f"{json.dumps(name, ensure_ascii=False)}: " for name in value]
        items = [
            key + compact_json(item, deeper, deeper + len(key))
            for key, item in zip(keys, value.values(), strict=True)
        ]
    begin, end = "[]" if isinstance(value, list) else "{}"
    body = ",\n".join(" " * deeper + item for item in items)
    return f"{begin}\n{body}\n{' ' * indent}{end}"
