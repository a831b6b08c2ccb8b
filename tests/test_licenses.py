"""No dependency has a license that is not accepted; `make lint` compares the page with what is installed."""

import pytest
from locations import DOCS

import dependencies

PAGE = DOCS / "reference" / "dependencies.md"


def test_every_dependency_has_an_accepted_license():
    text = PAGE.read_text("utf-8")
    assert "| dbos | MIT | `agent` |" in text
    assert dependencies.unaccepted(text) == []


@pytest.mark.parametrize("license_", ["GPL-3.0-only", "MIT AND GPL-3.0-only", "unknown", "BSD License"])
def test_any_other_license_is_found(license_):
    text = PAGE.read_text("utf-8").replace("| dbos | MIT |", f"| dbos | {license_} |")
    assert dependencies.unaccepted(text) == [("dbos", license_)]


def test_a_package_that_only_another_python_needs_keeps_its_row(monkeypatch):
    is_installed = dependencies._is_installed
    monkeypatch.setattr(dependencies, "_is_installed", lambda name: name != "zipp" and is_installed(name))
    row = next(line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| zipp |"))
    assert row in dependencies.page().splitlines()


def test_a_package_that_is_not_pinned_any_more_loses_its_row(monkeypatch, tmp_path):
    page = tmp_path / "dependencies.md"
    page.write_text(PAGE.read_text("utf-8").replace("| zipp |", "| zippy |"), "utf-8")
    monkeypatch.setattr(dependencies, "PAGE", page)
    assert "zippy" not in dependencies.page()
