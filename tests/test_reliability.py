"""docs/explanation/reliability.md names the tests of each row."""

import ast
import re
from functools import cache

from locations import DOCS, TESTS

PAGE = (DOCS / "explanation" / "reliability.md").read_text()
NAMED = re.findall(r"`(test_\w+\.py)::(test_\w+)`", PAGE)


@cache
def defined(file):
    tree = ast.parse(next(TESTS.rglob(file)).read_text())
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and "test_" in node.name}


def test_every_test_that_the_page_names_exists():
    assert [f"{file}::{name}" for file, name in NAMED if name not in defined(file)] == []


def test_every_fault_that_is_tested_is_on_the_page():
    assert defined("test_faults.py") == {name for file, name in NAMED if file == "test_faults.py"}


def test_every_row_has_an_outcome_and_names_a_test():
    table = PAGE.split("## Faults\n", 1)[1].split("\n## ", 1)[0]
    rows = [
        line.strip("|").split("|")
        for line in table.splitlines()
        if line.startswith("| ") and not line.startswith("| fault |")
    ]
    assert len(rows) >= 25
    for fault, gets, test in rows:
        assert fault.strip()
        assert gets.strip()
        assert re.search(r"`test_\w+\.py::test_\w+`", test), fault
