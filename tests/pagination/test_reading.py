"""Reading lists while their rows and page tokens change, and in parallel."""

import threading
import time
from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest
from calendly_connector.catalog.manifest import catalog
from calendly_connector.catalog.time_order import TimeOrder
from calendly_connector.errors import CalendlyDown, Rejected, Unauthenticated, UnexpectedAnswer
from calendly_connector.http.client import Reply
from calendly_connector.http.protocol import Page
from calendly_connector.http.request import Request
from calendly_connector.pagination import prefetch
from calendly_connector.pagination.paginator import Deduplicator, Paginator
from calendly_connector.pagination.prefetch import Partitioner, in_order
from calendly_connector.plugin import connector
from calendly_connector.support import timestamps
from calendly_connector.support.clock import Timeouts
from hostile import Hostile, page, reply
from hypothesis import given, settings
from hypothesis import strategies as st

ORGANIZATION = "https://api.calendly.com/organizations/e10dd34c-49c9-5749-b081-7c7bdaacc9a1"
EVENTS = "scheduled_events.list"
ALL_EVENTS = {"organization": ORGANIZATION}
EVENT = catalog()[EVENTS].examples[0]["output"]
ORDER = catalog()[EVENTS].time_order
NOON = datetime(2026, 11, 17, 12, tzinfo=UTC)
ASCENDING = (("sort", "start_time:asc"), ("count", "3"))


def uris(rows):
    return [row["uri"] for row in rows]


def drain(pages, found):
    for part in pages:
        found += part


@pytest.fixture
def slow(timer):
    """Make every server look slow, so that long lists are read in parallel."""
    timer.tick_s = prefetch.SLOW_S


# A fake list that behaves like Calendly's, without I/O, so hypothesis can try thousands


class Calendar:
    """A list of events in order of time. `inclusive`: whether a range includes its ends."""

    def __init__(self, seconds, *, inclusive=True):
        self.rows = [
            {"uri": f"https://api.calendly.com/scheduled_events/{number}", "start_time": at(second)}
            for number, second in enumerate(sorted(seconds))
        ]
        self.inclusive = inclusive
        self.tokens = {}
        self.asked = []
        self.between = lambda: None
        self.lock = threading.Lock()

    def expire(self):
        self.tokens.clear()

    def send(self, request):
        with self.lock:
            self.between()
            query = dict(request.query)
            self.asked.append(query)
            count, token = int(query["count"]), query.get("page_token")
            rows = [row for row in self.rows if self._within(row, query)]
            if query["sort"].endswith(":desc"):
                rows.reverse()
            start = 0
            if token is not None:
                if token not in self.tokens:
                    raise Rejected("stale", status=400)
                position = self.tokens[token]
                start = next(
                    (n for n, row in enumerate(rows) if _comes_after(row, position, query["sort"])), len(rows)
                )
            found = rows[start : start + count]
            token = None
            if len(rows) > start + count:
                token = f"t{len(self.asked)}"
                self.tokens[token] = (found[-1]["start_time"], found[-1]["uri"])
            document = {"collection": found, "pagination": {"next_page_token": token}}
            return Reply(document, {}, 1)

    def _within(self, row, query):
        start, since, until = row["start_time"], query.get("min_start_time"), query.get("max_start_time")
        start = timestamps.read(start)
        since, until = (moment and timestamps.read(moment) for moment in (since, until))
        if self.inclusive:
            return (since is None or start >= since) and (until is None or start <= until)
        return (since is None or start > since) and (until is None or start < until)


def _comes_after(row, position, sort):
    key = (row["start_time"], int(row["uri"].rpartition("/")[2]))
    other = (position[0], int(position[1].rpartition("/")[2]))
    return key < other if sort.endswith(":desc") else key > other


def at(second):
    return (NOON + timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def paginator_of(calendar, query=ASCENDING, **options):
    return Paginator(calendar.send, catalog()[EVENTS], Request("GET", "/scheduled_events", query), **options)


def read(paginator):
    return [row for page_ in paginator for row in page_.records]


MANY = st.lists(st.integers(0, 400), max_size=60)


@given(MANY, st.sets(st.integers(0, 40)), st.booleans(), st.sampled_from(["asc", "desc"]), st.integers(1, 9))
def test_stale_tokens_at_any_time_cause_no_gaps_and_no_duplicates(seconds, stale, inclusive, order, count):
    calendar = Calendar(seconds, inclusive=inclusive)

    def between():
        if len(calendar.asked) in stale:
            calendar.expire()

    calendar.between = between
    chain = paginator_of(calendar, (("sort", f"start_time:{order}"), ("count", str(count))))
    found = uris(read(chain))
    expected = uris(calendar.rows)
    if chain.incomplete:  # more rows of one second than fit on a page cannot be got past
        most_within_2_s = max(sum(0 <= two - one <= 2 for two in seconds) for one in seconds)
        assert most_within_2_s >= count
        assert found == (expected if order == "asc" else expected[::-1])[: len(found)]
    else:
        assert sorted(found) == sorted(expected)
        assert len(set(found)) == len(found)


@given(MANY, st.lists(st.tuples(st.integers(0, 30), st.integers(0, 400)), max_size=8), st.integers(2, 9))
def test_added_and_removed_rows_cause_no_gaps_and_no_duplicates(seconds, changes, count):
    calendar = Calendar(seconds)
    stayed = {row["uri"] for row in calendar.rows}
    number = [len(calendar.rows)]

    def between():
        for when, second in changes:
            if when == len(calendar.asked):
                if second % 2 and calendar.rows:
                    removed = calendar.rows.pop(second % len(calendar.rows))
                    stayed.discard(removed["uri"])
                else:
                    uri = f"https://api.calendly.com/scheduled_events/{number[0]}"
                    number[0] += 1
                    calendar.rows.append({"uri": uri, "start_time": at(second)})
                    calendar.rows.sort(
                        key=lambda row: (row["start_time"], int(row["uri"].rpartition("/")[2]))
                    )

    calendar.between = between
    found = uris(read(paginator_of(calendar, (("sort", "start_time:asc"), ("count", str(count))))))
    assert len(set(found)) == len(found)
    assert stayed <= set(found)


@settings(max_examples=60)
@given(
    st.lists(st.integers(0, 100_000), min_size=2, max_size=300),
    st.booleans(),
    st.floats(1e-4, 10.0),
    st.sampled_from([None, 50_000]),
)
def test_partitions_cover_the_whole_range(seconds, inclusive, density, until):
    calendar = Calendar(seconds, inclusive=inclusive)
    query = (("sort", "start_time:asc"), ("count", "100"))
    if until:
        query += (("max_start_time", at(until)),)
    plan = Partitioner(ORDER, query, timestamps.read(at(0)), timestamps.read(at(until or max(seconds))))
    plan.observe_density(1000, timedelta(seconds=1000 / density))
    already_read = Deduplicator(ORDER)
    parts = [
        Paginator(calendar.send, catalog()[EVENTS], Request("GET", "/scheduled_events", part))
        for part in islice(plan, 3000)
    ]
    found = [uri for chain in parts for part in chain for uri in uris(already_read.unseen(part.records))]
    whole = uris(read(paginator_of(calendar, query)))
    assert found == whole


# Through a connection


@pytest.mark.parametrize("sort", ["start_time:asc", "start_time:desc"])
@pytest.mark.parametrize("stale_after", [1, 3, 7])
def test_a_stale_token_does_not_matter_in_a_list_with_a_time_filter(
    sort, stale_after, fresh_sandbox, connect
):
    connection = connect(fresh_sandbox)
    rows = ALL_EVENTS | {"sort": sort, "count": 20}
    whole = uris(connection.run(EVENTS, rows, all_pages=True).records)
    stream, found = connection.iterate(EVENTS, rows), []
    for number, part in enumerate(stream.pages(), 1):
        found += part
        if number % stale_after == 0:
            fresh_sandbox.control("POST", "/page_tokens/expire")
    assert uris(found) == whole
    assert stream.complete
    assert stream.warnings == ()
    assert stream.next_page_token is None


@pytest.mark.parametrize(
    "action", ["contacts.list", "activity_log_entries.list", "organization_memberships.list"]
)
def test_a_stale_token_does_not_matter_in_a_list_with_uris(action, make_sandbox, connect):
    with make_sandbox(users=60, events=400) as sandbox:
        connection = connect(sandbox)
        rows = {"count": 3} | ({"organization": ORGANIZATION} if action.startswith("organization") else {})
        whole = uris(connection.run(action, rows, all_pages=True).records)
        assert len(whole) > 12
        stream, found = connection.iterate(action, rows), []
        for number, part in enumerate(stream.pages(), 1):
            found += part
            if number in {2, 4}:
                sandbox.control("POST", "/page_tokens/expire")
    assert uris(found) == whole
    assert stream.complete


def test_a_list_without_uris_is_incomplete_after_a_stale_token(connect):
    stale = reply(400, {"details": [{"parameter": "page_token", "message": "is invalid"}]})
    with Hostile(page([{"status": "sent"}], "t1"), stale) as server:
        result = connect(server).run(
            "outgoing_communications.list", {"organization": ORGANIZATION}, all_pages=True
        )
    assert (len(result.records), result.complete) == (1, False)
    assert "page token was rejected" in result.warnings[0]
    assert len(server.asked) == 2


def test_a_server_that_rejects_every_token_is_not_called_forever(connect):
    stale = reply(400, {"details": [{"parameter": "page_token", "message": "is invalid"}]})
    steps = [step for _ in range(10) for step in (page([EVENT], "t1"), stale)]
    with Hostile(*steps) as server:
        result = connect(server).run(EVENTS, ALL_EVENTS, all_pages=True)
    assert uris(result.records) == [EVENT["uri"]]
    assert result.complete is False
    assert len(server.asked) == 8  # the list and three failed restarts


def test_a_list_that_was_started_midway_cannot_be_restarted(connect):
    stale = reply(400, {"message": "stale"})
    contact = {"uri": "https://api.calendly.com/contacts/a-b"}
    with Hostile(page([contact], "t2"), stale) as server:
        result = connect(server).run("contacts.list", {"page_token": "t1"}, all_pages=True)
    assert (len(result.records), result.complete) == (1, False)


@pytest.mark.parametrize("status", [403, 404, 409])
def test_other_errors_are_raised_after_the_records_before_them(status, connect):
    with Hostile(page([EVENT], "t1"), reply(status, {"message": "no"})) as server:
        stream = connect(server).iterate(EVENTS, ALL_EVENTS)
        rows = iter(stream)
        assert next(rows) == EVENT
        with pytest.raises(Exception, match=r"no|not found"):
            next(rows)
    assert not stream.complete


def test_after_a_restart_there_is_no_next_page_token(fresh_sandbox, connect):
    stream = connect(fresh_sandbox).iterate(EVENTS, ALL_EVENTS | {"count": 20}, limit=60)
    pages = stream.pages()
    next(pages)
    fresh_sandbox.control("POST", "/page_tokens/expire")
    assert len([row for part in pages for row in part]) == 40
    assert (stream.complete, stream.next_page_token) == (False, None)


def test_the_deduplicator_remembers_only_the_last_pages():
    remembered = Deduplicator(ORDER)
    for number in range(2000):
        rows = [{"uri": f"e{number}-{place}", "start_time": at(100 * number + place)} for place in range(100)]
        assert remembered.unseen(rows) == rows
        assert remembered.unseen(rows) == []
    assert len(remembered._known) <= 500


def test_all_records_of_one_second_are_remembered():
    remembered = Deduplicator(ORDER)
    rows = [{"uri": f"e{number}", "start_time": at(0)} for number in range(1000)]
    for start in range(0, 1000, 100):
        remembered.unseen(rows[start : start + 100])
    assert remembered.unseen(rows) == []


@pytest.mark.parametrize("uri", [None, 7, ["a"], {"a": 1}])
def test_records_without_a_readable_uri_are_never_dropped(uri):
    rows = [{"uri": uri, "start_time": "soon"}] * 2
    assert Deduplicator(ORDER).unseen(rows) == rows


@pytest.mark.parametrize("sort", ["", "start_time:asc", "name:asc"])
def test_a_list_in_another_order_is_not_treated_as_ordered_by_time(sort):
    query = (("sort", sort),) if sort else ()
    assert TimeOrder("a", "b", "start_time").sorts(query) == (sort == "start_time:asc")


# In parallel


@pytest.mark.usefixtures("slow")
def test_a_long_list_is_read_in_parallel_and_returned_in_order(make_sandbox, connect):
    with make_sandbox(events=5000) as sandbox:
        connection = connect(sandbox)
        stream = connection.iterate(EVENTS, ALL_EVENTS)
        found = uris(stream)
        queries = [entry["query"] for entry in sandbox.control("GET", "/requests")["requests"]]
        assert stream.calls == len(queries)
        assert any("count=1&" in query or query.endswith("count=1") for query in queries)
        one_by_one = []
        token = None
        while True:
            result = connection.run(EVENTS, ALL_EVENTS | ({"page_token": token} if token else {}))
            one_by_one += uris(result.records)
            token = result.next_page_token
            if not token:
                break
    assert found == one_by_one
    assert len(found) == 5000
    assert (stream.complete, stream.next_page_token, stream.warnings) == (True, None, ())
    assert stream.calls <= 50 + 12


def test_a_fast_server_is_read_page_by_page_in_the_fewest_calls(sandbox, connect):
    stream = connect(sandbox).iterate(EVENTS, ALL_EVENTS | {"count": 10})
    assert len(list(stream)) == 250
    assert stream.calls == 25


@pytest.mark.usefixtures("slow")
def test_a_range_is_respected_in_parallel_reads(make_sandbox, connect):
    rows = ALL_EVENTS | {"min_start_time": "2025-11-17T00:00:00Z", "max_start_time": "2026-11-17T00:00:00Z"}
    with make_sandbox(events=5000) as sandbox:
        stream = connect(sandbox).iterate(EVENTS, rows)
        found = list(stream)
    starts = [row["start_time"] for row in found]
    assert starts == sorted(starts)
    assert starts[0] >= "2025-11-17"
    assert starts[-1] <= "2026-11-18"
    assert len(set(uris(found))) == len(found) > 1500


@pytest.mark.parametrize("limit", [401, 1000, 1234, 4999, 5000, 6000])
@pytest.mark.usefixtures("slow")
def test_a_limit_is_respected_in_parallel_reads(limit, make_sandbox, connect):
    with make_sandbox(events=5000) as sandbox:
        result = connect(sandbox).run(EVENTS, ALL_EVENTS, limit=limit)
    assert len(set(uris(result.records))) == len(result.records) == min(limit, 5000)
    assert result.complete == (limit >= 5000)
    assert result.next_page_token is None


@pytest.mark.parametrize("rows", [{"sort": "start_time:desc"}, {"count": 100}, {"status": "canceled"}])
@pytest.mark.usefixtures("slow")
def test_short_and_descending_lists_are_read_page_by_page(rows, sandbox, connect):
    stream = connect(sandbox).iterate(EVENTS, ALL_EVENTS | rows)
    found = list(stream)
    assert stream.calls <= -(-len(found) // 100) + 1


@pytest.mark.usefixtures("slow")
def test_an_error_in_a_later_partition_is_raised_after_the_records_before_it(make_sandbox, connect):
    with make_sandbox(events=5000) as sandbox:
        connection = connect(sandbox)
        whole = uris(connection.iterate(EVENTS, ALL_EVENTS))
        stream, found = connection.iterate(EVENTS, ALL_EVENTS), []
        pages = stream.pages()
        found += next(pages)
        sandbox.fault("status", status=401, path="/scheduled_events", times=1000)
        with pytest.raises(Unauthenticated):
            drain(pages, found)
    assert uris(found) == whole[: len(found)]
    assert not stream.complete


@pytest.mark.parametrize(
    "fault", [{"kind": "status", "status": 500}, {"kind": "reset"}, {"kind": "truncate"}]
)
@pytest.mark.usefixtures("slow")
def test_faults_in_any_partition_cause_no_gaps_and_no_duplicates(fault, make_sandbox, connect):
    with make_sandbox(events=5000) as sandbox:
        connection = connect(sandbox)
        pages = connection.iterate(EVENTS, ALL_EVENTS).pages()
        found = uris(next(pages)) + uris(next(pages))
        sandbox.fault(fault["kind"], path="/scheduled_events", times=2, status=fault.get("status", 500))
        try:
            found += [uri for part in pages for uri in uris(part)]
        except (CalendlyDown, UnexpectedAnswer):
            whole = uris(connection.iterate(EVENTS, ALL_EVENTS))
            assert found == whole[: len(found)]
        else:
            assert len(set(found)) == len(found) == 5000


@pytest.mark.usefixtures("slow")
def test_stale_tokens_in_partitions_cause_no_gaps_and_no_duplicates(make_sandbox, connect):
    with make_sandbox(events=5000) as sandbox:
        stream, found = connect(sandbox).iterate(EVENTS, ALL_EVENTS), []
        for number, part in enumerate(stream.pages()):
            found += part
            if number in {1, 4, 9, 16, 25}:
                sandbox.control("POST", "/page_tokens/expire")
    assert len(set(uris(found))) == len(found) == 5000
    assert stream.complete


@pytest.mark.usefixtures("slow")
def test_parallel_reads_respect_the_rate_limit(make_sandbox):
    def clock():
        return 60 * time.monotonic()  # a minute is a second

    with make_sandbox(events=8000, rate_limit=50, clock=clock) as sandbox:
        connection = connector.connect(
            {"kind": "personal_access_token", "token": "sandbox-owner"},
            origin=sandbox.url,
            clock=clock,
            monotonic=clock,
            sleep=lambda seconds: time.sleep(seconds / 60),
            timeouts=Timeouts(call_s=3600),  # a minute of a busy machine
        )
        with connection:
            stream = connection.iterate(EVENTS, ALL_EVENTS)
            assert len(list(stream)) == 8000
        statuses = [entry["status"] for entry in sandbox.control("GET", "/requests")["requests"]]
    assert set(statuses) == {200}
    assert stream.calls == len(statuses)


@pytest.mark.usefixtures("slow")
def test_a_stream_that_is_closed_early_stops_its_threads(make_sandbox, connect):
    with make_sandbox(events=5000) as sandbox:
        pages = connect(sandbox).iterate(EVENTS, ALL_EVENTS).pages()
        for _ in range(5):
            next(pages)
        parts = [thread for thread in threading.enumerate() if thread.name == "calendly-connector prefetch"]
        pages.close()
        for thread in parts:
            thread.join(timeout=30)
            assert not thread.is_alive()


class Endless:
    """A paginator without an end that counts the pages read."""

    incomplete = False

    def __init__(self):
        self.taken = 0

    def __iter__(self):
        while True:
            self.taken += 1
            yield Page([{"uri": str(self.taken)}], None)


def test_partitions_are_read_ahead_only_to_a_limit():
    chains = [Endless() for _ in range(20)]
    pages = in_order(chains)
    for _ in range(100):
        next(pages)
    pages.close()
    started = [chain for chain in chains if chain.taken]
    assert len(started) <= prefetch.PARALLEL
    assert all(chain.taken <= prefetch.PAGES_AHEAD + 2 for chain in started[1:])


def test_paginators_of_any_length_are_read_in_order():
    class Short:
        incomplete = False

        def __init__(self, number):
            self.number = number

        def __iter__(self):
            for place in range(self.number % 4):
                yield Page([{"uri": f"{self.number}-{place}"}], None)

    found = [
        row["uri"] for _, part in in_order(Short(number) for number in range(50)) for row in part.records
    ]
    assert found == [f"{number}-{place}" for number in range(50) for place in range(number % 4)]


@pytest.mark.usefixtures("slow")
def test_windows_are_read_in_parallel_and_merged_in_order(fresh_sandbox, connect):
    start = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    rows = {"start_time": start.isoformat(), "end_time": (start + timedelta(days=300)).isoformat()}
    result = connect(fresh_sandbox).run("busy_times", rows)
    starts = [row["start_time"] for row in result.records]
    assert starts == sorted(starts)
    assert (result.calls, result.complete) == (43, True)


# Endless lists


class Unending:
    """A list whose page tokens never repeat. `rows` returns the records of a page by its number."""

    def __init__(self, rows):
        self.rows = rows
        self.pages = 0

    def send(self, _request):
        self.pages += 1
        document = {"collection": self.rows(self.pages), "pagination": {"next_page_token": f"t{self.pages}"}}
        return Reply(document, {}, 1)


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(lambda _number: [], id="empty pages"),
        pytest.param(lambda _number: [EVENT], id="the same page"),
        pytest.param(lambda number: [EVENT | {"uri": str(min(number, 50))}], id="new pages, then the same"),
    ],
)
def test_a_list_without_new_records_ends_with_an_error(rows):
    endless = Unending(rows)
    with pytest.raises(UnexpectedAnswer, match=r"doesn't end: the last \d+ pages had nothing new"):
        read(paginator_of(endless))
    assert 1000 <= endless.pages <= 1100


@pytest.mark.parametrize("named", [True, False])
def test_an_endless_list_ends_after_a_maximum_number_of_pages(named):
    endless = Unending(lambda number: [{"uri": str(number)} if named else {}])
    with pytest.raises(UnexpectedAnswer, match="it has more than 50 pages"):
        read(paginator_of(endless, max_pages=50))
    assert endless.pages == 50


def test_a_list_with_exactly_the_maximum_number_of_pages_is_complete():
    calendar = Calendar(range(30))
    assert uris(read(paginator_of(calendar, max_pages=10))) == uris(calendar.rows)
    assert len(calendar.asked) == 10
