"""The generated reference is complete, and its text is what Markdown shows."""

import json
import re
from pathlib import Path

import calendly_connector
import pytest
from calendly_connector import errors
from calendly_connector.catalog.manifest import catalog, manifest
from calendly_connector.cli.commands import COMMANDS
from calendly_connector.contract.results import Outcome
from platformdirs.macos import MacOS
from platformdirs.unix import Unix
from variables import named_in_the_code

import docs_actions
import docs_cli
import docs_commands
import docs_configuration
import docs_error_samples as samples
import docs_errors
import docs_python
import docs_signatures
import docs_text

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"


def headings(folder):
    pages = (page.read_text("utf-8") for page in (REFERENCE / folder).glob("*.md"))
    return [heading for page in pages for heading in re.findall(r"(?m)^## (.+)$", page)]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a*b <c>", r"a\*b \<c\>"),
        ("scheduled_events, _private, and end_", r"scheduled_events, \_private, and end\_"),
        ("`a*b` stays", "`a*b` stays"),
        ("~{Now+7d}~ and ~5", "`~{Now+7d}~` and \\~5"),
        ("Pass --dry-run; well-known", "Pass `--dry-run`; well-known"),
        ("Set CALENDLY_TZ.", "Set `CALENDLY_TZ`."),
        ("two\n  lines", "two lines"),
    ],
)
def test_text_is_escaped_where_markdown_would_eat_it(text, shown):
    assert docs_text.escaped(text) == shown


def test_a_cell_has_no_line_breaks_and_no_borders():
    assert list(docs_text.table(("a", "b"), [("x|y", "1\n2")])) == [
        "| a | b |",
        "|---|---|",
        r"| x\|y | 1 2 |",
    ]


def test_json_is_broken_only_where_it_is_too_long():
    value = {"short": [1, 2], "long": ["x" * 60, {"y": "z" * 60}], "none": {}}
    text = docs_text.compact_json(value)
    assert json.loads(text) == value
    assert '  "short": [1, 2],\n' in text
    assert max(map(len, text.splitlines())) <= 100


def test_every_action_is_on_the_page_of_its_group():
    for group in manifest().groups:
        page = (REFERENCE / "actions" / docs_actions.file_of(group)).read_text("utf-8")
        assert re.findall(r"(?m)^## (.+)$", page) == list(group.actions)
    assert set(catalog()) <= set(headings("actions"))


def test_commands_chosen_by_hand_are_of_actions():
    assert docs_commands.chosen().keys() <= catalog().keys()


def test_every_command_is_on_the_page_of_its_group():
    commands = {path for path, _ in docs_cli.commands(COMMANDS)}
    assert set(COMMANDS) < commands <= set(headings("cli"))


def test_every_error_is_explained():
    page = (REFERENCE / "errors.md").read_text("utf-8")
    kinds = {
        name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, Exception)
    }
    assert set(re.findall(r"(?m)^### (\w+)$", page)) == kinds


def test_every_error_but_the_bases_has_a_message():
    shown = {type(error) for error in samples.samples()}
    bases = {errors.ConnectorError, errors.UsageError, errors.CalendlyError}
    assert set(docs_errors._classes()) - shown == bases


def test_every_outcome_of_a_check_has_a_message():
    assert [report.outcome for report in samples.checks()] == list(Outcome.__args__)


def test_every_state_of_a_subscription_has_a_meaning():
    assert docs_errors._SUBSCRIPTIONS.keys() == set(docs_errors._kinds())


def test_every_reason_of_a_lost_reply_and_a_bad_signature_is_listed():
    reasons = {"dns", "refused", "tls", "proxy", "timeout", "broken"}
    assert {error.reason for error in samples.network_failures()} == reasons
    reasons = {"no_header", "malformed", "mismatch", "old", "future", "no_key"}
    assert {error.reason for error in samples.signature_failures()} == reasons


def test_a_call_without_an_error_is_no_sample():
    with pytest.raises(AssertionError, match="raised nothing"):
        samples.raised(list)


def test_the_variables_are_those_that_the_code_names():
    sections = docs_configuration.declared().values()
    listed = [name for section in sections for name in section]
    assert sorted(listed) == sorted(named_in_the_code())


def test_variables_of_other_programs_that_the_code_reads_are_listed():
    package = Path(calendly_connector.__file__).parent
    pattern = re.compile(r"environ(?:\.get\(|\[)\s*\"([A-Z][A-Z_]+)\"")
    files = [file for file in package.rglob("*.py") if "examples" not in file.relative_to(package).parts]
    read = {name for file in files for name in pattern.findall(file.read_text("utf-8"))}
    gateway = {"CONTENT_LENGTH", "CONTENT_TYPE", "QUERY_STRING", "REQUEST_METHOD"}  # of WSGI
    page = (REFERENCE / "configuration.md").read_text("utf-8")
    assert "NO_COLOR" in read
    assert {name for name in read - gateway if f"`{name}`" not in page} == set()


def test_the_data_folders_are_those_of_the_library(monkeypatch):
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    page = (REFERENCE / "configuration.md").read_text("utf-8")
    for system in (Unix, MacOS):
        folder = system("calendly-connector", appauthor=False).user_data_dir
        assert f"`~{folder.removeprefix(str(Path.home()))}" in page


def test_every_public_name_is_listed():
    page = (REFERENCE / "python.md").read_text("utf-8")
    listed = re.findall(r"(?m)^### (.+)$", page) + re.findall(r"(?m)^\| \[`(\w+)`\]", page)
    assert sorted([*listed, "__version__"]) == sorted(calendly_connector.__all__)
    assert "__version__" in page


def test_annotations_in_quotes_are_shown_without(tmp_path, monkeypatch):
    (tmp_path / "quoted_package").mkdir()
    (tmp_path / "quoted_package/module.py").write_text(
        "class A:\n"
        "    a: 'int'\n"
        "    b: str = 'x'\n"
        "    c: list = field(default_factory=list)\n"
        "    d: str = field(default='y', repr=False)\n"
        "    e: str = field(repr=False)\n"
        "def call(one, /, two: 'B' = 'c', *rest: int, three: \"Literal['x']\" = None, **more: A) "
        "-> 'C': ...\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    found = docs_signatures.definitions("quoted_package", "module")
    assert docs_signatures.signature(found["call"]) == (
        "call(one, two: B = 'c', *rest: int, three: Literal['x'] = None, **more: A) -> C"
    )
    fields = list(docs_signatures.fields(found["A"]))
    assert fields == [
        "a: int",
        "b: str = 'x'",
        "c: list = …",
        "d: str = 'y'",
        "e: str",
    ]


def test_a_list_and_an_example_in_a_docstring_stay_what_they_are():
    assert docs_python._paragraph("- `a`: b_\n- c\n  d") == "- `a`: b\\_\n- c d"
    assert docs_python._paragraph("    call()\n    again()") == "```text\ncall()\nagain()\n```"
