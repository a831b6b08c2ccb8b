"""Lists over MCP: short pages, page tokens, and lists that changed between pages."""

import pytest
from agents import scripted
from calendly_connector.contract import Result
from calendly_connector.hosts.mcp import pagination
from calendly_connector.support.redaction import redact_all


def read_all(agent, tool, **arguments):
    records, token = [], None
    while True:
        answer = agent.get(tool, **arguments, **({"page_token": token} if token else {}))
        records += answer["records"]
        assert answer["complete"] is ("next" not in answer)
        if answer["complete"]:
            return records
        token = answer["next"]


def test_a_list_is_paged_and_can_be_read_to_its_end(sandbox, serve, connect):
    with serve(sandbox) as agent:
        assert len(agent.get("scheduled_events_list")["records"]) == pagination.DEFAULT_COUNT
        records = read_all(agent, "scheduled_events_list", count=15)
    assert records == redact_all(connect(sandbox).run("scheduled_events.list", all_pages=True).records)
    assert len(records) > 30


def test_a_list_that_calendly_does_not_page_is_paged_too(frozen_sandbox, serve, connect):
    week = {"event_type": "intro", "start_time": "2026-11-23T00:00:00Z", "end_time": "2027-01-15T00:00:00Z"}
    with serve(frozen_sandbox) as agent:
        records = read_all(agent, "event_type_available_times_list", count=100, **week)
    assert records == connect(frozen_sandbox).run("event_type_available_times.list", week).records
    assert len(records) > 200


def test_a_page_of_long_records_is_shorter():
    pages = Result("x", records=[{"uri": str(number), "text": "a" * 15_000} for number in range(5)])
    with scripted(pages) as agent:
        first = agent.get("scheduled_events_list")
        assert [len(first["records"]), first["complete"]] == [2, False]
        assert read_all(agent, "scheduled_events_list") == pages.records


def test_a_page_has_at_least_one_record_however_long():
    with scripted(Result("x", records=[{"text": "a" * 100_000}])) as agent:
        assert agent.get("scheduled_events_list")["complete"]


def test_the_rest_of_a_calendly_page_is_read_by_requesting_it_again():
    long = [{"uri": str(number), "text": "a" * 30_000} for number in range(2)]
    with scripted(
        Result("x", records=[{"uri": "0"}], complete=False, next_page_token="second"),
        Result("x", records=long),
    ) as agent:
        assert read_all(agent, "scheduled_events_list", count=2) == [{"uri": "0"}, *long]
        assert [params.get("page_token") for _, params in agent.connection.calls] == [
            None,
            "second",
            "second",
        ]


def test_a_list_that_changed_between_pages_must_be_restarted():
    day = {"event_type": "A" * 16, "start_time": "2026-11-24T00:00:00Z", "end_time": "2026-11-25T00:00:00Z"}
    for after in ([{"n": 2}, {"n": 3}], []):
        before = Result("x", records=[{"n": 1}, {"n": 2}, {"n": 3}])
        with scripted(before, Result("x", records=after)) as agent:
            first = agent.get("event_type_available_times_list", **day, count=1)
            message = agent.error("event_type_available_times_list", **day, page_token=first["next"])
            assert "have changed since" in message
            assert "Omit page_token" in message


def test_a_next_page_with_a_smaller_count_is_rejected_with_the_reason():
    page, shorter = Result("x", records=[{"n": 1}, {"n": 2}, {"n": 3}]), Result("x", records=[{"n": 1}])
    with scripted(page, shorter) as agent:
        token = agent.get("scheduled_events_list", count=2)["next"]
        message = agent.error("scheduled_events_list", count=1, page_token=token)
        assert "or the other arguments have changed" in message


def test_a_list_that_ended_early_is_marked_incomplete_with_a_warning():
    with scripted(
        Result("x", records=[{"n": 1}], complete=False, warnings=("a page token was rejected",))
    ) as agent:
        answer = agent.get("scheduled_events_list")
        assert (answer["complete"], answer["warnings"]) == (False, ["a page token was rejected"])


@pytest.mark.parametrize(
    "token",
    ["x", "é", "WzEsMiwzXQ==", "W251bGwsLTEsIiJd", "W251bGwsdHJ1ZSwiIl0=", "bnVsbA==", "[" * 3000],
)
def test_an_invalid_page_token_is_rejected_without_network(token):
    with scripted(AssertionError("asked")) as agent:
        assert "page_token: must be `next`" in agent.error("scheduled_events_list", page_token=token)


@pytest.mark.parametrize("count", [0, 101, "20", 2.5, True])
def test_an_invalid_count_is_rejected_for_every_list(count):
    for tool in ("scheduled_events_list", "event_type_available_times_list"):
        with scripted(AssertionError("asked")) as agent:
            assert "count: must be" in agent.error(tool, count=count)


def test_an_integer_may_be_written_as_a_float(sandbox, serve):
    with serve(sandbox) as agent:
        assert len(agent.get("scheduled_events_list", count=2.0)["records"]) == 2
        assert len(agent.get("search_actions", query="webhook", limit=2.0)["actions"]) == 2


def test_a_page_token_round_trips():
    for at in (pagination.PageToken(), pagination.PageToken("tøken/+=", 7, "ab")):
        assert pagination.PageToken.parse(str(at)) == at
