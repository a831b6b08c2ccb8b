"""The client-side rate limit, against servers that count in different ways."""

import heapq
import itertools
import math
import random
from collections import deque

import pytest
from calendly_connector.contract import RateLimit
from calendly_connector.errors import RateLimited
from calendly_connector.http import rate_limit
from calendly_connector.http.rate_limit import (
    OPERATION_QUOTAS,
    AccountRateLimit,
    Permit,
    Quota,
    SlidingWindow,
)
from hostile import Hostile, one, reply
from hypothesis import given
from hypothesis import strategies as st

GET = ("GET", "/scheduled_events")
BOOK = ("POST", "/invitees")


class Fixed:
    """A server with fixed windows of a minute that start with their first request; Reset is rounded up."""

    def __init__(self, limit, *, says=None):
        self.limit, self.says = limit, says
        self.began, self.used, self.windows = None, 0, []

    def __call__(self, now):
        if self.began is None or now >= self.began + 60:
            if self.began is not None:
                self.windows.append(min(self.used, self.limit))
            self.began, self.used = now, 0
        self.used += 1
        reset = math.ceil(self.began + 60 - now) if self.says is None else self.says
        return self.used <= self.limit, RateLimit(self.limit, max(0, self.limit - self.used), reset)


class Sliding:
    """A server with a sliding window: each request counts for a minute."""

    def __init__(self, limit, *, says=None):
        self.limit, self.says, self.log = limit, says, deque()

    def __call__(self, now):
        while self.log and self.log[0] <= now - 60:
            self.log.popleft()
        good = len(self.log) < self.limit
        if good:
            self.log.append(now)
        reset = math.ceil(self.log[0] + 60 - now) if self.says is None else self.says
        return good, RateLimit(self.limit, self.limit - len(self.log), reset)


def run(server, requests, *, threads=1, latency_s=0.02, others=(), account=None, start=0.0):
    """Send from threads in virtual time; return when each request was sent, and the number of 429s."""
    account = account or AccountRateLimit()
    left, refused, sent = requests, 0, []
    agenda = [(start, number, "ask", None) for number in range(threads)]
    agenda += [(at, 1000 + number, "other", None) for number, at in enumerate(others)]
    heapq.heapify(agenda)
    steps = 0
    while agenda:
        steps += 1
        assert steps < 60 * requests + 100_000, "endless loop"
        now, number, step, turn = heapq.heappop(agenda)
        if step == "other":
            server(now)
        elif step == "ask" and left > 0:
            permit_or_wait_s = account.acquire(*GET, now)
            if isinstance(permit_or_wait_s, Permit):
                left -= 1
                sent.append(now)
                heapq.heappush(agenda, (now + latency_s / 2, number, "serve", permit_or_wait_s))
            else:
                assert permit_or_wait_s > 0
                heapq.heappush(agenda, (now + permit_or_wait_s, number, "ask", None))
        elif step == "serve":
            heapq.heappush(agenda, (now + latency_s / 2, number, "answer", (turn, server(now))))
        elif step == "answer":
            turn, (good, limit) = turn
            if good:
                account.observe(turn, now, limit)
            else:
                refused += 1
                left += 1
                account.on_429(turn, now, limit.reset_s)
            heapq.heappush(agenda, (now, number, "ask", None))
    return sent, refused


@pytest.mark.parametrize("limit", [50, 500])
@pytest.mark.parametrize(
    ("threads", "latency_s"), [(1, 0.001), (1, 0.05), (3, 0.001), (3, 0.3), (8, 0.001), (8, 0.05), (8, 0.3)]
)
def test_a_long_read_uses_its_limit_without_a_429(limit, threads, latency_s):
    server = Fixed(limit)
    sent, refused = run(server, 5 * limit, threads=threads, latency_s=latency_s)
    assert refused == 0
    assert len(server.windows) >= 4
    assert min(server.windows) >= 0.97 * limit
    assert sent[-1] <= 4 * 61 + limit * latency_s  # and the windows follow each other closely


@pytest.mark.parametrize("threads", [1, 8])
def test_a_read_that_fits_into_one_window_never_waits(threads):
    latency_s = 0.01
    sent, refused = run(Fixed(500), 500, threads=threads, latency_s=latency_s)
    assert refused == 0
    assert sent[-1] <= (500 / threads + 2) * latency_s + threads * rate_limit.RECHECK_S


@pytest.mark.parametrize("limit", [50, 500])
@pytest.mark.parametrize("threads", [1, 8])
@pytest.mark.parametrize("says", [None, 60])
@pytest.mark.parametrize("kind", [Fixed, Sliding])
def test_429s_are_rare_with_any_kind_of_window(kind, limit, threads, says):
    sent, refused = run(kind(limit, says=says), 6 * limit, threads=threads)
    assert refused <= 1
    assert sent[-1] <= 9 * 61  # at best 5 of 60 s


@pytest.mark.parametrize("threads", [1, 8])
def test_requests_of_another_program_cause_a_wait_and_no_loop(threads):
    others = [second + 0.5 for second in range(600)]  # one a second
    sent, refused = run(Fixed(100), 300, threads=threads, others=others)
    assert refused <= threads
    assert len(sent) - refused == 300


def test_a_window_that_another_program_has_used_up_is_waited_for():
    server = Fixed(50)
    for _ in range(50):
        server(0.0)
    sent, refused = run(server, 60)
    assert refused == 1
    assert 59.9 <= sent[1] <= 61


@given(
    st.integers(2, 120),
    st.integers(1, 8),
    st.floats(0.001, 2.0),
    st.lists(st.floats(0, 300), max_size=60),
    st.sampled_from([None, 60]),
    st.sampled_from([Fixed, Sliding]),
)
def test_any_server_is_handled_with_few_429s(limit, threads, latency_s, others, says, kind):
    requests = 3 * limit
    sent, refused = run(kind(limit, says=says), requests, threads=threads, latency_s=latency_s, others=others)
    assert len(sent) == requests + refused
    assert refused <= 2 * threads + len(others)


# Several processes


class Processes:
    """Processes of one account that send as much as they can, in virtual time, without communicating."""

    def __init__(self, server, starts, *, threads=1, latency_s=0.02, seconds=240):
        self.sent = [[] for _ in starts]
        self.refused = []
        self._server = server
        self._draw = random.Random(1)  # noqa: S311 - random latency
        self._agenda, self._order = [], itertools.count()
        self.accounts = [AccountRateLimit() for _ in starts]
        for number, start in enumerate(starts):
            for _ in range(threads):
                self._push(start, number, "ask", None)
        while self._agenda[0][0] < seconds:
            now, _, number, step, payload = heapq.heappop(self._agenda)
            account = self.accounts[number]
            travel_s = latency_s * (0.3 + 0.4 * self._draw.random())
            if step == "ask":
                turn = account.acquire(*GET, now)
                if isinstance(turn, Permit):
                    self._push(now + travel_s, number, "serve", turn)
                else:
                    self._push(now + turn, number, "ask", None)
            elif step == "serve":
                good, limit = server(now)
                (self.sent[number] if good else self.refused).append(now)
                self._push(now + travel_s, number, "answer", (payload, good, limit))
            else:
                turn, good, limit = payload
                if good:
                    account.observe(turn, now, limit)
                else:
                    account.on_429(turn, now, limit.reset_s)
                self._push(now, number, "ask", None)

    def shares(self, since=0.0):
        """Return each process's part of a fair share."""
        counts = [sum(at >= since for at in sent) for sent in self.sent]
        return [count * len(counts) / sum(counts) for count in counts]

    def _push(self, at, number, step, payload):
        heapq.heappush(self._agenda, (at, next(self._order), number, step, payload))


@pytest.mark.parametrize("says", [None, 60])
@pytest.mark.parametrize(("threads", "latency_s"), [(1, 0.003), (1, 0.1), (8, 0.1), (8, 0.3)])
@pytest.mark.parametrize("processes", [2, 4, 8])
def test_processes_that_start_together_share_the_limit_evenly(processes, threads, latency_s, says):
    server = Fixed(500, says=says)
    starts = [0.07 * number for number in range(processes)]
    run = Processes(server, starts, threads=threads, latency_s=latency_s)
    assert run.refused == []
    assert min(server.windows) >= 0.95 * 500
    assert min(run.shares()) >= 0.75


@pytest.mark.parametrize("latency_s", [0.003, 0.1])
def test_a_process_that_starts_later_gets_its_share_from_the_next_minute_on(latency_s):
    server = Fixed(500)
    run = Processes(server, [0.0, 20.0, 35.0], latency_s=latency_s)
    assert len(run.refused) <= 2  # if the first has used up the minute, each of the others gets a 429
    assert min(server.windows) >= 0.95 * 500
    assert min(run.shares(since=60)) >= 0.75


def test_a_process_uses_the_whole_limit_after_others_end():
    server = Fixed(500)
    alone = Processes(server, [0.0, 0.0], latency_s=0.01, seconds=59).accounts[0]
    sent, refused = run(server, 1500, account=alone, latency_s=0.01, start=60.0)
    assert refused == 0
    assert sent[-1] - sent[0] <= 4 * 61  # at best 3 minutes


@pytest.mark.parametrize("threads", [1, 8])
def test_a_few_calls_of_another_program_do_not_slow_a_burst_down(threads):
    others = [0.1, 0.2]
    sent, refused = run(Fixed(500), 450, threads=threads, latency_s=0.01, others=others)
    assert refused == 0
    assert sent[-1] <= 460 / threads * 0.01 + threads * rate_limit.RECHECK_S


def test_a_command_that_follows_others_in_the_same_minute_is_not_slowed_down():
    server = Fixed(500)
    for number in range(6):
        account = AccountRateLimit()  # a process of its own
        sent, refused = run(server, 25, account=account, latency_s=0.01, start=number)
        assert refused == 0
        assert sent[-1] - sent[0] <= 26 * 0.01


# Missing headers and replies


def test_a_server_without_the_headers_is_not_slowed_down():
    account = AccountRateLimit()
    for number in range(5000):
        turn = account.acquire(*GET, number * 1e-4)
        assert isinstance(turn, Permit)
        account.observe(turn, number * 1e-4, None)


def test_one_request_learns_the_window_before_others_follow():
    account = AccountRateLimit()
    turn = account.acquire(*GET, 0.0)
    assert account.acquire(*GET, 0.0) == rate_limit.RECHECK_S
    account.observe(turn, 0.1, RateLimit(500, 2, 30))
    assert isinstance(account.acquire(*GET, 0.1), Permit)
    assert isinstance(account.acquire(*GET, 0.1), Permit)
    assert account.acquire(*GET, 0.1) == rate_limit.RECHECK_S


def test_a_request_without_a_reply_does_not_delay_the_others():
    account = AccountRateLimit()
    for _ in range(3):
        assert isinstance(account.acquire(*GET, 0.0), Permit)
        account.release()


def test_a_late_reply_of_the_previous_window_changes_nothing():
    account = AccountRateLimit()
    first = account.acquire(*GET, 0.0)
    account.observe(first, 0.1, RateLimit(50, 49, 60))
    late, fresh = account.acquire(*GET, 59.9), account.acquire(*GET, 61.0)
    assert fresh == rate_limit.RECHECK_S  # the window is new, and a reply is under way
    account.release()
    fresh = account.acquire(*GET, 61.0)
    account.observe(fresh, 61.1, RateLimit(50, 49, 60))
    account.observe(late, 61.2, RateLimit(50, 0, 1))
    assert isinstance(account.acquire(*GET, 61.3), Permit)


@pytest.mark.parametrize(
    ("retry_after_s", "waits"), [(0.0, [0, 1, 2, 4, 8, 16, 32, 60, 60]), (7.0, [7, 7, 7, 7, 8])]
)
def test_repeated_429s_are_retried_less_and_less_often(retry_after_s, waits):
    account, now, slept = AccountRateLimit(), 0.0, []
    for _ in waits:
        turn = account.acquire(*GET, now)
        account.on_429(turn, now, retry_after_s)
        wait = account.acquire(*GET, now)
        if isinstance(wait, Permit):
            account.release()
            wait = 0
        slept.append(wait)
        now += wait
    assert slept == waits


def test_429s_of_parallel_requests_count_once():
    account = AccountRateLimit()
    probe = account.acquire(*GET, 0.0)
    account.observe(probe, 0.0, RateLimit(500, 400, 60))
    turns = [account.acquire(*GET, 1.0) for _ in range(8)]
    for turn in turns:
        account.on_429(turn, 1.5, 10.0)
    assert account.acquire(*GET, 1.5) == 10.0


# Operations with their own quotas


@pytest.mark.parametrize("plan", ["", "trial", "enterprise", "no such plan"])
def test_bookings_respect_every_quota_of_the_plan(plan):
    account, now, sent = AccountRateLimit(plan), 0.0, []
    windows = OPERATION_QUOTAS[BOOK].get(plan, OPERATION_QUOTAS[BOOK][""])
    for _ in range(2 * windows[0].limit + 210):
        while not isinstance(turn := account.acquire(*BOOK, now), Permit):
            now += turn
        sent.append(now)
        account.observe(turn, now, None)
    for limit, seconds in windows:
        assert all(later - earlier >= seconds for earlier, later in zip(sent, sent[limit:], strict=False))
    assert len(sent[: windows[0].limit]) == windows[0].limit
    assert sent[windows[0].limit - 1] == 0.0  # and no request is delayed too early


def test_oauth_tokens_are_eight_a_minute():
    account, path = AccountRateLimit("enterprise"), ("POST", "/oauth/token")
    for _ in range(8):
        account.observe(account.acquire(*path, 0.0), 0.0, None)
    assert account.acquire(*path, 0.0) == 60.0


def test_bookings_do_not_hold_up_reads():
    account = AccountRateLimit()
    for _ in range(10):
        account.observe(account.acquire(*BOOK, 0.0), 0.0, None)
    assert account.acquire(*BOOK, 0.0) == 60.0
    assert isinstance(account.acquire(*GET, 0.0), Permit)


def test_a_quota_allows_a_request_again_once_its_window_has_passed():
    allowance = SlidingWindow([Quota(2, 10)])
    assert allowance.wait_s(5) == 0
    allowance.acquire(5)
    allowance.acquire(6)
    assert [allowance.wait_s(now) for now in (6, 14, 15)] == [9, 1, 0]


# Through a connection


def spend(connection, calls):
    for _ in range(calls):
        connection.run("users.me")


@pytest.mark.parametrize(("limit", "calls"), [(50, 230), (500, 500)])
def test_against_the_sandbox_a_read_is_paced_without_a_429(limit, calls, make_sandbox, connect, timer):
    with make_sandbox(rate_limit=limit, clock=timer) as sandbox:
        began = timer.now
        spend(connect(sandbox), calls)
        windows = -(-calls // limit) - 1
        assert timer.now - began <= windows * 61
        assert timer.now - began >= windows * 60
        requests = sandbox.control("GET", "/requests")
    assert {entry["status"] for entry in requests["requests"]} == {200}


def test_connections_of_one_account_share_its_budget(make_sandbox, connect, timer):
    with make_sandbox(rate_limit=50, clock=timer) as sandbox:
        one, other = connect(sandbox), connect(sandbox)
        spend(one, 30)
        spend(other, 20)
        assert timer.sleeps == []
        spend(one, 1)
        assert 59 <= sum(timer.sleeps) <= 61


def test_accounts_do_not_share_a_budget(make_sandbox, connect, timer):
    with make_sandbox(rate_limit=50, clock=timer) as sandbox:
        spend(connect(sandbox), 50)
        spend(connect(sandbox, token="sandbox-admin"), 50)
    assert timer.sleeps == []


def test_two_tokens_that_calendly_counts_as_one_share_a_budget(connect, timer):
    limit_headers = {
        "X-RateLimit-Limit": "50",
        "X-RateLimit-Reset": "30",
        "X-RateLimit-Key": "oauth:app:user",
    }
    user = {"resource": {"uri": "a"}}
    steps = [reply(200, user, limit_headers | {"X-RateLimit-Remaining": str(left)}) for left in (5, 4, 0, 49)]
    with Hostile(*steps) as server:
        first, second = connect(server, token="first"), connect(server, token="second")
        spend(first, 1)
        spend(second, 2)
        assert timer.sleeps == []
        spend(first, 1)
    assert timer.sleeps == [30.0]


def test_a_booking_that_exceeds_its_quota_is_an_error_and_is_not_sent(connect, timer):
    booking = {
        "event_type": "https://api.calendly.com/event_types/a-b",
        "start_time": "2026-12-01T10:00:00Z",
        "invitee": {"name": "Noor van Dijk", "email": "noor@client.example", "timezone": "Europe/Amsterdam"},
    }
    with Hostile(one({"uri": "https://api.calendly.com/scheduled_events/a/invitees/b"})) as server:
        connection = connect(server)
        for _ in range(50):
            connection.run("invitees.create", booking)
        assert len(server.asked) == 50
        with pytest.raises(RateLimited, match="not sent") as caught:
            connection.run("invitees.create", booking)
        assert len(server.asked) == 50
    assert 3000 < caught.value.retry_after_s <= 3600
    assert caught.value.retryable
    assert sum(timer.sleeps) >= 4 * 59


def test_a_check_reports_a_used_up_limit_without_waiting(make_sandbox, connect, timer):
    with make_sandbox(rate_limit=50, clock=timer) as sandbox:
        connection = connect(sandbox)
        spend(connection, 50)
        assert connection.check().outcome == "rate_limited"
    assert timer.sleeps == []


def test_the_rate_limit_is_available_on_the_connection(make_sandbox, connect, timer):
    with make_sandbox(rate_limit=50, clock=timer) as sandbox:
        connection = connect(sandbox)
        assert connection.rate_limit is None
        spend(connection, 3)
        assert connection.rate_limit == RateLimit(50, 47, 60)
