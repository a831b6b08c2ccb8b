"""Lists of runs, their counts and charts, on both databases; and one run in words."""

import json
import logging
from dataclasses import replace

import pytest
import sqlalchemy as sa
from calendly_connector.agent.engine import tables
from calendly_connector.agent.engine.connections import Connections
from calendly_connector.agent.engine.engine import Engine
from calendly_connector.agent.workspace import Workspace, activity, run_view, runs
from calendly_connector.agent.workspace.runs import RunFilter
from calendly_connector.contract import Result
from calendly_connector.errors import UsageError
from calendly_connector.support.clock import Timing
from many_runs import add_calls, add_runs
from small_flows import event, read, step, text

pytest_plugins = ["engine_fixtures"]

NOW = 1_795_000_020.0
MANY = 120


def at_rest(url):
    """Return a workspace whose engine carries out nothing."""
    timing = Timing(clock=lambda: NOW)
    engine = Engine(url, read=read, connections=Connections(), timing=timing)
    engine.start(works=False)
    return Workspace(engine, None, {}, {}, timing)


@pytest.fixture(params=["sqlite", "postgresql"])
def filled(request, tmp_path):
    """Return a workspace with runs in a database."""
    sqlite = request.param == "sqlite"
    url = f"sqlite:///{tmp_path}/agent.db" if sqlite else request.getfixturevalue("postgres_url")
    workspace = at_rest(url)
    add_runs(workspace.engine.database, MANY, now=NOW)
    add_runs(workspace.engine.database, 3, now=NOW - 40 * 86400, flow="other")
    yield workspace
    workspace.engine.stop()


def ids(page):
    return [row.id for row in page.rows]


def test_pages_hold_each_run_once_the_newest_first_even_if_new_ones_arrive(filled):
    seen, place = [], None
    for number in range(4):
        page = runs.find(filled, RunFilter(), after=place, limit=40)
        seen += ids(page)
        place = page.next
        add_runs(filled.engine.database, 5, now=NOW + 60 * number, flow=f"new-{number}")
    expected = [f"notes:event-{number}" for number in reversed(range(MANY))]
    assert seen == [*expected, *(f"other:event-{number}" for number in (2, 1, 0))]
    assert place is None


def test_runs_of_the_same_moment_are_on_one_page_only(filled):
    add_runs(filled.engine.database, 9, now=NOW, every_s=0.0, flow="same")
    wanted, place, seen = RunFilter("same"), None, []
    for _ in range(3):
        page = runs.find(filled, wanted, after=place, limit=3)
        seen, place = seen + ids(page), page.next
    assert sorted(seen) == [f"same:event-{number}" for number in range(9)]


def test_filters_narrow_the_list_and_count_together(filled):
    failed = runs.find(filled, RunFilter(states=("failed",)), limit=1000)
    assert len(failed.rows) == MANY // 5
    assert {row.state_word for row in failed.rows} == {"Failed"}
    polled = runs.find(filled, RunFilter("notes", by="polling", within="1h"), limit=1000)
    assert len(polled.rows) == 20
    assert {row.by for row in polled.rows} == {"Polling"}
    assert ids(runs.find(filled, RunFilter(text="notes:event-77"))) == ["notes:event-77"]
    (row,) = runs.find(filled, RunFilter(text="notes:event-77")).rows
    assert ids(runs.find(filled, RunFilter(text=row.short_id))) == ["notes:event-77"]
    for wildcard in ("%", "_", "\0' OR 1=1 --", "\ud800"):
        assert not runs.find(filled, RunFilter(text=wildcard, flow="nothing")).rows
    assert not runs.find(filled, RunFilter(text="%")).rows
    counted = {"done": 72, "filtered": 24, "failed": 24}
    assert runs.counts(filled, RunFilter("notes", states=("failed",))) == counted


def test_a_list_that_is_shown_is_read_again_down_to_its_last_run(filled):
    page = runs.find(filled, RunFilter(), limit=10)
    add_runs(filled.engine.database, 2, now=NOW + 120, flow="new")
    again = runs.refresh(filled, RunFilter(), page.rows[-1].place)
    assert [row.id for row in again] == ["new:event-1", "new:event-0", *ids(page)]


def test_rows_are_in_words(filled):
    row = runs.find(filled, RunFilter(text="notes:event-119")).rows[0]
    found = (row.started, row.started_at, row.duration, row.by, row.event)
    assert found == ("just now", "2026-11-18 11:07:00 UTC", "1.5 s", "Webhook", "entry.asked")


def test_charts_count_runs_failures_and_api_calls(filled):
    add_calls(filled.engine.database, now=NOW)
    add_calls(filled.engine.database, now=NOW, connection_name="http/", calls=1)
    for name, wanted in activity.RANGES.items():
        found = activity.find(filled, name)
        assert len(found.labels) == len(found.runs) == wanted.number
        assert (sum(found.runs), sum(found.failures)) == (MANY, MANY // 5)
        assert [(budget.connection, budget.total) for budget in found.budgets] == [
            ("calendly/work", 70),
            ("http", 10),
        ]
    first = activity.find(filled, "24h")
    assert first.runs[-3:] == (52, 60, 8)  # hours begin at the full hour
    assert first.budgets[0].headroom == "40 of 60 per minute left, just now"
    assert first.summary.startswith(f"{MANY} runs in the last 24 hours, 24 of them failed")
    assert activity.find(filled, "nonsense") == first


def test_the_charts_of_an_empty_agent_say_so(database):
    workspace = at_rest(database)
    assert activity.find(workspace, "7d").summary == "No runs in the last 7 days."
    workspace.engine.stop()


def test_runs_of_an_older_agent_are_listed_after_the_migration(filled):
    database = filled.engine.database
    with database.transaction() as connection:
        for index in tables.RUNS.indexes:
            if index.name == "agent_runs_by_time":
                index.drop(connection)
        for name in ("started_by", "event_id", "event_kind"):
            connection.exec_driver_sql(f"ALTER TABLE agent_runs DROP COLUMN {name}")
        connection.exec_driver_sql("DROP TABLE agent_calls")
        connection.execute(sa.update(tables.SCHEMA).values(version=1))
        odd = {"by": "manual", "event": {"id": "odd", "kind": "x\0", "payload": "\0"}}
        changed = sa.update(tables.RUNS).where(tables.RUNS.c.id == "notes:event-0")
        connection.execute(changed.values(trigger=odd))
        empty = sa.update(tables.RUNS).where(tables.RUNS.c.id == "notes:event-1")
        connection.execute(empty.values(trigger={"by": "manual", "event": None}))
    database.create()
    found = runs.find(filled, RunFilter("notes"), limit=1000).rows
    assert len(found) == MANY
    assert [(row.by, row.event) for row in found[-3:]] == [
        ("Webhook", "entry.asked"),
        ("By hand", ""),
        ("By hand", "x"),
    ]


def test_the_list_and_the_charts_use_indexes(database):
    workspace = at_rest(database)
    engine = sa.create_engine(database)
    queries = (
        "SELECT id FROM agent_runs WHERE (created_at, id) < (1.0, 'a') ORDER BY created_at DESC, id DESC",
        "SELECT state, count(*) FROM agent_runs GROUP BY state",
        "SELECT sum(calls) FROM agent_calls WHERE ended_at >= 1.0",
    )
    with engine.connect() as connection:
        for query in queries:
            plan = " ".join(row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}"))
            assert "INDEX" in plan, plan
            assert "B-TREE" not in plan, plan
    engine.dispose()
    workspace.engine.stop()


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ({}, RunFilter()),
        (
            {"flow": "notes", "state": "failed,done", "by": "manual", "within": "7d", "text": "a&b=c"},
            RunFilter("notes", ("done", "failed"), "manual", "7d", "a&b=c"),
        ),
        ({"state": "<b>,done", "by": "nobody", "within": "1y", "other": "1"}, RunFilter(states=("done",))),
        ({"text": "x" * 9999, "flow": " a\0 "}, RunFilter("a", text="x" * 500)),
    ],
)
def test_the_filter_of_a_url_ignores_what_is_not_valid(query, wanted):
    assert RunFilter.of(query) == wanted


def test_a_filter_becomes_a_url_and_comes_back():
    from urllib.parse import parse_qsl

    wanted = RunFilter("notes", ("done", "failed"), "manual", "7d", "a&b=c d")
    assert RunFilter.of(dict(parse_qsl(wanted.query[1:]))) == wanted
    assert RunFilter().query == ""


# One run


@pytest.fixture
def workspace(engine):
    return Workspace(engine, None, {}, {})


def test_a_failed_run_shows_its_attempts_and_what_to_do_and_is_replayed(
    workspace, engine, deploy, ended, journal, caplog
):
    deploy(step("first", text="One"), step(retry={"times": 1, "wait_s": 0.01}), step("last", text="Three"))
    journal.forbidden.add("Hello")
    run_id = engine.start_run("notes", event())
    ended(run_id)
    shown = run_view.show(workspace, run_id)
    assert (shown.state_word, shown.can_replay, shown.needs_decision) == ("Failed", True, False)
    assert [(one.title, one.state_word) for one in shown.attempts] == [
        ("first", "Succeeded"),
        ("write", "Failed"),
    ]
    assert shown.trouble[0].message.startswith("Step write: ")
    assert json.loads(shown.attempts[0].input.text) == {"text": "One"}
    assert json.loads(shown.event.text)["id"] == "event-1"
    assert runs.versions(workspace, run_id) == {1: ["first", "write", "last"]}
    journal.forbidden.clear()
    with caplog.at_level(logging.INFO, "calendly_connector.agent.audit"):
        runs.replay(workspace, "ada", shown.short_id)
    assert "run.replay" in caplog.text
    ended(run_id, "done")
    assert journal.texts() == ["One", "Hello", "Three"]
    assert run_view.show(workspace, shown.short_id).attempts[-1].turn == 1


def test_a_run_that_nobody_knows_about_is_decided(workspace, engine, deploy, ended, journal):
    deploy(step(action="entries.post"), step("again", text="Re: ~{write.record.text}~"))
    journal.losing["Hello"] = 1
    run_id = engine.start_run("notes", event())
    ended(run_id, "needs_person")
    shown = run_view.show(workspace, run_id)
    assert shown.needs_decision
    assert not shown.can_replay
    assert shown.trouble[0].message
    with pytest.raises(UsageError):
        runs.replay(workspace, "ada", run_id)
    with pytest.raises(UsageError, match="isn't a JSON object"):
        runs.decide(workspace, "ada", run_id, happened=True, record="[1")
    runs.decide(workspace, "ada", run_id, happened=True, record='{"text": "Hello"}')
    ended(run_id, "done")
    assert journal.texts() == ["Hello", "Re: Hello"]
    with pytest.raises(UsageError, match="doesn't need a decision"):
        runs.decide(workspace, "ada", run_id, happened=False)


def test_the_api_calls_of_a_turn_are_counted_once_with_the_rate_limit(make_engine, connector):
    from calendly_connector.agent.engine.run_charts import RunCharts
    from engine_waiting import wait_until_ended

    engine = make_engine(load=lambda _name: Counting(connector))
    engine.deploy(text(step(), step("again", text="Two")), read(text(step(), step("again", text="Two"))))
    run_id = engine.start_run("notes", event())
    shown = wait_until_ended(engine, run_id)
    assert [call["api_calls"] for call in shown["calls"]] == [3, 3]
    charts = RunCharts(engine.database, 0.0, 1e10, 1)
    assert charts.calls() == {"journal/main": [6]}
    known = charts.headroom("journal/main")
    assert (known.allowed, known.remaining) == (60, 9)
    run = engine.runs.get(run_id)
    again = {"journal/main": {"calls": 6, "allowed": None, "remaining": None}}
    engine.runs.turn_ended(run.id, 0, state="done", version=1, note={}, now=1.0, calls=again)
    assert charts.calls() == {"journal/main": [6]}
    assert charts.headroom("journal/main") is None
    engine.runs.delete([run])
    assert charts.calls() == {}


class Counting:
    """The connector of the journal, if each call took three requests and its limit were known."""

    def __init__(self, connector):
        self._connector = connector

    def connect(self, credential, **options):
        return _CountingConnection(self._connector.connect(credential, **options))

    def __getattr__(self, name):
        return getattr(self._connector, name)


class _CountingConnection:
    def __init__(self, connection):
        self._connection = connection

    @property
    def rate_limit(self):
        from calendly_connector.contract import RateLimit

        return RateLimit(60, 9, 30)

    def __enter__(self):
        self._connection.__enter__()
        return self

    def __exit__(self, *error):
        return self._connection.__exit__(*error)

    def prepare(self, *arguments, **options):
        return _CountingCall(self._connection.prepare(*arguments, **options))

    def __getattr__(self, name):
        return getattr(self._connection, name)


class _CountingCall:
    def __init__(self, prepared):
        self._prepared = prepared
        self.action = prepared.action

    def run(self, **options) -> Result:
        return replace(self._prepared.run(**options), calls=3)


def test_a_huge_value_is_cut_twice():
    found = run_view.Json.of({"text": "x" * 1_000_000})
    assert (len(found.short), len(found.text), found.cut) == (run_view.FOLDED, run_view.LONGEST, True)
    assert not run_view.Json.of({"text": "<b>"}).is_folded


def test_an_unknown_run_is_an_error_with_its_fix(workspace):
    for name in ("ffff", "../../etc/passwd", "<img src=x>", "\0"):
        with pytest.raises(UsageError, match="no run"):
            run_view.show(workspace, name)
