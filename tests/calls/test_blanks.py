"""Null and empty inputs are dropped, unless the schema accepts them as values."""

import json

import pytest
from calendly_connector.calls.blanks import without_blanks
from calendly_connector.catalog.manifest import catalog
from calendly_connector.cli import main
from calendly_connector.contract import Plain
from calendly_connector.errors import InvalidParams
from conftest import OWNER_TOKEN

CONTACT = "A" * 16


@pytest.mark.parametrize("blank", [None, ""])
def test_blank_inputs_are_dropped(blank):
    listing = catalog()["scheduled_events.list"]
    inputs = dict.fromkeys(listing.inputs, blank)
    assert without_blanks(listing, inputs) == {}


def test_reads_drop_all_blank_inputs():
    contacts = catalog()["contacts.list"]
    assert without_blanks(contacts, {"name": "", "city": None, "count": 5}) == {"count": 5}


def test_writes_keep_blanks_that_the_schema_accepts():
    limits, contact = catalog()["user_meeting_limits.update"], catalog()["contacts.update"]
    no_daily_limit = {"user": CONTACT, "daily_limit": None}
    assert without_blanks(limits, {**no_daily_limit, "weekly_limit": ""}) == no_daily_limit
    assert without_blanks(contact, {"company": "", "city": None}) == {"company": ""}


def test_blanks_inside_objects_and_lists_are_dropped():
    booking = catalog()["invitees.create"]
    tracking = dict.fromkeys(booking.inputs["tracking"]["properties"])
    inputs = {
        "invitee": {"name": "Zoë", "first_name": None, "email": "zoe@client.example"},
        "location": {"kind": "zoom_conference", "location": None},
        "questions_and_answers": [{"question": "Q", "answer": "A", "position": None}],
        "tracking": tracking,
    }
    assert without_blanks(booking, inputs) == {
        "invitee": {"name": "Zoë", "email": "zoe@client.example"},
        "location": {"kind": "zoom_conference"},
        "questions_and_answers": [{"question": "Q", "answer": "A"}],
        "tracking": tracking,  # null is a valid value here
    }


def test_blank_unknown_inputs_stay_to_be_rejected_later():
    assert without_blanks(catalog()["users.me"], {"colour": None}) == {"colour": None}


@pytest.mark.parametrize("blank", [None, ""])
def test_a_call_ignores_blank_inputs(connect, sandbox, blank):
    connection = connect(sandbox)
    plain = connection.run("scheduled_events.list", {"count": 2}).records
    blanks = {"status": blank, "user": blank, "organization": blank, "page_token": blank}
    assert connection.run("scheduled_events.list", {"count": 2, **blanks}).records == plain
    assert connection.run("scheduled_events.list", {"count": 2}, filter=blanks).records == plain
    marked = {name: Plain(value) for name, value in blanks.items()}
    assert connection.run("scheduled_events.list", {"count": 2}, filter=marked).records == plain


@pytest.mark.parametrize("blank", [None, ""])
def test_a_required_input_that_is_blank_is_missing(connect, unvisited, blank):
    rows = {"filter": [("uuid", blank)]}, {"filter": [("uuid", Plain(blank))]}
    for call in ({"params": {"uuid": blank}}, *rows):
        with pytest.raises(InvalidParams, match=r"uuid: is missing"):
            connect(unvisited.url).preview("scheduled_events.get", **call)
    assert not unvisited.was_visited()


def test_an_empty_row_clears_a_field_that_may_be_empty(connect, unvisited):
    rows = [("company", ""), ("phone_numbers", ""), ("name", None)]
    shown = connect(unvisited.url).preview("contacts.update", {"uuid": CONTACT}, filter=rows)
    assert shown["body"] == {"company": "", "phone_numbers": []}


def test_the_command_line_ignores_empty_values(sandbox, monkeypatch, capsys):
    monkeypatch.setenv("CALENDLY_API_URL", sandbox.url)
    monkeypatch.setenv("CALENDLY_API_TOKEN", OWNER_TOKEN)
    assert main(["run", "event_types.list", "count=1", "user=", "active=", "--format", "json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["records"]) == 1


def test_fields_of_an_object_may_be_rows(connect, unvisited):
    rows = {
        "event_type": "7121342e-f121-5781-bef6-a20c5dcd7dc3",
        "start_time": "2026-11-25T08:00:00Z",
        "invitee.name": "Noor van Dijk",
        "invitee.email": "noor@client.example",
        "invitee.timezone": "Europe/Amsterdam",
        "location.kind": "",
    }
    body = connect(unvisited).preview("invitees.create", filter=rows)["body"]
    assert body["invitee"] == {
        "name": "Noor van Dijk",
        "email": "noor@client.example",
        "timezone": "Europe/Amsterdam",
    }
    assert "location" not in body


def test_a_misspelled_field_of_an_object_is_rejected_with_the_nearest(connect, unvisited):
    with pytest.raises(InvalidParams) as caught:
        connect(unvisited).run("invitees.create", filter={"invitee.emial": "noor@client.example"})
    assert ("invitee.emial", "email") in {(one.path, one.nearest) for one in caught.value.problems}
