"""A receiver killed at any moment, many times, while events are posted: `make test-long`."""

import random
import subprocess
import sys
import threading
import time
from collections import Counter

import pytest
from calendly_connector.events.inbox import STATES, open_inbox
from calendly_connector.events.webhooks.event import read_event
from endurance import rounds
from locations import SUPPORT
from receivers import Post, event, exchange, signed

pytestmark = pytest.mark.long

WORKER = str(SUPPORT / "receiver_worker.py")
EVENTS = 2000
KILLS = {"file": rounds(15, 50), "postgresql": rounds(8, 15)}
SENDERS = 4
LONGEST_S = 300


@pytest.fixture(params=KILLS)
def kind(request):
    return request.param


@pytest.fixture
def where(kind, request, tmp_path):
    if kind == "postgresql":
        return request.getfixturevalue("postgres_url")
    return str(tmp_path / "inbox.db")


class Sender(threading.Thread):
    """Posts bodies one by one, each until the answer is 200, as Calendly does."""

    def __init__(self, bodies, url):
        super().__init__(daemon=True)
        self.bodies = bodies
        self.url = url
        self.accepted = 0

    def run(self):
        while self.accepted < len(self.bodies):
            body = self.bodies[self.accepted]
            post = Post(body, signature=(signed(body, at=int(time.time())),))
            try:
                status, _, _ = exchange(self.url(), post.head() + body)
            except (OSError, IndexError):  # it was killed before or while it answered
                continue
            assert status == 200
            self.accepted += 1


def test_a_kill_at_any_moment_loses_nothing_and_repeats_only_the_current_event(kind, where, tmp_path):
    kills = KILLS[kind]
    dice = random.Random(1)  # noqa: S311 - the moment is what varies
    log = tmp_path / "log"
    bodies = [event(number) for number in range(EVENTS)]
    posts = bodies + dice.sample(bodies, EVENTS // 5)  # some are delivered twice
    dice.shuffle(posts)
    workers = []

    def start():
        workers.append(
            subprocess.Popen([sys.executable, WORKER, where, str(log)], stdout=subprocess.PIPE, text=True)
        )
        urls.append(workers[-1].stdout.readline().strip())

    urls = []
    give_up_at = time.monotonic() + LONGEST_S
    try:
        start()
        senders = [Sender(posts[first::SENDERS], lambda: urls[-1]) for first in range(SENDERS)]
        for sender in senders:
            sender.start()
        for kill in range(1, kills + 1):
            while sum(sender.accepted for sender in senders) < len(posts) * kill // (kills + 1):
                assert time.monotonic() < give_up_at
                time.sleep(0.001)
            time.sleep(dice.uniform(0, 0.02))
            workers[-1].kill()
            workers[-1].wait()
            start()
        for sender in senders:
            sender.join(LONGEST_S)
            assert sender.accepted == len(sender.bodies)
        inbox = open_inbox(where)
        while inbox.counts()["delivered"] < EVENTS:
            assert time.monotonic() < give_up_at, inbox.counts()
            time.sleep(0.1)
        assert inbox.counts() == dict.fromkeys(STATES, 0) | {"delivered": EVENTS}
        inbox.close()
    finally:
        for worker in workers:
            worker.kill()
            worker.communicate()
    handled = Counter(log.read_text().split())
    assert set(handled) == {read_event(body).id for body in bodies}
    assert sum(handled.values()) <= EVENTS + kills  # a kill repeats only the current event
