"""Every command and every Python block of the README and the docs works, and prints what the page shows.

Each page is read from top to bottom by somebody with a new home and a sandbox account, on Monday 30 November
2026 at 9:00 in Berlin. CONTRIBUTING.md lists the comments by which a page says what to do with a block.
UPDATE_DOCS=1 writes the output of commands that don't fit into the page.
"""

import os
import re
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from tempfile import gettempdir

import pytest
from calendly_connector.sandbox.server import Sandbox
from doc_needs import provided
from doc_pages import Block, blocks, commands, page_marks, replaced, run_by, same
from doc_shell import Prompt, Shell, environment
from filelock import FileLock
from locations import DOCS, TESTS

from docs_clock import NOW, moved_clock

ROOT = TESTS.parent
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
TOKEN = "sandbox-owner"
ERROR = re.compile(r"calendly-connector: |Error: |  error  |.*: error: ")  # the third is the doctor's
READS = re.compile(r"\b(run_by|follow|command_lines)\(")
RUN = {"console", "python"}
UNRUNNABLE = {"powershell", "dockerfile", "nginx", "ini", "html"}
DATA = {"json", "yaml", "toml", "sql", "text"}


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


class Reader:
    """Somebody who does what a page says."""

    def __init__(self, page: Path, folder: Path, variables: dict[str, str], origin: str) -> None:
        self.page, self.folder = page, folder
        self.names = {origin: "http://127.0.0.1:8700", variables["HOME"]: "/home/ada"}
        self.shell, self.prompt = Shell(folder, variables), Prompt(folder, variables)
        self.problems: list[str] = []
        self.better: dict[Block, list[str]] = {}

    def read(self) -> None:
        found = blocks(self.page)
        for block, following in zip(found, [*found[1:], None], strict=True):
            block.write(self.folder)
            if block.marks.keys() & {"file", "run by", "not run"}:
                continue
            if block.language == "console":
                self._console(block)
            elif block.language == "python":
                self._python(block, following if following and following.language == "text" else None)
        if os.environ.get("UPDATE_DOCS"):
            self._update()

    def close(self) -> None:
        self.prompt.close()
        self.shell.close()

    def _console(self, block: Block) -> None:
        if "stop" in block.marks:
            self.shell.stop()
        if first := block.marks.get("first"):
            assert self.shell.run(first, [], [])[0] == 0, first
        lines = []
        hidden = block.hidden
        for command in commands(block):
            if "background" in block.marks:
                status, actual = 0, self.shell.serve(command.text, len(command.shown))
            else:
                status, actual = self.shell.run(command.text, command.shown, hidden)
            actual = self._as_shown(actual)
            good = same(command.shown, actual) if command.shown else True
            fails = any(ERROR.match(line) for line in command.shown)
            if not good or (status and not fails):
                shown = "\n".join(actual)
                self._complain(block, f"{command.text}\nexit status {status}, and it shows:\n{shown}")
            lines += [*f"$ {command.text}".splitlines(), *(command.shown if good else actual)]
        self.better[block] = lines

    def _python(self, block: Block, shown: Block | None) -> None:
        if first := block.marks.get("first"):
            assert not self.prompt.run(first), first
        actual = self._as_shown(self.prompt.run(block.text))
        if not same(shown.text.splitlines() if shown else [], actual):
            printed = "\n".join(actual)
            self._complain(block, f"the Python block prints:\n{printed}")
            if shown:
                self.better[shown] = actual

    def _as_shown(self, lines: list[str]) -> list[str]:
        """Replace the address and the folder of this run by those that the pages show."""
        for ours, shown in self.names.items():
            lines = [line.replace(ours, shown) for line in lines]
        return lines

    def _complain(self, block: Block, problem: str) -> None:
        self.problems.append(f"{name(self.page)}:{block.line}: {problem}\n")

    def _update(self) -> None:
        text = self.page.read_text("utf-8")
        for block in sorted(self.better, key=lambda block: -block.line):
            text = replaced(text, block, self.better[block])
        self.page.write_text(text, encoding="utf-8")


def runnable(page: Path) -> bool:
    return any(block.language in RUN for block in blocks(page))


def ports(page: Path) -> AbstractContextManager[object]:
    """Return a lock for a page with servers: they need their usual ports, also other runs on this machine."""
    if any("background" in block.marks for block in blocks(page)):
        return FileLock(Path(gettempdir()) / "calendly-connector-ports.lock")
    return nullcontext()


@pytest.mark.parametrize("page", [page for page in PAGES if runnable(page)], ids=name)
def test_a_page_works_as_it_says(page, tmp_path):
    home = tmp_path / "home"
    folder = home / "work"
    folder.mkdir(parents=True)
    needs = page_marks(page).get("needs", "")
    with ports(page), provided(needs) as more, Sandbox(now=NOW, check_replies=True) as sandbox:
        account = {"CALENDLY_API_URL": sandbox.url, "CALENDLY_API_TOKEN": TOKEN}
        given = {} if "no account" in page_marks(page) else account
        variables = environment(home, **moved_clock(), **more, **given)
        reader = Reader(page, folder, variables, sandbox.url)
        try:
            reader.read()
        finally:
            reader.close()
    assert not reader.problems, "\n".join(reader.problems)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_page_says_of_every_block_how_it_is_run(page):
    for block in blocks(page):
        where = f"{name(page)}:{block.line}"
        assert block.language in {*RUN, *UNRUNNABLE, *DATA, "{toctree}", "{include}"}, where
        if "run by" in block.marks:
            other = ROOT / block.marks["run by"]
            text = other.read_text("utf-8")
            folder = f"{page.parent.parent.name}/{page.parent.name}"  # of which it runs all pages
            assert page.name in text or folder in text, f"{where}: {other} doesn't name it"
            assert other.suffix != ".py" or READS.search(text), f"{where}: {other} doesn't read it"
        elif block.language in UNRUNNABLE:
            assert block.marks.get("not run"), f"{where}: say why it isn't run"


def test_ci_runs_what_the_readme_shows_of_make():
    checks = (ROOT / ".ci" / "run").read_text("utf-8")
    for block in run_by(".ci/run", ROOT / "README.md"):
        for command in commands(block):
            assert f"part {command.text.partition('#')[0].strip()}" in checks
