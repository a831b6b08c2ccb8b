"""One call of an action: its inputs, its functions, its pages, its records."""

import json
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest
from calendly_connector.catalog.manifest import catalog
from calendly_connector.errors import (
    InvalidParams,
    NoAnswer,
    Rejected,
    UnexpectedAnswer,
    UnknownAction,
    UsageError,
)
from calendly_connector.sandbox.world import fixtures
from hostile import Hostile, one, page, reply, reset

ORGANIZATION = f"https://api.calendly.com/organizations/{fixtures.ORGANIZATION}"
OWNER = f"https://api.calendly.com/users/{fixtures.OWNER}"
EVENTS = "scheduled_events.list"
ALL_EVENTS = {"organization": ORGANIZATION}
EVENT = catalog()[EVENTS].examples[0]["output"]
ME = catalog()["users.me"].examples[0]["output"]
GOOD_EVENTS = [{**EVENT, "uri": f"https://api.calendly.com/scheduled_events/e-{n}"} for n in range(9)]
MANY_EVENTS = 250  # in the sandbox


def uris(records):
    return [record["uri"] for record in records]


def paths(server):
    return [call["path"] for call in server.requests()["requests"]]


def queries(hostile):
    return [dict(request.query) for request in hostile.asked]


# Pages


def test_a_list_call_returns_one_page_by_default(faulty_sandbox, connect):
    result = connect(faulty_sandbox).run(EVENTS, ALL_EVENTS)
    assert len(result.records) == 100
    assert not result.complete
    assert result.next_page_token
    assert result.calls == 1 == len(paths(faulty_sandbox))


def test_a_page_token_requests_the_next_page(sandbox, connect):
    connection = connect(sandbox)
    first = connection.run(EVENTS, ALL_EVENTS)
    second = connection.run(EVENTS, ALL_EVENTS | {"page_token": first.next_page_token})
    third = connection.run(EVENTS, ALL_EVENTS | {"page_token": second.next_page_token})
    assert third.complete
    assert third.next_page_token is None
    everything = uris(first.records + second.records + third.records)
    assert len(set(everything)) == len(everything) == MANY_EVENTS


@pytest.mark.parametrize(("count", "calls"), [(None, 3), (100, 3), (50, 5), (25, 10)])
def test_all_pages_return_the_whole_list_in_order_without_duplicates(count, calls, faulty_sandbox, connect):
    inputs = ALL_EVENTS | {"sort": "start_time:asc"} | ({"count": count} if count else {})
    result = connect(faulty_sandbox).run(EVENTS, inputs, all_pages=True)
    assert result.complete
    assert result.calls == calls == len(paths(faulty_sandbox))
    assert len(set(uris(result.records))) == len(result.records) == MANY_EVENTS
    starts = [record["start_time"] for record in result.records]
    assert starts == sorted(starts)
    assert result.warnings == ()


@pytest.mark.parametrize(
    ("limit", "calls", "complete"),
    [
        (1, 1, False),
        (99, 1, False),
        (100, 1, False),
        (101, 2, False),
        (249, 3, False),
        (250, 3, True),
        (999, 3, True),
    ],
)
@pytest.mark.parametrize("all_pages", [False, True])
def test_a_limit_reads_only_the_needed_pages_and_reports_whether_more_exist(
    limit, calls, complete, all_pages, faulty_sandbox, connect
):
    result = connect(faulty_sandbox).run(EVENTS, ALL_EVENTS, limit=limit, all_pages=all_pages)
    assert len(result.records) == min(limit, MANY_EVENTS)
    assert (result.calls, result.complete) == (calls, complete)
    assert len(paths(faulty_sandbox)) == calls


@pytest.mark.parametrize(("limit", "page_size"), [(None, "100"), (7, "7"), (500, "100")])
def test_the_page_size_follows_the_limit(limit, page_size, connect):
    with Hostile(page([])) as server:
        connect(server).run(EVENTS, ALL_EVENTS, limit=limit)
    assert queries(server)[0]["count"] == page_size


def test_a_limit_that_cuts_the_last_page_reports_that_more_exist(connect):
    with Hostile(page(GOOD_EVENTS[:5])) as server:
        result = connect(server).run(EVENTS, ALL_EVENTS | {"count": 5}, limit=3)
    assert len(result.records) == 3
    assert not result.complete


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_below_one_is_rejected(limit, unvisited, connect):
    with pytest.raises(UsageError, match="limit"):
        connect(unvisited).run(EVENTS, ALL_EVENTS, limit=limit)


def test_a_limit_for_an_action_without_a_list_is_rejected(unvisited, connect):
    with pytest.raises(UsageError, match="limit"):
        connect(unvisited).run("users.me", limit=1)


def test_an_empty_page_in_the_middle_does_not_end_the_list(connect):
    first, last = GOOD_EVENTS[:2], GOOD_EVENTS[2:4]
    with Hostile(page(first, "t1"), page([], "t2"), page([], "t3"), page(last)) as server:
        result = connect(server).run(EVENTS, ALL_EVENTS, all_pages=True)
    assert result.records == first + last
    assert result.complete
    assert [query.get("page_token") for query in queries(server)] == [None, "t1", "t2", "t3"]


def test_every_page_is_requested_with_the_same_inputs(connect):
    inputs = ALL_EVENTS | {"status": "active", "count": 2, "page_token": "t0"}
    with Hostile(page(GOOD_EVENTS[:2], "t1"), page(GOOD_EVENTS[2:3])) as server:
        connect(server).run(EVENTS, inputs, all_pages=True)
    first, second = queries(server)
    expected = {"organization": ORGANIZATION, "status": "active", "sort": "start_time:asc", "count": "2"}
    assert first == expected | {"page_token": "t0"}
    assert second == first | {"page_token": "t1"}


def test_the_address_of_the_next_page_in_a_reply_is_never_followed(unvisited, connect):
    pagination = {"next_page_token": "t1", "next_page": f"{unvisited.url}/scheduled_events?page_token=t1"}
    with Hostile(reply(200, {"collection": [EVENT], "pagination": pagination}), page([])) as server:
        connect(server).run(EVENTS, ALL_EVENTS, all_pages=True)
    assert len(server.asked) == 2


@pytest.mark.parametrize("tokens", [["a", "a"], ["a", "b", "a"], ["a", "b", "b"]])
def test_a_repeated_page_token_ends_the_list_with_an_error(tokens, connect):
    steps = [page([EVENT], token) for token in tokens]
    with Hostile(*steps) as server, pytest.raises(UnexpectedAnswer, match="page token was repeated"):
        connect(server).run(EVENTS, ALL_EVENTS, all_pages=True)
    assert len(server.asked) == len(tokens)


def test_a_stale_page_token_from_the_caller_is_rejected_with_details(fresh_sandbox, connect):
    connection = connect(fresh_sandbox)
    token = connection.run(EVENTS, ALL_EVENTS).next_page_token
    fresh_sandbox.control("POST", "/page_tokens/expire")
    with pytest.raises(Rejected, match="page_token") as caught:
        connection.run(EVENTS, ALL_EVENTS | {"page_token": token}, all_pages=True)
    assert caught.value.status == 400
    assert caught.value.details == [{"parameter": "page_token", "message": "must be a valid token"}]


@pytest.mark.parametrize(
    "document",
    [
        {},
        [],
        {"collection": None},
        {"collection": {}},
        {"collection": [1]},
        {"collection": [], "pagination": {"next_page_token": 7}},
        {"collection": [], "pagination": "none"},
    ],
)
def test_a_reply_that_is_not_a_page_is_unexpected(document, connect):
    with Hostile(reply(200, document)) as server, pytest.raises(UnexpectedAnswer):
        connect(server).run(EVENTS, ALL_EVENTS)


@pytest.mark.parametrize("pagination", [None, {}, {"next_page_token": None}, {"next_page_token": ""}])
def test_a_list_without_a_next_page_token_is_complete(pagination, connect):
    with Hostile(reply(200, {"collection": [EVENT], "pagination": pagination})) as server:
        assert connect(server).run(EVENTS, ALL_EVENTS, all_pages=True).complete
    assert len(server.asked) == 1


# Streams


def test_a_stream_requests_a_page_only_after_the_previous_one_is_consumed(faulty_sandbox, connect):
    stream = connect(faulty_sandbox).iterate(EVENTS, ALL_EVENTS)
    assert paths(faulty_sandbox) == []
    records = iter(stream)
    for _ in range(100):
        next(records)
    assert len(paths(faulty_sandbox)) == 1
    assert not stream.complete
    next(records)
    assert len(paths(faulty_sandbox)) == 2
    rest = list(records)
    assert len(rest) == MANY_EVENTS - 101
    assert stream.complete
    assert stream.next_page_token is None
    assert stream.calls == 3


def test_a_partly_read_stream_is_incomplete(sandbox, connect):
    stream = connect(sandbox).iterate(EVENTS, ALL_EVENTS)
    next(iter(stream))
    assert not stream.complete
    assert stream.next_page_token


def test_a_stream_can_be_limited(sandbox, connect):
    stream = connect(sandbox).iterate(EVENTS, ALL_EVENTS, limit=150)
    assert len(list(stream)) == 150
    assert not stream.complete
    assert stream.calls == 2


def test_a_stream_that_fails_has_returned_the_pages_before(connect, timer):
    with Hostile(page(GOOD_EVENTS[:3], "t1"), reset()) as server:
        stream = connect(server).iterate(EVENTS, ALL_EVENTS)
        pages = stream.pages()
        assert next(pages) == GOOD_EVENTS[:3]
        with pytest.raises(NoAnswer):
            next(pages)
    assert not stream.complete
    assert timer.sleeps


def test_an_invalid_stream_is_rejected_before_its_first_record(unvisited, connect):
    with pytest.raises(InvalidParams, match="statsu"):
        connect(unvisited).iterate(EVENTS, {"statsu": "active"})
    with pytest.raises(UsageError, match="doesn't return a list"):
        connect(unvisited).iterate("users.me")


# Records


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"status": "postponed"}, "status: must be one of"),
        ({"start_time": 7}, "start_time: must be text"),
        ({"event_memberships": [{"user": None}]}, r"event_memberships\[\]"),
    ],
)
def test_records_that_do_not_match_the_schema_are_kept_with_a_warning(change, message, connect):
    odd, other = {**EVENT, **change}, {**EVENT, **change, "uri": f"{EVENT['uri']}b"}
    with Hostile(page([GOOD_EVENTS[0], odd, other])) as server:
        result = connect(server).run(EVENTS, ALL_EVENTS)
    assert result.records == [GOOD_EVENTS[0], odd, other]
    [warning, *_] = [warning for warning in result.warnings if re.search(message, warning)]
    assert EVENTS in warning
    assert "2 record(s), kept unchanged" in warning


def test_a_new_field_causes_no_warning(connect):
    new = {**EVENT, "mood": "good"}
    with Hostile(page([new])) as server:
        result = connect(server).run(EVENTS, ALL_EVENTS)
    assert result.records == [new]
    assert result.warnings == ()


def test_a_single_record_that_does_not_match_the_schema_is_kept_with_a_warning(connect):
    odd = {**ME, "name": None}
    with Hostile(one(odd)) as server:
        result = connect(server).run("users.me")
    assert result.record == odd
    assert len(result.warnings) == 1
    assert "name" in result.warnings[0]


def test_a_warning_contains_no_values_of_a_record(connect):
    with Hostile(one({**ME, "email": "not-for-logs", "timezone": 5})) as server:
        result = connect(server).run("users.me")
    assert result.warnings
    assert "not-for-logs" not in str(result.warnings)


# Functions


def test_a_function_fetches_its_value_once_per_connection(faulty_sandbox, connect):
    connection = connect(faulty_sandbox)
    rows = {"organization": "~{GetOrganizationUrl}~", "user": "~{GetUserUrl}~", "count": 1}
    connection.run(EVENTS, filter=rows)
    connection.run(EVENTS)
    connection.run("event_types.list", {"count": 1})
    assert paths(faulty_sandbox).count("/users/me") == 1
    assert len(paths(faulty_sandbox)) == 4


def test_threads_share_one_fetch_of_a_function(faulty_sandbox, connect):
    connection = connect(faulty_sandbox)
    start = threading.Barrier(4)

    def work(_):
        start.wait()
        return connection.run("event_types.list").records

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(work, range(4)))
    assert results[0]
    assert all(records == results[0] for records in results)
    assert paths(faulty_sandbox).count("/users/me") == 1


def test_a_failed_fetch_is_repeated_by_the_next_call(faulty_sandbox, connect):
    connection = connect(faulty_sandbox)
    faulty_sandbox.fault("status", status=404, path="/users/me")
    with pytest.raises(Exception, match="not found"):
        connection.run(EVENTS)
    assert connection.run(EVENTS).records


def test_a_user_without_the_needed_field_is_an_error_and_the_call_is_not_sent(connect):
    step = one({**ME, "current_organization": None})
    with Hostile(step) as server, pytest.raises(UnexpectedAnswer, match="current_organization"):
        connect(server).run(EVENTS, filter={"organization": "~{GetOrganizationUrl}~"})
    assert len(server.asked) == 1


def test_a_fetched_value_on_another_host_is_rejected(connect):
    step = one({**ME, "uri": "https://evil.example/users/a-b"})
    with Hostile(step) as server, pytest.raises(UnexpectedAnswer, match=r"users\.me .*a host other than"):
        connect(server).run(EVENTS)
    assert len(server.asked) == 1


def test_functions_use_the_connections_clock(connect, timer):
    timer.now = 1_795_525_200.0  # 2026-11-24 13:00 UTC
    rows = {"organization": ORGANIZATION, "min_start_time": "~{Now}~", "max_start_time": "~{Now+7d}~"}
    with Hostile(page([])) as server:
        connect(server).run(EVENTS, filter=rows)
    [query] = queries(server)
    assert query["min_start_time"] == "2026-11-24T13:00:00Z"
    assert query["max_start_time"] == "2026-12-01T13:00:00Z"


@pytest.mark.parametrize(
    ("zone", "now", "rows"),
    [
        (
            "America/New_York",
            "2026-11-25T03:00:00Z",
            {"~{Today}~": "2026-11-24T05:00:00Z", "~{Today+1d}~": "2026-11-25T05:00:00Z"},
        ),
        (
            "Europe/Berlin",  # the clocks go forward on 2027-03-28 at 1:00 UTC
            "2027-03-28T12:00:00Z",
            {
                "~{Today}~": "2027-03-27T23:00:00Z",
                "~{Today+1d}~": "2027-03-28T22:00:00Z",
                "~{Today-1w}~": "2027-03-20T23:00:00Z",
                "~{Today+9h}~": "2027-03-28T07:00:00Z",
                "~{Today-36h}~": "2027-03-26T11:00:00Z",
            },
        ),
        (
            "Europe/Berlin",  # and back on 2027-10-31 at 1:00 UTC
            "2027-10-31T01:30:00Z",
            {"~{Today}~": "2027-10-30T22:00:00Z", "~{Today+1d}~": "2027-10-31T23:00:00Z"},
        ),
        (
            "Africa/Cairo",  # no midnight on 2027-04-30: the day starts at 1:00
            "2027-04-29T12:00:00Z",
            {"~{Today+1d}~": "2027-04-29T22:00:00Z", "~{Today+2d}~": "2027-04-30T21:00:00Z"},
        ),
        (
            "America/Havana",  # midnight occurs twice on 2027-11-07: the day starts at the first
            "2027-11-07T05:30:00Z",
            {"~{Today}~": "2027-11-07T04:00:00Z", "~{Today+1d}~": "2027-11-08T05:00:00Z"},
        ),
        ("Asia/Kathmandu", "2026-11-24T18:20:00Z", {"~{Today}~": "2026-11-24T18:15:00Z"}),
    ],
)
def test_today_starts_in_the_users_time_zone_and_offsets_follow_the_calendar(connect, timer, zone, now, rows):
    timer.now = datetime.fromisoformat(now).timestamp()
    steps = [page([])] * len(rows)
    with Hostile(one({**ME, "timezone": zone}), *steps) as server:
        connection = connect(server)
        for text in rows:
            connection.run(EVENTS, filter={"organization": ORGANIZATION, "min_start_time": text})
    times = [query["min_start_time"] for query in queries(server)[1:]]
    assert dict(zip(rows, times, strict=True)) == rows


def test_an_unknown_time_zone_is_an_error_with_a_fix(connect):
    step = one({**ME, "timezone": "Moon/Tycho"})
    with Hostile(step) as server, pytest.raises(UnexpectedAnswer, match="pip install tzdata"):
        connect(server).run(EVENTS, filter={"organization": ORGANIZATION, "min_start_time": "~{Today}~"})
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("~{GetUserUrll}~", "unknown function.*GetUserUrl"),
        ("~{GetUserUrl+7d}~", "doesn't take an offset"),
        ("~{GetUserUrl", "has a ~\\{ without"),
        ("~{Now+99999w}~", None),
        ("~{GetTimezone}~", "URI"),
    ],
)
def test_an_invalid_function_is_rejected_before_the_network(value, message, unvisited, connect):
    with pytest.raises(InvalidParams, match=message):
        connect(unvisited).run(EVENTS, filter={"user": value})


def test_the_signing_key_comes_from_the_credential(connect):
    rows = [
        ("url", "https://hooks.acme.example/x"),
        ("events[]", "invitee.created"),
        ("scope", "organization"),
    ]
    with Hostile(one(ME), one(catalog()["webhook_subscriptions.create"].examples[0]["output"])) as server:
        connection = connect(server, signing_key="made-up-key")
        shown = connection.preview("webhook_subscriptions.create", filter=rows)
        connection.run("webhook_subscriptions.create", filter=rows)
    assert "made-up-key" not in str(shown)
    assert b'"signing_key":"made-up-key"' in server.asked[1].body


def test_without_a_signing_key_no_subscription_is_created(unvisited, connect):
    rows = [
        ("url", "https://hooks.acme.example/x"),
        ("events[]", "invitee.created"),
        ("scope", "organization"),
    ]
    with pytest.raises(InvalidParams, match="CALENDLY_WEBHOOK_SECRET"):
        connect(unvisited).run("webhook_subscriptions.create", filter=rows)


# Filter and params


def test_functions_in_params_are_not_evaluated(unvisited, connect):
    with pytest.raises(InvalidParams) as caught:
        connect(unvisited).run(EVENTS, {"user": "~{GetUserUrl}~"})
    assert [problem.path for problem in caught.value.problems] == ["user"]


def test_text_in_params_that_looks_like_a_function_is_sent_unchanged(connect):
    with Hostile(page([])) as server:
        connect(server).run(EVENTS, ALL_EVENTS | {"page_token": "~{GetUserUrl}~ and ~{Now}~"})
    [query] = queries(server)  # one request: the user wasn't fetched
    assert query["page_token"] == "~{GetUserUrl}~ and ~{Now}~"


def test_two_tildes_in_a_filter_escape_a_function(connect):
    with Hostile(page([])) as server:
        connect(server).run(EVENTS, ALL_EVENTS, filter={"page_token": "~~{Now}~"})
    assert queries(server)[0]["page_token"] == "~{Now}~"


def test_values_in_params_are_not_converted(unvisited, connect):
    with pytest.raises(InvalidParams, match="count: must be a whole number"):
        connect(unvisited).run(EVENTS, {"count": "5"})


def test_values_in_a_filter_are_converted_to_the_declared_type(connect):
    with Hostile(page([])) as server:
        connect(server).run("event_types.list", filter={"user": OWNER, "count": " 5 ", "active": "TRUE"})
    assert queries(server)[0] == {"user": OWNER, "count": "5", "active": "true"}


def test_an_input_in_both_params_and_filter_is_rejected(unvisited, connect):
    with pytest.raises(InvalidParams, match="status: is in both params and filter"):
        connect(unvisited).run(EVENTS, {"status": "active"}, filter={"status": "canceled"})


def test_all_problems_are_reported_together(unvisited, connect):
    rows = [
        ("statsu", "active"),
        ("count", "1000"),
        ("user", "https://evil.example/users/a"),
        ("sort", "~{Later}~"),
    ]
    with pytest.raises(InvalidParams) as caught:
        connect(unvisited).run(EVENTS, filter=rows)
    assert {problem.path for problem in caught.value.problems} == {"statsu", "count", "user", "sort"}
    nearest = {problem.path: problem.nearest for problem in caught.value.problems}
    assert nearest["statsu"] == "status"


@pytest.mark.parametrize(
    "inputs",
    [
        {"count": float("nan")},
        {"count": float("inf")},
        {"count": 2**70},
        {"count": True},
        {"status": []},
        {"invitee_email": "\ud800@acme.example"},
        {"page_token": "\ud800"},
        {"page_token": {"a": object()}},
        {"status": object()},
    ],
)
def test_values_that_are_not_json_are_rejected_before_the_network(inputs, unvisited, connect):
    with pytest.raises(InvalidParams):
        connect(unvisited).run(EVENTS, ALL_EVENTS | inputs)


# Defaults and names


@pytest.mark.parametrize(
    ("inputs", "users"),
    [
        ({}, [ME["uri"]]),
        ({"user": OWNER}, [OWNER]),
        ({"organization": ORGANIZATION}, []),
        ({"group": f"https://api.calendly.com/groups/{fixtures.GROUP}"}, []),
    ],
)
def test_the_default_user_is_sent_only_without_an_alternative_input(inputs, users, connect):
    steps = [] if inputs else [one(ME)]
    with Hostile(*steps, page([])) as server:
        connect(server).run(EVENTS, inputs)
    assert [request.path for request in server.asked] == ["/users/me"] * (not inputs) + ["/scheduled_events"]
    assert [value for name, value in server.asked[-1].query if name == "user"] == users


@pytest.mark.parametrize(
    ("name", "inputs", "runs"),
    [
        ("scheduled_events", {}, "scheduled_events.list"),
        ("scheduled_events", {"uuid": fixtures.ACTIVE_EVENT}, "scheduled_events.get"),
        ("event_types", {}, "event_types.list"),
        ("event_types", {"uuid": fixtures.INTRO_CALL}, "event_types.get"),
        ("users", {}, "users.me"),
        ("users", {"uuid": fixtures.ADMIN}, "users.get"),
        ("users/me", {}, "users.me"),
        ("USERS/ME", {}, "users.me"),
    ],
)
def test_an_original_name_picks_the_action_by_its_inputs(name, inputs, runs, sandbox, connect):
    connection = connect(sandbox)
    assert connection.run(name, inputs).action == runs
    assert connection.run(name, filter=inputs).action == runs


def test_the_original_name_creates_a_subscription(fresh_sandbox, connect):
    rows = [
        ("url", "http://127.0.0.1:9/calendly"),
        ("events[]", "invitee.created"),
        ("events[]", "invitee.canceled"),
        ("scope", "organization"),
    ]
    result = connect(fresh_sandbox, signing_key="made-up-key").run("Create Webhook Subscription", filter=rows)
    assert result.action == "webhook_subscriptions.create"
    assert result.record["events"] == ["invitee.created", "invitee.canceled"]


def test_users_me_is_one_call(faulty_sandbox, connect):
    result = connect(faulty_sandbox).run("users.me")
    assert result.calls == 1
    assert paths(faulty_sandbox) == ["/users/me"]


def test_an_unknown_action_suggests_the_nearest_name(unvisited, connect):
    with pytest.raises(UnknownAction, match=r"scheduled_events\.list"):
        connect(unvisited).run("scheduled_event.list")


@pytest.mark.parametrize("count", [1, 1.0, "1"])
def test_a_count_that_is_documented_as_text_is_sent_as_text(count, connect):
    link = catalog()["scheduling_links.create"].examples[0]
    inputs = link["input"] | {"max_event_count": count}
    with Hostile(one(link["output"])) as server:
        connection = connect(server)
        connection.run("scheduling_links.create", inputs)
        shown = connection.preview("scheduling_links.create", inputs)
    [request] = server.asked
    assert json.loads(request.body)["max_event_count"] == "1"
    assert shown["body"]["max_event_count"] == "1"


def test_a_preview_uses_no_network(unvisited, connect):
    shown = connect(unvisited).preview(EVENTS, filter={"min_start_time": "~{Now}~"}, limit=5)
    assert ["user", "~{GetUserUrl}~"] in shown["query"]
    assert ["min_start_time", "~{Now}~"] in shown["query"]
    assert ["count", "5"] in shown["query"]


# Lost replies


def test_a_subscription_is_not_created_twice_if_the_reply_is_lost(fresh_sandbox, connect):
    action = catalog()["webhook_subscriptions.create"]
    fresh_sandbox.fault("reset", method="POST")
    with pytest.raises(NoAnswer, match="Check before retrying") as caught:
        connect(fresh_sandbox).run(action.id, action.examples[0]["input"])
    assert caught.value.may_have_happened
    assert paths(fresh_sandbox) == ["/webhook_subscriptions"]
    found = connect(fresh_sandbox).run("webhook_subscriptions.list", {"scope": "organization"}).records
    assert action.examples[0]["input"]["url"] in {record["callback_url"] for record in found}


def test_a_page_token_that_would_skip_records_is_not_returned(connect, sandbox):
    rows = {"organization": "~{GetOrganizationUrl}~", "count": "40"}
    cut = connect(sandbox).run("scheduled_events.list", filter=rows, limit=50)
    assert (len(cut.records), cut.complete, cut.next_page_token) == (50, False, None)
    whole = connect(sandbox).run("scheduled_events.list", filter=rows, limit=80)
    assert whole.next_page_token
