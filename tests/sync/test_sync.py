"""Syncs of an account: their rows, their calls, errors and interruptions."""

import json
import shutil
from datetime import UTC, datetime, timedelta

import pytest
from calendly_connector import sync
from calendly_connector.contract import Event
from calendly_connector.errors import (
    CalendlyDown,
    ConnectorError,
    DestinationError,
    NoAnswer,
    PermissionDenied,
    TakenOver,
    Unauthenticated,
    UsageError,
)
from calendly_connector.plugin import connector
from calendly_connector.sandbox.world import fixtures
from calendly_connector.sync.streams import streams
from conftest import KIND, OWNER_TOKEN, Timer, _make_sandbox
from destinations import columns, count_internal, tables

PUBLIC = "https://api.calendly.com"
ORGANIZATION = f"{PUBLIC}/organizations/{fixtures.ORGANIZATION}"
EVENT_COUNT = 110  # events, on two pages
DAY_S = 24 * 3600.0
EVENTS, INVITEES = "GET /scheduled_events", "GET /scheduled_events/{uuid}/invitees"


class Office:
    """A sandbox with a controlled clock, a connection to it, and a destination."""

    def __init__(self, sandbox, connect, timer, folder):
        self.sandbox, self.timer, self._connect, self._folder = sandbox, timer, connect, folder
        self.connection = connect(sandbox)
        self.file = folder / "calendly.db"
        self.url = f"sqlite:///{self.file}"
        self._fresh = 0

    def now(self):
        return datetime.fromtimestamp(self.timer.now, UTC)

    def sync(self, to=None, *, token=None, file_format=None, on_progress=None, should_stop=None, **options):
        more = {"on_progress": on_progress, "should_stop": should_stop}
        return sync.run(
            self._connect(self.sandbox, token) if token else self.connection,
            str(to or self.file),
            sync.SyncOptions(**options),
            file_format=file_format,
            clock=self.now,
            **{name: value for name, value in more.items() if value},
        )

    def fresh(self, **more):
        """Return the rows of a new sync from scratch."""
        self._fresh += 1
        path = self._folder / f"fresh-{self._fresh}.db"
        self.sync(path, **more)
        return tables(f"sqlite:///{path}")

    def stored_rows(self, **more):
        return tables(self.url, **more)

    def calls(self, work):
        self.sandbox.control("DELETE", "/requests")
        work()
        return self.sandbox.requests()["counts"]

    def listed(self, action, **params):
        return list(self.connection.iterate(action, params))

    def events(self, **params):
        return self.listed("scheduled_events.list", organization=ORGANIZATION, **params)

    def past_event(self, days):
        """Return an active event that started at least `days` days ago."""
        since, until = (self.now() - timedelta(days=days + before) for before in (10, 0))
        found = self.events(status="active", min_start_time=text(since), max_start_time=text(until))
        return found[-1]

    def invitee(self, event):
        return self.listed("invitees.list", uuid=event["uri"])[0]


def text(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def by_uri(records):
    return {record["uri"]: record for record in records}


@pytest.fixture
def office(make_sandbox, connect, timer, tmp_path):
    with make_sandbox(clock=timer, events=EVENT_COUNT) as sandbox:
        yield Office(sandbox, connect, timer, tmp_path)


@pytest.fixture(scope="session")
def first_sync(tmp_path_factory):
    """Return the file of a first sync: all sandboxes start with the same data."""
    file = tmp_path_factory.mktemp("first") / "calendly.db"
    timer = Timer()
    with (
        _make_sandbox(clock=timer, events=EVENT_COUNT) as sandbox,
        connector.connect(
            {"kind": KIND, "token": OWNER_TOKEN},
            origin=sandbox.url,
            clock=timer,
            monotonic=timer,
            sleep=timer.sleep,
        ) as connection,
    ):
        sync.run(connection, str(file), clock=lambda: datetime.fromtimestamp(timer.now, UTC))
    return file


@pytest.fixture(scope="session")
def unchanged(first_sync):
    """Return the rows of a first sync without any changes."""
    return tables(f"sqlite:///{first_sync}")


@pytest.fixture
def synced(office, first_sync):
    """Return an office with a first sync."""
    shutil.copy(first_sync, office.file)
    return office


def without_nulls(row):
    return {name: value for name, value in row.items() if value is not None}


# The first sync


def test_a_first_sync_writes_all_records_of_the_lists(synced):
    rows = synced.stored_rows()
    events = synced.events()
    lists = {
        "organization_memberships": synced.listed("organization_memberships.list", organization=ORGANIZATION),
        "event_types": synced.listed("event_types.list", organization=ORGANIZATION),
        "scheduled_events": events,
        "routing_forms": synced.listed("routing_forms.list", organization=ORGANIZATION),
        "contacts": synced.listed("contacts.list"),
    }
    for name, records in lists.items():
        assert len(records) > 1
        assert {uri: without_nulls(row) for uri, row in rows[name].items()} == {
            uri: without_nulls(record) for uri, record in by_uri(records).items()
        }
    invitees = by_uri(one for event in events for one in synced.listed("invitees.list", uuid=event["uri"]))
    assert rows["invitees"].keys() == invitees.keys()
    for uri, invitee in invitees.items():
        answers = {one["question"]: one["answer"] for one in invitee["questions_and_answers"]}
        assert without_nulls(rows["invitees"][uri]) == without_nulls(invitee | answers)


def test_users_have_their_own_table_and_cost_no_call(office):
    calls = office.calls(office.sync)
    members = office.listed("organization_memberships.list", organization=ORGANIZATION)
    assert calls["GET /organization_memberships"] == 2  # the role, and the list
    users = office.stored_rows()["users"]
    assert users.keys() == {member["user"]["uri"] for member in members}
    owner = members[0]["user"]
    assert {name: users[owner["uri"]][name] for name in owner} == owner


def test_no_shows_come_from_invitees_and_cost_no_call(office):
    calls = office.calls(office.sync)
    assert not [operation for operation in calls if "no_show" in operation]
    marked = {
        uri: invitee
        for uri, invitee in office.stored_rows()["invitees"].items()
        if invitee["no_show"] is not None
    }
    assert office.stored_rows()["no_shows"] == {
        invitee["no_show"]["uri"]: {
            "uri": invitee["no_show"]["uri"],
            "created_at": invitee["no_show"]["created_at"],
            "invitee": uri,
            "event": invitee["event"],
            "other": None,
        }
        for uri, invitee in marked.items()
    }
    assert marked


def test_recaps_are_synced_with_their_text(synced):
    recaps = synced.stored_rows()["meeting_recaps"]
    assert recaps[f"{PUBLIC}/meeting_recaps/{fixtures.RECAP}"]["summary_md"]


def test_answers_to_routing_forms_have_columns(synced):
    submission = synced.stored_rows()["routing_form_submissions"][
        f"{PUBLIC}/routing_form_submissions/{fixtures.SUBMISSION}"
    ]
    assert submission["Company size"] == "11-50"
    assert "answer_company_size" in columns(synced.url, "routing_form_submissions")


def test_the_report_counts_rows_and_calls(office):
    reports = []
    counts = office.calls(lambda: reports.append(office.sync()))
    (report,) = reports
    assert report.outcome == "done"
    assert report.whole_organization
    assert report.calls == sum(counts.values())
    assert report.streams["scheduled_events"].new == report.streams["scheduled_events"].read == EVENT_COUNT
    assert report.streams["invitees"].calls == counts[INVITEES]
    assert json.loads(json.dumps(report.to_dict()))["streams"]["contacts"]["new"] > 0


def test_an_event_without_invitees_costs_no_call(office):
    event = office.past_event(20)
    number = office.sandbox.world.event_number(event["uri"].rpartition("/")[2])
    booking = office.sandbox.world.editable_event(number)
    booking.event["invitees_counter"] = {"total": 0, "active": 0, "limit": 1}
    booking.invitees.clear()
    assert office.calls(office.sync)[INVITEES] == EVENT_COUNT - 1


# Later syncs


def in_no_show_window(office, days=7):
    ended = office.events(
        min_start_time=text(office.now() - timedelta(days=days + 1)), max_start_time=text(office.now())
    )
    edge = text(office.now() - timedelta(days=days))
    return [
        one
        for one in ended
        if one["invitees_counter"]["active"] and edge <= one["end_time"] <= text(office.now())
    ]


def test_a_second_sync_without_changes_makes_the_documented_calls(synced):
    pages = -(-len(synced.events(min_start_time=text(synced.now() - timedelta(days=30)))) // 100)
    again = len(in_no_show_window(synced))
    assert again > 0
    calls = synced.calls(synced.sync)
    assert calls[EVENTS] == pages
    assert calls[INVITEES] == again
    assert sum(calls.values()) - pages - again <= 20


def test_a_second_sync_without_changes_leaves_all_rows_unchanged(synced):
    before = synced.stored_rows()
    report = synced.sync()
    assert synced.stored_rows() == before
    assert [(one.new, one.changed, one.missing) for one in report.streams.values()] == [(0, 0, 0)] * len(
        report.streams
    )


def test_synced_at_is_the_start_of_the_last_sync_that_read_the_row(synced):
    synced.timer.now += 60
    report = synced.sync()
    events = synced.stored_rows(stamps=True)["scheduled_events"]
    stamps = {row["synced_at"] for row in events.values()}
    assert report.began in stamps
    assert len(stamps) == 2  # the second sync didn't change most rows


def change(office):
    """Make all changes that the next sync finds."""
    sandbox = office.sandbox
    recent, ended = office.past_event(20), office.past_event(1)
    upcoming = office.events(min_start_time=text(office.now() + timedelta(days=5)), status="active")
    office.timer.now += 60
    sandbox.book(answers=["All of it"])
    sandbox.cancel(event=recent["uri"], reason="Late")
    sandbox.reschedule(invitee=office.invitee(upcoming[0])["uri"])
    sandbox.cancel(invitee=office.invitee(upcoming[-1])["uri"])
    office.connection.run("invitee_no_shows.create", {"invitee": office.invitee(ended)["uri"]})
    sandbox.control("POST", "/submissions", {})
    office.timer.now += 60


def test_a_second_sync_finds_all_recent_changes(synced):
    before = synced.stored_rows()
    change(synced)
    report = synced.sync()
    assert synced.stored_rows() == synced.fresh()
    assert synced.stored_rows() != before
    assert report.streams["no_shows"].new == 1
    assert report.streams["scheduled_events"].new == 2  # booked, and rescheduled
    assert report.streams["scheduled_events"].changed >= 3


def test_changes_cost_one_call_per_changed_event(synced):
    upcoming = synced.events(min_start_time=text(synced.now() + timedelta(days=1)), status="active")[:4]
    synced.timer.now += 60
    for event in upcoming:
        synced.sandbox.cancel(event=event["uri"])
    booked = [synced.sandbox.book() for _ in range(2)]
    pages = -(-len(synced.events(min_start_time=text(synced.now() - timedelta(days=30)))) // 100)
    again = len(in_no_show_window(synced))
    calls = synced.calls(synced.sync)
    assert calls[INVITEES] == len(upcoming) + len(booked) + again
    assert sum(calls.values()) <= pages + len(upcoming) + len(booked) + again + 20
    assert synced.stored_rows() == synced.fresh()


def test_a_removed_no_show_is_found(synced):
    ended = synced.past_event(1)
    mark = synced.connection.run("invitee_no_shows.create", {"invitee": synced.invitee(ended)["uri"]}).record
    synced.sync()
    assert mark["uri"] in synced.stored_rows()["no_shows"]
    synced.connection.run("invitee_no_shows.delete", {"uuid": mark["uri"]})
    report = synced.sync()
    assert report.streams["no_shows"].missing == 1
    assert mark["uri"] not in synced.stored_rows()["no_shows"]
    assert (
        synced.stored_rows(missing=True, stamps=True)["no_shows"][mark["uri"]]["missing_since"]
        == report.began
    )
    assert synced.stored_rows() == synced.fresh()


@pytest.mark.parametrize(("age", "wait"), [(60, 8), (200, 31), (400, 183)])
def test_a_change_of_an_old_event_is_found_when_its_band_is_due(synced, age, wait):
    event = synced.past_event(age)
    synced.sandbox.cancel(event=event["uri"], reason="Very late")
    synced.sync()
    assert synced.stored_rows()["scheduled_events"][event["uri"]]["status"] == "active"
    synced.timer.now += wait * DAY_S
    synced.sync()
    assert synced.stored_rows()["scheduled_events"][event["uri"]]["status"] == "canceled"
    assert synced.stored_rows() == synced.fresh()


@pytest.mark.parametrize(("age", "wait"), [(12, 8), (40, 31)])
def test_a_late_no_show_is_found_when_its_event_is_due(synced, age, wait):
    invitee = synced.invitee(synced.past_event(age))
    mark = synced.connection.run("invitee_no_shows.create", {"invitee": invitee["uri"]}).record
    synced.sync()
    assert mark["uri"] not in synced.stored_rows()["no_shows"]
    synced.timer.now += wait * DAY_S
    synced.sync()
    assert mark["uri"] in synced.stored_rows()["no_shows"]


def test_invitees_are_read_again_after_the_event_even_if_late(synced):
    upcoming = synced.events(min_start_time=text(synced.now() + timedelta(days=2)), status="active")[0]
    invitee = synced.invitee(upcoming)
    synced.timer.now += 25 * DAY_S  # no sync in the days after its end
    mark = synced.connection.run("invitee_no_shows.create", {"invitee": invitee["uri"]}).record
    synced.sync()
    assert mark["uri"] in synced.stored_rows()["no_shows"]


def test_a_deleted_contact_is_missing_after_a_full_read_until_it_returns(synced):
    world = synced.sandbox.world
    uri = f"{PUBLIC}/contacts/{fixtures.CONTACT}"
    contact = world.state.contacts.pop(fixtures.CONTACT)
    world.touch()
    synced.sync()
    assert uri in synced.stored_rows()["contacts"]  # only the newest ones were read
    synced.timer.now += 7 * DAY_S
    report = synced.sync()
    assert report.streams["contacts"].missing == 1
    assert synced.stored_rows(missing=True, stamps=True)["contacts"][uri]["missing_since"] == report.began
    world.state.contacts[fixtures.CONTACT] = contact
    world.touch()
    synced.timer.now += 7 * DAY_S
    synced.sync()
    assert synced.stored_rows() == synced.fresh()


def test_the_next_sync_finds_a_changed_contact(synced):
    uri = f"{PUBLIC}/contacts/{fixtures.CONTACT}"
    synced.timer.now += 3600
    synced.connection.run("contacts.update", {"uuid": uri, "company": "Elsewhere BV"})
    synced.sync()
    assert synced.stored_rows()["contacts"][uri]["company"] == "Elsewhere BV"


def test_only_new_and_changed_recaps_are_read_one_by_one(synced):
    event = synced.sandbox.book(start_time=text(synced.now() - timedelta(days=3)))["event"]
    recap = synced.sandbox.control("POST", "/recaps", {"event": event["uri"]})["recap"]
    calls = synced.calls(synced.sync)
    assert calls["GET /meeting_recaps/{uuid}"] == 1
    assert synced.stored_rows()["meeting_recaps"][recap["uri"]]["summary_md"] == recap["summary_md"]
    synced.timer.now += 60
    synced.connection.run("meeting_recaps.update", {"uuid": recap["uri"], "summary_md": "Another one."})
    assert synced.calls(synced.sync)["GET /meeting_recaps/{uuid}"] == 1
    assert synced.stored_rows()["meeting_recaps"][recap["uri"]]["summary_md"] == "Another one."


def answer(office, questions):
    """Book with answers to these questions; return the invitee's URI."""
    booked = office.sandbox.book()
    world = office.sandbox.world
    number = world.event_number(booked["event"]["uri"].rpartition("/")[2])
    world.editable_event(number).invitees[0]["questions_and_answers"] = [
        {"question": question, "answer": text_, "position": place}
        for place, (question, text_) in enumerate(questions)
    ]
    return booked["invitee"]["uri"]


def test_a_new_question_becomes_a_column(synced):
    invitee = answer(synced, [("How did you hear?", "From a friend")])
    synced.sync()
    assert synced.stored_rows()["invitees"][invitee]["How did you hear?"] == "From a friend"
    assert "answer_how_did_you_hear" in columns(synced.url, "invitees")
    assert synced.stored_rows() == synced.fresh()


def test_invitees_and_no_shows_of_a_deleted_event_are_missing_too(synced):
    booked = synced.sandbox.book(start_time=text(synced.now() - timedelta(days=3)))
    deleted = booked["event"]
    synced.connection.run("invitee_no_shows.create", {"invitee": booked["invitee"]["uri"]})
    synced.sync()
    number = synced.sandbox.world.event_number(deleted["uri"].rpartition("/")[2])
    booking = synced.sandbox.world.editable_event(number)
    organization, booking.organization = booking.organization, -1
    report = synced.sync()
    assert report.streams["scheduled_events"].missing == 1
    assert report.streams["invitees"].missing == 1
    assert report.streams["no_shows"].missing == 1
    assert all(row["event"] != deleted["uri"] for row in synced.stored_rows()["invitees"].values())
    booking.organization = organization
    synced.sync()
    assert synced.stored_rows() == synced.fresh()


def test_no_data_is_lost_if_the_clock_is_set_back(synced):
    synced.timer.now -= 3600
    change(synced)
    report = synced.sync()
    assert synced.stored_rows() == synced.fresh()
    assert report.streams["contacts"].missing == 0


# Tokens with fewer permissions


def test_a_member_syncs_only_their_own_data(office):
    report = office.sync(token="sandbox-member")
    assert not report.whole_organization
    assert any("not an admin or owner" in warning for warning in report.warnings)
    rows = office.stored_rows()
    member = office.sandbox.world.population.members[2].user["uri"]
    assert rows["users"].keys() == {member}
    assert rows["scheduled_events"].keys() == by_uri(office.events(user=member)).keys()
    assert 0 < len(rows["scheduled_events"]) < EVENT_COUNT


def test_an_admin_can_sync_only_their_own_data(office):
    office.sync(own=True)
    owner = f"{PUBLIC}/users/{fixtures.OWNER}"
    assert office.stored_rows()["scheduled_events"].keys() == by_uri(office.events(user=owner)).keys()


@pytest.mark.parametrize("other", [{"own": True}, {"token": "sandbox-member"}, {"token": "sandbox-free"}])
def test_a_destination_rejects_another_view_of_the_account(synced, other):
    before = synced.stored_rows()
    with pytest.raises(UsageError, match="another destination"):
        synced.sync(**other)
    assert synced.stored_rows() == before


def create_token(office, *scopes, **more):
    office.sandbox.control("POST", "/tokens", {"name": "few", "scopes": list(scopes), **more})
    return "few"


def test_unreadable_tables_are_skipped_with_a_warning(office):
    token = create_token(office, "users:read", "organizations:read", "scheduled_events:read")
    report = office.sync(token=token)
    unreadable = {"event_types", "routing_forms", "contacts", "meeting_recaps"}
    assert {warning.partition(" ")[0] for warning in report.warnings} == unreadable
    rows = office.stored_rows()
    assert len(rows["scheduled_events"]) == EVENT_COUNT
    assert not any(rows[name] for name in (*unreadable, "routing_form_submissions"))


@pytest.mark.parametrize("stream", ["contacts", "routing_form_submissions"])
def test_a_stream_that_is_named_must_be_readable(office, stream):
    token = create_token(office, "users:read", "organizations:read", "scheduled_events:read")
    with pytest.raises(PermissionDenied):
        office.sync(token=token, streams=(stream,))


def test_a_token_that_cannot_read_its_role_syncs_only_its_users_data(office):
    report = office.sync(token=create_token(office, "users:read", "scheduled_events:read"))
    assert not report.whole_organization
    assert any("organizations:read" in warning for warning in report.warnings)
    assert 0 < len(office.stored_rows()["scheduled_events"]) < EVENT_COUNT


def test_a_free_plan_skips_tables_that_it_does_not_have(office):
    report = office.sync(token="sandbox-free")
    assert any(warning.startswith("meeting_recaps was skipped") for warning in report.warnings)
    assert office.stored_rows()["scheduled_events"]


def test_streams_include_the_streams_that_they_depend_on(office):
    calls = office.calls(lambda: office.sync(streams=("no_shows",)))
    stored = office.stored_rows()
    assert [name for name, rows in stored.items() if rows] == ["scheduled_events", "invitees", "no_shows"]
    assert not any("contacts" in operation for operation in calls)


def test_an_unknown_stream_suggests_the_nearest_name(office):
    with pytest.raises(UsageError, match="Did you mean contacts"):
        office.sync(streams=("contact",))
    assert not office.file.exists()


def test_invitees_that_were_left_out_at_first_are_all_read_later(office):
    office.sync(streams=("scheduled_events",))
    office.sandbox.cancel(event=office.past_event(12)["uri"])
    office.sync(streams=("scheduled_events",))
    office.sync()
    assert office.stored_rows() == office.fresh()


# Hostile text


HOSTILE = [
    'Your "name"; DROP TABLE invitees; --',
    "' OR 1=1 /* */",
    "%s %(name)s :name ? {0}",
    "select",
    "uri",
    "   ",
    "\N{GRINNING FACE}\N{GRINNING FACE}",
    "Größe?",
    "x" * 5000,
    "x" * 5000 + "y",
    "Company",
    "company!",
    "COMPANY?",
    "line\nbreak\ttab",
    "nul\0byte",
    "answer_company",
]


def test_every_question_gets_its_own_column_with_any_text(synced):
    answers = [(question, f"answer {place}") for place, question in enumerate(HOSTILE)]
    invitee = answer(synced, answers)
    before = columns(synced.url, "invitees")
    synced.sync()
    row = synced.stored_rows()["invitees"][invitee]
    for question, answer_text in answers:
        assert row[question.replace("\0", "\N{REPLACEMENT CHARACTER}")] == answer_text
    new_columns = [name for name in columns(synced.url, "invitees") if name not in before]
    assert len({name.lower() for name in new_columns}) == len(HOSTILE)
    assert all(name.isascii() and len(name) <= 63 and name.startswith("answer_") for name in new_columns)
    synced.sync()  # the columns are known again
    assert [name for name in columns(synced.url, "invitees") if name not in before] == new_columns


def test_a_question_asked_twice_keeps_both_answers(synced):
    invitee = answer(synced, [("Same?", "one"), ("Same?", "two")])
    synced.sync()
    assert synced.stored_rows()["invitees"][invitee]["Same?"] == "one\ntwo"


def test_answers_to_too_many_questions_stay_in_the_json_column_with_a_warning(synced):
    known = sum(name.startswith("answer_") for name in columns(synced.url, "invitees"))
    invitee = answer(synced, [(f"Question {number}", str(number)) for number in range(501)])
    report = synced.sync(streams=("invitees",))
    assert any("more questions than columns" in warning for warning in report.warnings)
    assert sum(name.startswith("answer_") for name in columns(synced.url, "invitees")) == 500
    row = synced.stored_rows()["invitees"][invitee]
    assert len(row["questions_and_answers"]) == 501
    assert sum(name.startswith("Question ") for name in row) == 500 - known


def test_unknown_properties_and_values_of_another_type_are_kept(make_sandbox, connect, timer, tmp_path):
    with make_sandbox(clock=timer, events=10, check_replies=False) as sandbox:
        office = Office(sandbox, connect, timer, tmp_path)
        event = sandbox.book()["event"]
        booking = sandbox.world.editable_event(sandbox.world.event_number(event["uri"].rpartition("/")[2]))
        booking.event |= {"brand_new": {"deep": [1, None]}, "name": 17, "other": "theirs", "synced_at": "too"}
        report = office.sync()
        row = office.stored_rows(stamps=True)["scheduled_events"][event["uri"]]
    assert row["other"] == {
        "brand_new": {"deep": [1, None]},
        "name": 17,
        "other": "theirs",
        "synced_at": "too",
    }
    assert row["name"] is None
    assert row["synced_at"] == report.began
    assert any("scheduled_events" in warning for warning in report.warnings)


# Errors and interruptions


class FaultAfter:
    """Calls a function after some pages."""

    def __init__(self, after, happen):
        self._left, self._happen = after, happen

    def __call__(self, _progress):
        self._left -= 1
        if self._left == 0:
            self._happen()


FAULTS = {
    "errors": ({"kind": "status", "status": 500}, CalendlyDown),
    "resets": ({"kind": "reset"}, NoAnswer),
    "a revoked token": ({"kind": "status", "status": 401}, Unauthenticated),
    "HTML": ({"kind": "html"}, ConnectorError),
    "cut replies": ({"kind": "truncate"}, ConnectorError),
}


@pytest.mark.parametrize("after", [1, 7, 13, 14])
@pytest.mark.parametrize("fault_name", FAULTS)
def test_the_next_sync_resumes_after_an_error(office, unchanged, fault_name, after):
    fault, error = FAULTS[fault_name]
    with pytest.raises(error):
        office.sync(on_progress=FaultAfter(after, lambda: office.sandbox.fault(**fault, times=1000)))
    office.sandbox.control("DELETE", "/faults")
    before = {name: len(rows) for name, rows in office.stored_rows().items()}
    report = office.sync()
    assert report.resumed
    stored = office.stored_rows()
    new = report.streams.get("invitees", sync.StreamReport()).new
    assert new == len(stored["invitees"]) - before["invitees"]
    assert stored == unchanged


def test_a_sync_can_be_stopped_after_a_page_and_resumed(office, unchanged):
    report = office.sync(should_stop=lambda: bool(office.stored_rows()["scheduled_events"]))
    assert report.outcome == "stopped"
    assert 0 < len(office.stored_rows()["scheduled_events"]) < EVENT_COUNT
    rest = office.sync()
    assert rest.resumed
    assert rest.outcome == "done"
    assert rest.streams["invitees"].calls < EVENT_COUNT
    assert office.stored_rows() == unchanged


def test_a_sync_of_other_tables_in_between_keeps_the_checkpoint(office):
    office.sync(should_stop=lambda: len(office.stored_rows()["scheduled_events"]) >= 100)
    office.timer.now += 60
    office.sync(streams=("scheduled_events", "contacts"))
    report = office.sync()
    assert report.resumed
    assert [one.missing for one in report.streams.values()] == [0] * len(report.streams)
    assert report.streams["invitees"].calls < EVENT_COUNT
    assert office.stored_rows() == office.fresh()


def test_a_resumed_sync_finds_changes_since_the_interruption(office):
    office.sync(should_stop=lambda: bool(office.stored_rows()["scheduled_events"]))
    change(office)
    office.timer.now += 2 * 3600  # what it had read is old by now, so it reads the window again
    report = office.sync()
    assert report.resumed
    assert office.stored_rows() == office.fresh()


def test_a_later_sync_takes_over_the_destination(office, unchanged):
    with pytest.raises(TakenOver, match="later sync"):
        office.sync(on_progress=FaultAfter(3, office.sync))
    assert office.stored_rows() == unchanged


def test_a_list_that_fails_halfway_marks_nothing_as_missing(synced):
    synced.sandbox.fault("status", path="/contacts", status=500, times=1000)
    with pytest.raises(CalendlyDown):
        synced.sync()
    assert len(synced.stored_rows()["contacts"]) == 16


def test_an_incomplete_list_marks_nothing_as_missing(synced, monkeypatch):
    whole = synced.connection.iterate

    def short(action, params=None, **more):
        records = whole(action, params, **more)
        if action != "invitees.list":
            records.pages = lambda: iter(())
        return records

    monkeypatch.setattr(synced.connection, "iterate", short)
    synced.timer.now += 31 * DAY_S  # most would be read in full
    report = synced.sync()
    assert any("incomplete list" in warning for warning in report.warnings)
    assert sum(one.missing for one in report.streams.values()) == 0
    monkeypatch.undo()
    change(synced)
    synced.sync()
    assert synced.stored_rows() == synced.fresh()


def uuid(record):
    return record["uri"].rpartition("/")[2]


def test_invitees_that_are_briefly_not_found_are_read_by_the_next_sync(synced):
    event = synced.sandbox.book()["event"]
    synced.sandbox.fault("status", path=f"/scheduled_events/{uuid(event)}/invitees", status=404)
    report = synced.sync()
    assert any("next sync reads it again" in warning for warning in report.warnings)
    assert event["uri"] in synced.stored_rows()["scheduled_events"]
    synced.sync()
    assert synced.stored_rows() == synced.fresh()


class Short:
    """A list that is empty and incomplete."""

    complete, calls, warnings = False, 1, ()

    def __iter__(self):
        return iter(())


def test_an_incomplete_list_of_invitees_marks_nothing_as_missing(synced, monkeypatch):
    whole = synced.connection.iterate

    def short(action, params=None, **more):
        return Short() if action == "invitees.list" else whole(action, params, **more)

    before = synced.stored_rows()
    with monkeypatch.context() as patch:
        patch.setattr(synced.connection, "iterate", short)
        report = synced.sync()
    assert any("next sync reads it again" in warning for warning in report.warnings)
    assert synced.stored_rows() == before
    synced.sync()
    assert synced.stored_rows() == synced.fresh()


def test_an_event_with_unreadable_invitees_is_synced_without_them(synced):
    event = synced.sandbox.book()["event"]
    synced.sandbox.fault("status", path=f"/scheduled_events/{uuid(event)}/invitees", status=403)
    report = synced.sync()
    assert any("can't read the invitees of some events" in warning for warning in report.warnings)
    assert event["uri"] in synced.stored_rows()["scheduled_events"]
    assert report.outcome == "done"


def test_a_recap_that_is_deleted_before_it_is_read_is_left_out(office, unchanged):
    office.sandbox.fault("status", path=f"/meeting_recaps/{fixtures.RECAP}", status=404)
    office.sync()
    assert f"{PUBLIC}/meeting_recaps/{fixtures.RECAP}" not in office.stored_rows()["meeting_recaps"]
    office.sync()
    assert office.stored_rows() == unchanged


# Records that webhooks mark


def webhook_event(kind, payload):
    return Event(id="1", kind=kind, created_at="2026-11-18T11:00:00Z", created_by=None, payload=payload)


def test_a_marked_event_is_read_again_even_outside_the_window(synced):
    event = synced.past_event(200)
    canceled = synced.sandbox.cancel(event=event["uri"], reason="Late")["invitees"][0]
    assert (
        sync.mark(
            str(synced.file), [webhook_event("invitee.canceled", canceled | {"scheduled_event": event})]
        )
        == 1
    )
    calls = synced.calls(lambda: synced.sync(only_marked=True))
    assert calls == {
        "GET /users/me": 1,
        "GET /organization_memberships": 1,
        "GET /scheduled_events/{uuid}": 1,
        INVITEES: 1,
    }
    assert synced.stored_rows() == synced.fresh()
    assert count_internal(synced.url, "marks") == 0


def test_marked_records_of_all_kinds_are_read_again(synced):
    connection, contact = synced.connection, f"{PUBLIC}/contacts/{fixtures.CONTACT}"
    synced.timer.now += 60
    connection.run("contacts.delete", {"uuid": contact})
    submission = synced.sandbox.control("POST", "/submissions", {})["submission"]
    moved = synced.sandbox.reschedule(invitee=synced.invitee(synced.past_event(200))["uri"])
    connection.run("event_types.update", {"uuid": fixtures.INTRO_CALL, "name": "First call"})
    events = [
        webhook_event("contact.deleted", {"user_uuid": "x", "contact": {"uri": contact}}),
        webhook_event("routing_form_submission.created", submission),
        webhook_event("invitee.created", moved["invitee"]),
        webhook_event("event_type.updated", {"uri": f"{PUBLIC}/event_types/{fixtures.INTRO_CALL}"}),
    ]
    assert sync.mark(str(synced.file), events) == 5
    synced.sync(only_marked=True)
    assert synced.stored_rows()["contacts"].keys() == synced.fresh()["contacts"].keys()
    assert synced.stored_rows() == synced.fresh()


def test_records_can_be_marked_before_the_first_sync(office, unchanged):
    event = office.past_event(12)
    assert sync.mark(str(office.file), [webhook_event("invitee.created", {"event": event["uri"]})]) == 1
    office.sync()
    assert office.stored_rows() == unchanged


def test_a_mark_that_is_set_again_during_the_sync_stays(synced):
    event = synced.past_event(200)
    invitee = webhook_event("invitee.canceled", {"event": event["uri"]})
    sync.mark(str(synced.file), [invitee])
    run = synced.connection.run

    def mark_again(*arguments, **more):
        sync.mark(str(synced.file), [invitee])
        return run(*arguments, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(synced.connection, "run", mark_again)
        synced.sync(only_marked=True)
    assert count_internal(synced.url, "marks") == 1


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"uri": 17, "event": None, "scheduled_event": "text"},
        {"uri": "https://evil.example/webhook_subscriptions/1"},
        {"uri": "https://api.calendly.com/scheduled_events/../users/1"},
    ],
)
def test_a_payload_without_a_record_uri_marks_nothing(synced, payload):
    assert sync.mark(str(synced.file), [webhook_event("invitee.created", payload)]) == 0


def test_a_marked_uri_on_another_host_is_dropped_without_a_request(synced, unvisited):
    uri = f"{unvisited.url}/scheduled_events/1"
    assert sync.mark(str(synced.file), [webhook_event("invitee.created", {"event": uri})]) == 1
    report = synced.sync(only_marked=True)
    assert any("was not read" in warning for warning in report.warnings)
    assert count_internal(synced.url, "marks") == 0


def test_marks_during_an_interruption_do_not_make_rows_missing(office):
    office.sync(should_stop=lambda: len(office.stored_rows()["scheduled_events"]) >= 100)
    uris = list(office.stored_rows()["scheduled_events"])[:3]
    sync.mark(str(office.file), [webhook_event("invitee.created", {"event": uri}) for uri in uris])
    office.timer.now += 60
    office.sync(only_marked=True)
    office.sync()
    assert office.stored_rows() == office.fresh()


# Webhook bodies


def body(invitee, event, *, kind="invitee.created", at="2026-11-18T11:00:00.000000Z", **changes):
    """Return a webhook's event about an invitee, as Calendly sends it."""
    around = {name: value for name, value in event.items() if name != "calendar_event"}
    payload = {**invitee, "scheduled_event": around, **changes}
    return Event(id="1", kind=kind, created_at=at, created_by=None, payload=payload)


OWN_USER_CALLS = {"GET /users/me": 1, "GET /organization_memberships": 1}


def test_an_invitee_in_a_webhook_body_costs_no_call(synced):
    booked = synced.sandbox.book(answers=["Pricing"])
    assert sync.mark(str(synced.file), [body(booked["invitee"], booked["event"])]) == 1
    reports = []
    assert synced.calls(lambda: reports.append(synced.sync(only_marked=True))) == OWN_USER_CALLS
    assert reports[0].from_webhooks == 1
    assert (reports[0].streams["invitees"].new, reports[0].streams["invitees"].calls) == (1, 0)
    assert count_internal(synced.url, "marks") == 0
    fresh = synced.fresh()
    uri, event = booked["invitee"]["uri"], booked["event"]["uri"]
    assert synced.stored_rows()["invitees"][uri] == fresh["invitees"][uri]
    assert synced.stored_rows()["scheduled_events"][event] == fresh["scheduled_events"][event] | {
        "calendar_event": None  # not in webhooks
    }
    assert synced.calls(lambda: synced.sync(no_show_days=0)).get(INVITEES, 0) == 0
    assert synced.stored_rows() == synced.fresh()


def test_a_cancellation_and_a_reschedule_in_webhook_bodies_cost_no_call(synced):
    first, second = synced.sandbox.book(), synced.sandbox.book()
    synced.sync()
    synced.timer.now += 60
    canceled = synced.sandbox.cancel(invitee=first["invitee"]["uri"])
    moved = synced.sandbox.reschedule(invitee=second["invitee"]["uri"])
    old_event = synced.connection.run("scheduled_events.get", {"uuid": second["event"]["uri"]}).record
    rescheduled = webhook_event(
        "invitee.rescheduled",
        {
            "old": {**moved["old_invitee"], "scheduled_event": old_event},
            "new": {**moved["invitee"], "scheduled_event": moved["event"]},
        },
    )
    events = [body(canceled["invitees"][0], canceled["event"], kind="invitee.canceled"), rescheduled]
    assert sync.mark(str(synced.file), events) == 3
    assert synced.calls(lambda: synced.sync(only_marked=True)) == OWN_USER_CALLS
    assert synced.stored_rows() == synced.fresh()


def later(record, seconds):
    moment = datetime.fromisoformat(record["updated_at"]) + timedelta(seconds=seconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def test_an_older_body_never_overwrites_a_newer_row(synced):
    booked = synced.sandbox.book()
    synced.sync()
    rows = synced.stored_rows()
    older = body(booked["invitee"], booked["event"], name="Older", updated_at=later(booked["invitee"], -1))
    sync.mark(str(synced.file), [older])
    assert synced.calls(lambda: synced.sync(only_marked=True)) == OWN_USER_CALLS
    assert synced.stored_rows() == rows
    assert count_internal(synced.url, "marks") == 0


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("together", [True, False])
def test_the_newer_of_two_bodies_wins_in_any_order(synced, order, together):
    booked = synced.sandbox.book()
    newer = body(booked["invitee"], booked["event"], name="Newer")
    older = body(booked["invitee"], booked["event"], name="Older", updated_at=later(booked["invitee"], -1))
    events = [older, newer][::order]
    for some in [events] if together else [[event] for event in events]:
        sync.mark(str(synced.file), some)
    assert synced.calls(lambda: synced.sync(only_marked=True)) == OWN_USER_CALLS
    assert synced.stored_rows()["invitees"][booked["invitee"]["uri"]]["name"] == "Newer"


def test_an_event_is_read_if_a_body_and_a_row_of_the_same_time_differ(synced):
    booked = synced.sandbox.book()
    synced.sync()
    sync.mark(str(synced.file), [body(booked["invitee"], booked["event"], name="Somebody else")])
    calls = synced.calls(lambda: synced.sync(only_marked=True))
    assert calls["GET /scheduled_events/{uuid}"] == 1
    assert synced.stored_rows()["invitees"][booked["invitee"]["uri"]]["name"] == booked["invitee"]["name"]
    assert count_internal(synced.url, "marks") == 0


def test_an_event_is_read_if_it_counts_more_invitees_than_are_known(synced):
    booked = synced.sandbox.book()
    counter = {**booked["event"]["invitees_counter"], "total": 2, "active": 2}
    sync.mark(str(synced.file), [body(booked["invitee"], booked["event"] | {"invitees_counter": counter})])
    calls = synced.calls(lambda: synced.sync(only_marked=True))
    assert calls == {**OWN_USER_CALLS, "GET /scheduled_events/{uuid}": 1, INVITEES: 1}
    assert synced.stored_rows() == synced.fresh()


def test_a_no_show_in_a_body_becomes_a_row_and_missing_without_it(synced):
    event = synced.past_event(3)
    invitee, mark = synced.invitee(event), f"{PUBLIC}/invitee_no_shows/1"
    shown = {"uri": mark, "created_at": "2026-11-18T11:00:00.000000Z"}
    for number, no_show in enumerate((shown, None), start=1):
        event_with_body = body(invitee, event, no_show=no_show, updated_at=later(invitee, number))
        sync.mark(str(synced.file), [event_with_body])
        synced.timer.now += 1
        assert synced.calls(lambda: synced.sync(only_marked=True)) == OWN_USER_CALLS
        assert (mark in synced.stored_rows()["no_shows"]) is bool(no_show)
    assert synced.stored_rows(missing=True)["no_shows"][mark]["invitee"] == invitee["uri"]


def test_a_sync_of_own_data_ignores_bodies_of_other_hosts_events(office):
    office.sync(own=True)
    me = office.connection.run("users.me").record["uri"]
    event = next(
        event
        for event in office.events(status="active")
        if me not in {one["user"] for one in event["event_memberships"]}
    )
    sync.mark(str(office.file), [body(office.invitee(event), event)])
    assert office.sync(own=True, only_marked=True).from_webhooks == 0


@pytest.mark.parametrize("odd_value", [float("nan"), json.loads("[" * 100 + "]" * 100)])
def test_a_body_that_cannot_be_stored_marks_its_event(synced, odd_value):
    booked = synced.sandbox.book()
    assert sync.mark(str(synced.file), [body(booked["invitee"], booked["event"], strange=odd_value)]) == 1
    assert synced.sync(only_marked=True).from_webhooks == 0
    assert booked["invitee"]["uri"] in synced.stored_rows()["invitees"]


def test_the_marks_table_of_an_older_version_gets_a_body_column(synced):
    import sqlite3

    with sqlite3.connect(synced.file) as older:
        older.execute("ALTER TABLE calendly_sync_marks DROP COLUMN body")
    older.close()
    booked = synced.sandbox.book()
    sync.mark(str(synced.file), [body(booked["invitee"], booked["event"])])
    assert synced.sync(only_marked=True).from_webhooks == 1


def test_a_plan_counts_no_call_for_a_body(synced):
    booked = synced.sandbox.book()
    sync.mark(str(synced.file), [body(booked["invitee"], booked["event"])])
    assert "marked" not in {one.stream for one in plan(synced).streams}


# Files


def read_lines(path):
    return by_uri(json.loads(line) for line in path.read_text().splitlines())


def test_a_folder_has_one_line_per_record(office, tmp_path):
    folder = tmp_path / "files"
    report = office.sync(folder, file_format="jsonl")
    assert sorted(report.files) == sorted(f"{name}.jsonl" for name in streams())
    for name, rows in office.fresh().items():
        lines = (folder / f"{name}.jsonl").read_text().splitlines()
        assert len(lines) == len(rows)
        assert read_lines(folder / f"{name}.jsonl").keys() == rows.keys()
    event = office.past_event(12)
    assert read_lines(folder / "scheduled_events.jsonl")[event["uri"]] == without_nulls(event)


def test_only_files_with_changed_rows_are_rewritten(office, tmp_path):
    folder = tmp_path / "files"
    office.sync(folder, file_format="jsonl")
    assert office.sync(folder, file_format="jsonl").files == []
    office.sandbox.book()
    assert sorted(office.sync(folder, file_format="jsonl").files) == [
        "invitees.jsonl",
        "scheduled_events.jsonl",
    ]
    (folder / "users.jsonl").unlink()
    assert office.sync(folder, file_format="jsonl").files == ["users.jsonl"]


def test_the_line_of_a_missing_record_has_missing_since(office, tmp_path):
    folder = tmp_path / "files"
    office.sync(folder, file_format="jsonl")
    office.sandbox.world.state.contacts.pop(fixtures.CONTACT)
    office.sandbox.world.touch()
    office.timer.now += 7 * DAY_S
    report = office.sync(folder, file_format="jsonl")
    line = read_lines(folder / "contacts.jsonl")[f"{PUBLIC}/contacts/{fixtures.CONTACT}"]
    assert line["missing_since"] == report.began


def test_csv_has_a_column_per_property_and_answer(office, tmp_path):
    import csv

    folder = tmp_path / "files"
    office.sync(folder, file_format="csv")
    with (folder / "invitees.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    fresh = office.fresh()["invitees"]
    assert {row["uri"] for row in rows} == fresh.keys()
    assert all(
        json.loads(row["questions_and_answers"]) == fresh[row["uri"]]["questions_and_answers"] for row in rows
    )
    assert any(row["answer_what_would_you_like_to_discuss"] for row in rows)


def test_files_that_an_interrupted_sync_did_not_write_are_written_later(office, tmp_path, monkeypatch):
    folder = tmp_path / "files"
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", lambda _file: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        with pytest.raises(DestinationError, match="No space left"):
            office.sync(folder, file_format="jsonl")
    assert not list(folder.glob("*.jsonl"))
    assert len(office.sync(folder, file_format="jsonl").files) == len(streams())


# Destinations


def test_a_file_can_have_any_name(office, tmp_path):
    path = tmp_path / "new folder" / "a b?c#d%e.db"
    office.sync(path, streams=("users",))
    assert path.is_file()


def test_a_database_with_a_foreign_table_is_rejected(office):
    import sqlite3

    with sqlite3.connect(office.file) as database:
        database.execute("CREATE TABLE users (id INTEGER)")
    database.close()
    with pytest.raises(UsageError, match="table 'users' that doesn't belong to a sync"):
        office.sync()


def test_missing_columns_are_added_to_existing_tables(synced):
    import sqlite3

    with sqlite3.connect(synced.file) as older:
        older.execute("ALTER TABLE contacts DROP COLUMN company")
    older.close()
    synced.timer.now += 7 * DAY_S
    synced.sync()
    assert synced.stored_rows() == synced.fresh()


@pytest.mark.parametrize(
    ("to", "form", "message"),
    [
        ("", None, "Missing destination"),
        ("nonsense://x", None, "isn't a valid database URL"),
        ("sqlite://x:y:z/", None, "isn't a valid database URL"),
        (".", None, "is a folder"),
        ("sqlite:///x.db", "csv", "must be a folder"),
        ("mysql+pymysql://x@127.0.0.1/x", None, "needs the module pymysql"),
    ],
)
def test_an_invalid_destination_is_rejected_before_any_call(connect, unvisited, to, form, message):
    with pytest.raises(UsageError, match=message):
        sync.run(connect(unvisited), to, file_format=form)


def test_a_password_is_in_no_error(connect, unvisited, closed_port):
    to = f"postgresql+psycopg://me:opensesame@127.0.0.1:{closed_port}/x"
    with pytest.raises(DestinationError) as caught:
        sync.run(connect(unvisited), to)
    assert "opensesame" not in f"{caught.value} {caught.value!r} {caught.value.to_dict()}"
    assert caught.value.__cause__ is None


def test_a_file_that_is_not_a_database_is_rejected(office):
    office.file.write_text("This is a letter, not a database. " * 100)
    with pytest.raises(DestinationError, match="not a database"):
        office.sync()


def test_the_destination_does_not_contain_the_token(synced):
    assert b"sandbox-owner" not in synced.file.read_bytes()


@pytest.mark.parametrize("wrong", [{"window_days": 0}, {"no_show_days": -1}, {"threads": 0}, {"threads": 65}])
def test_options_out_of_range_are_rejected(wrong):
    with pytest.raises(UsageError):
        sync.SyncOptions(**wrong)


# Plans


def plan(office, **options):
    return sync.plan(office.connection, str(office.file), sync.SyncOptions(**options), clock=office.now)


def test_a_plan_of_a_first_sync_is_close_and_creates_nothing(office):
    planned = plan(office)
    assert not office.file.exists()
    counts = office.calls(office.sync)
    assert planned.calls == pytest.approx(sum(counts.values()), rel=0.3)
    assert planned.minutes is None  # this sandbox reports no limit


def test_a_plan_of_a_later_sync_counts_stored_rows(synced):
    planned = plan(synced)
    assert planned.spent <= 2
    counts = synced.calls(synced.sync)
    assert abs(planned.calls - sum(counts.values())) <= 2


def test_a_plan_warns_about_tables_that_will_be_skipped(make_sandbox, connect, timer, tmp_path):
    with make_sandbox(clock=timer, rate_limit=50, events=60) as sandbox:
        office = Office(sandbox, connect, timer, tmp_path)
        office.connection = connect(
            sandbox, create_token(office, "users:read", "organizations:read", "scheduled_events:read")
        )
        planned = plan(office)
    assert {warning.partition(" ")[0] for warning in planned.warnings} >= {"contacts", "meeting_recaps"}
    assert planned.minutes >= 1


def test_a_plan_of_an_interrupted_sync_counts_the_rest(office):
    office.sync(should_stop=lambda: len(office.stored_rows()["scheduled_events"]) >= 100)
    planned = {one.stream: one.calls for one in plan(office).streams}
    assert planned["contacts"] == 0
    assert planned["scheduled_events"] == 1
