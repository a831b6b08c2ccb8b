"""CSV for spreadsheets and terminal output: both contain untrusted text."""

import csv
import io
import json
import os
import stat

import pytest
from calendly_connector import cli
from calendly_connector.catalog.manifest import catalog
from calendly_connector.cli import output, terminal
from calendly_connector.cli.output import Target, writer
from calendly_connector.errors import UsageError
from calendly_connector.storage.sql import holds_password
from calendly_connector.support import private_files
from calendly_connector.support.spreadsheets import escaped, line

FORMULAS = [
    '=HYPERLINK("http://evil.example","x")',
    "=cmd|'/C calc'!A0",
    "+SUM(A1:A9)",
    "-2+cmd|' /C calc'!A0",
    "@SUM(A1)",
    "\t=1",
    "\rtext",
    " =1+1",
    "\n=1+1",
    '"=1+1',
    "'=1+1",
    "\ufeff=1+1",
    "\u200b=1+1",
    "\uff1d1+1",
    "\uff0b1+1",
    "\uff0d1+cmd",
    "\uff20SUM(A1)",
    "+49 69 A1",
    "-1e5+A1",
]
HARMLESS = [
    "Noor",
    "a=1",
    "1-2",
    "+49 69 555 01",
    "+49 (0) 69/555-01",
    "+1-555-010-9999",
    "-5",
    "-5.2",
    "-1,234.50",
    "-1e-7",
    "+5",
    "-",
    "",
    "noor@client.example",
    -5,
    -5.2,
    None,
]
ESCAPES = "\x1b[31m \x9b31m \u202e \x07 \x7f"


@pytest.mark.parametrize("text", FORMULAS)
def test_a_text_that_a_spreadsheet_would_run_is_escaped(text):
    assert escaped(text) == f"'{text}"


@pytest.mark.parametrize("cell", HARMLESS)
def test_numbers_phone_numbers_and_plain_texts_stay_unchanged(cell):
    assert escaped(cell) == cell


@pytest.mark.parametrize("text", FORMULAS)
def test_formulas_can_be_kept(text):
    assert next(csv.reader(io.StringIO(line([text, 1], keep_formulas=True), newline=""))) == [text, "1"]


def test_long_texts_are_checked_quickly():
    assert escaped(" " * 2_000_000 + "-x").startswith("'")
    assert escaped("-" + " " * 2_000_000 + "x").startswith("'")


class Stream(io.BytesIO):
    def __init__(self, *, terminal):
        super().__init__()
        self._terminal = terminal

    def isatty(self):
        return self._terminal


def written(form, records, *, terminal, action="contacts.list", **options):
    stream = Stream(terminal=terminal)
    out = writer(form, Target(None, stream), catalog()[action], **options)
    out.page(records)
    out.end({"warnings": []})
    return stream.getvalue().decode()


RECORD = {"uri": "https://api.calendly.com/contacts/1", "name": f"=1 {ESCAPES}", f"new{ESCAPES}": ESCAPES}


@pytest.mark.parametrize("form", ["table", "csv", "json", "jsonl"])
@pytest.mark.parametrize("action", ["contacts.list", "contacts.get"])
def test_no_escape_sequence_reaches_a_terminal(form, action, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    shown = written(form, [RECORD], terminal=True, action=action)
    assert all(letter.isprintable() for letter in shown if letter != "\n")


def test_json_on_a_terminal_has_the_same_meaning_as_in_a_file():
    assert json.loads(written("jsonl", [RECORD], terminal=True)) == RECORD
    assert json.loads(written("json", [RECORD], terminal=True))["records"] == [RECORD]


def test_files_keep_all_characters():
    assert json.loads(written("jsonl", [RECORD], terminal=False)) == RECORD
    assert "\x9b31m \u202e" in written("jsonl", [RECORD], terminal=False)
    (row,) = csv.DictReader(io.StringIO(written("csv", [RECORD], terminal=False), newline=""))
    assert row["name"] == f"'=1 {ESCAPES}"
    text = written("csv", [RECORD], terminal=False, keep_formulas=True)
    (row,) = csv.DictReader(io.StringIO(text, newline=""))
    assert row["name"] == f"=1 {ESCAPES}"


@pytest.mark.parametrize(
    ("name", "form", "expected"),
    [
        ("nov.csv", None, "csv"),
        ("nov.CSV", "csv", "csv"),
        ("nov.json", None, "json"),
        ("nov.jsonl", None, "jsonl"),
        ("nov.ndjson", None, "jsonl"),
        ("nov.txt", "csv", "csv"),
        ("nov.json", "jsonl", "jsonl"),
        ("nov", None, None),
        (None, None, None),
        (None, "table", "table"),
    ],
)
def test_the_format_follows_from_the_file_name(name, form, expected):
    assert output.format_of(name, form) == expected


@pytest.mark.parametrize(
    ("name", "form"), [("nov.csv", "json"), ("nov.jsonl", "json"), ("nov.json", "csv"), ("nov.json", "table")]
)
def test_a_file_name_that_contradicts_the_format_is_rejected(name, form):
    with pytest.raises(UsageError, match=form):
        output.format_of(name, form)


@pytest.fixture
def call(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CALENDLY_API_TOKEN", "sandbox-owner")

    def run(server, *arguments):
        monkeypatch.setenv("CALENDLY_API_URL", server.url)
        code = cli.main(list(arguments))
        return code, capsys.readouterr()

    return run


def test_run_and_sync_escape_formulas_by_default(call, fresh_sandbox, tmp_path):
    formula = '=HYPERLINK("http://evil.example","x")'
    event = fresh_sandbox.book(name=formula, email="x@client.example")["event"]

    def names(path):
        with path.open(newline="") as file:
            return [row["name"] for row in csv.DictReader(file)]

    run = ["run", "invitees.list", f"uuid={event['uri']}", "--output", "i.csv"]
    sync = ["sync", "--to", "copies", "--format", "csv", "--streams", "invitees"]
    for arguments, path in ((run, tmp_path / "i.csv"), (sync, tmp_path / "copies" / "invitees.csv")):
        assert call(fresh_sandbox, *arguments)[0] == 0
        assert f"'{formula}" in names(path)
        assert formula not in names(path)
        assert call(fresh_sandbox, *arguments, "--keep-formulas")[0] == 0
        assert formula in names(path)
        assert call(fresh_sandbox, *arguments)[0] == 0
        assert formula not in names(path)


def test_run_rejects_a_file_name_that_contradicts_the_format_before_the_network(call, unvisited, tmp_path):
    code, captured = call(unvisited, "run", "users.me", "--output", "me.csv", "--json")
    assert code == 2
    assert captured.err.count("\n") == 1
    assert not (tmp_path / "me.csv").exists()


@pytest.fixture
def _open_to_all():
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.usefixtures("_open_to_all")
def test_files_with_personal_data_are_private(call, sandbox, tmp_path):
    assert call(sandbox, "sync", "--to", "a/b/x.db", "--streams", "users")[0] == 0
    assert call(sandbox, "sync", "--to", f"sqlite:///{tmp_path}/url.db", "--streams", "users")[0] == 0
    assert call(sandbox, "sync", "--to", "out", "--format", "csv", "--streams", "users")[0] == 0
    assert call(sandbox, "run", "users.me", "--output", "me.json")[0] == 0
    found = {str(path.relative_to(tmp_path)): mode(path) for path in tmp_path.rglob("*")}
    files = ("a/b/x.db", "url.db", "out/.sync.sqlite", "out/users.csv", "me.json")
    assert {name: found[name] for name in files} == dict.fromkeys(files, 0o600)
    assert {name: found[name] for name in ("a", "a/b", "out")} == dict.fromkeys(("a", "a/b", "out"), 0o700)


@pytest.mark.usefixtures("_open_to_all")
def test_files_that_sqlite_creates_have_the_mode_of_the_database(tmp_path):
    import sqlite3

    private_files.make_file(tmp_path / "x.db")
    with sqlite3.connect(tmp_path / "x.db") as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("CREATE TABLE people (name TEXT)")
        database.commit()
        assert {mode(path) for path in tmp_path.glob("x.db*")} == {0o600}
        assert len(list(tmp_path.glob("x.db-*"))) == 2
    database.close()


def test_an_existing_file_keeps_its_mode(call, fresh_sandbox, tmp_path):
    arguments = ["sync", "--to", "out", "--format", "csv", "--streams", "contacts"]
    call(fresh_sandbox, *arguments)
    (tmp_path / "out").chmod(0o750)
    (tmp_path / "out" / "contacts.csv").chmod(0o640)
    assert call(fresh_sandbox, *arguments, "--keep-formulas")[0] == 0  # rewritten
    assert mode(tmp_path / "out" / "contacts.csv") == 0o640
    assert mode(tmp_path / "out") == 0o750


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("postgresql+psycopg://me:opensesame@db.example/x", True),
        ("postgresql+psycopg://me:open/sesame@db.example/x", True),
        ("postgresql+psycopg://db.example/x?user=me&password=opensesame", True),
        ("postgresql+psycopg://db.example/x?user=me&PassWord=opensesame", True),
        ("postgresql+psycopg://db.example/x?p%61ssword=opensesame", True),
        ("postgresql+psycopg://db.example/x?sslpassword=opensesame", True),
        ("postgresql+psycopg://db.example/dbname%3Dx%20password%3Dopensesame", True),
        ("mysql+pymysql://db.example/x?passwd=opensesame", True),
        ("mssql+pyodbc:///?odbc_connect=Driver%3Dx%3BPWD%3Dopensesame", True),
        ("postgresql+psycopg://me@db.example:5432/x", False),
        ("postgresql+psycopg://me@db.example/x?passfile=/home/me/.pgpass", False),
        ("postgresql+psycopg://me@[::1]:5432/x?sslmode=require", False),
        ("sqlite:////tmp/a:b@c.db", False),
        ("password=folder", False),
    ],
)
def test_a_password_in_a_database_url_is_found_in_any_form(address, expected):
    assert holds_password(address) is expected


@pytest.mark.parametrize("command", ["sync", "webhooks listen --port 0", "webhooks inbox"])
def test_a_password_in_the_query_is_rejected_before_anything_is_sent(call, unvisited, command):
    option = {"sync": "--to"}.get(command, "--inbox")
    address = "postgresql+psycopg://127.0.0.1:1/x?user=me&password=opensesame"
    code, captured = call(unvisited, *command.split(), option, address)
    assert code == 2
    assert "contains a password" in captured.err
    assert "opensesame" not in captured.err


@pytest.mark.parametrize(
    ("settings", "expected"),
    [({"TERM": "xterm"}, True), ({"TERM": "dumb"}, False), ({"TERM": "xterm", "NO_COLOR": "1"}, False)],
)
def test_bold_text_is_for_terminals_that_show_it(monkeypatch, settings, expected):
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    assert terminal.shows_bold(Stream(terminal=True)) is expected
    assert terminal.shows_bold(Stream(terminal=False)) is False


def test_a_port_in_use_is_named(call, unvisited):
    code, captured = call(unvisited, "sandbox", "--port", str(unvisited.port))
    assert (code, captured.out) == (1, "")
    assert f"Port {unvisited.port} is in use. Pass --port 0 for a free one." in captured.err
