"""Copies of an account: what they hold, what they cost, what becomes of them in trouble."""

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
from copies import columns, count_internal, tables

PUBLIC = "https://api.calendly.com"
ORGANIZATION = f"{PUBLIC}/organizations/{fixtures.ORGANIZATION}"
MADE = 110  # events, on two pages
DAY_S = 24 * 3600.0
EVENTS, INVITEES = "GET /scheduled_events", "GET /scheduled_events/{uuid}/invitees"


class Office:
    """A sandbox whose time is the test's, a connection to it, and a copy."""

    def __init__(self, sandbox, connect, timer, folder):
        self.sandbox, self.timer, self._connect, self._folder = sandbox, timer, connect, folder
        self.connection = connect(sandbox)
        self.file = folder / "copy.db"
        self.url = f"sqlite:///{self.file}"
        self._fresh = 0

    def now(self):
        return datetime.fromtimestamp(self.timer.now, UTC)

    def copy(self, to=None, *, token=None, form=None, watch=None, stop=None, **options):
        more = {name: value for name, value in (("watch", watch), ("stop", stop)) if value}
        connection = self._connect(self.sandbox, token) if token else self.connection
        chosen = sync.Options(**options)
        return sync.copy(connection, str(to or self.file), chosen, form=form, clock=self.now, **more)

    def fresh(self, **more):
        """Give what a copy made anew holds."""
        self._fresh += 1
        path = self._folder / f"fresh-{self._fresh}.db"
        self.copy(path, **more)
        return tables(f"sqlite:///{path}")

    def held(self, **more):
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
        """Give an active event that ended about so many days ago."""
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
    with make_sandbox(clock=timer, events=MADE) as sandbox:
        yield Office(sandbox, connect, timer, tmp_path)


@pytest.fixture(scope="session")
def first_copy(tmp_path_factory):
    """Give the file of a first copy: at its beginning every office is the same."""
    file = tmp_path_factory.mktemp("first") / "copy.db"
    timer = Timer()
    with (
        _make_sandbox(clock=timer, events=MADE) as sandbox,
        connector.connect(
            {"kind": KIND, "token": OWNER_TOKEN},
            origin=sandbox.url,
            clock=timer,
            monotonic=timer,
            sleep=timer.sleep,
        ) as connection,
    ):
        sync.copy(connection, str(file), clock=lambda: datetime.fromtimestamp(timer.now, UTC))
    return file


@pytest.fixture(scope="session")
def unchanged(first_copy):
    """Give what a copy made anew holds where nothing has happened."""
    return tables(f"sqlite:///{first_copy}")


@pytest.fixture
def copied(office, first_copy):
    """Give an office with a first copy."""
    shutil.copy(first_copy, office.file)
    return office


def ignoring_nothing_said(row):
    return {name: value for name, value in row.items() if value is not None}


# The first copy


def test_a_first_copy_holds_what_the_lists_give(copied):
    held = copied.held()
    events = copied.events()
    lists = {
        "organization_memberships": copied.listed("organization_memberships.list", organization=ORGANIZATION),
        "event_types": copied.listed("event_types.list", organization=ORGANIZATION),
        "scheduled_events": events,
        "routing_forms": copied.listed("routing_forms.list", organization=ORGANIZATION),
        "contacts": copied.listed("contacts.list"),
    }
    for name, records in lists.items():
        assert len(records) > 1
        assert {uri: ignoring_nothing_said(row) for uri, row in held[name].items()} == {
            uri: ignoring_nothing_said(record) for uri, record in by_uri(records).items()
        }
    invitees = by_uri(one for event in events for one in copied.listed("invitees.list", uuid=event["uri"]))
    assert held["invitees"].keys() == invitees.keys()
    for uri, invitee in invitees.items():
        answers = {one["question"]: one["answer"] for one in invitee["questions_and_answers"]}
        assert ignoring_nothing_said(held["invitees"][uri]) == ignoring_nothing_said(invitee | answers)


def test_users_stand_in_a_table_of_their_own_at_no_call(office):
    calls = office.calls(office.copy)
    members = office.listed("organization_memberships.list", organization=ORGANIZATION)
    assert calls["GET /organization_memberships"] == 2  # the role, and the list
    users = office.held()["users"]
    assert users.keys() == {member["user"]["uri"] for member in members}
    owner = members[0]["user"]
    assert {name: users[owner["uri"]][name] for name in owner} == owner


def test_no_shows_come_from_their_invitees_at_no_call(office):
    calls = office.calls(office.copy)
    assert not [operation for operation in calls if "no_show" in operation]
    marked = {
        uri: invitee for uri, invitee in office.held()["invitees"].items() if invitee["no_show"] is not None
    }
    assert office.held()["no_shows"] == {
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


def test_recaps_have_their_texts(copied):
    recaps = copied.held()["meeting_recaps"]
    assert recaps[f"{PUBLIC}/meeting_recaps/{fixtures.RECAP}"]["summary_md"]


def test_answers_to_routing_forms_are_columns_too(copied):
    submission = copied.held()["routing_form_submissions"][
        f"{PUBLIC}/routing_form_submissions/{fixtures.SUBMISSION}"
    ]
    assert submission["Company size"] == "11-50"
    assert "answer_company_size" in columns(copied.url, "routing_form_submissions")


def test_the_report_counts_what_it_did(office):
    reports = []
    counts = office.calls(lambda: reports.append(office.copy()))
    (report,) = reports
    assert report.outcome == "done"
    assert report.whole_organization
    assert report.calls == sum(counts.values())
    assert report.streams["scheduled_events"].new == report.streams["scheduled_events"].read == MADE
    assert report.streams["invitees"].calls == counts[INVITEES]
    assert json.loads(json.dumps(report.to_dict()))["streams"]["contacts"]["new"] > 0


def test_an_event_without_invitees_costs_no_call(office):
    event = office.past_event(20)
    number = office.sandbox.world.event_number(event["uri"].rpartition("/")[2])
    kept = office.sandbox.world.keep(number)
    kept.event["invitees_counter"] = {"total": 0, "active": 0, "limit": 1}
    kept.invitees.clear()
    assert office.calls(office.copy)[INVITEES] == MADE - 1


# The second copy


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


def test_a_second_copy_without_changes_costs_what_the_formula_says(copied):
    pages = -(-len(copied.events(min_start_time=text(copied.now() - timedelta(days=30)))) // 100)
    again = len(in_no_show_window(copied))
    assert again > 0
    calls = copied.calls(copied.copy)
    assert calls[EVENTS] == pages
    assert calls[INVITEES] == again
    assert sum(calls.values()) - pages - again <= 20


def test_a_second_copy_without_changes_changes_nothing(copied):
    before = copied.held()
    report = copied.copy()
    assert copied.held() == before
    assert [(one.new, one.changed, one.missing) for one in report.streams.values()] == [(0, 0, 0)] * len(
        report.streams
    )


def test_every_row_read_says_which_copy_read_it(copied):
    copied.timer.now += 60
    report = copied.copy()
    events = copied.held(stamps=True)["scheduled_events"]
    stamps = {row["synced_at"] for row in events.values()}
    assert report.began in stamps
    assert len(stamps) == 2  # the first copy read what the second left alone


def change(office):
    """Let everything happen that a copy is to see at once."""
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


def test_what_happened_since_is_found(copied):
    before = copied.held()
    change(copied)
    report = copied.copy()
    assert copied.held() == copied.fresh()
    assert copied.held() != before
    assert report.streams["no_shows"].new == 1
    assert report.streams["scheduled_events"].new == 2  # booked, and booked anew
    assert report.streams["scheduled_events"].changed >= 3


def test_changes_cost_one_call_for_each_changed_event(copied):
    upcoming = copied.events(min_start_time=text(copied.now() + timedelta(days=1)), status="active")[:4]
    copied.timer.now += 60
    for event in upcoming:
        copied.sandbox.cancel(event=event["uri"])
    booked = [copied.sandbox.book() for _ in range(2)]
    pages = -(-len(copied.events(min_start_time=text(copied.now() - timedelta(days=30)))) // 100)
    again = len(in_no_show_window(copied))
    calls = copied.calls(copied.copy)
    assert calls[INVITEES] == len(upcoming) + len(booked) + again
    assert sum(calls.values()) <= pages + len(upcoming) + len(booked) + again + 20
    assert copied.held() == copied.fresh()


def test_a_no_show_that_is_taken_back_is_found(copied):
    ended = copied.past_event(1)
    mark = copied.connection.run("invitee_no_shows.create", {"invitee": copied.invitee(ended)["uri"]}).record
    copied.copy()
    assert mark["uri"] in copied.held()["no_shows"]
    copied.connection.run("invitee_no_shows.delete", {"uuid": mark["uri"]})
    report = copied.copy()
    assert report.streams["no_shows"].missing == 1
    assert mark["uri"] not in copied.held()["no_shows"]
    assert copied.held(missing=True, stamps=True)["no_shows"][mark["uri"]]["missing_since"] == report.began
    assert copied.held() == copied.fresh()


@pytest.mark.parametrize(("age", "wait"), [(60, 8), (200, 31), (400, 183)])
def test_a_change_in_an_old_window_is_found_when_the_window_is_due(copied, age, wait):
    event = copied.past_event(age)
    copied.sandbox.cancel(event=event["uri"], reason="Very late")
    copied.copy()
    assert copied.held()["scheduled_events"][event["uri"]]["status"] == "active"
    copied.timer.now += wait * DAY_S
    copied.copy()
    assert copied.held()["scheduled_events"][event["uri"]]["status"] == "canceled"
    assert copied.held() == copied.fresh()


@pytest.mark.parametrize(("age", "wait"), [(12, 8), (40, 31)])
def test_a_late_no_show_is_found_when_its_event_is_due(copied, age, wait):
    invitee = copied.invitee(copied.past_event(age))
    mark = copied.connection.run("invitee_no_shows.create", {"invitee": invitee["uri"]}).record
    copied.copy()
    assert mark["uri"] not in copied.held()["no_shows"]
    copied.timer.now += wait * DAY_S
    copied.copy()
    assert mark["uri"] in copied.held()["no_shows"]


def test_an_event_that_ended_long_before_the_next_copy_is_read_once_more(copied):
    upcoming = copied.events(min_start_time=text(copied.now() + timedelta(days=2)), status="active")[0]
    invitee = copied.invitee(upcoming)
    copied.timer.now += 25 * DAY_S  # no copy came in the days after its end
    mark = copied.connection.run("invitee_no_shows.create", {"invitee": invitee["uri"]}).record
    copied.copy()
    assert mark["uri"] in copied.held()["no_shows"]


def test_a_deleted_contact_is_missing_after_the_next_whole_reading_and_back_when_it_returns(copied):
    world = copied.sandbox.world
    uri = f"{PUBLIC}/contacts/{fixtures.CONTACT}"
    contact = world.holdings.contacts.pop(fixtures.CONTACT)
    world.touch()
    copied.copy()
    assert uri in copied.held()["contacts"]  # only the newest ones were read
    copied.timer.now += 7 * DAY_S
    report = copied.copy()
    assert report.streams["contacts"].missing == 1
    assert copied.held(missing=True, stamps=True)["contacts"][uri]["missing_since"] == report.began
    world.holdings.contacts[fixtures.CONTACT] = contact
    world.touch()
    copied.timer.now += 7 * DAY_S
    copied.copy()
    assert copied.held() == copied.fresh()


def test_a_changed_contact_is_found_at_once(copied):
    uri = f"{PUBLIC}/contacts/{fixtures.CONTACT}"
    copied.timer.now += 3600
    copied.connection.run("contacts.update", {"uuid": uri, "company": "Elsewhere BV"})
    copied.copy()
    assert copied.held()["contacts"][uri]["company"] == "Elsewhere BV"


def test_only_new_and_changed_recaps_are_read_one_by_one(copied):
    event = copied.sandbox.book(start_time=text(copied.now() - timedelta(days=3)))["event"]
    made = copied.sandbox.control("POST", "/recaps", {"event": event["uri"]})["recap"]
    calls = copied.calls(copied.copy)
    assert calls["GET /meeting_recaps/{uuid}"] == 1
    assert copied.held()["meeting_recaps"][made["uri"]]["summary_md"] == made["summary_md"]
    copied.timer.now += 60
    copied.connection.run("meeting_recaps.update", {"uuid": made["uri"], "summary_md": "Another one."})
    assert copied.calls(copied.copy)["GET /meeting_recaps/{uuid}"] == 1
    assert copied.held()["meeting_recaps"][made["uri"]]["summary_md"] == "Another one."


def answer(office, questions):
    """Book, and let the invitee have answered these questions."""
    booked = office.sandbox.book()
    world = office.sandbox.world
    number = world.event_number(booked["event"]["uri"].rpartition("/")[2])
    world.keep(number).invitees[0]["questions_and_answers"] = [
        {"question": question, "answer": said, "position": place}
        for place, (question, said) in enumerate(questions)
    ]
    return booked["invitee"]["uri"]


def test_a_new_question_becomes_a_column(copied):
    invitee = answer(copied, [("How did you hear?", "From a friend")])
    copied.copy()
    assert copied.held()["invitees"][invitee]["How did you hear?"] == "From a friend"
    assert "answer_how_did_you_hear" in columns(copied.url, "invitees")
    assert copied.held() == copied.fresh()


def test_an_event_that_is_gone_takes_its_invitees_and_no_shows_along(copied):
    booked = copied.sandbox.book(start_time=text(copied.now() - timedelta(days=3)))
    gone = booked["event"]
    copied.connection.run("invitee_no_shows.create", {"invitee": booked["invitee"]["uri"]})
    copied.copy()
    number = copied.sandbox.world.event_number(gone["uri"].rpartition("/")[2])
    kept = copied.sandbox.world.keep(number)
    organization, kept.organization = kept.organization, -1
    report = copied.copy()
    assert report.streams["scheduled_events"].missing == 1
    assert report.streams["invitees"].missing == 1
    assert report.streams["no_shows"].missing == 1
    assert all(row["event"] != gone["uri"] for row in copied.held()["invitees"].values())
    kept.organization = organization
    copied.copy()
    assert copied.held() == copied.fresh()


def test_a_clock_that_was_set_back_loses_nothing(copied):
    copied.timer.now -= 3600
    change(copied)
    report = copied.copy()
    assert copied.held() == copied.fresh()
    assert report.streams["contacts"].missing == 0


# Tokens that may read less


def test_a_member_copies_what_is_their_own(office):
    report = office.copy(token="sandbox-member")
    assert not report.whole_organization
    assert any("not an admin or owner" in warning for warning in report.warnings)
    held = office.held()
    member = office.sandbox.world.population.members[2].user["uri"]
    assert held["users"].keys() == {member}
    assert held["scheduled_events"].keys() == by_uri(office.events(user=member)).keys()
    assert 0 < len(held["scheduled_events"]) < MADE


def test_an_admin_may_copy_what_is_their_own(office):
    office.copy(own=True)
    owner = f"{PUBLIC}/users/{fixtures.OWNER}"
    assert office.held()["scheduled_events"].keys() == by_uri(office.events(user=owner)).keys()


@pytest.mark.parametrize("other", [{"own": True}, {"token": "sandbox-member"}, {"token": "sandbox-free"}])
def test_a_copy_is_never_mixed_with_another_view_of_the_account(copied, other):
    before = copied.held()
    with pytest.raises(UsageError, match="another destination"):
        copied.copy(**other)
    assert copied.held() == before


def mint(office, *scopes, **more):
    office.sandbox.control("POST", "/tokens", {"name": "few", "scopes": list(scopes), **more})
    return "few"


def test_what_the_token_may_not_read_is_left_out_and_told(office):
    token = mint(office, "users:read", "organizations:read", "scheduled_events:read")
    report = office.copy(token=token)
    left_out = {"event_types", "routing_forms", "contacts", "meeting_recaps"}
    assert {warning.partition(" ")[0] for warning in report.warnings} == left_out
    held = office.held()
    assert len(held["scheduled_events"]) == MADE
    assert not any(held[name] for name in (*left_out, "routing_form_submissions"))


@pytest.mark.parametrize("stream", ["contacts", "routing_form_submissions"])
def test_a_stream_that_was_named_must_be_readable(office, stream):
    token = mint(office, "users:read", "organizations:read", "scheduled_events:read")
    with pytest.raises(PermissionDenied):
        office.copy(token=token, streams=(stream,))


def test_a_token_that_may_not_read_its_role_copies_its_users_own(office):
    report = office.copy(token=mint(office, "users:read", "scheduled_events:read"))
    assert not report.whole_organization
    assert any("organizations:read" in warning for warning in report.warnings)
    assert 0 < len(office.held()["scheduled_events"]) < MADE


def test_a_free_plan_leaves_out_what_it_does_not_have(office):
    report = office.copy(token="sandbox-free")
    assert any(warning.startswith("meeting_recaps was left out") for warning in report.warnings)
    assert office.held()["scheduled_events"]


def test_streams_bring_along_what_they_need(office):
    calls = office.calls(lambda: office.copy(streams=("no_shows",)))
    held = office.held()
    assert [name for name, rows in held.items() if rows] == ["scheduled_events", "invitees", "no_shows"]
    assert not any("contacts" in operation for operation in calls)


def test_a_stream_that_does_not_exist_is_refused_with_the_nearest_one(office):
    with pytest.raises(UsageError, match="Did you mean contacts"):
        office.copy(streams=("contact",))
    assert not office.file.exists()


def test_invitees_that_were_not_wanted_at_first_are_all_read_later(office):
    office.copy(streams=("scheduled_events",))
    office.sandbox.cancel(event=office.past_event(12)["uri"])
    office.copy(streams=("scheduled_events",))
    office.copy()
    assert office.held() == office.fresh()


# What strangers write


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


def test_whatever_a_question_says_its_answers_stand_in_one_column_of_their_own(copied):
    answers = [(question, f"answer {place}") for place, question in enumerate(HOSTILE)]
    invitee = answer(copied, answers)
    before = columns(copied.url, "invitees")
    copied.copy()
    row = copied.held()["invitees"][invitee]
    for question, said in answers:
        assert row[question.replace("\0", "\N{REPLACEMENT CHARACTER}")] == said
    made = [name for name in columns(copied.url, "invitees") if name not in before]
    assert len({name.lower() for name in made}) == len(HOSTILE)
    assert all(name.isascii() and len(name) <= 63 and name.startswith("answer_") for name in made)
    copied.copy()  # the columns are known again
    assert [name for name in columns(copied.url, "invitees") if name not in before] == made


def test_a_question_asked_twice_keeps_both_answers(copied):
    invitee = answer(copied, [("Same?", "one"), ("Same?", "two")])
    copied.copy()
    assert copied.held()["invitees"][invitee]["Same?"] == "one\ntwo"


def test_too_many_questions_are_told_and_stay_in_the_json_column(copied):
    known = sum(name.startswith("answer_") for name in columns(copied.url, "invitees"))
    invitee = answer(copied, [(f"Question {number}", str(number)) for number in range(501)])
    report = copied.copy(streams=("invitees",))
    assert any("more questions than columns" in warning for warning in report.warnings)
    assert sum(name.startswith("answer_") for name in columns(copied.url, "invitees")) == 500
    row = copied.held()["invitees"][invitee]
    assert len(row["questions_and_answers"]) == 501
    assert sum(name.startswith("Question ") for name in row) == 500 - known


def test_unknown_properties_and_values_of_another_type_are_kept(make_sandbox, connect, timer, tmp_path):
    with make_sandbox(clock=timer, events=10, check_replies=False) as sandbox:
        office = Office(sandbox, connect, timer, tmp_path)
        event = sandbox.book()["event"]
        kept = sandbox.world.keep(sandbox.world.event_number(event["uri"].rpartition("/")[2]))
        kept.event |= {"brand_new": {"deep": [1, None]}, "name": 17, "other": "theirs", "synced_at": "too"}
        report = office.copy()
        row = office.held(stamps=True)["scheduled_events"][event["uri"]]
    assert row["other"] == {
        "brand_new": {"deep": [1, None]},
        "name": 17,
        "other": "theirs",
        "synced_at": "too",
    }
    assert row["name"] is None
    assert row["synced_at"] == report.began
    assert any("scheduled_events" in warning for warning in report.warnings)


# Trouble


class Trouble:
    """Makes something happen after some pages."""

    def __init__(self, after, happen):
        self._left, self._happen = after, happen

    def __call__(self, _progress):
        self._left -= 1
        if self._left == 0:
            self._happen()


TROUBLE = {
    "errors": ({"kind": "status", "status": 500}, CalendlyDown),
    "resets": ({"kind": "reset"}, NoAnswer),
    "a revoked token": ({"kind": "status", "status": 401}, Unauthenticated),
    "HTML": ({"kind": "html"}, ConnectorError),
    "cut replies": ({"kind": "truncate"}, ConnectorError),
}


@pytest.mark.parametrize("after", [1, 7, 13, 14])
@pytest.mark.parametrize("trouble", TROUBLE)
def test_after_trouble_the_next_copy_goes_on_where_this_one_stopped(office, unchanged, trouble, after):
    fault, error = TROUBLE[trouble]
    with pytest.raises(error):
        office.copy(watch=Trouble(after, lambda: office.sandbox.fault(**fault, times=1000)))
    office.sandbox.control("DELETE", "/faults")
    before = {name: len(rows) for name, rows in office.held().items()}
    report = office.copy()
    assert report.resumed
    held = office.held()
    new = report.streams.get("invitees", sync.StreamReport()).new
    assert new == len(held["invitees"]) - before["invitees"]
    assert held == unchanged


def test_a_copy_can_be_stopped_after_a_page_and_goes_on_later(office, unchanged):
    report = office.copy(stop=lambda: bool(office.held()["scheduled_events"]))
    assert report.outcome == "stopped"
    assert 0 < len(office.held()["scheduled_events"]) < MADE
    rest = office.copy()
    assert rest.resumed
    assert rest.outcome == "done"
    assert rest.streams["invitees"].calls < MADE
    assert office.held() == unchanged


def test_a_copy_of_other_tables_in_between_leaves_the_position_and_loses_nothing(office):
    office.copy(stop=lambda: len(office.held()["scheduled_events"]) >= 100)
    office.timer.now += 60
    office.copy(streams=("scheduled_events", "contacts"))
    report = office.copy()
    assert report.resumed
    assert [one.missing for one in report.streams.values()] == [0] * len(report.streams)
    assert report.streams["invitees"].calls < MADE
    assert office.held() == office.fresh()


def test_what_changed_while_a_copy_lay_interrupted_is_found_when_it_goes_on(office):
    office.copy(stop=lambda: bool(office.held()["scheduled_events"]))
    change(office)
    office.timer.now += 2 * 3600  # what it had read is old by now, so it reads the window once more
    report = office.copy()
    assert report.resumed
    assert office.held() == office.fresh()


def test_a_later_copy_into_the_same_place_takes_over(office, unchanged):
    with pytest.raises(TakenOver, match="later sync"):
        office.copy(watch=Trouble(3, office.copy))
    assert office.held() == unchanged


def test_a_list_that_is_refused_in_its_middle_marks_nothing_as_missing(copied):
    copied.sandbox.fault("status", path="/contacts", status=500, times=1000)
    with pytest.raises(CalendlyDown):
        copied.copy()
    assert len(copied.held()["contacts"]) == 16


def test_nothing_is_missing_from_a_list_that_calendly_did_not_give_whole(copied, monkeypatch):
    whole = copied.connection.iterate

    def short(action, params=None, **more):
        records = whole(action, params, **more)
        if action != "invitees.list":
            records.pages = lambda: iter(())
        return records

    monkeypatch.setattr(copied.connection, "iterate", short)
    copied.timer.now += 31 * DAY_S  # most would be read whole
    report = copied.copy()
    assert any("did not give the whole list" in warning for warning in report.warnings)
    assert sum(one.missing for one in report.streams.values()) == 0
    monkeypatch.undo()
    change(copied)
    copied.copy()
    assert copied.held() == copied.fresh()


def uuid(record):
    return record["uri"].rpartition("/")[2]


def test_invitees_that_are_not_found_for_a_moment_are_read_by_the_next_copy(copied):
    event = copied.sandbox.book()["event"]
    copied.sandbox.fault("status", path=f"/scheduled_events/{uuid(event)}/invitees", status=404)
    report = copied.copy()
    assert any("next sync reads it again" in warning for warning in report.warnings)
    assert event["uri"] in copied.held()["scheduled_events"]
    copied.copy()
    assert copied.held() == copied.fresh()


class Short:
    """A list of which nothing came, and which says so."""

    complete, calls, warnings = False, 1, ()

    def __iter__(self):
        return iter(())


def test_invitees_that_an_answer_lacks_are_not_missing(copied, monkeypatch):
    whole = copied.connection.iterate

    def short(action, params=None, **more):
        return Short() if action == "invitees.list" else whole(action, params, **more)

    before = copied.held()
    with monkeypatch.context() as patch:
        patch.setattr(copied.connection, "iterate", short)
        report = copied.copy()
    assert any("next sync reads it again" in warning for warning in report.warnings)
    assert copied.held() == before
    copied.copy()
    assert copied.held() == copied.fresh()


def test_an_event_whose_invitees_may_not_be_seen_is_copied_without_them(copied):
    event = copied.sandbox.book()["event"]
    copied.sandbox.fault("status", path=f"/scheduled_events/{uuid(event)}/invitees", status=403)
    report = copied.copy()
    assert any("may not see those of some events" in warning for warning in report.warnings)
    assert event["uri"] in copied.held()["scheduled_events"]
    assert report.outcome == "done"


def test_a_recap_that_goes_before_it_is_read_is_left_out(office, unchanged):
    office.sandbox.fault("status", path=f"/meeting_recaps/{fixtures.RECAP}", status=404)
    office.copy()
    assert f"{PUBLIC}/meeting_recaps/{fixtures.RECAP}" not in office.held()["meeting_recaps"]
    office.copy()
    assert office.held() == unchanged


# What webhooks mark


def told(kind, payload):
    return Event(id="1", kind=kind, created_at="2026-11-18T11:00:00Z", created_by=None, payload=payload)


def test_a_marked_event_is_read_again_also_outside_the_window(copied):
    event = copied.past_event(200)
    canceled = copied.sandbox.cancel(event=event["uri"], reason="Late")["invitees"][0]
    assert sync.mark(str(copied.file), [told("invitee.canceled", canceled | {"scheduled_event": event})]) == 1
    calls = copied.calls(lambda: copied.copy(only_marked=True))
    assert calls == {
        "GET /users/me": 1,
        "GET /organization_memberships": 1,
        "GET /scheduled_events/{uuid}": 1,
        INVITEES: 1,
    }
    assert copied.held() == copied.fresh()
    assert count_internal(copied.url, "marks") == 0


def test_marks_of_all_kinds_are_read_again(copied):
    connection, contact = copied.connection, f"{PUBLIC}/contacts/{fixtures.CONTACT}"
    copied.timer.now += 60
    connection.run("contacts.delete", {"uuid": contact})
    submission = copied.sandbox.control("POST", "/submissions", {})["submission"]
    moved = copied.sandbox.reschedule(invitee=copied.invitee(copied.past_event(200))["uri"])
    connection.run("event_types.update", {"uuid": fixtures.INTRO_CALL, "name": "First call"})
    events = [
        told("contact.deleted", {"user_uuid": "x", "contact": {"uri": contact}}),
        told("routing_form_submission.created", submission),
        told("invitee.created", moved["invitee"]),
        told("event_type.updated", {"uri": f"{PUBLIC}/event_types/{fixtures.INTRO_CALL}"}),
    ]
    assert sync.mark(str(copied.file), events) == 5
    copied.copy(only_marked=True)
    assert copied.held()["contacts"].keys() == copied.fresh()["contacts"].keys()
    assert copied.held() == copied.fresh()


def test_marking_needs_no_copy_to_be_there_yet(office, unchanged):
    event = office.past_event(12)
    assert sync.mark(str(office.file), [told("invitee.created", {"event": event["uri"]})]) == 1
    office.copy()
    assert office.held() == unchanged


def test_a_mark_that_is_set_while_it_is_read_stays(copied):
    event = copied.past_event(200)
    invitee = told("invitee.canceled", {"event": event["uri"]})
    sync.mark(str(copied.file), [invitee])
    run = copied.connection.run

    def mark_again(*words, **more):
        sync.mark(str(copied.file), [invitee])
        return run(*words, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(copied.connection, "run", mark_again)
        copied.copy(only_marked=True)
    assert count_internal(copied.url, "marks") == 1


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"uri": 17, "event": None, "scheduled_event": "text"},
        {"uri": "https://evil.example/webhook_subscriptions/1"},
        {"uri": "https://api.calendly.com/scheduled_events/../users/1"},
    ],
)
def test_what_names_no_record_marks_nothing(copied, payload):
    assert sync.mark(str(copied.file), [told("invitee.created", payload)]) == 0


def test_a_mark_on_another_host_is_dropped_before_anything_is_sent_there(copied, unvisited):
    uri = f"{unvisited.url}/scheduled_events/1"
    assert sync.mark(str(copied.file), [told("invitee.created", {"event": uri})]) == 1
    report = copied.copy(only_marked=True)
    assert any("was not read" in warning for warning in report.warnings)
    assert count_internal(copied.url, "marks") == 0


def test_marks_while_a_copy_lies_interrupted_do_not_make_rows_missing(office):
    office.copy(stop=lambda: len(office.held()["scheduled_events"]) >= 100)
    uris = list(office.held()["scheduled_events"])[:3]
    sync.mark(str(office.file), [told("invitee.created", {"event": uri}) for uri in uris])
    office.timer.now += 60
    office.copy(only_marked=True)
    office.copy()
    assert office.held() == office.fresh()


# What webhook bodies hold


def body(told, event, *, kind="invitee.created", at="2026-11-18T11:00:00.000000Z", **changes):
    """Return a webhook's event about an invitee, as Calendly sends it."""
    around = {name: value for name, value in event.items() if name != "calendar_event"}
    payload = {**told, "scheduled_event": around, **changes}
    return Event(id="1", kind=kind, created_at=at, created_by=None, payload=payload)


ASKS_WHO_IT_IS = {"GET /users/me": 1, "GET /organization_memberships": 1}


def test_an_invitee_in_a_webhook_body_costs_no_call(copied):
    booked = copied.sandbox.book(answers=["Pricing"])
    assert sync.mark(str(copied.file), [body(booked["invitee"], booked["event"])]) == 1
    reports = []
    assert copied.calls(lambda: reports.append(copied.copy(only_marked=True))) == ASKS_WHO_IT_IS
    assert reports[0].from_webhooks == 1
    assert (reports[0].streams["invitees"].new, reports[0].streams["invitees"].calls) == (1, 0)
    assert count_internal(copied.url, "marks") == 0
    fresh = copied.fresh()
    uri, event = booked["invitee"]["uri"], booked["event"]["uri"]
    assert copied.held()["invitees"][uri] == fresh["invitees"][uri]
    assert copied.held()["scheduled_events"][event] == fresh["scheduled_events"][event] | {
        "calendar_event": None  # no webhook tells it
    }
    assert copied.calls(lambda: copied.copy(no_show_days=0)).get(INVITEES, 0) == 0
    assert copied.held() == copied.fresh()


def test_a_cancellation_and_a_reschedule_in_webhook_bodies_cost_no_call(copied):
    first, second = copied.sandbox.book(), copied.sandbox.book()
    copied.copy()
    copied.timer.now += 60
    canceled = copied.sandbox.cancel(invitee=first["invitee"]["uri"])
    moved = copied.sandbox.reschedule(invitee=second["invitee"]["uri"])
    old_event = copied.connection.run("scheduled_events.get", {"uuid": second["event"]["uri"]}).record
    rescheduled = told(
        "invitee.rescheduled",
        {
            "old": {**moved["old_invitee"], "scheduled_event": old_event},
            "new": {**moved["invitee"], "scheduled_event": moved["event"]},
        },
    )
    events = [body(canceled["invitees"][0], canceled["event"], kind="invitee.canceled"), rescheduled]
    assert sync.mark(str(copied.file), events) == 3
    assert copied.calls(lambda: copied.copy(only_marked=True)) == ASKS_WHO_IT_IS
    assert copied.held() == copied.fresh()


def later(record, seconds):
    moment = datetime.fromisoformat(record["updated_at"]) + timedelta(seconds=seconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def test_an_older_body_never_overwrites_a_newer_row(copied):
    booked = copied.sandbox.book()
    copied.copy()
    held = copied.held()
    older = body(booked["invitee"], booked["event"], name="Older", updated_at=later(booked["invitee"], -1))
    sync.mark(str(copied.file), [older])
    assert copied.calls(lambda: copied.copy(only_marked=True)) == ASKS_WHO_IT_IS
    assert copied.held() == held
    assert count_internal(copied.url, "marks") == 0


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("together", [True, False])
def test_of_two_bodies_the_newer_one_holds_in_whatever_order_they_come(copied, order, together):
    booked = copied.sandbox.book()
    newer = body(booked["invitee"], booked["event"], name="Newer")
    older = body(booked["invitee"], booked["event"], name="Older", updated_at=later(booked["invitee"], -1))
    events = [older, newer][::order]
    for some in [events] if together else [[event] for event in events]:
        sync.mark(str(copied.file), some)
    assert copied.calls(lambda: copied.copy(only_marked=True)) == ASKS_WHO_IT_IS
    assert copied.held()["invitees"][booked["invitee"]["uri"]]["name"] == "Newer"


def test_where_a_body_and_a_row_of_the_same_moment_differ_calendly_is_asked(copied):
    booked = copied.sandbox.book()
    copied.copy()
    sync.mark(str(copied.file), [body(booked["invitee"], booked["event"], name="Somebody else")])
    calls = copied.calls(lambda: copied.copy(only_marked=True))
    assert calls["GET /scheduled_events/{uuid}"] == 1
    assert copied.held()["invitees"][booked["invitee"]["uri"]]["name"] == booked["invitee"]["name"]
    assert count_internal(copied.url, "marks") == 0


def test_a_body_whose_event_counts_more_invitees_than_are_known_is_read(copied):
    booked = copied.sandbox.book()
    counter = {**booked["event"]["invitees_counter"], "total": 2, "active": 2}
    sync.mark(str(copied.file), [body(booked["invitee"], booked["event"] | {"invitees_counter": counter})])
    calls = copied.calls(lambda: copied.copy(only_marked=True))
    assert calls == {**ASKS_WHO_IT_IS, "GET /scheduled_events/{uuid}": 1, INVITEES: 1}
    assert copied.held() == copied.fresh()


def test_a_no_show_in_a_body_is_a_row_and_goes_missing_with_it(copied):
    event = copied.past_event(3)
    invitee, mark = copied.invitee(event), f"{PUBLIC}/invitee_no_shows/1"
    shown = {"uri": mark, "created_at": "2026-11-18T11:00:00.000000Z"}
    for number, no_show in enumerate((shown, None), start=1):
        told_of = body(invitee, event, no_show=no_show, updated_at=later(invitee, number))
        sync.mark(str(copied.file), [told_of])
        copied.timer.now += 1
        assert copied.calls(lambda: copied.copy(only_marked=True)) == ASKS_WHO_IT_IS
        assert (mark in copied.held()["no_shows"]) is bool(no_show)
    assert copied.held(missing=True)["no_shows"][mark]["invitee"] == invitee["uri"]


def test_a_body_of_somebody_elses_event_is_not_taken_into_a_copy_of_ones_own(office):
    office.copy(own=True)
    me = office.connection.run("users.me").record["uri"]
    event = next(
        event
        for event in office.events(status="active")
        if me not in {one["user"] for one in event["event_memberships"]}
    )
    sync.mark(str(office.file), [body(office.invitee(event), event)])
    assert office.copy(own=True, only_marked=True).from_webhooks == 0


@pytest.mark.parametrize("strange", [float("nan"), json.loads("[" * 100 + "]" * 100)])
def test_a_body_that_no_database_holds_marks_its_event(copied, strange):
    booked = copied.sandbox.book()
    assert sync.mark(str(copied.file), [body(booked["invitee"], booked["event"], strange=strange)]) == 1
    assert copied.copy(only_marked=True).from_webhooks == 0
    assert booked["invitee"]["uri"] in copied.held()["invitees"]


def test_marks_of_an_older_copy_get_a_place_for_bodies(copied):
    import sqlite3

    with sqlite3.connect(copied.file) as older:
        older.execute("ALTER TABLE calendly_sync_marks DROP COLUMN body")
    older.close()
    booked = copied.sandbox.book()
    sync.mark(str(copied.file), [body(booked["invitee"], booked["event"])])
    assert copied.copy(only_marked=True).from_webhooks == 1


def test_a_plan_counts_no_call_for_a_body(copied):
    booked = copied.sandbox.book()
    sync.mark(str(copied.file), [body(booked["invitee"], booked["event"])])
    assert "marked" not in {one.stream for one in plan(copied).streams}


# Files


def read_lines(path):
    return by_uri(json.loads(line) for line in path.read_text().splitlines())


def test_a_folder_holds_one_line_for_each_record(office, tmp_path):
    folder = tmp_path / "files"
    report = office.copy(folder, form="jsonl")
    assert sorted(report.files) == sorted(f"{name}.jsonl" for name in streams())
    for name, rows in office.fresh().items():
        lines = (folder / f"{name}.jsonl").read_text().splitlines()
        assert len(lines) == len(rows)
        assert read_lines(folder / f"{name}.jsonl").keys() == rows.keys()
    event = office.past_event(12)
    assert read_lines(folder / "scheduled_events.jsonl")[event["uri"]] == ignoring_nothing_said(event)


def test_only_files_whose_records_changed_are_written_again(office, tmp_path):
    folder = tmp_path / "files"
    office.copy(folder, form="jsonl")
    assert office.copy(folder, form="jsonl").files == []
    office.sandbox.book()
    assert sorted(office.copy(folder, form="jsonl").files) == ["invitees.jsonl", "scheduled_events.jsonl"]
    (folder / "users.jsonl").unlink()
    assert office.copy(folder, form="jsonl").files == ["users.jsonl"]


def test_what_is_missing_says_so_in_its_line(office, tmp_path):
    folder = tmp_path / "files"
    office.copy(folder, form="jsonl")
    office.sandbox.world.holdings.contacts.pop(fixtures.CONTACT)
    office.sandbox.world.touch()
    office.timer.now += 7 * DAY_S
    report = office.copy(folder, form="jsonl")
    line = read_lines(folder / "contacts.jsonl")[f"{PUBLIC}/contacts/{fixtures.CONTACT}"]
    assert line["missing_since"] == report.began


def test_csv_has_a_column_for_each_property_and_answer(office, tmp_path):
    import csv

    folder = tmp_path / "files"
    office.copy(folder, form="csv")
    with (folder / "invitees.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    fresh = office.fresh()["invitees"]
    assert {row["uri"] for row in rows} == fresh.keys()
    assert all(
        json.loads(row["questions_and_answers"]) == fresh[row["uri"]]["questions_and_answers"] for row in rows
    )
    assert any(row["answer_what_would_you_like_to_discuss"] for row in rows)


def test_files_are_written_after_a_copy_that_was_killed_before_it_wrote_them(office, tmp_path, monkeypatch):
    folder = tmp_path / "files"
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", lambda _file: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        with pytest.raises(DestinationError, match="No space left"):
            office.copy(folder, form="jsonl")
    assert not list(folder.glob("*.jsonl"))
    assert len(office.copy(folder, form="jsonl").files) == len(streams())


# Destinations


def test_a_file_may_have_any_name(office, tmp_path):
    path = tmp_path / "new folder" / "a b?c#d%e.db"
    office.copy(path, streams=("users",))
    assert path.is_file()


def test_a_database_with_a_table_of_somebody_else_is_refused(office):
    import sqlite3

    with sqlite3.connect(office.file) as theirs:
        theirs.execute("CREATE TABLE users (id INTEGER)")
    theirs.close()
    with pytest.raises(UsageError, match="table users that is no part of a copy"):
        office.copy()


def test_columns_that_a_later_version_declares_are_added(copied):
    import sqlite3

    with sqlite3.connect(copied.file) as older:
        older.execute("ALTER TABLE contacts DROP COLUMN company")
    older.close()
    copied.timer.now += 7 * DAY_S
    copied.copy()
    assert copied.held() == copied.fresh()


@pytest.mark.parametrize(
    ("to", "form", "words"),
    [
        ("", None, "no destination"),
        ("nonsense://x", None, "no database's URL"),
        ("sqlite://x:y:z/", None, "no database's URL"),
        (".", None, "is a folder"),
        ("sqlite:///x.db", "csv", "go into a folder"),
        ("mysql+pymysql://x@127.0.0.1/x", None, "needs the module pymysql"),
    ],
)
def test_a_destination_that_is_none_is_refused_before_any_call(connect, unvisited, to, form, words):
    with pytest.raises(UsageError, match=words):
        sync.copy(connect(unvisited), to, form=form)


def test_a_password_is_in_no_error(connect, unvisited, closed_port):
    to = f"postgresql+psycopg://me:opensesame@127.0.0.1:{closed_port}/x"
    with pytest.raises(DestinationError) as caught:
        sync.copy(connect(unvisited), to)
    assert "opensesame" not in f"{caught.value} {caught.value!r} {caught.value.to_dict()}"
    assert caught.value.__cause__ is None


def test_a_file_that_is_no_database_is_refused(office):
    office.file.write_text("This is a letter, not a database. " * 100)
    with pytest.raises(DestinationError, match="not a database"):
        office.copy()


def test_no_token_is_in_a_copy(copied):
    assert b"sandbox-owner" not in copied.file.read_bytes()


@pytest.mark.parametrize("wrong", [{"window_days": 0}, {"no_show_days": -1}, {"threads": 0}, {"threads": 65}])
def test_options_that_make_no_sense_are_refused(wrong):
    with pytest.raises(UsageError):
        sync.Options(**wrong)


# Plans


def plan(office, **options):
    return sync.plan(office.connection, str(office.file), sync.Options(**options), clock=office.now)


def test_a_plan_of_a_first_copy_makes_nothing_and_comes_near(office):
    planned = plan(office)
    assert not office.file.exists()
    counts = office.calls(office.copy)
    assert planned.calls == pytest.approx(sum(counts.values()), rel=0.3)
    assert planned.minutes is None  # this sandbox tells no limit


def test_a_plan_of_a_later_copy_counts_what_is_there(copied):
    planned = plan(copied)
    assert planned.spent <= 2
    counts = copied.calls(copied.copy)
    assert abs(planned.calls - sum(counts.values())) <= 2


def test_a_plan_says_what_will_be_left_out(make_sandbox, connect, timer, tmp_path):
    with make_sandbox(clock=timer, rate_limit=50, events=60) as sandbox:
        office = Office(sandbox, connect, timer, tmp_path)
        office.connection = connect(
            sandbox, mint(office, "users:read", "organizations:read", "scheduled_events:read")
        )
        planned = plan(office)
    assert {warning.partition(" ")[0] for warning in planned.warnings} >= {"contacts", "meeting_recaps"}
    assert planned.minutes >= 1


def test_a_plan_of_an_interrupted_copy_counts_what_is_left(office):
    office.copy(stop=lambda: len(office.held()["scheduled_events"]) >= 100)
    planned = {one.stream: one.calls for one in plan(office).streams}
    assert planned["contacts"] == 0
    assert planned["scheduled_events"] == 1
