"""Faults on the way: the result is correct, or an error follows a correct beginning (reliability.md).

Reads go through the sandbox, and their records are compared with those of a read without faults.
"""

import random
import select
import socket
import threading
from contextlib import ExitStack
from dataclasses import dataclass
from email.utils import formatdate
from itertools import count

import pytest
from calendly_connector.catalog.manifest import catalog
from calendly_connector.errors import (
    CalendlyDown,
    ConnectorError,
    NoAnswer,
    RateLimited,
    UnexpectedAnswer,
)
from calendly_connector.plugin import connector
from calendly_connector.sandbox.api.rate_limits import MODES
from calendly_connector.sandbox.world import fixtures
from calendly_connector.support.clock import Timeouts
from conftest import KIND, OWNER_TOKEN, Timer
from hostile import Hostile, Listener, page, reply
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from proxy import Proxy, Step

ORGANIZATION = f"https://api.calendly.com/organizations/{fixtures.ORGANIZATION}"
EVENTS, MEMBERS = "scheduled_events.list", "organization_memberships.list"
IN_TEN_PAGES = {"organization": ORGANIZATION, "sort": "start_time:asc", "count": 25}
IN_MANY_PAGES = IN_TEN_PAGES | {"count": 3}
DEADLINE_S = 180.0
ATTEMPTS = 5
ALWAYS = 1_000_000
HOUR_S = 3600.0


@dataclass
class Reading:
    """The URIs that a read returned, the error that ended it, and what it reports about itself."""

    uris: list[str]
    error: ConnectorError | None
    complete: bool
    warnings: tuple[str, ...]

    def assert_complete(self, expected):
        assert self.error is None
        assert self.uris == expected
        assert self.complete

    def assert_failed_after(self, expected, kind, pages=None):
        """Assert that it has a correct beginning of the list (`pages` of 25 records), then this error."""
        assert type(self.error) is kind
        assert self.uris == expected[: len(self.uris) if pages is None else 25 * pages]
        assert not self.complete


def read(connection, action=EVENTS, params=IN_TEN_PAGES, *, before_page=None):
    """Read a list; `before_page` maps page numbers to functions that are called before that page is read."""
    stream = connection.iterate(action, params)
    pages, uris, error = stream.pages(), [], None
    for number in count(1):
        (before_page or {}).get(number, lambda: None)()
        try:
            records = next(pages, None)
        except ConnectorError as caught:
            error = caught
            break
        if records is None:
            break
        uris += [record["uri"] for record in records]
    return Reading(uris, error, stream.complete, stream.warnings)


@pytest.fixture
def events(sandbox, connect):
    """Return the URIs of all events, in order. All sandboxes have the same data."""
    undisturbed = read(connect(sandbox))
    assert (len(set(undisturbed.uris)), undisturbed.error) == (250, None)
    return undisturbed.uris


@pytest.fixture
def members(sandbox, connect):
    """Return the URIs of all memberships, a list without an order of time."""
    undisturbed = read(connect(sandbox), MEMBERS, {"organization": ORGANIZATION})
    assert (len(set(undisturbed.uris)), undisturbed.error) == (8, None)
    return undisturbed.uris


def statuses(server):
    """Return the statuses of all replies of the sandbox."""
    return [request["status"] for request in server.requests()["requests"]]


# Connections that end early

ENDINGS = {
    "reset before the reply": Step(cut=0, abruptly=True),
    "reset before the request arrives": Step(forward=False, abruptly=True),
    "reset in the headers": Step(cut=40, abruptly=True),
    "reset in the body": Step(cut=-1000, abruptly=True),
    "reset before the last byte": Step(cut=-1, abruptly=True),
    "reset in a chunk": Step(cut=-1000, abruptly=True, chunked=512),
    "closed before the reply": Step(cut=0),
    "closed in the first line": Step(cut=9),
    "closed in the body": Step(cut=-1000),
    "closed before the last byte": Step(cut=-1),
    "closed in a chunk": Step(cut=-1000, chunked=512),
    "closed before the last chunk": Step(cut=-5, chunked=512),
}
ending = pytest.mark.parametrize("step", [pytest.param(step, id=name) for name, step in ENDINGS.items()])


@ending
def test_a_page_that_is_lost_is_requested_again(step, faulty_sandbox, events, connect):
    with Proxy(faulty_sandbox, Step(), step, Step(), step, step) as proxy:
        read(connect(proxy)).assert_complete(events)
    assert len(proxy.asked) == 10 + 3


@ending
def test_if_every_page_is_lost_the_read_ends_with_correct_pages_before(step, faulty_sandbox, events, connect):
    with Proxy(faulty_sandbox, Step(), Step(), Step(), then=step) as proxy:
        reading = read(connect(proxy))
    reading.assert_failed_after(events, NoAnswer, pages=3)
    assert reading.error.reason == "broken"
    assert len(proxy.asked) == 3 + ATTEMPTS


@pytest.mark.parametrize("place", range(20, 200, 9))
def test_headers_that_end_early_never_yield_wrong_records(place, faulty_sandbox, events, connect):
    with Proxy(faulty_sandbox, Step(), Step(cut=place)) as proxy:
        reading = read(connect(proxy))
    if reading.error:
        reading.assert_failed_after(events, UnexpectedAnswer, pages=1)
    else:
        reading.assert_complete(events)


@pytest.mark.parametrize("size", [1, 7, 512, 1_000_000])
def test_a_reply_in_chunks_is_read(size, faulty_sandbox, events, connect):
    with Proxy(faulty_sandbox, then=Step(chunked=size)) as proxy:
        read(connect(proxy)).assert_complete(events)


@pytest.mark.parametrize("abruptly", [False, True])
def test_a_connection_that_was_closed_while_idle_is_reopened(abruptly, faulty_sandbox, events, connect):
    with Proxy(faulty_sandbox, then=Step(leave=True, abruptly=abruptly)) as proxy:

        def wait():
            assert proxy.left.wait(10)
            proxy.left.clear()

        read(connect(proxy), before_page=dict.fromkeys(range(2, 11), wait)).assert_complete(events)


# Invalid replies


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param({"kind": "not_json"}, id="truncated JSON"),
        pytest.param({"kind": "html", "status": 200}, id="HTML"),
        pytest.param({"kind": "empty"}, id="nothing"),
    ],
)
def test_a_reply_that_is_not_a_page_ends_the_read_without_a_retry(fault, faulty_sandbox, events, connect):
    faulty_sandbox.fault(**fault, after=3)
    read(connect(faulty_sandbox)).assert_failed_after(events, UnexpectedAnswer, pages=3)
    assert len(statuses(faulty_sandbox)) == 4


@pytest.mark.parametrize("kind", ["truncate", "reset"])
def test_a_body_that_is_cut_in_half_is_requested_again(kind, faulty_sandbox, events, connect):
    faulty_sandbox.fault(kind, after=3, times=2)
    read(connect(faulty_sandbox)).assert_complete(events)
    assert len(statuses(faulty_sandbox)) == 10 + 2


# Time


def test_a_body_that_drips_in_ends_at_the_deadline(faulty_sandbox, events, connect, timer):
    def tick():
        timer.now += 1.0

    with Proxy(faulty_sandbox, Step(), Step(), Step(tick=tick)) as proxy:
        reading = read(connect(proxy))
    reading.assert_failed_after(events, NoAnswer, pages=2)
    assert reading.error.reason == "timeout"
    assert len(proxy.asked) == 3  # no time is left for another attempt


def test_a_body_that_drips_in_within_the_deadline_is_read(faulty_sandbox, events, connect, timer):
    def tick():
        timer.now += 1e-4

    with Proxy(faulty_sandbox, Step(), Step(tick=tick)) as proxy:
        read(connect(proxy)).assert_complete(events)


def test_headers_that_drip_in_forever_end_at_the_deadline(connect, timer):
    def drip(connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\nX-Pad: ")
        while True:
            timer.now += 1.0
            connection.sendall(b"x")

    with Hostile(drip) as server:
        reading = read(connect(server))
    reading.assert_failed_after([], NoAnswer)
    assert reading.error.reason == "timeout"  # a library's own limit of a line's length would be "broken"


def test_a_reply_that_never_comes_is_a_timeout(faulty_sandbox, events, connect):
    with Proxy(faulty_sandbox, Step(), Step(), then=Step(hold=True)) as proxy:
        reading = read(connect(proxy, timeouts=Timeouts(read_s=1.0)))
    reading.assert_failed_after(events, NoAnswer, pages=2)
    assert reading.error.reason == "timeout"
    assert len(proxy.asked) == 2 + ATTEMPTS


@pytest.fixture
def full_queue():
    """Return an address with a full queue: a new connection is neither accepted nor refused."""
    with ExitStack() as opened:
        listener = opened.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(8):
            waiting = opened.enter_context(socket.socket())
            waiting.settimeout(0.05)
            try:
                waiting.connect(listener.getsockname())
            except TimeoutError:
                break
        else:
            pytest.fail("the queue of this system does not get full")
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_a_connection_that_is_not_accepted_is_a_timeout(full_queue, connect):
    reading = read(connect(full_queue, timeouts=Timeouts(connect_s=0.05)))
    reading.assert_failed_after([], NoAnswer)
    assert reading.error.reason == "timeout"


class _Mute(Listener):
    """Accepts connections, reads requests and never replies."""

    def _talk(self, connection):
        while connection.recv(65536):
            pass


def test_a_tls_handshake_that_stalls_is_a_timeout(connect):
    with _Mute() as mute:
        reading = read(connect(mute.url.replace("http:", "https:"), timeouts=Timeouts(connect_s=0.05)))
    reading.assert_failed_after([], NoAnswer)
    assert reading.error.reason == "timeout"


def _jumping(timer, hours):
    """Return a clock that jumps by hours between any two readings."""
    jumps = count()

    def clock():
        return timer() + HOUR_S * hours * (next(jumps) % 2)

    return clock


@pytest.mark.parametrize("hours", [-30, -1, 1, 30])
def test_a_clock_that_jumps_changes_nothing(hours, make_sandbox, events, connect, timer):
    began = timer.now
    with make_sandbox(rate_limit=6, clock=timer) as sandbox:
        sandbox.fault("status", after=2, times=3)
        sandbox.fault("status", status=429, headers={"Retry-After": "7"}, after=4)
        read(connect(sandbox, clock=_jumping(timer, hours))).assert_complete(events)
    assert timer.now - began <= 3 * 61


@pytest.mark.parametrize("hours", [-30, 30])
def test_a_wait_is_right_even_if_the_servers_clock_is_wrong(hours, make_sandbox, events, connect, timer):
    def wrong():
        return timer.now + HOUR_S * hours

    with make_sandbox(clock=wrong) as sandbox:
        for status in (429, 503):
            date = formatdate(wrong() + 30, usegmt=True)
            sandbox.fault("status", status=status, headers={"Retry-After": date}, after=2)
            timer.sleeps.clear()
            read(connect(sandbox)).assert_complete(events)
            assert 29 <= sum(timer.sleeps) <= 31


# Error statuses


@pytest.mark.parametrize("kind", ["status", "html"])
@pytest.mark.parametrize("times", [1, ATTEMPTS - 1])
def test_a_5xx_is_retried_until_it_is_over(kind, times, faulty_sandbox, events, connect):
    faulty_sandbox.fault(kind, after=3, times=times)
    read(connect(faulty_sandbox)).assert_complete(events)
    assert len(statuses(faulty_sandbox)) == 10 + times


def test_bursts_of_5xx_are_survived(faulty_sandbox, events, connect):
    for after, status in enumerate((500, 502, 503, 504), 1):
        faulty_sandbox.fault("status", status=status, after=after, times=ATTEMPTS - 1)
    read(connect(faulty_sandbox)).assert_complete(events)
    assert len(statuses(faulty_sandbox)) == 10 + 4 * (ATTEMPTS - 1)


def test_a_permanent_5xx_ends_the_read_with_correct_pages_before(faulty_sandbox, events, connect, timer):
    faulty_sandbox.fault("status", after=3, times=ALWAYS)
    began = timer.now
    read(connect(faulty_sandbox)).assert_failed_after(events, CalendlyDown, pages=3)
    assert len(statuses(faulty_sandbox)) == 3 + ATTEMPTS
    assert timer.now - began <= DEADLINE_S


def _seconds(_now):
    return {"Retry-After": "20"}


def _date(now):
    return {"Retry-After": formatdate(now + 20, usegmt=True), "Date": formatdate(now, usegmt=True)}


def _reset(_now):
    return {"X-RateLimit-Limit": "50", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "20"}


def _nothing(_now):
    return {}


@pytest.mark.parametrize("headers_at", [_seconds, _date])
def test_a_503_is_retried_no_sooner_than_it_says(headers_at, faulty_sandbox, events, connect, timer):
    faulty_sandbox.fault("status", status=503, headers=headers_at(timer.now), after=3)
    read(connect(faulty_sandbox)).assert_complete(events)
    assert 20 <= sum(timer.sleeps) <= 50


@pytest.mark.parametrize(
    ("headers_at", "wait_s"), [(_seconds, 20), (_date, 20), (_reset, 20), (_nothing, 60)]
)
def test_a_429_is_retried_after_the_time_it_says(headers_at, wait_s, faulty_sandbox, events, connect, timer):
    faulty_sandbox.fault("status", status=429, headers=headers_at(timer.now), after=3)
    read(connect(faulty_sandbox)).assert_complete(events)
    assert wait_s <= sum(timer.sleeps) <= wait_s + 2
    assert statuses(faulty_sandbox).count(429) == 1


def test_a_permanent_429_ends_the_read_with_correct_pages_before(faulty_sandbox, events, connect, timer):
    faulty_sandbox.fault("status", status=429, headers={"Retry-After": "1"}, after=3, times=ALWAYS)
    began = timer.now
    read(connect(faulty_sandbox)).assert_failed_after(events, RateLimited, pages=3)
    assert timer.now - began <= DEADLINE_S


@pytest.mark.parametrize("mode", MODES)
def test_a_rate_limit_is_respected_with_any_kind_of_window(mode, make_sandbox, events, connect, timer):
    began = timer.now
    with make_sandbox(rate_limit=20, rate_mode=mode, clock=timer) as sandbox:
        read(connect(sandbox), params=IN_MANY_PAGES).assert_complete(events)
        refused = statuses(sandbox).count(429)
    assert timer.now - began <= 1.5 * 60 * (84 / 20)  # 84 pages
    assert refused <= (4 if mode == "retry-after" else 1)  # that server sends no headers before its 429


@pytest.mark.parametrize("mode", MODES)
def test_it_waits_if_another_program_uses_up_the_limit(mode, make_sandbox, events, connect, timer):
    began = timer.now
    with make_sandbox(rate_limit=20, rate_mode=mode, clock=timer) as sandbox:

        def use_up():
            sandbox.spend(20, token=OWNER_TOKEN)

        read(connect(sandbox), before_page={3: use_up, 7: use_up}).assert_complete(events)
        refused = statuses(sandbox).count(429)
    assert timer.now - began <= 4 * 61
    assert refused <= 4


def test_a_name_that_no_longer_resolves_ends_the_read(faulty_sandbox, events, connect, monkeypatch):
    def gone(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    with Proxy(faulty_sandbox, Step(), Step(), Step(leave=True)) as proxy, monkeypatch.context() as patch:

        def cut_off():
            assert proxy.left.wait(10)
            patch.setattr(socket, "getaddrinfo", gone)

        reading = read(connect(proxy), before_page={4: cut_off})
    reading.assert_failed_after(events, NoAnswer, pages=3)
    assert reading.error.reason == "dns"


def test_a_server_that_is_gone_ends_the_read(faulty_sandbox, events, connect, timer):
    with Proxy(faulty_sandbox) as proxy:
        connection = connect(proxy)
        reading = read(connection, before_page={4: lambda: proxy.__exit__(None, None, None)})
    reading.assert_failed_after(events, NoAnswer, pages=3)
    assert reading.error.reason == "refused"
    assert len(timer.sleeps) == ATTEMPTS - 1


# Pages


@pytest.mark.parametrize("sort", ["start_time:asc", "start_time:desc"])
@pytest.mark.parametrize("bounds", [{}, {"min_start_time": "2026-01-01T00:00:00Z"}])
@pytest.mark.parametrize("times", [1, 3, ALWAYS])
def test_a_list_in_order_of_time_resumes_after_a_rejected_page_token(
    times, bounds, sort, faulty_sandbox, connect
):
    params = IN_TEN_PAGES | bounds | {"sort": sort}
    expected = read(connect(faulty_sandbox), params=params).uris
    assert len(expected) > 100
    faulty_sandbox.fault("refuse_token", path="/scheduled_events", after=3, times=times)
    read(connect(faulty_sandbox), params=params).assert_complete(expected)


@pytest.mark.parametrize("number", [2, 3, 10])
def test_stale_page_tokens_cause_no_gaps_and_no_duplicates(number, faulty_sandbox, events, connect):
    def expire():
        faulty_sandbox.control("POST", "/page_tokens/expire")

    read(connect(faulty_sandbox), before_page={number: expire}).assert_complete(events)


def test_more_events_of_one_moment_than_a_page_are_complete_or_reported(fresh_sandbox, connect):
    for number in range(8):
        fresh_sandbox.book(start_time="2026-11-20T09:00:00Z", email=f"guest{number}@client.example")
    expected = read(connect(fresh_sandbox), params=IN_MANY_PAGES).uris
    assert len(expected) == 258
    for times in (1, ALWAYS):
        fresh_sandbox.control("DELETE", "/faults")
        fresh_sandbox.fault("refuse_token", path="/scheduled_events", after=4, times=times)
        reading = read(connect(fresh_sandbox), params=IN_MANY_PAGES)
        assert reading.uris == expected[: len(reading.uris)]
        assert reading.complete == (reading.uris == expected)
        assert reading.complete or reading.error or reading.warnings
        assert reading.complete or times == ALWAYS


def test_a_list_without_order_of_time_restarts_after_a_rejected_page_token(faulty_sandbox, members, connect):
    params = {"organization": ORGANIZATION, "count": 2}
    for after in (1, 2, 3):
        faulty_sandbox.fault("refuse_token", path="/organization_memberships", after=after)
        read(connect(faulty_sandbox), MEMBERS, params).assert_complete(members)


def test_a_list_whose_page_tokens_are_always_rejected_is_incomplete(faulty_sandbox, members, connect):
    faulty_sandbox.fault("refuse_token", path="/organization_memberships", after=2, times=ALWAYS)
    reading = read(connect(faulty_sandbox), MEMBERS, {"organization": ORGANIZATION, "count": 2})
    assert reading.uris == members[:4]
    assert not reading.complete
    assert reading.error or reading.warnings


def test_a_list_that_cannot_be_resumed_is_incomplete(faulty_sandbox, events, connect):
    for _ in range(8):
        for kind in ("refuse_token", "empty_page"):  # each applies to the request after the previous one
            faulty_sandbox.fault(kind, path="/scheduled_events", after=1)
    reading = read(connect(faulty_sandbox))
    assert reading.uris == events[:25]
    assert reading.error is None
    assert not reading.complete
    assert any(EVENTS in warning for warning in reading.warnings)


def test_a_page_token_that_leads_to_its_own_page_ends_the_read(faulty_sandbox, events, connect):
    faulty_sandbox.fault("repeat_token", after=3)
    reading = read(connect(faulty_sandbox))
    reading.assert_failed_after(events, UnexpectedAnswer)
    assert len(reading.uris) in {75, 100}  # with and without the records of the page


def test_a_repeated_first_page_is_returned_once(faulty_sandbox, events, connect):
    faulty_sandbox.fault("repeat_token")
    read(connect(faulty_sandbox)).assert_complete(events)


@pytest.mark.parametrize("times", [1, 5])
@pytest.mark.parametrize("after", [0, 4, 9])
def test_empty_pages_do_not_end_a_list(after, times, faulty_sandbox, events, connect):
    faulty_sandbox.fault("empty_page", after=after, times=times)
    read(connect(faulty_sandbox)).assert_complete(events)


@pytest.mark.parametrize("rows", [1, 12, 24])
def test_rows_that_shift_between_pages_are_returned_once(rows, faulty_sandbox, events, connect):
    faulty_sandbox.fault("shift", rows=rows, after=1, times=ALWAYS)
    read(connect(faulty_sandbox)).assert_complete(events)


def test_rows_that_shift_in_an_unordered_list_are_returned_once(faulty_sandbox, members, connect):
    faulty_sandbox.fault("shift", path="/organization_memberships", rows=2, after=1, times=ALWAYS)
    read(connect(faulty_sandbox), MEMBERS, {"organization": ORGANIZATION, "count": 3}).assert_complete(
        members
    )


def test_bookings_and_cancellations_during_a_read_affect_no_other_records(fresh_sandbox, connect):
    before = read(connect(fresh_sandbox)).uris
    booked = []

    def book():
        booked.append(fresh_sandbox.book(start_time="2026-11-20T09:00:00Z")["event"]["uri"])
        fresh_sandbox.cancel(event=before[-1 - len(booked)])

    reading = read(connect(fresh_sandbox), before_page=dict.fromkeys(range(2, 8), book))
    assert reading.error is None
    assert reading.complete
    assert len(set(reading.uris)) == len(reading.uris)
    assert [uri for uri in reading.uris if uri not in booked] == before


def test_a_record_on_two_pages_is_returned_once(connect):
    example = catalog()[EVENTS].examples[0]["output"]
    rows = [{**example, "uri": f"{example['uri']}-{number}"} for number in range(4)]
    pages = [page([rows[0], rows[1]], "a"), page([rows[1], rows[2]], "b"), page([rows[1], rows[3]])]
    with Hostile(*pages) as server:
        read(connect(server)).assert_complete([row["uri"] for row in rows])


def test_rows_of_one_page_with_the_same_uri_are_all_returned(connect):
    uri = "https://api.calendly.com/group_relationships/R1"
    rows = [{"uri": uri, "role": role} for role in ("member", "admin")]
    with Hostile(page(rows, "a"), page(rows)) as server:
        result = connect(server).run("group_relationships.list", {"group": "G" * 16}, all_pages=True)
    assert [record["role"] for record in result.records] == ["member", "admin"]  # the second page is a repeat
    assert result.complete


def list_of_one_page(connect, pagination):
    document = {"collection": [{"uri": "https://api.calendly.com/users/T1"}], "pagination": pagination}
    last = page([{"uri": "https://api.calendly.com/users/T2"}])
    with Hostile(reply(body=document), last) as server:
        return connect(server).run(MEMBERS, {"user": "U" * 16}, all_pages=True), server.asked


@pytest.mark.parametrize(
    "address",
    [
        "https://api.calendly.com/organization_memberships?count=1&page_token=a%2Bb%3D",
        "https://evil.example/elsewhere?page_token=a%2Bb%3D#end",
        "?page_token=a%2Bb%3D",
    ],
)
@pytest.mark.parametrize("token", [{}, {"next_page_token": None}, {"next_page_token": ""}])
def test_a_page_token_in_next_page_is_used_but_its_address_is_not(address, token, connect):
    result, requests = list_of_one_page(connect, {"next_page": address, **token})
    assert (len(result.records), result.complete) == (2, True)
    assert [dict(request.query).get("page_token") for request in requests] == [None, "a+b="]
    assert {request.path for request in requests} == {"/organization_memberships"}


@pytest.mark.parametrize(
    "address", ["https://api.calendly.com/x", "https://[::1/x", "?page_token=a&page_token=b", "?page_token="]
)
def test_a_next_page_without_a_token_is_an_error(address, connect):
    with pytest.raises(UnexpectedAnswer, match="without a page token, so the rest of the list can't be read"):
        list_of_one_page(connect, {"next_page": address})


@pytest.mark.parametrize("pagination", [{"next_page": 5}, {"next_page": {}}, [1]])
def test_an_unknown_form_of_pagination_is_an_error(pagination, connect):
    with pytest.raises(UnexpectedAnswer, match="readable pagination"):
        list_of_one_page(connect, pagination)


# Writes

SUBSCRIBE = "webhook_subscriptions.create"


def subscription():
    return catalog()[SUBSCRIBE].examples[0]["input"]


@pytest.fixture
def count_subscriptions(fresh_sandbox, connect):
    """Return a function that counts how often the subscription of the example exists."""

    def count_now():
        rows = connect(fresh_sandbox).run("webhook_subscriptions.list", {"scope": "organization"}).records
        return [row["callback_url"] for row in rows].count(subscription()["url"])

    return count_now


@pytest.mark.parametrize(
    "step",
    [
        *(pytest.param(step, id=name) for name, step in ENDINGS.items() if "1000" not in repr(step)),
        pytest.param(Step(cut=-100), id="closed in the middle of the body"),
        pytest.param(Step(cut=-100, abruptly=True, chunked=64), id="reset in the middle of a chunk"),
        pytest.param(Step(hold=True), id="held back"),
    ],
)
def test_a_write_is_not_retried_if_its_reply_is_lost(step, fresh_sandbox, count_subscriptions, connect):
    with Proxy(fresh_sandbox, step) as proxy:
        with pytest.raises(NoAnswer, match="Check before retrying") as caught:
            connect(proxy, timeouts=Timeouts(read_s=1.0)).run(SUBSCRIBE, subscription())
        assert len(proxy.asked) == 1
    assert caught.value.may_have_happened
    assert not caught.value.retryable
    assert count_subscriptions() == (1 if step.forward else 0)  # the error doesn't say which


@pytest.mark.parametrize("place", range(20, 200, 9))
def test_a_write_is_not_retried_if_the_headers_end_early(place, fresh_sandbox, count_subscriptions, connect):
    with Proxy(fresh_sandbox, Step(cut=place)) as proxy:
        with pytest.raises((NoAnswer, UnexpectedAnswer), match="Check before retrying"):
            connect(proxy).run(SUBSCRIBE, subscription())
        assert len(proxy.asked) == 1
    assert count_subscriptions() == 1


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"kind": "status"}, CalendlyDown),
        ({"kind": "status", "status": 503, "headers": {"Retry-After": "1"}}, CalendlyDown),
        ({"kind": "html"}, CalendlyDown),
        ({"kind": "html", "status": 200}, UnexpectedAnswer),
        ({"kind": "not_json", "status": 201}, UnexpectedAnswer),
        ({"kind": "empty", "status": 201}, UnexpectedAnswer),
    ],
)
def test_a_write_that_failed_is_not_retried(fault, kind, fresh_sandbox, connect):
    fresh_sandbox.fault(**fault, method="POST")
    with pytest.raises(kind, match="Check before retrying"):
        connect(fresh_sandbox).run(SUBSCRIBE, subscription())
    assert len(statuses(fresh_sandbox)) == 1


@pytest.mark.parametrize("headers_at", [_seconds, _date, _reset, _nothing])
def test_a_write_is_retried_after_a_429(headers_at, fresh_sandbox, count_subscriptions, connect, timer):
    fresh_sandbox.fault("status", status=429, headers=headers_at(timer.now), method="POST", times=2)
    connect(fresh_sandbox).run(SUBSCRIBE, subscription())
    assert statuses(fresh_sandbox) == [429, 429, 201]
    assert count_subscriptions() == 1


def wait_for_closed_idle_connections(connection):
    """Wait until the client's side has seen the connection close, which may take a moment."""
    adapter = connection._client._session.get_adapter("http://")
    for pool in adapter.poolmanager.pools._container.values():
        for idle in filter(None, list(pool.pool.queue)):
            if idle.sock is not None:
                assert select.select([idle.sock], [], [], 10)[0]


@pytest.mark.parametrize("abruptly", [False, True])
def test_a_write_on_a_connection_that_was_closed_while_idle_happens_once(
    abruptly, fresh_sandbox, count_subscriptions, connect
):
    with Proxy(fresh_sandbox, Step(leave=True, abruptly=abruptly)) as proxy:
        connection = connect(proxy)
        connection.run("users.me")
        assert proxy.left.wait(10)
        wait_for_closed_idle_connections(connection)
        connection.run(SUBSCRIBE, subscription())
        assert len(proxy.asked) == 2
    assert count_subscriptions() == 1


def test_a_delete_is_retried_and_succeeds_if_its_reply_is_lost(fresh_sandbox, count_subscriptions, connect):
    made_one = connect(fresh_sandbox).run(SUBSCRIBE, subscription()).record
    with Proxy(fresh_sandbox, Step(cut=0, abruptly=True)) as proxy:
        connect(proxy).run("webhook_subscriptions.delete", {"uuid": made_one["uri"]})
        assert len(proxy.asked) == 2
    assert count_subscriptions() == 0


# Random faults

steps = st.builds(
    Step,
    forward=st.sampled_from([True, True, True, False]),
    chunked=st.sampled_from([0, 0, 1, 100, 5000]),
    cut=st.none() | st.integers(-20_000, 20_000),
    abruptly=st.booleans(),
    leave=st.booleans(),
)
faults = st.one_of(
    st.fixed_dictionaries(
        {"kind": st.just("status"), "status": st.sampled_from([429, 500, 503]), "times": st.integers(1, 6)}
    ),
    st.fixed_dictionaries(
        {"kind": st.sampled_from(["html", "not_json", "empty", "truncate", "reset", "repeat_token"])}
    ),
    st.fixed_dictionaries(
        {"kind": st.sampled_from(["empty_page", "refuse_token"]), "times": st.sampled_from([1, 2, 4, 30])}
    ),
    st.fixed_dictionaries({"kind": st.just("shift"), "rows": st.integers(1, 25), "times": st.integers(1, 9)}),
)
after = st.integers(0, 8).map(lambda number: {"after": number})
schedules = st.tuples(
    st.lists(st.just(Step()) | steps, max_size=30),
    st.lists(st.builds(dict.__or__, faults, after), max_size=4),
)


def read_through(faulty_sandbox, schedule, events, timer):
    """Read all events with faults; the result is correct, or reports that it isn't."""
    proxy_steps, declared = schedule
    faulty_sandbox.control("DELETE", "/faults")
    for fault in declared:
        faulty_sandbox.fault(**fault, path="/scheduled_events")
    credential = {"kind": KIND, "token": OWNER_TOKEN}
    with (
        Proxy(faulty_sandbox, *proxy_steps) as proxy,
        connector.connect(
            credential, origin=proxy.url, clock=timer, monotonic=timer, sleep=timer.sleep
        ) as connection,
    ):
        reading = read(connection)
    assert reading.uris == events[: len(reading.uris)]
    assert reading.complete == (reading.uris == events and reading.error is None)
    assert reading.complete or reading.error or reading.warnings


@pytest.mark.long
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(schedule=schedules)
def test_random_faults_cause_no_silent_gaps_and_no_duplicates(schedule, faulty_sandbox, events, timer):
    read_through(faulty_sandbox, schedule, events, timer)


class _Slow(Timer):
    """A clock that makes every call look slow, so lists are read in parallel."""

    def __init__(self):
        super().__init__()
        self._lock = threading.Lock()

    def __call__(self):
        with self._lock:
            self.now += 0.03
            return self.now


def _drawn(chance):
    """Draw a schedule of faults; threads, which hypothesis can't replay, decide which request gets which."""
    proxy_steps = [
        Step(
            forward=chance.random() < 0.8,
            cut=chance.choice([None, -1000, 0, chance.randrange(20_000)]),
            abruptly=chance.random() < 0.5,
            leave=chance.random() < 0.3,
        )
        if chance.random() < 0.4
        else Step()
        for _ in range(chance.randrange(30))
    ]
    kinds = ["status", "html", "truncate", "empty_page", "refuse_token", "shift", "repeat_token", "not_json"]
    declared = [
        {
            "kind": chance.choice(kinds),
            "times": chance.randrange(1, 5),
            "after": chance.randrange(9),
            "rows": chance.randrange(1, 25),
        }
        for _ in range(chance.randrange(4))
    ]
    return proxy_steps, declared


@pytest.mark.long
@pytest.mark.parametrize("seed", range(40))
def test_random_faults_during_parallel_reads_keep_the_order(seed, faulty_sandbox, events):
    schedule = _drawn(random.Random(seed))  # noqa: S311 - no secrets
    read_through(faulty_sandbox, schedule, events, _Slow())
