"""Every command of the pages of the actions, run on a sandbox on Monday, 2026-11-30, at 09:00 in Berlin."""

from datetime import UTC, datetime

import pytest
import time_machine
from calendly_connector.catalog.manifest import catalog
from marked_blocks import ROOT, arguments, command_lines, write_files
from terminal import caller

THIS = "tests/docs/test_action_commands.py"
PAGES = [
    "docs/reference/actions/availability.md",
    "docs/reference/actions/contacts.md",
    "docs/reference/actions/event-types.md",
    "docs/reference/actions/follow-up.md",
    "docs/reference/actions/forms.md",
    "docs/reference/actions/meetings.md",
    "docs/reference/actions/organization.md",
    "docs/reference/actions/webhooks.md",
]
NOW = datetime(2026, 11, 30, 8, tzinfo=UTC)


@pytest.fixture(scope="module", autouse=True)
def _on_that_day():
    with time_machine.travel(NOW.timestamp(), tick=True):
        yield


@pytest.fixture(scope="module")
def account(_on_that_day):
    """Return a sandbox that all pages read: no command changes anything."""
    from brief import brief_sandbox

    with brief_sandbox(now=NOW, check_replies=True, rate_limit=0) as running:
        yield running


@pytest.fixture
def call(account, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CALENDLY_API_URL", account.url)
    monkeypatch.setenv("CALENDLY_API_TOKEN", "sandbox-owner")
    return caller(capsys, monkeypatch)


def test_the_pages_are_those_of_the_folder():
    pages = {str(path.relative_to(ROOT)) for path in (ROOT / "docs/reference/actions").glob("*.md")}
    assert {*PAGES, "docs/reference/actions/index.md"} == pages


def test_every_action_has_a_command():
    lines = [line for page in PAGES for line in command_lines(page, THIS)]
    assert sorted(arguments(line)[1] for line in lines) == sorted(catalog())


@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_a_page_succeeds(page, account, call, tmp_path):
    write_files(page, tmp_path)
    failed = {}
    for line in command_lines(page, THIS):
        code, out, err = call(*arguments(line))
        if (code, err) != (0, "") or not out:
            failed[line] = err
    assert failed == {}
    writes = [one for one in account.requests()["requests"] if one["method"] != "GET"]
    assert writes == []
