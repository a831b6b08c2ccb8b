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
    return [dict(asked.query) for asked in hostile.asked]


# Pages


def test_a_list_is_one_page_unless_more_is_asked_for(troubled, connect):
    result = connect(troubled).run(EVENTS, ALL_EVENTS)
    assert len(result.records) == 100
    assert not result.complete
    assert result.next_page_token
    assert result.calls == 1 == len(paths(troubled))


def test_the_next_page_can_be_asked_for_by_its_token(sandbox, connect):
    connection = connect(sandbox)
    first = connection.run(EVENTS, ALL_EVENTS)
    second = connection.run(EVENTS, ALL_EVENTS | {"page_token": first.next_page_token})
    third = connection.run(EVENTS, ALL_EVENTS | {"page_token": second.next_page_token})
    assert third.complete
    assert third.next_page_token is None
    everything = uris(first.records + second.records + third.records)
    assert len(set(everything)) == len(everything) == MANY_EVENTS


@pytest.mark.parametrize(("count", "calls"), [(None, 3), (100, 3), (50, 5), (25, 10)])
def test_all_pages_are_the_whole_list_in_order_with_nothing_twice(count, calls, troubled, connect):
    given = ALL_EVENTS | {"sort": "start_time:asc"} | ({"count": count} if count else {})
    result = connect(troubled).run(EVENTS, given, all_pages=True)
    assert result.complete
    assert result.calls == calls == len(paths(troubled))
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
def test_a_limit_reads_no_page_too_many_and_says_whether_more_exist(
    limit, calls, complete, all_pages, troubled, connect
):
    result = connect(troubled).run(EVENTS, ALL_EVENTS, limit=limit, all_pages=all_pages)
    assert len(result.records) == min(limit, MANY_EVENTS)
    assert (result.calls, result.complete) == (calls, complete)
    assert len(paths(troubled)) == calls


@pytest.mark.parametrize(("limit", "asked_for"), [(None, "100"), (7, "7"), (500, "100")])
def test_a_page_is_as_large_as_it_is_useful(limit, asked_for, connect):
    with Hostile(page([])) as server:
        connect(server).run(EVENTS, ALL_EVENTS, limit=limit)
    assert queries(server)[0]["count"] == asked_for


def test_a_limit_that_cuts_the_last_page_says_that_more_exist(connect):
    with Hostile(page(GOOD_EVENTS[:5])) as server:
        result = connect(server).run(EVENTS, ALL_EVENTS | {"count": 5}, limit=3)
    assert len(result.records) == 3
    assert not result.complete


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_below_one_is_refused(limit, unvisited, connect):
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


def test_every_page_is_asked_for_with_the_same_inputs(connect):
    given = ALL_EVENTS | {"status": "active", "count": 2, "page_token": "t0"}
    with Hostile(page(GOOD_EVENTS[:2], "t1"), page(GOOD_EVENTS[2:3])) as server:
        connect(server).run(EVENTS, given, all_pages=True)
    first, second = queries(server)
    asked = {"organization": ORGANIZATION, "status": "active", "sort": "start_time:asc", "count": "2"}
    assert first == asked | {"page_token": "t0"}
    assert second == first | {"page_token": "t1"}


def test_the_address_of_the_next_page_in_a_reply_is_never_followed(unvisited, connect):
    pagination = {"next_page_token": "t1", "next_page": f"{unvisited.url}/scheduled_events?page_token=t1"}
    with Hostile(reply(200, {"collection": [EVENT], "pagination": pagination}), page([])) as server:
        connect(server).run(EVENTS, ALL_EVENTS, all_pages=True)
    assert len(server.asked) == 2


@pytest.mark.parametrize("tokens", [["a", "a"], ["a", "b", "a"], ["a", "b", "b"]])
def test_a_page_token_that_comes_again_is_an_error_and_no_endless_list(tokens, connect):
    steps = [page([EVENT], token) for token in tokens]
    with Hostile(*steps) as server, pytest.raises(UnexpectedAnswer, match="page token was repeated"):
        connect(server).run(EVENTS, ALL_EVENTS, all_pages=True)
    assert len(server.asked) == len(tokens)


def test_a_page_token_of_the_caller_that_went_stale_is_refused_with_details(fresh_sandbox, connect):
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
def test_no_token_ends_the_list(pagination, connect):
    with Hostile(reply(200, {"collection": [EVENT], "pagination": pagination})) as server:
        assert connect(server).run(EVENTS, ALL_EVENTS, all_pages=True).complete
    assert len(server.asked) == 1


# Streams


def test_a_stream_asks_for_a_page_only_when_the_one_before_is_used_up(troubled, connect):
    stream = connect(troubled).iterate(EVENTS, ALL_EVENTS)
    assert paths(troubled) == []
    records = iter(stream)
    for _ in range(100):
        next(records)
    assert len(paths(troubled)) == 1
    assert not stream.complete
    next(records)
    assert len(paths(troubled)) == 2
    rest = list(records)
    assert len(rest) == MANY_EVENTS - 101
    assert stream.complete
    assert stream.next_page_token is None
    assert stream.calls == 3


def test_a_stream_that_is_left_early_says_that_it_is_not_complete(sandbox, connect):
    stream = connect(sandbox).iterate(EVENTS, ALL_EVENTS)
    next(iter(stream))
    assert not stream.complete
    assert stream.next_page_token


def test_a_stream_can_be_limited(sandbox, connect):
    stream = connect(sandbox).iterate(EVENTS, ALL_EVENTS, limit=150)
    assert len(list(stream)) == 150
    assert not stream.complete
    assert stream.calls == 2


def test_a_stream_that_breaks_off_has_given_what_came_before(connect, timer):
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
    ("change", "words"),
    [
        ({"status": "postponed"}, "status: must be one of"),
        ({"start_time": 7}, "start_time: must be text"),
        ({"event_memberships": [{"user": None}]}, r"event_memberships\[\]"),
    ],
)
def test_records_outside_the_schema_are_kept_as_they_came_and_warned_of(change, words, connect):
    odd, other = {**EVENT, **change}, {**EVENT, **change, "uri": f"{EVENT['uri']}b"}
    with Hostile(page([GOOD_EVENTS[0], odd, other])) as server:
        result = connect(server).run(EVENTS, ALL_EVENTS)
    assert result.records == [GOOD_EVENTS[0], odd, other]
    [warning, *_] = [warning for warning in result.warnings if re.search(words, warning)]
    assert EVENTS in warning
    assert "2 record(s), kept unchanged" in warning


def test_a_new_field_causes_no_warning(connect):
    new = {**EVENT, "mood": "good"}
    with Hostile(page([new])) as server:
        result = connect(server).run(EVENTS, ALL_EVENTS)
    assert result.records == [new]
    assert result.warnings == ()


def test_a_single_record_outside_the_schema_is_kept_and_warned_of(connect):
    odd = {**ME, "name": None}
    with Hostile(one(odd)) as server:
        result = connect(server).run("users.me")
    assert result.record == odd
    assert len(result.warnings) == 1
    assert "name" in result.warnings[0]


def test_a_warning_repeats_no_value_of_a_record(connect):
    with Hostile(one({**ME, "email": "not-for-logs", "timezone": 5})) as server:
        result = connect(server).run("users.me")
    assert result.warnings
    assert "not-for-logs" not in str(result.warnings)


# Functions


def test_what_a_function_fetches_is_fetched_once_per_connection(troubled, connect):
    connection = connect(troubled)
    rows = {"organization": "~{GetOrganizationUrl}~", "user": "~{GetUserUrl}~", "count": 1}
    connection.run(EVENTS, filter=rows)
    connection.run(EVENTS)
    connection.run("event_types.list", {"count": 1})
    assert paths(troubled).count("/users/me") == 1
    assert len(paths(troubled)) == 4


def test_threads_that_need_a_function_at_once_share_one_fetch(troubled, connect):
    connection = connect(troubled)
    start = threading.Barrier(4)

    def work(_):
        start.wait()
        return connection.run("event_types.list").records

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(work, range(4)))
    assert results[0]
    assert all(records == results[0] for records in results)
    assert paths(troubled).count("/users/me") == 1


def test_a_failed_fetch_is_repeated_by_the_next_call(troubled, connect):
    connection = connect(troubled)
    troubled.fault("status", status=404, path="/users/me")
    with pytest.raises(Exception, match="not found"):
        connection.run(EVENTS)
    assert connection.run(EVENTS).records


def test_a_user_without_the_field_is_an_error_and_nothing_is_sent_in_its_place(connect):
    step = one({**ME, "current_organization": None})
    with Hostile(step) as server, pytest.raises(UnexpectedAnswer, match="current_organization"):
        connect(server).run(EVENTS, filter={"organization": "~{GetOrganizationUrl}~"})
    assert len(server.asked) == 1


def test_a_fetched_value_on_another_host_is_refused(connect):
    step = one({**ME, "uri": "https://evil.example/users/a-b"})
    with Hostile(step) as server, pytest.raises(UnexpectedAnswer, match=r"users\.me .*a host other than"):
        connect(server).run(EVENTS)
    assert len(server.asked) == 1


def test_the_clock_is_the_connections_own(connect, timer):
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
            "Africa/Cairo",  # there is no midnight on 2027-04-30: the day begins at 1:00
            "2027-04-29T12:00:00Z",
            {"~{Today+1d}~": "2027-04-29T22:00:00Z", "~{Today+2d}~": "2027-04-30T21:00:00Z"},
        ),
        (
            "America/Havana",  # midnight comes twice on 2027-11-07: the day begins with the first
            "2027-11-07T05:30:00Z",
            {"~{Today}~": "2027-11-07T04:00:00Z", "~{Today+1d}~": "2027-11-08T05:00:00Z"},
        ),
        ("Asia/Kathmandu", "2026-11-24T18:20:00Z", {"~{Today}~": "2026-11-24T18:15:00Z"}),
    ],
)
def test_today_begins_in_the_users_zone_and_moves_by_the_calendar(connect, timer, zone, now, rows):
    timer.now = datetime.fromisoformat(now).timestamp()
    steps = [page([])] * len(rows)
    with Hostile(one({**ME, "timezone": zone}), *steps) as server:
        connection = connect(server)
        for text in rows:
            connection.run(EVENTS, filter={"organization": ORGANIZATION, "min_start_time": text})
    told = [query["min_start_time"] for query in queries(server)[1:]]
    assert dict(zip(rows, told, strict=True)) == rows


def test_an_unknown_time_zone_is_an_error_with_a_fix(connect):
    step = one({**ME, "timezone": "Moon/Tycho"})
    with Hostile(step) as server, pytest.raises(UnexpectedAnswer, match="pip install tzdata"):
        connect(server).run(EVENTS, filter={"organization": ORGANIZATION, "min_start_time": "~{Today}~"})
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("~{GetUserUrll}~", "unknown function.*GetUserUrl"),
        ("~{GetUserUrl+7d}~", "doesn't take an offset"),
        ("~{GetUserUrl", "has a ~\\{ without"),
        ("~{Now+99999w}~", None),
        ("~{GetTimezone}~", "URI"),
    ],
)
def test_an_invalid_function_is_rejected_before_the_network(value, words, unvisited, connect):
    with pytest.raises(InvalidParams, match=words):
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


def test_without_a_signing_key_no_subscription_is_made(unvisited, connect):
    rows = [
        ("url", "https://hooks.acme.example/x"),
        ("events[]", "invitee.created"),
        ("scope", "organization"),
    ]
    with pytest.raises(InvalidParams, match="CALENDLY_WEBHOOK_SECRET"):
        connect(unvisited).run("webhook_subscriptions.create", filter=rows)


# Filter and params


def test_params_are_taken_as_they_are_and_functions_in_them_are_text(unvisited, connect):
    with pytest.raises(InvalidParams) as caught:
        connect(unvisited).run(EVENTS, {"user": "~{GetUserUrl}~"})
    assert [problem.path for problem in caught.value.problems] == ["user"]


def test_text_from_outside_that_looks_like_a_function_stays_text(connect):
    with Hostile(page([])) as server:
        connect(server).run(EVENTS, ALL_EVENTS | {"page_token": "~{GetUserUrl}~ and ~{Now}~"})
    [query] = queries(server)  # one request: nobody was asked who the user is
    assert query["page_token"] == "~{GetUserUrl}~ and ~{Now}~"


def test_a_filter_says_the_two_characters_themselves_with_two_tildes(connect):
    with Hostile(page([])) as server:
        connect(server).run(EVENTS, ALL_EVENTS, filter={"page_token": "~~{Now}~"})
    assert queries(server)[0]["page_token"] == "~{Now}~"


def test_a_value_from_params_is_not_read_as_another_type(unvisited, connect):
    with pytest.raises(InvalidParams, match="count: must be a whole number"):
        connect(unvisited).run(EVENTS, {"count": "5"})


def test_a_value_from_a_filter_takes_the_type_that_is_asked_for(connect):
    with Hostile(page([])) as server:
        connect(server).run("event_types.list", filter={"user": OWNER, "count": " 5 ", "active": "TRUE"})
    assert queries(server)[0] == {"user": OWNER, "count": "5", "active": "true"}


def test_an_input_in_both_params_and_filter_is_refused(unvisited, connect):
    with pytest.raises(InvalidParams, match="status: is in both params and filter"):
        connect(unvisited).run(EVENTS, {"status": "active"}, filter={"status": "canceled"})


def test_all_problems_are_told_at_once(unvisited, connect):
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
    "given",
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
def test_values_that_no_json_holds_are_refused_before_the_network(given, unvisited, connect):
    with pytest.raises(InvalidParams):
        connect(unvisited).run(EVENTS, ALL_EVENTS | given)


# Defaults and names


@pytest.mark.parametrize(
    ("given", "users"),
    [
        ({}, [ME["uri"]]),
        ({"user": OWNER}, [OWNER]),
        ({"organization": ORGANIZATION}, []),
        ({"group": f"https://api.calendly.com/groups/{fixtures.GROUP}"}, []),
    ],
)
def test_the_default_stands_in_only_where_no_rival_is_given(given, users, connect):
    steps = [] if given else [one(ME)]
    with Hostile(*steps, page([])) as server:
        connect(server).run(EVENTS, given)
    assert [asked.path for asked in server.asked] == ["/users/me"] * (not given) + ["/scheduled_events"]
    assert [value for name, value in server.asked[-1].query if name == "user"] == users


@pytest.mark.parametrize(
    ("name", "given", "runs"),
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
def test_the_original_names_give_the_one_that_is_named_or_else_the_list(name, given, runs, sandbox, connect):
    connection = connect(sandbox)
    assert connection.run(name, given).action == runs
    assert connection.run(name, filter=given).action == runs


def test_the_original_name_makes_a_subscription(fresh_sandbox, connect):
    rows = [
        ("url", "http://127.0.0.1:9/calendly"),
        ("events[]", "invitee.created"),
        ("events[]", "invitee.canceled"),
        ("scope", "organization"),
    ]
    result = connect(fresh_sandbox, signing_key="made-up-key").run("Create Webhook Subscription", filter=rows)
    assert result.action == "webhook_subscriptions.create"
    assert result.record["events"] == ["invitee.created", "invitee.canceled"]


def test_who_i_am_is_one_call(troubled, connect):
    result = connect(troubled).run("users.me")
    assert result.calls == 1
    assert paths(troubled) == ["/users/me"]


def test_an_unknown_action_is_refused_with_the_nearest(unvisited, connect):
    with pytest.raises(UnknownAction, match=r"scheduled_events\.list"):
        connect(unvisited).run("scheduled_event.list")


@pytest.mark.parametrize("given", [1, 1.0, "1"])
def test_what_is_documented_as_text_is_sent_as_text(given, connect):
    link = catalog()["scheduling_links.create"].examples[0]
    inputs = link["input"] | {"max_event_count": given}
    with Hostile(one(link["output"])) as server:
        connection = connect(server)
        connection.run("scheduling_links.create", inputs)
        shown = connection.preview("scheduling_links.create", inputs)
    [asked] = server.asked
    assert json.loads(asked.body)["max_event_count"] == "1"
    assert shown["body"]["max_event_count"] == "1"


def test_a_preview_asks_nobody(unvisited, connect):
    shown = connect(unvisited).preview(EVENTS, filter={"min_start_time": "~{Now}~"}, limit=5)
    assert ["user", "~{GetUserUrl}~"] in shown["query"]
    assert ["min_start_time", "~{Now}~"] in shown["query"]
    assert ["count", "5"] in shown["query"]


# A write whose answer was lost


def test_a_subscription_whose_answer_was_lost_is_not_made_twice(fresh_sandbox, connect):
    action = catalog()["webhook_subscriptions.create"]
    fresh_sandbox.fault("reset", method="POST")
    with pytest.raises(NoAnswer, match="Check before retrying") as caught:
        connect(fresh_sandbox).run(action.id, action.examples[0]["input"])
    assert caught.value.may_have_happened
    assert paths(fresh_sandbox) == ["/webhook_subscriptions"]
    found = connect(fresh_sandbox).run("webhook_subscriptions.list", {"scope": "organization"}).records
    assert action.examples[0]["input"]["url"] in {record["callback_url"] for record in found}


def test_a_token_that_would_skip_records_is_not_given(connect, sandbox):
    rows = {"organization": "~{GetOrganizationUrl}~", "count": "40"}
    cut = connect(sandbox).run("scheduled_events.list", filter=rows, limit=50)
    assert (len(cut.records), cut.complete, cut.next_page_token) == (50, False, None)
    whole = connect(sandbox).run("scheduled_events.list", filter=rows, limit=80)
    assert whole.next_page_token
