"""The templates that write files and tables, end to end."""

import csv
import json
import sqlite3
from contextlib import closing
from urllib.parse import parse_qs

import pytest
import sqlalchemy as sa
from calendly_connector.sandbox.world import fixtures

pytest_plugins = ["flow_fixtures"]

NOOR = {"name": "Noor van Dijk", "email": "noor@client.example"}
ANSWERS = ["Pricing for 40 seats", "Core\nReports"]
SOON = "2026-11-25T09:00:00Z"
NEXT_WEEK = "2026-11-26T07:30:00Z"
LATER = "2026-11-26T10:30:00Z"
HOSTILE = "~{GetOrganizationUrl}~ '); DROP TABLE bookings; --"
DAY_S = 86400
CANDIDATES = [("Lena Marsh", "lena@client.example"), ("Sam ~{Now}~ Poe", "sam+jobs@client.example")]


def book(calendly, **changes):
    booking = {**NOOR, "answers": ANSWERS, "start_time": SOON, **changes}
    return calendly.book(**booking, wait=True)["invitee"]


# daily-meetings-to-file


def test_the_file_has_the_meetings_of_the_next_days_each_morning(agent, calendly, clock, files):
    book(calendly)
    book(calendly, name="Lena Marsh", start_time=NEXT_WEEK)  # within 7 days of the second morning
    gone = book(calendly, name="Sam Poe", start_time=LATER)
    calendly.cancel(invitee=gone["uri"])
    agent.template("daily-meetings-to-file")
    assert agent.runs() == []  # it is noon

    def read():
        rows = json.loads((files / "upcoming_meetings.json").read_text())
        assert rows == sorted(rows, key=lambda row: row["start_time"])
        return {row["start_time"]: row for row in rows}

    clock.now += DAY_S
    agent.poll("daily-meetings-to-file", 1)
    first = read()
    assert first[SOON]["invitee_name"] == "Noor van Dijk"
    assert first[SOON]["answers"]["What would you like to discuss?"] == "Pricing for 40 seats"
    assert NEXT_WEEK in first
    assert LATER not in first
    assert {row["status"] for row in first.values()} == {"active"}
    assert min(first) > "2026-11-19T11:06:40Z"
    assert max(first) < "2026-11-26T11:06:40Z"
    clock.now += 6 * DAY_S
    agent.poll("daily-meetings-to-file", 2)
    second = read()
    assert SOON not in second
    assert NEXT_WEEK in second
    assert max(second) < "2026-12-02T11:06:40Z"


def test_a_week_without_meetings_is_an_empty_file(agent, clock, vault, files):
    vault.put("calendly", {"kind": "personal_access_token", "token": "sandbox-free"})
    agent.template("daily-meetings-to-file")
    clock.now += 365 * DAY_S
    agent.poll("daily-meetings-to-file", 1)
    assert json.loads((files / "upcoming_meetings.json").read_text()) == []


# bookings-to-database


@pytest.fixture(params=["sqlite", "postgresql"])
def table(request, vault, tmp_path):
    """Return a function that returns the rows of the table, by invitee."""
    url = f"sqlite:///{tmp_path}/bookings.db"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
    vault.put("database", {"kind": "database", "url": url})
    engine = sa.create_engine(url)

    def read():
        with engine.connect() as connection:
            found = sa.Table("bookings", sa.MetaData(), autoload_with=connection)
            rows = connection.execute(sa.select(found)).mappings().all()
        return {row["uri"]: dict(row) for row in rows}

    yield read
    engine.dispose()


def test_each_booking_is_a_row_that_a_cancellation_changes(agent, calendly, table):
    agent.template("bookings-to-database")
    calendly.delivery_faults(duplicate=1.0)
    kept, gone = book(calendly), book(calendly, name=HOSTILE, start_time=LATER)
    calendly.settle()
    agent.done()
    rows = table()
    assert rows.keys() == {kept["uri"], gone["uri"]}
    row = rows[kept["uri"]]
    assert (row["name"], row["email"], row["meeting"]) == (NOOR["name"], NOOR["email"], "Intro call")
    assert row["host"] == fixtures.OWNER_EMAIL
    assert row["start_time"].startswith("2026-11-25T09:00:00")
    answers = row["answers"] if isinstance(row["answers"], list) else json.loads(row["answers"])
    assert answers[0]["answer"] == "Pricing for 40 seats"
    calendly.cancel(invitee=gone["uri"], reason="Fully booked", wait=True)
    calendly.settle()
    agent.done()
    rows = table()
    assert len(rows) == 2
    assert rows[kept["uri"]]["canceled_at"] is None
    row = rows[gone["uri"]]
    assert row["canceled_at"]
    assert (row["name"], row["canceled_by"], row["cancel_reason"]) == (
        HOSTILE,
        fixtures.OWNER_NAME,
        "Fully booked",
    )


def test_a_moved_booking_is_a_canceled_row_and_a_new_one(agent, calendly, table):
    agent.template("bookings-to-database")
    old = book(calendly)["uri"]
    new = calendly.reschedule(invitee=old, start_time=LATER, wait=True)["invitee"]["uri"]
    agent.done()
    rows = table()
    assert rows.keys() == {old, new}
    assert rows[old]["rescheduled"]
    assert (rows[new]["moved_from"], rows[new]["canceled_at"]) == (old, None)


def test_a_cancellation_that_overtakes_its_booking_wins(agent, calendly, vault, tmp_path):
    vault.put("database", {"kind": "database", "url": f"sqlite:///{tmp_path}/bookings.db"})
    agent.template("bookings-to-database")
    calendly.delivery_faults(lose_message=1.0)
    invitee = book(calendly)["uri"]
    calendly.delivery_faults()
    calendly.cancel(invitee=invitee, wait=True)
    agent.done()
    calendly.advance(60)  # Calendly tries the first again
    agent.done()
    arrived = [json.loads(body)["event"] for _path, _headers, body in agent.door.posts]
    assert arrived == ["invitee.canceled", "invitee.created"]
    with closing(sqlite3.connect(tmp_path / "bookings.db")) as connection:
        ((canceled_at, name),) = connection.execute("SELECT canceled_at, name FROM bookings").fetchall()
    assert (bool(canceled_at), name) == (True, "Noor van Dijk")


# interview-links


def candidates(files, *rows):
    with (files / "candidates.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("name", "email"), *rows])


def links(files):
    with (files / "interview-links.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_each_candidate_gets_a_link_for_one_booking(agent, calendly, files):
    candidates(files, *CANDIDATES)
    agent.template("interview-links", ("event_type: Interview", "event_type: Intro call"))
    agent.run("interview-links")
    agent.done()
    rows = links(files)
    assert [(row["name"], row["email"]) for row in rows] == CANDIDATES
    assert len({row["link"].partition("?")[0] for row in rows}) == len(CANDIDATES)
    for row in rows:
        page, _, filled_in = row["link"].partition("?")
        assert parse_qs(filled_in) == {"name": [row["name"]], "email": [row["email"]]}
        calendly.book(name=row["name"], email=row["email"], link=page)
        with pytest.raises(ValueError, match="link"):
            calendly.book(link=page)


def test_a_replay_gives_a_candidate_no_second_link(agent, files):
    candidates(files, *CANDIDATES)
    agent.template("interview-links", ("event_type: Interview", "event_type: Intro call"))
    run = agent.run("interview-links")
    before = links(files)
    agent.engine.replay(run["id"], from_step="line")
    agent.done()
    assert links(files) == before


def test_an_event_type_that_does_not_exist_fails_with_the_nearest(agent, files):
    candidates(files, *CANDIDATES)
    agent.template("interview-links")
    note = agent.run("interview-links")["note"]
    assert note["step"] == "links"
    assert "'Interview' matches no name in event_types.list" in note["message"]


# new-invitees, and the flow of the guide that subscribes it


def lines(files):
    return [json.loads(line) for line in (files / "invitees.jsonl").read_text().splitlines()]


def ours(calendly, agent):
    """Return the subscriptions at Calendly to the agent's URLs."""
    records = [one.record for one in calendly.world.subscriptions.values()]
    return [record for record in records if record["callback_url"].startswith(agent.door.url)]


def test_the_guides_flows_bring_new_invitees_to_a_file(agent, calendly, files):
    agent.template("new-invitees")
    book(calendly, name="Too Early")
    agent.template("create-webhook-subscription")
    agent.poll("create-webhook-subscription", 1)
    (subscription,) = ours(calendly, agent)
    assert subscription["callback_url"] == agent.engine.url("new-invitees")
    assert (subscription["events"], subscription["scope"]) == (["invitee.created"], "organization")
    calendly.delivery_faults(duplicate=1.0)
    booked = book(calendly, name=HOSTILE, start_time=LATER)
    calendly.settle()
    agent.done()
    (line,) = lines(files)
    assert (line["uri"], line["name"]) == (booked["uri"], HOSTILE)
    assert line["questions_and_answers"][0]["answer"] == "Pricing for 40 seats"


def test_each_poll_finds_the_subscription_that_exists(agent, calendly, clock):
    agent.template("new-invitees")
    agent.template("create-webhook-subscription")
    agent.poll("create-webhook-subscription", 1)
    (first,) = ours(calendly, agent)
    clock.now += DAY_S
    runs = agent.poll("create-webhook-subscription", 2)
    assert [call["step"] for call in runs[-1]["calls"]] == ["existing"]
    assert ours(calendly, agent) == [first]
    calendly.world.unsubscribe(first["uri"].rpartition("/")[2])  # as a person does
    clock.now += DAY_S
    agent.poll("create-webhook-subscription", 3)
    assert len(ours(calendly, agent)) == 1


def test_the_flow_that_subscribes_says_what_to_deploy_first(agent):
    agent.template("create-webhook-subscription")
    run = agent.run("create-webhook-subscription")
    assert run["note"]["fix"].startswith("Deploy that flow first.")
    assert "flows has no 'new-invitees'" in run["note"]["message"]


def test_a_flow_that_subscribes_itself_needs_no_other(agent, calendly, files):
    itself = ("events: [invitee.created]", "events: [invitee.created]\n  subscribe: true")
    agent.template("new-invitees", itself)
    agent.template("new-invitees", itself)  # an equal subscription is kept
    assert len(ours(calendly, agent)) == 1
    booked = book(calendly)
    agent.done()
    (line,) = lines(files)
    assert line["uri"] == booked["uri"]


def test_both_ways_together_are_one_line_for_each_invitee(agent, calendly, files):
    itself = ("events: [invitee.created]", "events: [invitee.created]\n  subscribe: true")
    agent.template("new-invitees", itself)
    agent.template("create-webhook-subscription")
    agent.poll("create-webhook-subscription", 1)
    assert len(ours(calendly, agent)) == 2
    book(calendly)
    agent.done()
    assert len(lines(files)) == 1


def test_a_subscription_without_a_key_is_not_created(agent, calendly, vault):
    vault.put("calendly", {"kind": "personal_access_token", "token": "sandbox-owner"})
    agent.template("new-invitees")
    agent.template("create-webhook-subscription")
    run = agent.run("create-webhook-subscription")
    assert "signing_key: the credential" in run["note"]["message"]
    assert ours(calendly, agent) == []
