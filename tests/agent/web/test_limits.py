"""How often a client may try something."""

from calendly_connector.agent.web import limits
from calendly_connector.agent.web.limits import Throttle
from calendly_connector.support.clock import Timing


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def make(times=3, every_s=10.0):
    clock = Clock()
    return clock, Throttle(times, every_s, Timing(monotonic=clock))


def test_a_client_has_some_attempts_at_once_and_then_one_now_and_then():
    clock, throttle = make()
    assert [throttle.wait_s("a") for _ in range(4)] == [0, 0, 0, 10.0]
    clock.now += 4
    assert throttle.wait_s("a") == 6.0, "an attempt that is refused doesn't lengthen the wait"
    clock.now += 6
    assert throttle.wait_s("a") == 0
    assert throttle.wait_s("a") == 10.0


def test_a_good_attempt_is_not_counted():
    _, throttle = make(times=2)
    for _ in range(5):
        assert throttle.wait_s("a") == 0
        throttle.forgive("a")
    throttle.forgive("unknown")
    assert [throttle.wait_s("a") for _ in range(3)] == [0, 0, 10.0], "forgiving adds no attempts"


def test_clients_do_not_disturb_each_other():
    _, throttle = make(times=1)
    assert [throttle.wait_s(name) for name in ("a", "b", "a")] == [0, 0, 10.0]


def test_a_rest_never_adds_up_to_more_than_the_attempts_at_once():
    clock, throttle = make(times=2)
    throttle.wait_s("a")
    clock.now += 10_000
    assert [throttle.wait_s("a") for _ in range(3)] == [0, 0, 10.0]


def test_endless_clients_take_up_no_endless_memory(monkeypatch):
    monkeypatch.setattr(limits, "_MOST_CLIENTS", 10)
    _, throttle = make()
    for number in range(1000):
        throttle.wait_s(str(number))
    assert len(throttle._buckets) == 10
