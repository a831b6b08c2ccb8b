"""Every command of the pages of the actions, run on a sandbox on Monday, 2026-11-30, at 09:00 in Berlin."""

import pytest
import time_machine
from brief import brief_sandbox
from calendly_connector.catalog.manifest import catalog
from doc_examples import arguments, command_lines, write_files
from locations import DOCS
from terminal import caller

from docs_clock import NOW

PAGES = sorted({*(DOCS / "reference/actions").glob("*.md")} - {DOCS / "reference/actions/index.md"})


@pytest.fixture(scope="module", autouse=True)
def _on_that_day():
    with time_machine.travel(NOW.timestamp(), tick=True):
        yield


@pytest.fixture(scope="module")
def account(_on_that_day):
    """Return a sandbox that all pages read: no command changes anything."""
    with brief_sandbox(now=NOW, check_replies=True, rate_limit=0) as running:
        yield running


@pytest.fixture
def call(account, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CALENDLY_API_URL", account.url)
    monkeypatch.setenv("CALENDLY_API_TOKEN", "sandbox-owner")
    return caller(capsys, monkeypatch)


def test_every_action_has_a_command():
    assert sorted(arguments(line)[1] for line in command_lines(__file__, *PAGES)) == sorted(catalog())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_of_a_page_succeeds(page, account, call, tmp_path):
    write_files(page, tmp_path)
    failed = {}
    for line in command_lines(__file__, page):
        code, out, err = call(*arguments(line))
        if (code, err) != (0, "") or not out:
            failed[line] = err
    assert failed == {}
    writes = [one for one in account.requests()["requests"] if one["method"] != "GET"]
    assert writes == []
