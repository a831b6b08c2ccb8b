"""Deletion requests: what they report before, that they ask, and what lost replies mean."""

from datetime import UTC, datetime, timedelta

import pytest
from calendly_connector.errors import CalendlyDown, InvalidParams, NoAnswer, PermissionDenied
from calendly_connector.sandbox.world import fixtures

NOOR = fixtures.INVITEE["email"]
RANGE = {"start": "2026-01-01T00:00:00Z", "end": "2026-06-30T00:00:00Z"}


def problems(caught):
    return {problem.path: problem.message for problem in caught.value.problems}


def posts(sandbox):
    return [one["path"] for one in sandbox.requests()["requests"] if one["method"] == "POST"]


def delete(connection, **inputs):
    return connection.run("privacy.delete", inputs).record


# Asking


@pytest.mark.parametrize("subject", [{"emails": [NOOR]}, RANGE])
@pytest.mark.parametrize("answer", [{}, {"confirm": False}, {"dry_run": False}])
def test_nothing_is_requested_without_confirmation(subject, answer, unvisited, connect):
    with pytest.raises(InvalidParams) as caught:
        delete(connect(unvisited), **subject, **answer)
    assert list(problems(caught)) == ["confirm"]
    assert "permanent" in problems(caught)["confirm"]


@pytest.mark.parametrize(
    ("inputs", "paths"),
    [
        ({"emails": [NOOR], **RANGE, "confirm": True}, {"emails"}),
        ({"emails": [NOOR], "dry_run": True, "confirm": True}, {"confirm"}),
        ({**RANGE, "end": "2027-01-01T00:00:00Z"}, {"end", "confirm"}),
        ({**RANGE, "end": "2025-12-31T00:00:00Z", "confirm": True}, {"end"}),
        ({**RANGE, "start": "2024-01-01T00:00:00Z", "dry_run": True}, {"end"}),
    ],
)
def test_all_problems_are_named_before_a_request(inputs, paths, unvisited, connect):
    with pytest.raises(InvalidParams) as caught:
        delete(connect(unvisited), **inputs)
    assert problems(caught).keys() == paths


@pytest.mark.parametrize(
    "inputs",
    [
        {"confirm": True},
        {"emails": [], "confirm": True},
        {"emails": ["nobody"], "confirm": True},
        {"start": RANGE["start"], "confirm": True},
    ],
)
def test_a_subject_is_required(inputs, unvisited, connect):
    with pytest.raises(InvalidParams):
        delete(connect(unvisited), **inputs)


# Reports


def test_a_dry_run_reports_what_is_found_and_requests_nothing(fresh_sandbox, connect):
    report = delete(
        connect(fresh_sandbox), emails=[NOOR.upper(), NOOR, "nobody@client.example"], dry_run=True
    )
    assert (report["requested"], report["kind"], report["completed_by"]) == (False, "invitees", None)
    assert [person["email"] for person in report["people"]] == [NOOR, "nobody@client.example"]
    noor, nobody = report["people"]
    assert noor["contact"].endswith(fixtures.CONTACT)
    assert noor["upcoming_meetings"] >= 1
    assert (nobody["meetings"], nobody["upcoming_meetings"], nobody["contact"]) == (0, 0, None)
    assert report["upcoming_meetings"] == noor["upcoming_meetings"]
    assert report["message"].startswith("Nothing was requested.")
    assert any(text.startswith("Upcoming meetings") for text in report["not_covered"])
    assert posts(fresh_sandbox) == []


def test_past_meetings_are_counted_within_the_months(fresh_sandbox, connect, timer):
    timer.now += 30 * 86_400  # the meeting of the fixture has passed by then
    connection = connect(fresh_sandbox)
    report = delete(connection, emails=[NOOR], dry_run=True)
    assert report["meetings"] >= 1
    assert report["upcoming_meetings"] == 0
    assert report["first_meeting"] <= report["last_meeting"] < "2026-12-18"
    timer.now += 300 * 86_400
    assert delete(connection, emails=[NOOR], dry_run=True, months=1)["meetings"] == 0


def test_a_confirmed_deletion_is_requested_and_says_when_it_is_done(fresh_sandbox, connect, timer):
    report = delete(connect(fresh_sandbox), emails=[NOOR], confirm=True)
    assert posts(fresh_sandbox) == ["/data_compliance/deletion/invitees"]
    done = datetime.fromtimestamp(timer.now, UTC) + timedelta(days=7)
    assert datetime.fromisoformat(report["completed_by"]) == done
    assert report["requested"]
    assert "within 7 days. This can't be undone." in report["message"]


def test_a_range_reports_its_meetings(fresh_sandbox, connect):
    connection = connect(fresh_sandbox)
    report = delete(connection, **RANGE, dry_run=True)
    listed = connection.run(
        "scheduled_events.list",
        {
            "organization": f"https://api.calendly.com/organizations/{fixtures.ORGANIZATION}",
            "min_start_time": RANGE["start"],
            "max_start_time": RANGE["end"],
        },
        all_pages=True,
    ).records
    assert report["meetings"] == len(listed) > 0
    assert (report["first_meeting"], report["last_meeting"]) == (
        listed[0]["start_time"],
        listed[-1]["start_time"],
    )
    assert (report["kind"], report["people"], report["upcoming_meetings"]) == ("events", [], 0)
    delete(connection, **RANGE, confirm=True)
    assert posts(fresh_sandbox) == ["/data_compliance/deletion/events"]


# Errors


@pytest.mark.parametrize("subject", [{"emails": [NOOR]}, RANGE])
@pytest.mark.parametrize("kind", ["reset", "truncate"])
def test_a_lost_reply_says_that_a_second_request_does_no_harm(subject, kind, fresh_sandbox, connect):
    fresh_sandbox.fault(kind, method="POST", path="/data_compliance")
    with pytest.raises(NoAnswer) as caught:
        delete(connect(fresh_sandbox), **subject, confirm=True)
    assert caught.value.may_have_happened
    assert "does no harm" in caught.value.fix


def test_nothing_is_requested_if_the_report_fails(faulty_sandbox, connect):
    faulty_sandbox.fault("status", path="/contacts", status=500, times=100)
    with pytest.raises(CalendlyDown):
        delete(connect(faulty_sandbox), emails=[NOOR], confirm=True)
    assert posts(faulty_sandbox) == []


def test_a_plan_or_role_without_deletions_is_named(sandbox, connect):
    with pytest.raises(PermissionDenied) as caught:
        delete(connect(sandbox, token="sandbox-free"), emails=[NOOR], confirm=True)
    assert caught.value.reason in {"plan", "role"}
    assert caught.value.fix
