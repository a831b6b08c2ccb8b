"""The fenced blocks of a Markdown page, with what the comments before them say about running them.

CONTRIBUTING.md lists the comments. They are invisible in the page.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent

from markdown_it import MarkdownIt

_COMMENT = re.compile(r"<!--\s*([\w ]+?)(?::\s*(.*?))?\s*-->", re.DOTALL)
_PROMPT = "$ "


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """A fenced block. `line` is that of its fence, from 1; `marks` are the comments right before it."""

    language: str
    text: str
    line: int
    marks: dict[str, str] = field(default_factory=dict)

    @property
    def hidden(self) -> list[str]:
        """Return what a person types where no terminal shows it, such as a token."""
        return self.marks["type"].split(", ") if "type" in self.marks else []

    def is_run_by(self, test: str) -> bool:
        """Check whether a test other than tests/docs/test_pages.py runs it. `test` is its `__file__`."""
        return Path(self.marks.get("run by", "")).name == Path(test).name

    def write(self, folder: Path, change: Callable[[str], str] = str) -> None:
        """Write it into a folder, if the page says that it is a file there."""
        if "file" in self.marks:
            path = folder / self.marks["file"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(change(self.text), encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Command:
    """A command of a console block and the lines that the page shows after it."""

    text: str
    shown: list[str]


def page_marks(page: Path) -> dict[str, str]:
    """Return the comments before the first heading, which are about the whole page."""
    return dict(_marks(page.read_text("utf-8").partition("# ")[0]))


def blocks(page: Path) -> list[Block]:
    """Return the blocks of a page, in order."""
    found: list[Block] = []
    marks: dict[str, str] = {}
    for token in MarkdownIt().parse(page.read_text("utf-8")):
        if token.type == "fence":
            line = token.map[0] + 1 if token.map else 0
            found.append(Block((token.info.split() or [""])[0], token.content, line, marks))
            marks = {}
        elif token.type == "html_block":
            marks = marks | _marks(token.content)
        elif not token.hidden and token.type not in _LISTS:
            marks = {}
    return found


_LISTS = {"list_item_open", "bullet_list_open", "ordered_list_open"}


def run_by(test: str, *pages: Path) -> list[Block]:
    """Return the blocks of pages that this test runs: at least one."""
    found = [block for page in pages for block in blocks(page) if block.is_run_by(test)]
    assert found, f"no block names {test}"
    return found


def commands(block: Block) -> list[Command]:
    """Split a console block. A command has several lines if they end in a backslash, or a here-document."""
    found: list[Command] = []
    lines = iter(block.text.splitlines())
    for line in lines:
        if not line.startswith(_PROMPT):
            if not found:
                raise ValueError(f"A console block begins with output: {line!r}")
            found[-1].shown.append(line)
            continue
        text = line.removeprefix(_PROMPT)
        while text.endswith("\\"):
            text += "\n" + next(lines)
        if here := re.search(r"<<-?\s*'?(\w+)'?", text):
            while (more := next(lines)) != here[1]:
                text += "\n" + more
            text += "\n" + here[1]
        found.append(Command(text, []))
    return found


def same(shown: list[str], actual: list[str]) -> bool:
    """Check whether output is what a page shows. There, `…` is any text; alone in a line, any lines."""
    pattern = "\n".join(re.escape(line.rstrip()) for line in shown)
    pattern = re.sub(r"(?m)^…$\n?", "(?:.*\n)*?", pattern + "\n").replace("…", ".*?")
    return re.fullmatch(pattern, "\n".join(line.rstrip() for line in actual) + "\n") is not None


def replaced(page: str, block: Block, new: list[str]) -> str:
    """Return the text of a page whose block contains these lines."""
    lines = page.splitlines(keepends=True)
    fence = lines[block.line - 1]
    indent = fence[: len(fence) - len(fence.lstrip())]
    end = block.line + len(block.text.splitlines())
    inside = [f"{indent}{line}".rstrip() + "\n" for line in new]
    return "".join([*lines[: block.line], *inside, *lines[end:]])


def _marks(text: str) -> dict[str, str]:
    return {name: dedent(value) for name, value in _COMMENT.findall(text)}
