"""Every event reaches a handler once: by webhook, by polling, and with a switch halfway.

Thousands of bookings, cancellations and reschedules, while messages are duplicated, late, reordered or lost,
an outage lasts two hours, and the host's process is killed repeatedly.
"""

import json
import random
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import once_worker
import pytest
from calendly_connector.events.inbox import open_inbox
from calendly_connector.events.polling.context import written
from endurance import rounds

WORKER = Path(once_worker.__file__)
KEY = "sample-key"
TROUBLE = {
    "duplicate": 0.1,
    "duplicate_within_s": 600,
    "reorder": 0.2,
    "reorder_within_s": 120,
    "lose_answer": 0.05,
    "lose_message": 0.05,
}
TIMEOUT_S = 600


class Host:
    """The process that handles events; it is restarted after each kill."""

    def __init__(self, sandbox, folder, mode, since):
        self.sandbox, self.folder = sandbox, folder
        # Also open here, so connections wait while the process restarts.
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=500)
        self.port = self._listener.getsockname()[1]
        self.config = {
            "url": sandbox.url,
            "inbox": str(folder / "inbox.db"),
            "log": str(folder / "log.db"),
            "key": KEY,
            "listener": self._listener.fileno(),
            "mode": mode,
            "since": since,
        }
        self.kills = 0
        self._process = None
        self._start()

    def _start(self):
        command = [sys.executable, str(WORKER), json.dumps(self.config)]
        with (self.folder / "errors.txt").open("ab") as errors:
            self._process = subprocess.Popen(
                command, stdout=subprocess.DEVNULL, stderr=errors, pass_fds=[self._listener.fileno()]
            )

    def kill(self):
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        self.kills += 1

    def close(self):
        self.kill()
        self._listener.close()

    def restart(self, mode=None):
        self.kill()
        self.config["mode"] = mode or self.config["mode"]
        self._start()

    def until_stored(self, more):
        """Wait until the inbox has this many more events, or fail after a timeout."""
        deadline = time.monotonic() + 2
        goal = sum(self.counts().values()) + more
        while sum(self.counts().values()) < goal and time.monotonic() < deadline:
            time.sleep(0.005)

    def handled(self):
        log = once_worker.log_of(self.config["log"])
        try:
            return dict(log.execute("SELECT id, times FROM taken"))
        finally:
            log.close()

    def until_handled(self, count):
        """Wait until this many events were handled; advancing the clock ends leases."""
        deadline = time.monotonic() + TIMEOUT_S
        before = -1
        while (now := len(self.handled())) < count:
            assert self._process.poll() is None, (self.folder / "errors.txt").read_text()[-2000:]
            assert time.monotonic() < deadline, f"{now} of {count} were handled"
            if now == before:
                self.sandbox.advance(600)
            before = now
            time.sleep(0.5)

    def counts(self):
        inbox = open_inbox(self.config["inbox"])
        try:
            return inbox.counts()
        finally:
            inbox.close()


@contextmanager
def running(make_sandbox, folder, mode, **options):
    with make_sandbox(users=40, events=2_000, check_replies=False, **options) as sandbox:
        since = written(sandbox.control("GET", "/clock")["unix"])
        sandbox.advance(60)
        host = Host(sandbox, folder, mode, since)
        try:
            yield sandbox, host
        finally:
            host.close()


def subscribe(sandbox, host, connect):
    connection = connect(sandbox)
    user = connection.run("users.me").record
    inputs = {
        "url": f"http://127.0.0.1:{host.port}/",
        "events": ["invitee.created", "invitee.canceled"],
        "organization": user["current_organization"],
        "scope": "organization",
        "signing_key": KEY,
    }
    uri = connection.run("webhook_subscriptions.create", inputs).record["uri"]
    return lambda: connection.run("webhook_subscriptions.delete", {"uuid": uri})


def ids_of(happened):
    """Return the ids of the events that describe what happened."""
    kinds = {
        "booking": "invitee.created",
        "cancellation": "invitee.canceled",
        "reschedule": "invitee.rescheduled",
    }
    return [
        f"{kinds[one['kind']]}:{one['invitee'].removeprefix('https://api.calendly.com/')}" for one in happened
    ]


def mix(total, batches):
    """Return the number of each kind in a batch."""
    share = total // batches
    moves, endings = share // 10, share // 5
    return {"bookings": share - moves - endings, "cancellations": endings, "reschedules": moves}


def run(sandbox, host, *, total, kills, at_batch=lambda _number: None):
    """Make everything happen in batches, killing the host now and then; return the expected ids."""
    dice = random.Random(7)  # noqa: S311 - when to kill
    batches = 20
    expected = []
    for number in range(batches):
        at_batch(number)
        if number == batches // 2:
            sandbox.delivery_faults(**TROUBLE, outage_s=7200)
        expected += ids_of(sandbox.simulate(**mix(total, batches), seed=number))
        for _ in range(kills // batches + (number < kills % batches)):
            host.until_stored(dice.randrange(1, max(2, total // batches)))
            host.restart()
        sandbox.advance(300)
    while sandbox.settle()["waiting"]:
        sandbox.advance(3600)
    host.until_handled(len(expected))
    return expected


def check(host, expected, kills):
    handled = host.handled()
    assert sorted(handled) == sorted(expected)
    assert len(set(expected)) == len(expected)
    assert host.kills >= kills
    counts = host.counts()
    assert counts["dead"] == 0


def test_events_rejected_for_their_age_are_caught_up_by_polling(make_sandbox, tmp_path, connect):
    """If retries kept the first attempt's signature, every late one would be rejected."""
    with running(make_sandbox, tmp_path, "webhook", retry_signature="original") as (sandbox, host):
        subscribe(sandbox, host, connect)
        sandbox.delivery_faults(outage_s=7200)
        expected = ids_of(sandbox.simulate(**mix(50, 1)))
        sandbox.advance(6 * 3600)
        rejected = [one for one in sandbox.deliveries() if 401 in one["statuses"]]
        assert len(rejected) > 40
        assert host.handled() == {}
        host.restart("poll")
        host.until_handled(len(expected))
        check(host, expected, 1)


@pytest.mark.parametrize(
    ("total", "kills"),
    [(100, 3), pytest.param(*rounds((2_000, 15), (10_000, 50)), marks=pytest.mark.long)],
    ids=["few", "many"],
)
class TestExactlyOnce:
    def test_every_event_is_handled_once_by_webhook(self, make_sandbox, tmp_path, connect, total, kills):
        with running(make_sandbox, tmp_path, "webhook") as (sandbox, host):
            subscribe(sandbox, host, connect)
            sandbox.delivery_faults(**TROUBLE)
            expected = run(sandbox, host, total=total, kills=kills)
            totals = sandbox.settle()
            assert totals["given_up"] == 0
            assert totals["duplicates"] > 0
            assert totals["attempts"] > totals["delivered"]
            check(host, expected, kills)

    def test_every_event_is_handled_once_by_polling(self, make_sandbox, tmp_path, total, kills):
        with running(make_sandbox, tmp_path, "poll") as (sandbox, host):
            expected = run(sandbox, host, total=total, kills=kills)
            check(host, expected, kills)

    def test_every_event_is_handled_once_across_a_switch_from_webhooks_to_polling(
        self, make_sandbox, tmp_path, connect, total, kills
    ):
        with running(make_sandbox, tmp_path, "webhook") as (sandbox, host):
            unsubscribe = subscribe(sandbox, host, connect)
            sandbox.delivery_faults(**TROUBLE)

            def switch(number):
                if number == 12:
                    unsubscribe()
                    host.restart("poll")

            expected = run(sandbox, host, total=total, kills=kills, at_batch=switch)
            check(host, expected, kills)
