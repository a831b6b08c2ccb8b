"""Links between the code and the docs, and within the docs, lead somewhere."""

import re
from collections.abc import Iterator
from pathlib import Path

import calendly_connector
import calendly_connector.sandbox
import pytest

ROOT = Path(__file__).parent.parent
DECISIONS = ROOT / "docs" / "decisions"
INDEX = DECISIONS / "README.md"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
DECISION = re.compile(r"docs/decisions/([\w-]+)\.md")
LINK = re.compile(r"\[[^]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
EXTERNAL = re.compile(r"[a-z]+:")


def named_in_code() -> set[str]:
    packages = (calendly_connector, calendly_connector.sandbox)
    folders = [Path(package.__file__).parent for package in packages] + [ROOT / "tools"]
    files = (file for folder in folders for file in folder.rglob("*.py"))
    return {name for file in files for name in DECISION.findall(file.read_text("utf-8"))}


def links(page: Path) -> Iterator[str]:
    return (link for link in LINK.findall(FENCE.sub("", page.read_text("utf-8"))) if not EXTERNAL.match(link))


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub makes of a page's headings."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_code_names_every_decision_and_no_other() -> None:
    assert named_in_code() == {page.stem for page in DECISIONS.glob("*.md") if page != INDEX}


def test_the_index_links_every_decision_once_under_its_title() -> None:
    entries = re.findall(r"^- \[(.+)\]\((.+)\)$", INDEX.read_text("utf-8"), re.MULTILINE)
    titles = {
        page.name: page.read_text("utf-8").partition("\n")[0].removeprefix("# ")
        for page in DECISIONS.glob("*.md")
        if page != INDEX
    }
    assert sorted(entries) == sorted((title, name) for name, title in titles.items())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    broken = []
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert not broken
