"""meetings.list: a row per invitee, in any zone, of any kind of event, with filters, and calls that fail."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from calendly_connector.errors import InvalidParams, NoAnswer, PermissionDenied, UnexpectedAnswer
from calendly_connector.recipes import answers, meeting_rows, meetings
from sandbox_client import ADMIN, INTRO_CALL, ORGANIZATION, OWNER

BERLIN = ZoneInfo("Europe/Berlin")
ALL_TIMES = {"start": "2020-01-01T00:00:00Z", "end": "2030-01-01T00:00:00Z"}
CALLS = ["/users/me", "/scheduled_events", "/scheduled_events/", "/event_types/"]


def listed(connection, **inputs):
    result = connection.run("meetings.list", inputs, all_pages=True)
    assert (result.complete, result.warnings) == (True, ())
    return result.records


def everyone(connection, **inputs):
    return listed(connection, organization=ORGANIZATION, **ALL_TIMES, **inputs)


def event(**more):
    return {
        "uri": "https://api.calendly.com/scheduled_events/1",
        "status": "active",
        "start_time": "2026-11-24T13:00:00.000000Z",
        "end_time": "2026-11-24T13:30:00.000000Z",
        **more,
    }


def invitee(**more):
    return {
        "uri": "https://api.calendly.com/scheduled_events/1/invitees/2",
        "email": "noor@client.example",
        "status": "active",
        **more,
    }


def change(sandbox, uri, *, event_fields=None, invitee_fields=None):
    """Change the records of a booking in the sandbox."""
    booking = sandbox.world.editable_event(sandbox.world.event_number(uri.rpartition("/")[2]))
    booking.event |= event_fields or {}
    booking.invitees[0] |= invitee_fields or {}


def paths(sandbox):
    return [one["path"] for one in sandbox.requests()["requests"]]


# --- Rows


def test_every_invitee_of_every_event_has_a_row(sandbox, connect):
    connection = connect(sandbox)
    events = connection.run("scheduled_events.list", {"organization": ORGANIZATION}, all_pages=True).records
    rows = everyone(connection)
    assert {row["event"] for row in rows} == {one["uri"] for one in events}
    assert len(rows) == sum(one["invitees_counter"]["total"] for one in events) > len(events)
    assert [row["start_time"] for row in rows] == sorted(row["start_time"] for row in rows)
    assert len({row["uri"] for row in rows}) == len(rows)


def test_a_group_event_has_a_row_per_invitee_with_its_own_status(fresh_sandbox, connect):
    connection = connect(fresh_sandbox)
    [workshop, *_] = [row for row in everyone(connection, status="active") if row["name"] == "Workshop"]
    several = [row for row in everyone(connection) if row["event"] == workshop["event"]]
    assert len(several) > 1
    fresh_sandbox.cancel(invitee=several[0]["uri"])
    after = {row["uri"]: row["status"] for row in everyone(connection) if row["event"] == workshop["event"]}
    assert after == {row["uri"]: "canceled" if row is several[0] else "active" for row in several}


def test_a_collective_event_has_all_hosts_and_a_round_robin_one_the_assigned_host(sandbox, connect):
    rows = everyone(connect(sandbox))
    panels = [row for row in rows if row["name"] == "Panel"]
    assert panels
    assert all(len(row["hosts"]) > 1 for row in panels)
    demos = [row for row in rows if row["name"] == "Sales demo"]
    assert all(len(row["hosts"]) == 1 for row in demos)
    assert len({row["host_email"] for row in demos}) > 1
    assert all(
        (row["host_name"], row["host_email"]) == (row["hosts"][0]["name"], row["hosts"][0]["email"])
        for row in rows
    )


def test_the_status_is_in_one_column(fresh_sandbox, connect):
    connection = connect(fresh_sandbox)
    moved = fresh_sandbox.book(email="a@client.example")["invitee"]["uri"]
    new = fresh_sandbox.reschedule(invitee=moved)["invitee"]["uri"]
    canceled = fresh_sandbox.book(email="b@client.example")["invitee"]["uri"]
    fresh_sandbox.cancel(invitee=canceled, reason="Sick", canceled_by="invitee")
    missed = fresh_sandbox.book(email="c@client.example")["invitee"]["uri"]
    mark = connection.run("invitee_no_shows.create", {"invitee": missed}).record["uri"]
    rows = {row["uri"]: row for row in everyone(connection)}
    assert [rows[uri]["status"] for uri in (moved, new, canceled, missed)] == [
        "rescheduled",
        "active",
        "canceled",
        "no_show",
    ]
    assert (rows[moved]["new_invitee"], rows[new]["old_invitee"]) == (new, moved)
    assert (rows[canceled]["cancel_reason"], rows[canceled]["canceler_type"]) == ("Sick", "invitee")
    assert rows[missed]["no_show"] == mark
    for uri in (moved, new, canceled, missed):
        matching = everyone(connection, status=rows[uri]["status"])
        assert uri in {row["uri"] for row in matching}
        assert {row["status"] for row in matching} == {rows[uri]["status"]}


def test_answers_are_named_and_several_choices_are_a_list(fresh_sandbox, connect):
    uri = fresh_sandbox.book(answers=["Line one\nline two", "Core\nReports"])["invitee"]["uri"]
    connection = connect(fresh_sandbox)
    [found] = [row for row in everyone(connection) if row["uri"] == uri]
    assert found["answers"] == {
        "What would you like to discuss?": "Line one\nline two",
        "Which products do you use?": ["Core", "Reports"],
    }
    [without] = [row for row in everyone(connection, answers=False) if row["uri"] == uri]
    assert without == {**found, "answers": {}}


def test_one_choice_is_a_list_too_and_answers_to_the_same_question_are_joined():
    pairs = [
        {"question": "A", "answer": "x", "position": 0},
        {"question": "B", "answer": "one", "position": 1},
        {"question": "B", "answer": "two", "position": 2},
        {"question": "C"},
    ]
    assert answers.by_question(pairs, frozenset("A")) == {"A": ["x"], "B": "one\ntwo", "C": None}
    assert answers.by_question(None) == {}


@pytest.mark.parametrize(
    ("location", "text"),
    [
        (None, None),
        ({"type": "ask_invitee", "location": "Café Luna"}, "Café Luna"),
        ({"type": "custom", "location": "Room 4"}, "Room 4"),
        ({"type": "custom", "location": None}, None),
        ({"type": "google_conference", "status": "pushed", "join_url": "https://x.example"}, "Google Meet"),
        ({"type": "google_conference", "status": "processing"}, "Google Meet (link isn't ready)"),
        ({"type": "gotomeeting", "status": "failed"}, "GoTo Meeting (no link: setup failed)"),
        ({"type": "inbound_call", "location": "+49 30 000"}, "Invitee calls +49 30 000"),
        ({"type": "microsoft_teams_conference", "status": None}, "Microsoft Teams"),
        ({"type": "outbound_call", "location": "+31 20 000"}, "Host calls +31 20 000"),
        ({"type": "outbound_call"}, "Host calls"),
        (
            {"type": "physical", "location": "Torstr. 1", "additional_info": "2nd floor"},
            "Torstr. 1 (2nd floor)",
        ),
        ({"type": "webex_conference", "status": "initiated"}, "Webex (link isn't ready)"),
        ({"type": "zoom", "status": "pushed", "join_url": "https://x.example"}, "Zoom"),
    ],
)
def test_every_kind_of_location_is_one_text(location, text):
    [row] = meeting_rows.rows(event(location=location), [invitee()], frozenset(), BERLIN)
    assert row["location"] == text
    assert row["join_url"] == (location or {}).get("join_url")


def test_missing_fields_are_null():
    [row] = meeting_rows.rows(event(), [invitee()], frozenset(), BERLIN)
    assert (row["hosts"], row["guests"], row["answers"]) == ([], [], {})
    empty = {name for name, value in row.items() if value is None}
    assert {"name", "host_name", "location", "utm_source", "canceled_by", "no_show"} <= empty


# --- Times


@pytest.mark.parametrize(
    ("start", "end", "local"),
    [
        ("2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", ("2026-10-25 02:30 CEST", "2026-10-25 02:30 CET")),
        ("2027-03-28T00:30:00Z", "2027-03-28T01:30:00Z", ("2027-03-28 01:30", "2027-03-28 03:30")),
    ],
)
def test_local_times_are_right_when_the_clocks_change(start, end, local):
    [row] = meeting_rows.rows(event(start_time=start, end_time=end), [invitee()], frozenset(), BERLIN)
    assert (row["start_time"], row["start_local"], row["end_local"], row["timezone"]) == (
        start,
        *local,
        "Europe/Berlin",
    )


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-10-24T12:00:00Z", ("2026-10-23T22:00:00Z", "2026-10-30T23:00:00Z")),
        ("2027-03-27T12:00:00Z", ("2027-03-26T23:00:00Z", "2027-04-02T22:00:00Z")),
        ("2026-11-18T23:30:00Z", ("2026-11-18T23:00:00Z", "2026-11-25T23:00:00Z")),
    ],
)
def test_seven_whole_days_are_covered_by_default_even_if_the_clocks_change(now, expected):
    start, end = meetings.time_range({}, datetime.fromisoformat(now), BERLIN)
    assert (start, end) == tuple(map(datetime.fromisoformat, expected))


def test_a_search_has_no_end():
    for inputs in ({"text": "noor"}, {"email": "noor@client.example"}):
        assert meetings.time_range(inputs, datetime(2026, 11, 18, tzinfo=UTC), UTC)[1] is None


def test_the_start_of_a_range_is_included_and_its_end_is_not(sandbox, connect):
    start, end = "2026-11-24T13:00:00Z", "2026-11-24T13:00:01Z"
    found = listed(connect(sandbox), start=start, end=end)
    assert [row["invitee_email"] for row in found] == ["noor@client.example"]
    assert listed(connect(sandbox), start="2026-11-24T12:00:00Z", end=start) == []


def test_a_zone_changes_only_the_local_times(sandbox, connect):
    window = {"start": "2026-11-24T00:00:00Z", "end": "2026-11-25T00:00:00Z"}
    [berlin] = listed(connect(sandbox), **window)
    [kathmandu] = listed(connect(sandbox), **window, timezone="Asia/Kathmandu")
    assert (berlin["start_local"], kathmandu["start_local"]) == ("2026-11-24 14:00", "2026-11-24 18:45")
    assert berlin == {
        **kathmandu,
        **{name: berlin[name] for name in ("start_local", "end_local", "timezone")},
    }


# --- Filters


def test_a_person_is_found_by_email_in_any_case(sandbox, connect):
    rows = everyone(connect(sandbox), email="NOOR@client.example")
    assert rows
    assert {row["invitee_email"] for row in rows} == {"noor@client.example"}


@pytest.mark.parametrize(
    "text",
    ["noor DIJK", "pricing 40", "Reports", "newsletter", "guest@client.example", "2026-11-24", "zoom okafor"],
)
def test_a_meeting_is_found_by_anything_known_about_it(text, sandbox, connect):
    rows = listed(connect(sandbox), text=text)
    assert "noor@client.example" in {row["invitee_email"] for row in rows}
    assert "noor@client.example" not in {
        row["invitee_email"] for row in listed(connect(sandbox), text=f"{text} zzz")
    }


def test_event_types_and_hosts_filter(sandbox, connect):
    connection = connect(sandbox)
    intro = everyone(connection, event_type=INTRO_CALL)
    assert intro
    assert {row["event_type"] for row in intro} == {INTRO_CALL}
    assert everyone(connection, event_type="intro") == intro
    for host in ("ben iwu", "BEN@acme"):
        rows = everyone(connection, host=host)
        assert rows
        assert all("ben@acme.example" in {one["email"] for one in row["hosts"]} for row in rows)
    assert everyone(connection, host="nobody") == []


def test_another_user_is_enough_without_the_organization(sandbox, connect):
    rows = listed(connect(sandbox), user="ben iwu", **ALL_TIMES)
    assert rows
    assert all(ADMIN in {host["user"] for host in row["hosts"]} for row in rows)


def test_other_peoples_meetings_are_denied_to_a_member(sandbox, connect):
    with pytest.raises(PermissionDenied):
        everyone(connect(sandbox, token="sandbox-member"))


@pytest.mark.parametrize(
    ("inputs", "path"),
    [
        ({"start": "2026-11-25T00:00:00Z", "end": "2026-11-25T00:00:00Z"}, "end"),
        ({"end": "2026-11-01T00:00:00Z"}, "end"),
        ({"start": "0001-01-01T00:00:00Z"}, "start"),
        ({"end": "9999-12-31T00:00:00Z"}, "end"),
        ({"start": "tomorrow"}, "start"),
        ({"timezone": "../etc/passwd"}, "timezone"),
        ({"status": "late"}, "status"),
        ({"email": "noor"}, "email"),
    ],
)
def test_a_wrong_input_is_named(inputs, path, sandbox, connect):
    with pytest.raises(InvalidParams) as caught:
        connect(sandbox).run("meetings.list", inputs)
    assert [problem.path for problem in caught.value.problems] == [path]


# --- Calls


def test_each_event_type_is_read_once(faulty_sandbox, connect):
    rows = everyone(connect(faulty_sandbox))
    read = [path for path in paths(faulty_sandbox) if path.startswith("/event_types/")]
    assert len(read) == len(set(read)) == len({row["event_type"] for row in rows})


@pytest.mark.parametrize("status", ["active", "canceled", "rescheduled", "no_show"])
def test_invitees_are_only_read_where_the_status_can_occur(status, faulty_sandbox, connect):
    connection = connect(faulty_sandbox)
    events = connection.run("scheduled_events.list", {"organization": ORGANIZATION}, all_pages=True).records
    counters = [one["invitees_counter"] for one in events]
    is_active = status in {"active", "no_show"}
    possible = sum(one["active"] > 0 if is_active else one["total"] > one["active"] for one in counters)
    everyone(connection, status=status)
    assert 0 < sum(path.endswith("/invitees") for path in paths(faulty_sandbox)) == possible < len(events)


def test_a_limit_reads_no_more_invitees_than_it_needs(faulty_sandbox, connect):
    inputs = {"organization": ORGANIZATION, **ALL_TIMES}
    result = connect(faulty_sandbox).run("meetings.list", inputs, limit=3)
    assert (len(result.records), result.complete) == (3, False)
    assert sum(path.endswith("/invitees") for path in paths(faulty_sandbox)) == 3


def test_a_deleted_event_type_leaves_its_answers_as_text(faulty_sandbox, connect):
    faulty_sandbox.fault("status", status=404, path="/event_types/", times=1000)
    [row] = listed(connect(faulty_sandbox), email="noor@client.example")
    assert row["answers"]["Which products do you use?"] == "Core\nReports"


@pytest.mark.parametrize("path", CALLS)
@pytest.mark.parametrize("kind", ["reset", "truncate"])
def test_a_reply_that_is_lost_once_changes_nothing(kind, path, faulty_sandbox, connect):
    whole = listed(connect(faulty_sandbox))
    faulty_sandbox.fault(kind, path=path)
    assert listed(connect(faulty_sandbox)) == whole


@pytest.mark.parametrize("path", CALLS)
def test_replies_that_stay_lost_end_it_with_an_error(path, faulty_sandbox, connect):
    faulty_sandbox.fault("reset", path=path, times=1000)
    with pytest.raises(NoAnswer) as caught:
        listed(connect(faulty_sandbox))
    assert caught.value.retryable


@pytest.mark.parametrize("path", CALLS)
@pytest.mark.parametrize("kind", ["empty", "not_json"])
def test_a_reply_without_json_ends_it_with_an_error(kind, path, faulty_sandbox, connect):
    faulty_sandbox.fault(kind, path=path, times=1000)
    with pytest.raises(UnexpectedAnswer):
        listed(connect(faulty_sandbox))


@pytest.mark.long
def test_a_thousand_meetings_are_whole(make_sandbox, connect):
    with make_sandbox(events=1_000, check_replies=False) as sandbox:
        rows = everyone(connect(sandbox))
        assert len({row["event"] for row in rows}) == 1_000
        assert sandbox.requests()["counts"]["GET /scheduled_events"] == 10


def test_invitees_on_several_pages_are_all_read(make_sandbox, connect):
    with make_sandbox(check_replies=False) as sandbox:
        uri = sandbox.book()["event"]["uri"]
        booking = sandbox.world.editable_event(sandbox.world.event_number(uri.rpartition("/")[2]))
        [first] = booking.invitees
        booking.invitees += [{**first, "uri": f"{first['uri']}{number}"} for number in range(249)]
        booking.event["invitees_counter"] = {"total": 250, "active": 250, "limit": 250}
        rows = [row for row in listed(connect(sandbox), **ALL_TIMES) if row["event"] == uri]
    assert len({row["uri"] for row in rows}) == 250


@pytest.mark.parametrize("name", ["\x1b[31m\0", "=HYPERLINK(1)", "نور 李 🎉", "a\u202eb", "' OR 1=1 --", " "])
def test_hostile_names_stay_as_they_are(name, fresh_sandbox, connect):
    uri = fresh_sandbox.book(name=name, answers=[name])["event"]["uri"]
    change(fresh_sandbox, uri, event_fields={"name": name})
    [row] = [row for row in listed(connect(fresh_sandbox), **ALL_TIMES) if row["event"] == uri]
    assert (row["name"], row["invitee_name"]) == (name, name)
    assert row["answers"]["What would you like to discuss?"] == name


def test_own_meetings_are_the_default(sandbox, connect):
    rows = listed(connect(sandbox), **ALL_TIMES)
    assert rows
    assert all(OWNER in {host["user"] for host in row["hosts"]} for row in rows)
