"""The question before something is destroyed: at a terminal only, and saying whom it affects."""

import json
import sys
from types import SimpleNamespace

import pytest
from calendly_connector.auth.vault import open_vault
from calendly_connector.cli.confirm import confirm_call, describe
from calendly_connector.errors import ConnectorError
from terminal import at_terminal, caller


@pytest.fixture
def call(capsys, monkeypatch, fresh_sandbox):
    """Return a function that runs a command without a terminal against a sandbox that it may change."""
    monkeypatch.setenv("CALENDLY_API_URL", fresh_sandbox.url)
    monkeypatch.setenv("CALENDLY_API_TOKEN", "sandbox-owner")
    return caller(capsys, monkeypatch)


@pytest.fixture
def meeting(call):
    """Return an event that can be canceled, and its first invitee."""
    arguments = ("run", "scheduled_events", "status=active", "min_start_time=2026-11-19T00:00:00Z")
    event = json.loads(call(*arguments)[1])["records"][0]
    uuid = event["uri"].rpartition("/")[2]
    return uuid, event, json.loads(call("run", "invitees", f"uuid={uuid}")[1])["records"][0]


def status_of(call, uuid):
    return json.loads(call("run", "scheduled_events.get", f"uuid={uuid}")[1])["record"]["status"]


def test_a_cancellation_says_whom_it_affects_and_asks(call, meeting):
    uuid, event, invitee = meeting
    arguments = ("run", "cancel_event", f"uuid={uuid}", "reason=Sick today.")
    code, screen = at_terminal(*arguments, answers=[("Continue?", "n")])
    assert code == 1
    for text in (event["name"], invitee["name"], invitee["email"], "Sick today", "Nothing was changed."):
        assert text in screen
    assert "Sick today.." not in screen
    assert status_of(call, uuid) == "active"
    code, screen = at_terminal(*arguments, answers=[("Continue?", "")])
    assert (code, status_of(call, uuid)) == (1, "active")
    code, screen = at_terminal(*arguments, answers=[("Continue?", "y")])
    assert (code, status_of(call, uuid)) == (0, "canceled"), screen


def test_yes_answers_the_question(call, meeting):
    code, screen = at_terminal("run", "cancel_event", f"uuid={meeting[0]}", "--yes")
    assert (code, status_of(call, meeting[0])) == (0, "canceled")
    assert "Continue?" not in screen


def test_without_a_terminal_it_runs_as_before(call, meeting):
    code, _, err = call("run", "cancel_event", f"uuid={meeting[0]}")
    assert (code, err) == (0, "")
    assert status_of(call, meeting[0]) == "canceled"


def test_a_dry_run_and_a_read_do_not_ask(call, meeting):
    assert at_terminal("run", "cancel_event", f"uuid={meeting[0]}", "--dry-run")[0] == 0
    assert at_terminal("run", "users.me")[0] == 0
    assert status_of(call, meeting[0]) == "active"


class Planned:
    """A recipe's call that destroys, with the given inputs."""

    action = SimpleNamespace(id="x.delete", title="Delete x", effect="destroy", request="")

    def __init__(self, **inputs):
        self.inputs = inputs

    def preview(self):
        return {"action": "x.delete", "steps": [], "inputs": self.inputs}


def test_a_recipe_asks_unless_it_only_shows_what_it_would_do(monkeypatch, capsys):
    for stream in ("stdin", "stderr"):
        monkeypatch.setattr(getattr(sys, stream), "isatty", lambda: True)
    monkeypatch.setattr("click.confirm", lambda *_, **__: False)
    confirm_call(None, Planned(who="bo@guest.example", dry_run=True), yes=False)
    assert capsys.readouterr().err == ""
    with pytest.raises(ConnectorError, match="Nothing was changed"):
        confirm_call(None, Planned(who="bo@guest.example", dry_run=False), yes=False)
    assert capsys.readouterr().err == "Delete x: who: bo@guest.example; dry_run: False.\n"


@pytest.mark.usefixtures("call")
def test_inputs_are_shown_where_nothing_can_be_read():
    arguments = ("run", "delete_invitee_data", "emails[]=bo@guest.example", "emails[]=li@guest.example")
    code, screen = at_terminal(*arguments, answers=[("Continue?", "n")])
    assert code == 1
    assert "Delete invitee data: emails: bo@guest.example, li@guest.example." in screen


def test_an_unknown_resource_is_asked_about_by_its_id(call, fresh_sandbox):
    missing = "00000000-0000-4000-8000-000000000000"
    code, screen = at_terminal("run", "contacts.delete", f"uuid={missing}", answers=[("Continue?", "n")])
    assert code == 1
    assert missing in screen
    counts = fresh_sandbox.requests()["counts"]
    assert not [request for request in counts if request.startswith("DELETE")]
    assert call("run", "contacts.delete", f"uuid={missing}")[0] == 1


@pytest.mark.usefixtures("call")
def test_a_raw_delete_asks(fresh_sandbox):
    arguments = ("request", "delete", "/contacts/abc")
    code, screen = at_terminal(*arguments, answers=[("Continue?", "n")])
    assert code == 1
    assert "This sends DELETE /contacts/abc." in screen
    assert fresh_sandbox.requests()["counts"] == {}


def test_removing_a_credential_asks(call, tmp_path, monkeypatch):
    monkeypatch.setenv("CALENDLY_CONNECTOR_VAULT", str(tmp_path / "vault.json"))
    open_vault().put("work", {"kind": "personal_access_token", "token": "made-up"})
    assert at_terminal("vault", "remove", "work", answers=[("Continue?", "n")])[0] == 1
    assert open_vault().names() == ["work"]
    assert at_terminal("vault", "remove", "work", "-y")[0] == 0
    assert open_vault().names() == []
    code, _, err = call("vault", "remove", "work")
    assert code == 2
    assert "No credential named 'work'" in err


@pytest.mark.usefixtures("call")
def test_unsubscribing_asks():
    code, screen = at_terminal("webhooks", "unsubscribe", "0" * 32, answers=[("Continue?", "n")])
    assert code == 1
    assert "Nothing was changed." in screen


@pytest.mark.parametrize(
    ("record", "text"),
    [
        ({}, ""),
        ({"name": "Intro"}, "'Intro'"),
        ({"name": "Bo", "email": "bo@guest.example"}, "'Bo' (bo@guest.example)"),
        ({"user": {"name": "Bo", "email": "bo@guest.example"}}, "'Bo' (bo@guest.example)"),
        ({"name": None, "email": "bo@guest.example"}, "'bo@guest.example'"),
        ({"name": "x" * 1000}, "'" + "x" * 20 + "… (1000 characters)'"),
        ({"name": "Intro", "start_time": "never"}, "'Intro'"),
        ({"user": "https://x.example"}, ""),
    ],
)
def test_a_record_is_described(record, text):
    assert describe(record) == text
