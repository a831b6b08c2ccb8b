"""Write text for manual pages in the language of troff, for man-db and mandoc alike."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

_WIDTH: Final = 68  # characters of an example that fit an 80-column terminal, indented
_ESCAPED: Final = {
    "\\": r"\e",
    "-": r"\-",
    "'": r"\(aq",
    "`": r"\(ga",
    "^": r"\(ha",
    "~": r"\(ti",
}
_CODE: Final = re.compile(r"`([^`]+)`")
_WORDS: Final = re.compile(r"(?:'[^']*'|\"[^\"]*\"|\S)+")
_PART: Final = re.compile(r"(--?[\w-]+|[^\s\[\]|/,=…]+|.)", re.DOTALL)


def escaped(text: str) -> str:
    """Return a text in which nothing means anything to troff."""
    text = "".join(_ESCAPED.get(letter, letter) for letter in text)
    text = "".join(letter if letter.isascii() else f"\\[u{ord(letter):04X}]" for letter in text)
    return f"\\&{text}" if text.startswith(".") else text


def prose(text: str) -> str:
    """Return a paragraph on one line, with `code` in bold."""
    parts = _CODE.split(" ".join(text.split()))
    return "".join(bold(part) if index % 2 else escaped(part) for index, part in enumerate(parts))


def bold(text: str) -> str:
    """Return a text in bold."""
    return f"\\fB{escaped(text)}\\fP"


def usage(text: str) -> str:
    """Return options and metavariables: what is typed as it stands in bold, what it stands for in italics."""
    return "".join(_usage_part(part) for part in _PART.findall(text))


def _usage_part(part: str) -> str:
    if part.startswith("-") and len(part) > 1:
        return bold(part)
    if part.isupper():
        return f"\\fI{escaped(part)}\\fP"
    return escaped(part)


def heading(text: str) -> str:
    """Return the heading of a section."""
    return f".SH {escaped(text)}"


def paragraphs(text: str) -> Iterator[str]:
    """Yield the lines of paragraphs that empty lines separate."""
    for number, paragraph in enumerate(re.split(r"\n\s*\n", text.strip())):
        if number:
            yield ".PP"
        yield prose(paragraph)


def definitions(entries: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Yield a list of terms, which are troff already, and their descriptions."""
    for term, text in entries:
        yield ".TP"
        yield term
        yield prose(text) if text else "\\&"


def commands(lines: Iterable[str]) -> Iterator[str]:
    """Yield lines of shell as they are typed. A long one continues on the next line."""
    yield ".RS 4"
    yield ".EX"
    for line in lines:
        yield from map(escaped, _folded(line))
    yield ".EE"
    yield ".RE"


def _folded(command: str) -> list[str]:
    lines = [""]
    for word in _WORDS.findall(command):
        if lines[-1] and len(lines[-1]) + len(word) + 3 > _WIDTH:
            lines[-1] += " \\"
            lines.append(f"    {word}")
        else:
            lines[-1] += f" {word}" if lines[-1] else word
    return lines
