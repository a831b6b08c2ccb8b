"""Bookings by rows of a table: a row is booked once, however often it is run."""

import pytest
from calendly_connector.catalog.manifest import find
from calendly_connector.errors import ConnectorError
from calendly_connector.recipes.batch import Batch
from sandbox_client import INTRO_CALL

CLOCK_S = 1795000000.0
SHARED = {
    "event_type": INTRO_CALL,
    "answers": {"What would you like to discuss?": "Pricing"},
    "location": {"kind": "zoom_conference"},
}
TABLE = [
    {
        "start_time": f"2026-11-25T0{hour}:00:00Z",
        "invitee.name": name,
        "invitee.email": f"{name}@client.example",
    }
    for hour, name in ((8, "Lena"), (9, "Tom"))
]
TAGGED = [{**row, "tracking.utm_term": "fair"} for row in TABLE]


def run(connection, table, earlier=None):
    """Run what is left of a table, and return the outcome of each row by its key."""
    batch = Batch(find("bookings.create"), connection.prepare, lambda: CLOCK_S, SHARED)
    outcomes = dict(earlier or {})
    try:
        for outcome in batch.run(batch.left(batch.rows(table), outcomes), (), lambda _row, _outcome: None):
            outcomes[outcome.key] = outcome
    except ConnectorError:  # it concerns all rows; its own row has it as its outcome
        outcomes[outcome.key] = outcome
    return outcomes


def statuses(outcomes):
    return [outcome.status for outcome in outcomes.values()]


def posts(sandbox):
    requests = sandbox.requests()["requests"]
    return [one for one in requests if (one["method"], one["path"]) == ("POST", "/invitees")]


def booked(connection):
    organization = connection.run("users.me").record["current_organization"]
    inputs = {"organization": organization, "min_start_time": "2026-11-25T07:00:00Z", "status": "active"}
    events = connection.run("scheduled_events.list", inputs, all_pages=True).records
    starts = [event["start_time"][:16] for event in events]
    return [sum(start == row["start_time"][:16] for start in starts) for row in TABLE]


@pytest.mark.parametrize("kind", ["reset", "truncate"])
@pytest.mark.parametrize("after", range(16))
def test_a_reply_lost_at_any_call_books_no_row_twice(kind, after, fresh_sandbox, connect):
    connection = connect(fresh_sandbox)
    fresh_sandbox.fault(kind, after=after, times=1)
    first = run(connection, TABLE)
    fresh_sandbox.control("DELETE", "/faults")
    second = run(connection, TABLE, first)
    assert statuses(second) == ["done", "done"]
    assert booked(connection) == [1, 1]


def test_a_row_whose_booking_was_not_found_is_settled_by_the_next_run(fresh_sandbox, connect):
    connection = connect(fresh_sandbox)
    connection.run("users.me")
    fresh_sandbox.fault("reset", method="POST", path="/invitees")
    fresh_sandbox.fault("status", method="GET", path="/scheduled_events", status=500, after=1, times=50)
    first = run(connection, TABLE[:1])
    assert statuses(first) == ["unknown"]
    fresh_sandbox.control("DELETE", "/faults")
    (outcome,) = run(connection, TABLE[:1], first).values()
    assert (outcome.status, outcome.result["outcome"]) == ("done", "already_booked")
    assert len(posts(fresh_sandbox)) == 1


def test_rows_that_use_the_field_of_the_key_are_booked_without_one(fresh_sandbox, connect):
    connection = connect(fresh_sandbox)
    outcomes = run(connection, TAGGED)
    assert statuses(outcomes) == ["done", "done"]
    assert booked(connection) == [1, 1]


@pytest.mark.parametrize(
    ("table", "shared", "finds"),
    [
        (TABLE, {}, True),
        (TABLE, {"tracking": {"utm_source": "fair"}}, True),
        (TAGGED, {}, False),
        (TABLE, {"tracking": {"utm_term": "fair"}}, False),
        (TABLE, {"tracking": {"utm_term": ""}}, True),
    ],
)
def test_a_row_with_a_key_finds_its_earlier_booking(table, shared, finds, fresh_sandbox, connect):
    prepare = connect(fresh_sandbox).prepare
    batch = Batch(find("bookings.create"), prepare, lambda: CLOCK_S, {**SHARED, **shared})
    assert [batch.finds_earlier(row) for row in batch.rows(table)] == [finds, finds]


def test_a_row_without_a_key_is_not_repeated_if_its_outcome_is_unknown(fresh_sandbox, connect):
    connection = connect(fresh_sandbox)
    connection.run("users.me")
    fresh_sandbox.fault("reset", method="POST", path="/invitees")
    fresh_sandbox.fault("status", method="GET", path="/scheduled_events", status=500, after=1, times=50)
    first = run(connection, TAGGED[:1])
    fresh_sandbox.control("DELETE", "/faults")
    assert statuses(first) == ["unknown"]
    assert run(connection, TAGGED[:1], first) == first
    assert len(posts(fresh_sandbox)) == 1
