"""The conformance kit for connectors, on each destination."""

import io
import subprocess
import sys

import destination_subjects
import pytest
from calendly_connector.agent.destinations.file import connector as file_connector
from calendly_connector.agent.destinations.http import connector as http_connector
from calendly_connector.agent.destinations.sql import connector as sql_connector
from calendly_connector.errors import InvalidCredential, InvalidParams, UnknownAction, UsageError
from calendly_connector.testing import ConnectionSuite, ListsSuite, LostReplySuite
from PIL import Image, ImageChops, ImageStat
from stevedore import ExtensionManager

import icon

CONNECTORS = {"file": file_connector, "http": http_connector, "sql": sql_connector}


class TestHttp(ConnectionSuite):
    @pytest.fixture
    def subject(self):
        with destination_subjects.http() as subject:
            yield subject


class TestFile(ListsSuite, LostReplySuite):
    @pytest.fixture
    def subject(self, tmp_path, monkeypatch):
        with destination_subjects.files(tmp_path, monkeypatch) as subject:
            yield subject


class TestSqlite(ListsSuite):
    @pytest.fixture
    def subject(self, tmp_path):
        missing = f"sqlite:///{tmp_path}/missing/flows.db"
        with destination_subjects.sql(f"sqlite:///{tmp_path}/flows.db", missing) as subject:
            yield subject


class TestPostgresql(ListsSuite):
    @pytest.fixture
    def subject(self, postgres_url, closed_port):
        refused = f"postgresql+psycopg://flows:{destination_subjects.PASSWORD}@127.0.0.1:{closed_port}/flows"
        with destination_subjects.sql(postgres_url, refused) as subject:
            yield subject


def test_a_host_finds_every_destination_by_its_entry_point():
    found = {one.name: one.plugin for one in ExtensionManager("integration_platform.connectors")}
    assert CONNECTORS.items() <= found.items()
    assert {name: one.manifest.id for name, one in CONNECTORS.items()} == {name: name for name in CONNECTORS}


def test_a_stored_credential_is_read_from_the_hosts_store(tmp_path):
    class Store:
        def get(self, name):
            return {"kind": "folder", "path": str(tmp_path / name)}

    connection = file_connector.connect({"kind": "stored", "name": "reports"}, store=Store())
    assert connection.check().message == f"The folder {tmp_path}/reports doesn't exist."


@pytest.mark.parametrize(
    ("credential", "words"),
    [
        ({}, "kind"),
        ({"kind": "oauth"}, "oauth"),
        ({"kind": "bearer", "address": "https://api.acme.example"}, "token is missing"),
        ({"kind": "none", "address": "https://api.acme.example", "tokn": "x"}, "tokn isn't one"),
        ({"kind": "none", "address": "ftp://api.acme.example"}, "address must be"),
        ({"kind": "none", "address": "https://user:pw@api.acme.example"}, "address must be"),
        ({"kind": "none", "address": "https://api.acme.example\\@evil.example"}, "address must be"),
        ({"kind": "none", "address": "https://api.acme.example", "private_network": "yes"}, "choices"),
        ({"kind": "none", "address": 7}, "strings"),
    ],
)
def test_a_credential_that_isnt_valid_is_rejected_without_its_values(credential, words):
    with pytest.raises(InvalidCredential) as caught:
        http_connector.connect(credential)
    assert words in str(caught.value)
    assert "pw@" not in str(caught.value)


def test_nobody_signs_in_to_a_destination():
    with pytest.raises(UsageError):
        http_connector.oauth("bearer")


def test_an_unknown_action_suggests_the_nearest_name(tmp_path):
    with (
        file_connector.connect({"kind": "folder", "path": str(tmp_path)}) as connection,
        pytest.raises(UnknownAction, match=r"Did you mean 'file\.append'"),
    ):
        connection.run("file.apend", {})


def test_rows_make_objects_lists_and_literal_braces(tmp_path):
    with file_connector.connect({"kind": "folder", "path": str(tmp_path)}) as connection:
        rows = [("path", "a.jsonl"), ("record.email", "kim@client.example"), ("record.note", "~~{Now}~")]
        connection.run("file.append", filter=rows)
        assert connection.run("file.find", {"path": "a.jsonl"}).records[0]["record"] == {
            "email": "kim@client.example",
            "note": "~{Now}~",
        }


def test_a_function_in_a_row_is_a_mistake_and_in_params_a_value(tmp_path):
    with file_connector.connect({"kind": "folder", "path": str(tmp_path)}) as connection:
        with pytest.raises(InvalidParams, match=r"unknown function ~\{Now\}~"):
            connection.run("file.append", {"path": "a.jsonl"}, filter={"record.at": "~{Now}~"})
        connection.run("file.append", {"path": "a.jsonl", "record": {"at": "~{Now}~"}})
        assert connection.run("file.find", {"path": "a.jsonl"}).records[0]["record"] == {"at": "~{Now}~"}


def test_empty_inputs_count_as_missing(tmp_path):
    with file_connector.connect({"kind": "folder", "path": str(tmp_path)}) as connection:
        call = connection.prepare(
            "file.append", {"path": "a.csv", "record": {"a": ""}, "key": "", "records": None}
        )
        assert call.inputs == {"path": "a.csv", "record": {"a": ""}}


def test_an_input_in_params_and_filter_is_rejected(tmp_path):
    with (
        file_connector.connect({"kind": "folder", "path": str(tmp_path)}) as connection,
        pytest.raises(InvalidParams, match="both params and filter"),
    ):
        connection.prepare("file.find", {"path": "a.csv"}, filter={"path": "b.csv"})


@pytest.mark.parametrize("connector", CONNECTORS.values(), ids=CONNECTORS)
def test_the_icon_is_small(connector):
    assert len(connector.manifest.icon.png) < 10_000


@pytest.mark.usefixtures("chromium")
@pytest.mark.parametrize("connector", CONNECTORS.values(), ids=CONNECTORS)
def test_the_picture_is_rendered_from_the_drawing(connector, tmp_path):
    drawing = tmp_path / "icon.svg"
    drawing.write_bytes(connector.manifest.icon.svg)
    with Image.open(io.BytesIO(connector.manifest.icon.png)) as picture:
        difference = ImageChops.difference(icon.render(drawing), picture)
    assert max(ImageStat.Stat(difference).mean) < 0.5  # of 255; versions of Chromium smooth edges differently


@pytest.mark.parametrize("name", CONNECTORS)
def test_reading_a_catalog_loads_no_heavy_library(name):
    heavy = {"filelock", "jsonschema", "jsonschema_rs", "pydantic", "requests", "sqlalchemy", "urllib3"}
    code = (
        f"import sys; from calendly_connector.agent.destinations.{name} import connector\n"
        "for action in connector.actions().values(): action.fields, action.outputs\n"
        "connector.manifest.credentials, connector.manifest.groups, connector.manifest.icon.png\n"
        f"print(sorted({heavy} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"[]\n"
