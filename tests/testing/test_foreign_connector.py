"""The connector in examples/foreign_connector: the kit passes, and it knows the contract only."""

import ast
import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import entry_points

import pytest
import test_noteboard  # the class would be collected here
from calendly_connector import errors
from calendly_connector.contract import Plain
from calendly_connector.examples.tiny_host import GROUP
from doc_pages import blocks, run_by
from foreign_connector import FOLDER, PROJECT, install
from locations import DOCS
from noteboard_connector import connector
from noteboard_server import KEY, Noteboard

PACKAGE = FOLDER / "noteboard_connector"
PAGE = DOCS / "hosts" / "write-a-connector.md"
CREDENTIAL = {"kind": "key", "key": KEY}
NOW_S = 1_795_000_000.0


class TestInstalled(test_noteboard.TestNoteboard):
    """The same tests as the example's own, with the connector that a host finds."""

    @pytest.fixture
    def connector(self, tmp_path, monkeypatch):
        install(tmp_path)
        monkeypatch.syspath_prepend(tmp_path)
        (found,) = entry_points(group=GROUP, name="noteboard")
        return found.load()


@pytest.fixture
def board():
    with Noteboard(clock=lambda: NOW_S) as board:
        yield board


@pytest.fixture
def connection(board):
    with connector.connect(CREDENTIAL, origin=board.url) as connection:
        yield connection


# A package of its own


def test_a_host_finds_it_beside_calendlys(tmp_path):
    code = f"import stevedore; print(sorted(stevedore.ExtensionManager({GROUP!r}).names()))"
    environment = {**os.environ, "PYTHONPATH": install(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "['agent', 'calendly', 'file', 'http', 'noteboard', 'sql']\n"


def test_it_uses_the_contract_and_its_errors_only():
    used = set()
    for path in PACKAGE.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                used |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module == "calendly_connector":
                used |= {f"calendly_connector.{alias.name}" for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                used.add(node.module)
    ours = {name for name in used if name.partition(".")[0] not in sys.stdlib_module_names}
    assert ours == {"calendly_connector.contract", "calendly_connector.errors"}


def test_its_wheel_has_everything():
    listed = PROJECT["tool"]["setuptools"]["package-data"]["noteboard_connector"]
    found = {path.name for path in PACKAGE.iterdir() if path.is_file() and path.suffix != ".py"}
    assert found == set(listed)
    assert PROJECT["project"]["version"] == connector.manifest.version


def test_it_is_short():
    lengths = {path.name: len(path.read_text().splitlines()) for path in PACKAGE.glob("*.py")}
    assert max(lengths.values()) < 200, lengths


# What the page shows


SHOWN = [*run_by(__file__, PAGE), *(block for block in blocks(PAGE) if block.language == "toml")]


@pytest.mark.parametrize("block", SHOWN, ids=lambda block: f"line-{block.line}")
def test_the_page_shows_the_code_of_the_example(block):
    """A block is made of excerpts; an ellipsis on a line of its own is between them."""
    sources = [path.read_text() for path in (*FOLDER.glob("*.*"), *PACKAGE.glob("*.py")) if path.is_file()]
    for excerpt in re.split(r"^ *\.\.\.\n", block.text, flags=re.MULTILINE):
        assert any(excerpt.strip("\n") in source for source in sources), excerpt


# Calls


def test_a_row_may_not_have_a_function(connection):
    with pytest.raises(errors.InvalidParams, match="text: has a function, but Noteboard has none"):
        connection.run("notes.create", filter={"text": "~{Now}~"})


def test_a_plain_value_is_sent_as_it_is(connection, board):
    connection.run("notes.create", filter=[("text", Plain("~{Now}~")), ("color", "blue")])
    assert [(note["text"], note["color"]) for note in board.notes] == [("~{Now}~", "blue")]


@pytest.mark.parametrize("value", [0, False, ["Lunch"], {"a": 1}, Plain(7)])
def test_an_input_that_is_not_text_is_rejected(value, connection, board):
    with pytest.raises(errors.InvalidParams, match="text: isn't text"):
        connection.run("notes.create", filter={"text": value})
    assert board.writes == 0


def test_a_list_resumes_after_the_last_note(board, connection):
    for number in range(45):
        board.add(f"Note {number}")
    page = connection.run("notes.list", limit=15)
    rest = connection.run("notes.list", {"after": page.next_page_token}, all_pages=True)
    assert [note["id"] for note in page.records + rest.records] == [note["id"] for note in board.notes]


def test_a_write_that_the_server_failed_may_have_happened(connection, board):
    board.failing = 1
    with pytest.raises(errors.CalendlyDown) as caught:
        connection.run("notes.create", {"text": "Lunch"})
    assert caught.value.may_have_happened
    assert not caught.value.retryable


def test_an_unknown_path_is_an_error(connection):
    with pytest.raises(errors.Rejected, match="404"):
        connection.request("GET", "/nowhere")


def test_a_reply_that_is_not_json_is_an_error(connection):
    with pytest.raises(errors.NoAnswer, match="isn't JSON"):
        connection.request("GET", "/about")


def test_a_write_is_settled_by_what_it_wrote_since_it_was_sent(connection, board):
    board.add("Lunch", "yellow")
    for inputs, sent_at, state in [
        ({"text": "Lunch"}, NOW_S + 0.4, "done"),
        ({"text": "Lunch"}, NOW_S + 1, "not_done"),
        ({"text": "Lunch", "color": "blue"}, NOW_S, "not_done"),
        ({"text": "Dinner"}, NOW_S, "not_done"),
    ]:
        assert connection.settle("notes.create", inputs, sent_at=sent_at).state == state
    assert connection.settle("notes.list", sent_at=NOW_S).state == "unknown"


# Credentials


def test_a_stored_credential_is_read_by_its_name(board):
    class Store:
        def get(self, name):
            return {"work": CREDENTIAL}[name]

    with connector.connect({"kind": "stored", "name": "work"}, origin=board.url, store=Store()) as connection:
        assert connection.check().ok


@pytest.mark.parametrize("key", ["", "nb_", "nb_key\r\nHost: elsewhere.example", f"{KEY}\n"])
def test_a_key_that_cant_be_one_is_not_even_sent(key):
    with pytest.raises(errors.InvalidCredential) as caught:
        connector.connect({"kind": "key", "key": key})
    assert "elsewhere" not in str(caught.value)


def test_an_address_where_nothing_listens_is_reported():
    with connector.connect(CREDENTIAL, origin="http://127.0.0.1:1") as connection:
        report = connection.check()
    assert (report.outcome, report.message) == (
        "unexpected",
        "Noteboard didn't reply: ConnectionRefusedError.",
    )


# Events


def test_the_first_note_on_an_empty_board_is_an_event(connection, board):
    trigger = connection.trigger(["note.created"])
    cursor = trigger.poll().cursor
    assert trigger.poll(cursor).events == ()
    board.add("Lunch")
    assert [event.payload["text"] for event in trigger.poll(cursor).events] == ["Lunch"]


def test_a_first_poll_can_look_back(connection, board):
    board.add("Lunch")
    trigger = connection.trigger(["note.created"])
    at, later = (datetime.fromtimestamp(second, UTC).isoformat() for second in (NOW_S, NOW_S + 1))
    assert [event.id for event in trigger.poll(since=at).events] == ["note.created:1"]
    assert trigger.poll(since=later).events == ()


def test_a_filter_selects_events(connection, board):
    trigger = connection.trigger(["note.created"], {"color": "blue"})
    cursor = trigger.poll().cursor
    board.add("Lunch", "yellow")
    board.add("Dinner", "blue")
    assert [event.payload["text"] for event in trigger.poll(cursor).events] == ["Dinner"]


def test_webhooks_are_refused_with_what_to_do(connection):
    with pytest.raises(errors.SignatureError, match="Poll for events"):
        connection.receive({}, b"{}")
    with pytest.raises(errors.UsageError, match="Poll for events"):
        connection.subscribe(["note.created"], "https://flows.acme.example/hook")
