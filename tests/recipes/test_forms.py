"""forms.answers: submissions with their answers, and the meetings that they led to."""

import pytest
from calendly_connector.errors import InvalidParams, NoAnswer
from calendly_connector.recipes import forms
from calendly_connector.sandbox.world import fixtures
from sandbox_client import PUBLIC

FORM = f"{PUBLIC}/routing_forms/{fixtures.FORM}"
CALLS = ["/users/me", "/routing_forms", "/routing_form_submissions", "/scheduled_events/"]


def submit(sandbox, **fields):
    return sandbox.control("POST", "/submissions", fields)


def listed(connection, **inputs):
    result = connection.run("forms.answers", inputs, all_pages=True)
    assert result.complete
    return result.records


def test_a_submission_is_joined_to_its_booking(fresh_sandbox, connect):
    booked = fresh_sandbox.book(name="Robin", email="robin@client.example")
    answers = ["Robin", "robin@client.example", "11-50"]
    uri = submit(fresh_sandbox, invitee=booked["invitee"]["uri"], answers=answers)["submission"]["uri"]
    [row] = [row for row in listed(connect(fresh_sandbox)) if row["uri"] == uri]
    assert row["answers"] == dict(zip(("Your name", "Your email", "Company size"), answers, strict=True))
    assert (row["booked"], row["status"], row["invitee"]) == (True, "active", booked["invitee"]["uri"])
    assert (row["invitee_email"], row["event"]) == ("robin@client.example", booked["event"]["uri"])
    assert (row["name"], row["host_name"]) == ("Intro call", "Ada Okafor")


@pytest.mark.parametrize("kind", ["event_type", "custom_message", "external_url"])
def test_every_kind_of_result_is_text(kind, fresh_sandbox, connect):
    uri = submit(fresh_sandbox, result=kind)["submission"]["uri"]
    [row] = [row for row in listed(connect(fresh_sandbox), form=FORM) if row["uri"] == uri]
    assert (row["result_type"], row["booked"], row["event"]) == (kind, False, None)
    assert row["result"]
    assert isinstance(row["result"], str)


def test_a_canceled_booking_says_so(fresh_sandbox, connect):
    invitee = fresh_sandbox.book()["invitee"]["uri"]
    uri = submit(fresh_sandbox, invitee=invitee)["submission"]["uri"]
    fresh_sandbox.cancel(invitee=invitee)
    [row] = [row for row in listed(connect(fresh_sandbox)) if row["uri"] == uri]
    assert (row["booked"], row["status"]) == (True, "canceled")


def test_a_booking_that_is_gone_leaves_the_submission(faulty_sandbox, connect):
    faulty_sandbox.fault("status", status=404, path="/scheduled_events/", times=1000)
    [row] = [row for row in listed(connect(faulty_sandbox)) if row["booked"]]
    assert row["invitee"]
    assert (row["status"], row["invitee_email"], row["event"]) == (None, None, None)


def test_a_form_is_found_by_name_and_times_limit_the_submissions(sandbox, connect):
    connection = connect(sandbox)
    rows = listed(connection, form="website intake")
    assert rows == listed(connection, form=FORM)
    assert {row["form_name"] for row in rows} == {"Website intake"}
    moment = rows[0]["submitted_at"]
    assert all(row["submitted_at"] == moment for row in listed(connection, start=moment))
    assert moment not in {row["submitted_at"] for row in listed(connection, end=moment)}


def test_old_submissions_are_not_read_on(make_sandbox, connect):
    with make_sandbox(check_replies=False) as sandbox:
        for _ in range(250):
            submit(sandbox)
        before = sandbox.requests()["counts"].get("GET /routing_form_submissions", 0)
        rows = listed(connect(sandbox), form=FORM, start="2026-11-18T11:00:00Z")
        assert len(rows) == 250
        assert sandbox.requests()["counts"]["GET /routing_form_submissions"] - before == 3
        assert listed(connect(sandbox), form=FORM, start="2026-11-19T00:00:00Z") == []
        assert sandbox.requests()["counts"]["GET /routing_form_submissions"] - before == 4


def test_no_forms_are_an_empty_list(fresh_sandbox, connect):
    fresh_sandbox.world.state.forms.clear()
    fresh_sandbox.world.touch()
    assert listed(connect(fresh_sandbox)) == []


def test_missing_fields_and_hostile_answers_stay_as_they_are():
    text = "\x1b]0;x\a=1+1\u202e"
    form = {"uri": FORM, "name": text}
    submission = {
        "uri": "u",
        "routing_form": FORM,
        "created_at": "2026-10-25T01:30:00Z",
        "questions_and_answers": [
            {"question": text, "answer": text, "question_uuid": None},
            {"question": "Empty", "answer": None},
        ],
    }
    from zoneinfo import ZoneInfo

    row = forms.row(form, submission, None, ZoneInfo("Europe/Berlin"))
    assert row["answers"] == {text: text, "Empty": None}
    assert row["submitted_local"] == "2026-10-25 02:30 CET"
    assert (row["result"], row["booked"], row["utm_source"]) == (None, False, None)


@pytest.mark.parametrize(
    ("inputs", "path"),
    [
        ({"start": "2026-11-25T00:00:00Z", "end": "2026-11-25T00:00:00Z"}, "end"),
        ({"end": "9999-12-31T00:00:00Z"}, "end"),
        ({"form": "No such form"}, "form"),
        ({"timezone": "Mars"}, "timezone"),
    ],
)
def test_a_wrong_input_is_named(inputs, path, sandbox, connect):
    with pytest.raises(InvalidParams) as caught:
        connect(sandbox).run("forms.answers", inputs)
    assert [problem.path for problem in caught.value.problems] == [path]


@pytest.mark.parametrize("path", CALLS)
@pytest.mark.parametrize("kind", ["reset", "truncate"])
def test_a_reply_that_is_lost_once_changes_nothing(kind, path, faulty_sandbox, connect):
    whole = listed(connect(faulty_sandbox))
    faulty_sandbox.fault(kind, path=path)
    assert listed(connect(faulty_sandbox)) == whole


@pytest.mark.parametrize("path", CALLS)
def test_replies_that_stay_lost_end_it_with_an_error(path, faulty_sandbox, connect):
    faulty_sandbox.fault("reset", path=path, times=1000)
    with pytest.raises(NoAnswer):
        listed(connect(faulty_sandbox))
