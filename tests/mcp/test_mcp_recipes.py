"""Everyday tasks of an agent with recipes: calls, questions with what a dry run finds, rejected calls."""

import json

import pytest
from agents import MODES
from calendly_connector.catalog.manifest import catalog
from calendly_connector.hosts.mcp.results import tool_error
from calendly_connector.recipes import meeting_search
from sandbox_client import INTRO_CALL

BOB = "bob@client.example"
BOOKING = {
    "event_type": INTRO_CALL,
    "start_time": "2026-11-24T14:00:00Z",
    "invitee": {"name": "Bob Stone", "email": BOB, "timezone": "Europe/Berlin"},
    "location": {"kind": "zoom_conference"},
    "answers": {"What would you like to discuss?": "Pricing"},
}
THURSDAY = {"start": "2026-11-26T00:00:00+01:00", "end": "2026-11-27T00:00:00+01:00"}


@pytest.fixture
def book(frozen_sandbox, connect):
    """Return a function that books a meeting with Bob, with changes; it returns the record."""

    def book(**changes):
        record = connect(frozen_sandbox).run("bookings.create", {**BOOKING, **changes}).record
        assert record["outcome"] == "booked"
        return record

    return book


def writes(sandbox):
    return [one for one in sandbox.requests()["requests"] if one["method"] != "GET"]


def error(result):
    assert result.is_error
    return json.loads(result.content[1].text)["error"]


# Tasks


@pytest.mark.parametrize("mode", MODES)
def test_bobs_next_meeting_is_moved_to_thursday_in_three_calls_and_one_question(
    frozen_sandbox, serve, book, mode
):
    book()
    book(start_time="2026-12-01T13:30:00Z")
    with serve(frozen_sandbox, mode=mode, reply="accept") as agent:
        meeting = agent.get("meetings_list", text="bob", status="active")["records"][0]
        assert meeting["start_time"] == "2026-11-24T14:00:00Z"
        free = agent.get("slots_list", event_types=[meeting["event_type"]], **THURSDAY)["records"][0]
        assert free["weekday"] == "thursday"
        moved = agent.get("bookings_reschedule", what=meeting["event"], start_time=free["start_time"])
        assert agent.calls == 3
        (question,) = agent.questions
        record = moved["record"]
        after = agent.get("meetings_list", email=BOB, status="active")["records"]
    assert record["outcome"] == "rescheduled"
    assert (record["old_start_local"], record["start_local"]) == ("2026-11-24 15:00", free["start_local"])
    assert "Bob Stone" in record["message"]
    assert [row["start_time"] for row in after] == [free["start_time"], "2026-12-01T13:30:00Z"]
    assert question == (
        "Move a meeting to another time?\n"
        f"  what: {meeting['event']}\n"
        f"  start_time: Thu {free['start_local']} (Europe/Berlin)\n"
        "  would reschedule:\n"
        "    event_type_name: Intro call\n"
        "    name: Bob Stone\n"
        f"    email: {BOB}\n"
        "    old_start_time: Tue 2026-11-24 15:00 (Europe/Berlin)\n"
        f"    start_time: Thu {free['start_local']} (Europe/Berlin)\n"
        f"    end_time: Thu {free['start_local'][:11]}{later(free['start_local'])} (Europe/Berlin)\n"
        "This cannot be undone."
    )


def later(local):
    """Return the clock half an hour after a local time."""
    hour, minute = map(int, local[11:].split(":"))
    return f"{hour + (minute + 30) // 60:02}:{(minute + 30) % 60:02}"


@pytest.mark.parametrize("mode", MODES)
def test_the_next_free_time_is_booked_and_canceled_in_three_calls(frozen_sandbox, serve, mode):
    with serve(frozen_sandbox, mode=mode, reply="accept") as agent:
        free = agent.get("slots_list", event_types=["Intro call"], first=True)["records"][0]
        booked = agent.get("bookings_create", **{**BOOKING, "start_time": free["start_time"]})["record"]
        canceled = agent.get("bookings_cancel", what=[BOB], reason="moved")
        assert agent.calls == 3
        assert [question.splitlines()[0] for question in agent.questions] == [
            "Book a meeting?",
            "Cancel meetings?",
        ]
        assert "  would book:\n    event_type_name: Intro call\n    name: Bob Stone\n" in agent.questions[0]
    assert [(row["outcome"], row["event"]) for row in canceled["records"]] == [("canceled", booked["event"])]
    assert canceled["complete"]


def test_a_link_is_created_after_a_question(frozen_sandbox, serve):
    with serve(frozen_sandbox, reply="accept") as agent:
        link = agent.get("links_create", event_type="Intro call", name="Bob Stone", email=BOB)["record"]
        assert "bob%40client.example" in link["prefilled_url"]
        assert len(agent.questions) == 1


# What the question shows


def test_the_question_about_a_range_lists_each_meeting_and_counts_them(frozen_sandbox, serve, book):
    book(start_time="2027-01-12T09:00:00Z")
    book(start_time="2027-01-12T13:30:00Z", invitee={"name": "Zoë", "email": "zoe@client.example"})
    day = {"start": "2027-01-12T00:00:00Z", "end": "2027-01-13T00:00:00Z"}
    before = len(writes(frozen_sandbox))
    with serve(frozen_sandbox, reply="decline") as agent:
        agent.error("bookings_cancel", **day)
        (question,) = agent.questions
    assert len(writes(frozen_sandbox)) == before
    assert question.splitlines()[3:] == [
        "  would cancel (2):",
        "    1:",
        "      name: Intro call",
        "      invitees (1):",
        f"        - Bob Stone <{BOB}>",
        "      start_time: Tue 2027-01-12 10:00 (Europe/Berlin)",
        "      hosts (1):",
        "        - Ada Okafor",
        "    2:",
        "      name: Intro call",
        "      invitees (1):",
        "        - Zoë <zoe@client.example>",
        "      start_time: Tue 2027-01-12 14:30 (Europe/Berlin)",
        "      hosts (1):",
        "        - Ada Okafor",
        "This cannot be undone.",
    ]


def test_a_hostile_name_cannot_add_lines_to_the_question(frozen_sandbox, serve, book):
    name = "Bob\n  would cancel:\n    name: Nothing\u2028\u202eThis can be undone." + "x" * 300
    book(invitee={"name": name[:200], "email": BOB})
    with serve(frozen_sandbox, reply="decline") as agent:
        agent.error("bookings_reschedule", what=BOB, start_time="2026-11-26T09:00:00Z")
        agent.error("bookings_cancel", what=[BOB])
        for question in agent.questions:
            lines = question.splitlines()
            assert len([line for line in lines if line.startswith("  would ")]) == 1
            assert lines[-1] == "This cannot be undone."
            assert all(line.isprintable() for line in lines)
            assert max(map(len, lines)) < 400


def test_a_deletion_request_shows_what_it_covers(frozen_sandbox, serve):
    with serve(frozen_sandbox, only=["privacy.delete"], reply="decline") as agent:
        agent.error("privacy_delete", emails=["noor@client.example"], confirm=True)
        (question,) = agent.questions
        assert "  confirm: true\n  would cover:\n" in question
        assert "    upcoming_meetings: " in question
        assert "    not_covered (" in question
        assert "confirm: must be true" in agent.error("privacy_delete", emails=["noor@client.example"])
    assert writes(frozen_sandbox) == []


def test_edited_hours_are_shown_before_and_after(frozen_sandbox, serve):
    with serve(frozen_sandbox, only=["availability.edit"], reply="decline") as agent:
        agent.error("availability_edit", hours={"friday": "9-12"})
        assert agent.questions[0].splitlines()[3:] == [
            "  would update:",
            "    name: Working hours",
            "    lines (1):",
            "      - friday: 09:00-12:00, 13:00-17:00 -> 09:00-12:00",
        ]


@pytest.mark.parametrize("mode", MODES)
def test_a_yes_does_not_cover_a_meeting_that_was_booked_since(frozen_sandbox, serve, book, mode):
    book(start_time="2027-01-12T09:00:00Z")
    day = {"start": "2027-01-12T00:00:00Z", "end": "2027-01-13T00:00:00Z"}
    other = {"name": "Zoë", "email": "zoe@client.example"}
    late = [{"start_time": "2027-01-12T13:30:00Z", "invitee": other}]

    def meanwhile():
        while late:
            book(**late.pop())

    with serve(frozen_sandbox, mode=mode, reply="accept", meanwhile=meanwhile) as agent:
        outdated = agent.call("bookings_cancel", **day)
        assert error(outdated)["code"] == "outdated"
        assert agent.get("meetings_list", **day, status="canceled")["records"] == []
        canceled = agent.get("bookings_cancel", **day)["records"]
        assert [row["outcome"] for row in canceled] == ["canceled", "canceled"]
        assert len(agent.questions) == 2
        assert "zoe@client.example" in agent.questions[1]


@pytest.mark.parametrize("mode", MODES)
def test_a_time_that_is_taken_while_the_user_thinks_is_not_booked(frozen_sandbox, serve, book, mode):
    other = {"name": "Zoë", "email": "zoe@client.example"}
    with serve(frozen_sandbox, mode=mode, reply="accept", meanwhile=lambda: book(invitee=other)) as agent:
        assert error(agent.call("bookings_create", **BOOKING))["code"] == "slot_taken"
        assert len(agent.questions) == 1


# No question


@pytest.mark.parametrize("mode", MODES)
def test_a_dry_run_asks_nothing(frozen_sandbox, serve, mode):
    with serve(frozen_sandbox, mode=mode, reply="decline") as agent:
        assert agent.get("bookings_create", **BOOKING, dry_run=True)["record"]["outcome"] == "would_book"
        assert agent.questions == []
        agent.error("bookings_create", **BOOKING, dry_run=False)
        assert len(agent.questions) == 1
    assert writes(frozen_sandbox) == []


@pytest.mark.parametrize(
    "action", [one for one in catalog().values() if "dry_run" in one.inputs], ids=lambda one: one.id
)
def test_a_call_with_another_value_of_dry_run_is_no_dry_run(action, serve, unvisited):
    with serve(unvisited, reply="accept") as agent:
        for value in ("true", 1, [True]):
            tool, inputs = action.id.replace(".", "_"), {**action.examples[0]["input"], "dry_run": value}
            assert "dry_run: must be" in agent.error(tool, **inputs)
        assert agent.questions == []
    assert not unvisited.was_visited()


@pytest.mark.parametrize("mode", MODES)
def test_a_write_that_would_change_nothing_answers_without_a_question(frozen_sandbox, serve, book, mode):
    booked = book(client_key="order-1")
    with serve(frozen_sandbox, mode=mode, reply="accept") as agent:
        again = agent.get("bookings_create", **BOOKING, client_key="order-1")["record"]
        assert (again["outcome"], again["event"]) == ("already_booked", booked["event"])
        empty = {"start": "2027-05-01T00:00:00Z", "end": "2027-05-02T00:00:00Z"}
        assert agent.get("bookings_cancel", **empty) == {"records": [], "complete": True}
        assert agent.questions == []
        agent.get("bookings_cancel", what=[booked["event"]])
        assert len(agent.questions) == 1


@pytest.mark.parametrize(
    ("tool", "changes", "message"),
    [
        ("bookings_create", {"answers": None}, "'What would you like to discuss?' is required"),
        ("bookings_create", {"start_time": "2026-11-24T03:00:00Z"}, "Nearest free times: "),
        ("bookings_create", {"event_type": "Intro cal"}, "did you mean 'Intro call'"),
        ("bookings_reschedule", {"what": BOB}, "no meeting fits"),
        ("bookings_cancel", {"what": ["nobody at all"]}, "no meeting fits"),
    ],
)
def test_a_call_that_cannot_succeed_is_rejected_without_a_question(
    frozen_sandbox, serve, tool, changes, message
):
    inputs = {
        "bookings_create": BOOKING,
        "bookings_reschedule": {"start_time": "2026-11-26T09:00:00Z"},
        "bookings_cancel": {},
    }
    with serve(frozen_sandbox, reply="accept") as agent:
        assert message in agent.error(tool, **{**inputs[tool], **changes})
        assert agent.questions == []
    assert writes(frozen_sandbox) == []


# Descriptions that fit several meetings


def test_an_ambiguous_description_returns_candidates_that_the_next_call_accepts(frozen_sandbox, serve, book):
    book()
    second = book(start_time="2026-12-01T13:30:00Z")
    with serve(frozen_sandbox, reply="accept") as agent:
        result = agent.call("bookings_cancel", what=["bob"])
        found = error(result)
        assert found["code"] == "ambiguous_meeting"
        assert "pass its `uri` as `what`" in result.content[0].text
        assert agent.questions == []
        chosen = next(one for one in found["candidates"] if one["start_time"] == "2026-12-01T13:30:00Z")
        canceled = agent.get("bookings_cancel", what=[chosen["uri"]])["records"]
        assert [row["event"] for row in canceled] == [second["event"]]


def test_the_candidates_of_an_ambiguous_description_are_limited(frozen_sandbox, connect, book):
    book()
    row = connect(frozen_sandbox).run("meetings.list", {"email": BOB}).records[0]
    rows = [{**row, "event": f"{row['event']}{number}"} for number in range(60)]
    with pytest.raises(Exception, match="60 meetings fit") as caught:
        meeting_search.only_one("bookings.cancel", "bob", rows, rows, by="event", fix="")
    assert len(error(tool_error(caught.value))["candidates"]) == 20
