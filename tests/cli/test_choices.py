"""`choices`: what may be entered in a field."""

import json

import pytest
from terminal import caller


@pytest.fixture
def call(capsys, monkeypatch, make_sandbox):
    """Return a function that runs `choices` against a sandbox: exit code, output, errors."""
    run = caller(capsys, monkeypatch)
    with make_sandbox(now=None, event_types=150) as sandbox:
        monkeypatch.setenv("CALENDLY_API_URL", sandbox.url)
        monkeypatch.setenv("CALENDLY_API_TOKEN", "sandbox-owner")
        yield lambda *arguments: run("choices", *arguments)


def test_choices_are_listed_with_their_values(call):
    code, out, err = call("bookings.create", "location.kind", "event_type=intro")
    assert (code, err) == (0, "")
    assert [line.split() for line in out.splitlines()] == [
        ["CHOICE", "VALUE"],
        ["Zoom", "zoom_conference"],
        ["In", "person", "physical"],
        ["Ask", "the", "invitee", "ask_invitee"],
    ]


def test_other_fields_are_written_by_their_paths(call):
    arguments = ("event_type=intro", "questions_and_answers[].question=Which products do you use?")
    code, out, _ = call("invitees.create", "questions_and_answers[].answer", *arguments, "--json")
    assert code == 0
    assert [option["value"] for option in json.loads(out)["options"]] == ["Core", "Reports", "Billing"]


def test_choices_of_a_trigger_are_searched(call):
    code, out, _ = call("invitee.created", "event_type", "--search", "DEMO", "--json")
    answer = json.loads(out)
    assert code == 0
    assert [option["label"] for option in answer.pop("options")] == ["Sales demo"]
    assert answer == {"complete": True, "reason": "", "needs": []}


@pytest.mark.parametrize(
    ("options", "count", "complete"),
    [
        ((), 100, False),
        (("--limit", "120"), 120, False),
        (("--limit", "3"), 3, False),
        (("--all",), 153, True),
    ],
)
def test_a_long_list_is_read_as_far_as_wanted(call, options, count, complete):
    code, out, _ = call("event_types.get", "uuid", *options, "--json")
    answer = json.loads(out)
    assert (code, len(answer["options"]), answer["complete"]) == (0, count, complete)
    _, out, err = call("event_types.get", "uuid", *options)
    assert len(out.splitlines()) == count + 1
    assert ("there are more choices" in err) is not complete


@pytest.mark.parametrize(
    ("arguments", "note"),
    [
        (("bookings.create", "start_time"), "note: Choose event_type first.\n"),
        (("users.get", "uuid", "--search", "nobody"), "note: no choice contains this text.\n"),
        (("invitees.create", "event_guests"), "note: invitees.create: event_guests has no list of choices."),
    ],
)
def test_a_note_says_why_no_choice_is_listed(call, arguments, note):
    code, out, err = call(*arguments)
    assert out == ""
    assert note in err
    assert code == (0 if "--search" in arguments else 1)


def test_a_reason_is_in_the_json(call):
    code, out, _ = call("bookings.create", "start_time", "--json")
    assert code == 1
    assert json.loads(out) == {
        "options": [],
        "complete": False,
        "reason": "Choose event_type first.",
        "needs": ["event_type"],
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("bookings.creat", "start_time"), "Did you mean bookings.create"),
        (("bookings.create", "start_tim"), "Did you mean start_time"),
        (("bookings.create", "start_time", "event_type"), "expected KEY=VALUE"),
        (("users.get", "uuid", "--all", "--limit", "2"), "--all and --limit can't be used together"),
    ],
)
def test_a_wrong_call_says_what_to_do(call, arguments, message):
    code, _, err = call(*arguments)
    assert code == 2
    assert message in err
