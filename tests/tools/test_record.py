"""Cassettes: what `tools/record.py` writes and removes."""

import json
import sys

import pytest
import yaml
from calendly_connector.catalog.manifest import catalog
from calendly_connector.sandbox.world import fixtures
from click.testing import CliRunner

import record

ORGANIZATION = f"organization=https://api.calendly.com/organizations/{fixtures.ORGANIZATION}"


@pytest.fixture
def call(monkeypatch):
    """Return a function that runs the script and returns its exit code, output and errors."""

    def run(*arguments, server=None):
        if server is not None:
            monkeypatch.setenv("CALENDLY_API_URL", server.url)
            monkeypatch.setenv("CALENDLY_API_TOKEN", "sandbox-owner")
        result = CliRunner().invoke(record.main, arguments, catch_exceptions=False)
        return result.exit_code, result.stdout, result.stderr

    return run


def test_a_cassette_contains_no_token_and_no_people(call, tmp_path):
    assert call("users.me", "--to", str(tmp_path)) == (0, f"{tmp_path}/users.me.yaml\n", "")
    text = (tmp_path / "users.me.yaml").read_text()
    [exchange] = yaml.safe_load(text)["interactions"]
    assert exchange["request"]["uri"] == "http://127.0.0.1/users/me"
    assert exchange["request"]["headers"].keys() == {"Accept"}
    user = json.loads(exchange["response"]["body"]["string"])["resource"]
    assert user["email"] == "person@recorded.example"
    for secret in ("sandbox-owner", "Bearer", fixtures.OWNER_NAME, fixtures.OWNER_EMAIL):
        assert secret not in text


@pytest.mark.parametrize("action", ["contacts.create", "scheduled_events.list"])
def test_recording_again_produces_the_same_cassette(action, call, tmp_path):
    assert call(action, "--to", str(tmp_path))[0] == 0
    assert (tmp_path / f"{action}.yaml").read_text() == (record.CASSETTES / f"{action}.yaml").read_text()


def test_inputs_replace_those_of_the_example(call, tmp_path):
    arguments = ("scheduled_events.list", ORGANIZATION, "count=1", "invitee_email=noor@client.example")
    assert call(*arguments, "--to", str(tmp_path))[0] == 0
    text = (tmp_path / "scheduled_events.list.yaml").read_text()
    [exchange] = yaml.safe_load(text)["interactions"]
    assert "count=1" in exchange["request"]["uri"]
    assert "noor" not in text


def test_live_records_every_action_of_one_request_of_the_server(call, fresh_sandbox, tmp_path):
    code, out, err = call("--live", "--to", str(tmp_path), server=fresh_sandbox)
    assert (code, err) == (0, "")
    expected = {action.id for action in catalog().values() if not action.recipe}
    assert len(fresh_sandbox.requests()["requests"]) >= len(expected)
    assert {path.stem for path in tmp_path.iterdir()} == expected
    assert out.splitlines()[-1].endswith(".delete.yaml")  # deletions come last
    assert "sample-signing-key" not in "".join(path.read_text() for path in tmp_path.iterdir())


def test_an_unknown_action_is_rejected(call):
    code, out, err = call("users.mine")
    assert (code, out) == (2, "")
    assert "users.me" in err


def test_without_vcrpy_it_says_what_to_install(call, monkeypatch, tmp_path, unvisited):
    monkeypatch.setitem(sys.modules, "vcr", None)
    code, _, err = call("users.me", "--live", "--to", str(tmp_path), server=unvisited)
    assert code == 2
    assert "pip install 'calendly-connector[record]'" in err


def test_an_error_of_the_server_is_one_line_without_the_token(call, fresh_sandbox, tmp_path):
    fresh_sandbox.fault("status", status=404)
    code, _, err = call("users.me", "--live", "--to", str(tmp_path), server=fresh_sandbox)
    assert code == 1
    assert err.startswith("Error: ")
    assert "sandbox-owner" not in err
