"""Null and empty texts: not given, unless the input's schema takes them as a value."""

import json

import pytest
from calendly_connector.calls.blanks import without_blanks
from calendly_connector.catalog.manifest import catalog
from calendly_connector.cli import main
from calendly_connector.errors import InvalidParams
from conftest import OWNER_TOKEN

CONTACT = "A" * 16


@pytest.mark.parametrize("blank", [None, ""])
def test_a_blank_counts_as_not_given(blank):
    listing = catalog()["scheduled_events.list"]
    given = dict.fromkeys(listing.inputs, blank)
    assert without_blanks(listing, given) == {}


def test_in_a_read_an_empty_text_is_never_a_value():
    contacts = catalog()["contacts.list"]
    assert without_blanks(contacts, {"name": "", "city": None, "count": 5}) == {"count": 5}


def test_a_write_keeps_what_its_schema_takes():
    limits, contact = catalog()["user_meeting_limits.update"], catalog()["contacts.update"]
    lifted = {"user": CONTACT, "daily_limit": None}
    assert without_blanks(limits, {**lifted, "weekly_limit": ""}) == lifted
    assert without_blanks(contact, {"company": "", "city": None}) == {"company": ""}


def test_blanks_inside_objects_and_lists_are_left_out_too():
    booking = catalog()["invitees.create"]
    tracking = dict.fromkeys(booking.inputs["tracking"]["properties"])
    given = {
        "invitee": {"name": "Zoë", "first_name": None, "email": "zoe@client.example"},
        "location": {"kind": "zoom_conference", "location": None},
        "questions_and_answers": [{"question": "Q", "answer": "A", "position": None}],
        "tracking": tracking,
    }
    assert without_blanks(booking, given) == {
        "invitee": {"name": "Zoë", "email": "zoe@client.example"},
        "location": {"kind": "zoom_conference"},
        "questions_and_answers": [{"question": "Q", "answer": "A"}],
        "tracking": tracking,  # here null is a value
    }


def test_what_is_not_an_input_stays_so_that_it_is_refused():
    assert without_blanks(catalog()["users.me"], {"colour": None}) == {"colour": None}


@pytest.mark.parametrize("blank", [None, ""])
def test_a_call_runs_as_if_a_blank_had_not_been_given(connect, sandbox, blank):
    connection = connect(sandbox)
    plain = connection.run("scheduled_events.list", {"count": 2}).records
    blanks = {"status": blank, "user": blank, "organization": blank, "page_token": blank}
    assert connection.run("scheduled_events.list", {"count": 2, **blanks}).records == plain
    assert connection.run("scheduled_events.list", {"count": 2}, filter=blanks).records == plain


@pytest.mark.parametrize("blank", [None, ""])
def test_a_required_input_that_is_blank_is_missing(connect, unvisited, blank):
    for call in ({"params": {"uuid": blank}}, {"filter": [("uuid", blank)]}):
        with pytest.raises(InvalidParams, match=r"uuid: is missing"):
            connect(unvisited.url).preview("scheduled_events.get", **call)
    assert not unvisited.was_visited()


def test_an_empty_row_still_clears_what_may_be_empty(connect, unvisited):
    rows = [("company", ""), ("phone_numbers", ""), ("name", None)]
    shown = connect(unvisited.url).preview("contacts.update", {"uuid": CONTACT}, filter=rows)
    assert shown["body"] == {"company": "", "phone_numbers": []}


def test_the_command_line_takes_an_empty_value_for_not_given(sandbox, monkeypatch, capsys):
    monkeypatch.setenv("CALENDLY_API_URL", sandbox.url)
    monkeypatch.setenv("CALENDLY_API_TOKEN", OWNER_TOKEN)
    assert main(["run", "event_types.list", "count=1", "user=", "active=", "--format", "json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["records"]) == 1
