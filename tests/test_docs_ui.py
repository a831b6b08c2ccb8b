"""The guide for hosts with a user interface: its code runs, and prints what the page shows."""

import re

from locations import DOCS

PAGE = (DOCS / "hosts" / "ui.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", PAGE, re.DOTALL)


def test_the_code_of_the_guide_prints_what_it_shows(make_sandbox, monkeypatch, capsys):
    names = {"token": "sandbox-owner"}
    with make_sandbox(now=None) as sandbox:  # the code reads the clock of the machine
        monkeypatch.setenv("CALENDLY_API_URL", sandbox.url)
        for code, shown in BLOCKS:
            exec(compile(code, "docs/hosts/ui.md", "exec"), names)  # noqa: S102 - our own page
            assert [line.rstrip() for line in capsys.readouterr().out.splitlines()] == shown.splitlines()


def test_all_code_of_the_guide_is_run():
    assert len(BLOCKS) == PAGE.count("```python")
