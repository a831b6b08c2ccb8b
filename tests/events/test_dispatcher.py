"""Events from the inbox to a handler: at least once, even after crashes, without blocking each other."""

import json
import logging
import os
import signal
import threading
from dataclasses import replace
from itertools import count

import pytest
from calendly_connector.errors import InboxError, UnexpectedAnswer, UsageError
from calendly_connector.events.dispatcher import Dispatcher, entry_of
from calendly_connector.events.inbox import STATES, Entry, open_inbox
from calendly_connector.events.webhooks.event import read_event
from calendly_connector.support.clock import Timing
from receivers import EVENTS

WAIT_S = 30


def body(name, kind="invitee.created", second=1):
    payload = {"uri": f"https://api.calendly.com/scheduled_events/E/invitees/{name}", "email": "PRIVATE"}
    document = {"created_at": f"2026-11-17T15:21:{second:02}.000000Z", "event": kind, "payload": payload}
    return json.dumps(document).encode()


def entry(name, **more):
    event = read_event(body(name, **more))
    return Entry(event.id, event.kind, event.created_at, body(name, **more))


def name_of(event):
    return event.payload["uri"].rpartition("/")[2]


@pytest.fixture
def timing(timer):
    return Timing(timer, timer, timer.sleep, lambda: 0.5)


def test_events_are_delivered_oldest_first_and_once(inbox, timing):
    delivered = []
    dispatcher = Dispatcher(inbox, lambda event: delivered.append(name_of(event)), timing=timing)
    inbox.put([entry("b", second=2), entry("a", second=1), entry("c", second=3)])
    assert dispatcher.dispatch_due() == 3
    assert dispatcher.dispatch_due() == 0
    assert delivered == ["a", "b", "c"]
    assert inbox.counts() == dict.fromkeys(STATES, 0) | {"delivered": 3}


def test_an_event_that_does_not_match_is_filtered(inbox, timing):
    delivered = []
    dispatcher = Dispatcher(
        inbox,
        delivered.append,
        trigger=ChosenMatches(lambda event: () if name_of(event) == "a" else (event,)),
        timing=timing,
    )
    inbox.put([entry("a"), entry("b")])
    assert dispatcher.dispatch_due() == 2
    assert [name_of(event) for event in delivered] == ["b"]
    assert inbox.counts() == dict.fromkeys(STATES, 0) | {"delivered": 1, "filtered": 1}


class ChosenMatches:
    """A trigger whose matches are chosen by a function."""

    def __init__(self, choose):
        self.choose = choose

    def match(self, event, _seen):
        return self.choose(event)


def merged(event):
    """Return the same reschedule for either half."""
    if event.kind == "invitee.rescheduled":
        return (event,)
    return (read_event(body("new", kind="invitee.rescheduled")),)


def test_two_halves_are_delivered_as_one_event(inbox, timing):
    delivered = []
    dispatcher = Dispatcher(inbox, delivered.append, trigger=ChosenMatches(merged), timing=timing)
    inbox.put([entry("old", kind="invitee.canceled"), entry("new")])
    assert dispatcher.dispatch_due() == 3
    assert [event.id for event in delivered] == ["invitee.rescheduled:scheduled_events/E/invitees/new"]
    inbox.put([entry("new", kind="invitee.rescheduled")])
    assert dispatcher.dispatch_due() == 0
    assert inbox.counts() == dict.fromkeys(STATES, 0) | {"delivered": 1, "merged": 2}


def test_the_halves_are_delivered_too_if_the_trigger_includes_them(inbox, timing):
    delivered = []
    dispatcher = Dispatcher(
        inbox, delivered.append, trigger=ChosenMatches(lambda event: (*merged(event), event)), timing=timing
    )
    inbox.put([entry("old", kind="invitee.canceled"), entry("new")])
    assert dispatcher.dispatch_due() == 3
    assert sorted(event.kind for event in delivered) == [
        "invitee.canceled",
        "invitee.created",
        "invitee.rescheduled",
    ]


def test_a_failing_handler_does_not_block_other_events(inbox, timer, timing):
    delivered, trouble = [], {"a"}

    def handle(event):
        if name_of(event) in trouble:
            raise RuntimeError("no")
        delivered.append(name_of(event))

    dispatcher = Dispatcher(inbox, handle, timing=timing)
    inbox.put([entry("a", second=1), entry("b", second=2)])
    assert dispatcher.dispatch_due() == 1
    assert delivered == ["b"]
    trouble.clear()
    assert dispatcher.dispatch_due() == 0
    timer.now = inbox.next_due()
    assert dispatcher.dispatch_due() == 1
    assert delivered == ["b", "a"]


@pytest.mark.parametrize("part", ["handler", "trigger"])
def test_a_failing_event_is_retried_with_growing_pauses_and_then_dead(part, inbox, timer, timing):
    def fail(_event):
        raise OSError("no")

    working = {"handler": lambda _event: None, "trigger": ChosenMatches(lambda event: (event,))}
    failing = {"handler": fail, "trigger": ChosenMatches(fail)}
    dispatcher = Dispatcher(inbox, timing=timing, attempts=5, **(working | {part: failing[part]}))
    inbox.put([entry("a")])
    waits = []
    while inbox.counts()["waiting"]:
        assert dispatcher.dispatch_due() == 0
        if due := inbox.next_due():
            waits.append(due - timer.now)
            timer.now = due
    assert waits == pytest.approx([2, 3, 5, 9])  # one second, and half of 2, 4, 8, 16
    assert inbox.counts()["dead"] == 1
    timer.now += 1e6
    assert dispatcher.dispatch_due() == 0
    assert inbox.requeue() == 1
    assert Dispatcher(inbox, working["handler"], timing=timing).dispatch_due() == 1


def test_retry_pauses_are_between_a_second_and_an_hour(inbox, timer):
    def fail(_event):
        raise OSError

    for luck, longest in ((0.0, 1.0), (1.0, 3601.0)):
        dispatcher = Dispatcher(inbox, fail, timing=Timing(timer, timer, timer.sleep, lambda luck=luck: luck))
        event = entry(f"a{luck}")
        inbox.put([event])
        waits = []
        while inbox.find(event.id).attempts < 19:
            dispatcher.dispatch_due()
            waits.append(inbox.next_due() - timer.now)
            timer.now = inbox.next_due()
        assert min(waits) >= 1
        assert max(waits) == longest
        inbox.complete(event.id, "delivered", now=0)


def test_an_event_that_always_ends_its_process_is_dead(inbox, timer, timing):
    def die(_event):
        raise KeyboardInterrupt

    dispatcher = Dispatcher(inbox, die, timing=timing, attempts=3, lease_s=60)
    inbox.put([entry("a")])
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            dispatcher.dispatch_due()
        assert dispatcher.dispatch_due() == 0  # it is still leased
        timer.now += 60
    assert dispatcher.dispatch_due() == 0
    assert inbox.counts()["dead"] == 1


def test_a_body_that_is_not_an_event_is_dead_and_kept(inbox, timer, timing):
    inbox.put([Entry("x", "x", "2026", b"{}")])
    dispatcher = Dispatcher(inbox, lambda _event: None, timing=timing, attempts=2)
    dispatcher.dispatch_due()
    timer.now += 100
    dispatcher.dispatch_due()
    assert inbox.find("x").body == b"{}"
    assert inbox.counts()["dead"] == 1


def test_a_lease_starts_when_its_event_is_delivered(inbox, timer, timing):
    """The last of many events must have as much time as the first."""

    def handle(event):
        timer.now += 50
        others = inbox.claim(now=timer.now, lease_s=-timer.now)  # and release it immediately
        assert event.id not in [one.id for one in others]

    inbox.put([entry(str(number), second=number) for number in range(5)])
    assert Dispatcher(inbox, handle, timing=timing, lease_s=60).dispatch_due() == 5


def test_the_log_contains_each_outcome_and_no_payload(inbox, timer, timing, caplog):
    def handle(event):
        if name_of(event) == "bad":
            raise ValueError(event.payload)
        if name_of(event) == "worse":
            raise UsageError("It said token=SECRET.", fix="Check it.")

    caplog.set_level(logging.INFO, "calendly_connector")
    dispatcher = Dispatcher(inbox, handle, timing=timing, attempts=2)
    inbox.put([entry("good", second=1), entry("bad", second=2), entry("worse", second=3)])
    dispatcher.dispatch_due()
    timer.now += 100
    dispatcher.dispatch_due()
    messages = [
        record.getMessage() for record in caplog.records if record.name == "calendly_connector.events"
    ]
    path = "invitee.created:scheduled_events/E/invitees"
    assert messages == [
        f"delivered: {path}/good",
        f"retry in 2 s (attempt 1): {path}/bad: ValueError",
        f"retry in 2 s (attempt 1): {path}/worse: It said token=[redacted] Check it.",
        f"dead after 2 attempts: {path}/bad: ValueError",
        f"dead after 2 attempts: {path}/worse: It said token=[redacted] Check it.",
    ]


def test_the_entry_of_an_event_reads_as_the_same_event():
    event = replace(read_event(body("a", kind="invitee.rescheduled")), created_by="https://x.example/users/u")
    written = entry_of(event)
    assert read_event(written.body) == event
    assert (written.id, written.kind, written.created_at) == (event.id, event.kind, event.created_at)


def test_an_event_whose_id_does_not_match_its_payload_is_rejected():
    with pytest.raises(UnexpectedAnswer, match="doesn't match its payload"):
        entry_of(replace(read_event(body("a")), id="other"))


# --- run


def running(dispatcher, stop):
    thread = threading.Thread(target=dispatcher.run, args=(stop,))
    thread.start()
    return thread


def test_run_ends_when_stopped_and_checks_the_inbox_when_woken(inbox):
    arrived, stop = threading.Semaphore(0), threading.Event()
    dispatcher = Dispatcher(inbox, lambda _event: arrived.release())
    thread = running(dispatcher, stop)
    for name in ("a", "b"):
        inbox.put([entry(name)])
        dispatcher.wake()
        assert arrived.acquire(timeout=WAIT_S)
    stop.set()
    dispatcher.wake()
    thread.join(WAIT_S)
    assert not thread.is_alive()


def test_an_event_of_another_process_is_found_without_a_wake_up(inbox):
    arrived, stop = threading.Event(), threading.Event()
    thread = running(Dispatcher(inbox, lambda _event: arrived.set()), stop)
    other = open_inbox(inbox.place)
    other.put([entry("a")])
    other.close()
    assert arrived.wait(WAIT_S)
    stop.set()
    thread.join(WAIT_S)
    assert not thread.is_alive()


def test_a_payload_outside_its_schema_is_delivered_and_logged_once(inbox, timer, timing, caplog):
    handled, tries = [], []

    def handler(event):
        tries.append(event)
        if len(tries) == 1:
            raise ValueError
        handled.append(event)

    dispatcher = Dispatcher(inbox, handler, timing=timing)
    inbox.put([entry("a")])
    for _ in range(2):
        dispatcher.dispatch_due()
        timer.now += 3600
    (event,) = handled
    assert (
        "Doesn't match the schema of invitee.created: status: is missing [kept unchanged]" in event.warnings
    )
    assert tries[0].warnings == event.warnings
    (line,) = [one.getMessage() for one in caplog.records if one.name == "calendly_connector.events.webhooks"]
    assert line.startswith(f"payload doesn't match its schema, kept unchanged: {event.id}: ")
    assert "status: is missing" in line
    assert "PRIVATE" not in line
    assert inbox.counts()["delivered"] == 1


@pytest.mark.parametrize("file", sorted(EVENTS.glob("*.*.json")), ids=lambda file: file.stem)
def test_a_payload_as_calendly_documents_it_has_no_warning(file, inbox, timing):
    delivered = []
    event = read_event(file.read_bytes())
    inbox.put([Entry(event.id, event.kind, event.created_at, file.read_bytes())])
    Dispatcher(inbox, delivered.append, timing=timing).dispatch_due()
    assert delivered == [event]
    assert delivered[0].warnings == ()


def test_an_unknown_kind_has_no_warning(inbox, timing, caplog):
    delivered = []
    inbox.put([entry("a", kind="meeting.unknown")])
    Dispatcher(inbox, delivered.append, timing=timing).dispatch_due()
    assert delivered[0].warnings == ()
    assert not [one for one in caplog.records if one.levelno >= logging.WARNING]


def test_a_body_from_before_2023_is_delivered(inbox, timing):
    """Calendly added scheduled_event to payloads in February 2023."""
    delivered = []
    old = json.loads((EVENTS / "invitee.created.json").read_bytes())
    del old["payload"]["scheduled_event"]
    text = json.dumps(old).encode()
    event = read_event(text)
    inbox.put([Entry(event.id, event.kind, event.created_at, text)])
    Dispatcher(inbox, delivered.append, timing=timing).dispatch_due()
    assert delivered == [event]
    assert [warning for warning in delivered[0].warnings if "scheduled_event" in warning]


class FailingInbox:
    """An inbox whose first claims fail."""

    def __init__(self, inbox, errors):
        self._inbox = inbox
        self._errors = errors

    def __getattr__(self, name):
        return getattr(self._inbox, name)

    def claim(self, **how):
        if self._errors:
            raise self._errors.pop()
        return self._inbox.claim(**how)


def test_the_dispatcher_waits_for_a_busy_inbox(inbox, caplog):
    arrived, stop = threading.Event(), threading.Event()
    dispatcher = Dispatcher(FailingInbox(inbox, [InboxError("In use.")]), lambda _event: arrived.set())
    inbox.put([entry("a")])
    thread = running(dispatcher, stop)
    assert arrived.wait(WAIT_S)
    stop.set()
    thread.join(WAIT_S)
    messages = [
        record.getMessage() for record in caplog.records if record.name == "calendly_connector.events"
    ]
    assert messages == ["In use."]


def test_a_damaged_inbox_ends_the_dispatcher(inbox):
    error = InboxError("Damaged.")
    error.retryable = False
    with pytest.raises(InboxError, match="Damaged"):
        Dispatcher(FailingInbox(inbox, [error]), lambda _event: None).run(threading.Event())


# --- crashes


class KillAtStep:
    """An inbox, a handler and a filter; kills this process before or after one of their calls."""

    def __init__(self, inbox, step, log):
        self._inbox = inbox
        self._steps_left = step
        self._log = log

    def step(self):
        self._steps_left -= 1
        if self._steps_left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def __getattr__(self, name):
        function = getattr(self._inbox, name)

        def call(*arguments, **keywords):
            self.step()
            result = function(*arguments, **keywords)
            self.step()
            return result

        return call

    def match(self, event, _seen):
        self.step()
        return merged(event) if name_of(event) in {"old", "new"} else (event,)

    def handle(self, event):
        self.step()
        with self._log.open("a") as log:
            log.write(f"{event.id}\n")
        self.step()


@pytest.mark.long
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_kill_at_any_step_loses_nothing_and_repeats_one_event_at_most(tmp_path, timer, timing):
    events = [
        entry("a", second=1),
        entry("old", kind="invitee.canceled", second=2),
        entry("new", second=3),
        entry("z", second=4),
    ]
    expected = [events[0].id, entry("new", kind="invitee.rescheduled").id, events[3].id]
    for step in count(1):
        place, log = tmp_path / f"{step}.db", tmp_path / f"{step}.log"
        child = os.fork()
        if child == 0:
            killer = KillAtStep(open_inbox(place), step, log)
            killer.put(events)
            Dispatcher(killer, killer.handle, trigger=killer, timing=timing, lease_s=60).dispatch_due()
            os._exit(0)
        _, status = os.waitpid(child, 0)
        inbox = open_inbox(place)
        if step > 1:  # step 1 is before the events are stored
            timer.now += 60
            survivor = KillAtStep(inbox, 0, log)
            Dispatcher(inbox, survivor.handle, trigger=survivor, timing=timing).dispatch_due()
            handled = log.read_text().split()
            assert set(handled) == set(expected)
            assert len(handled) <= len(expected) + 1
            assert inbox.counts() == dict.fromkeys(STATES, 0) | {"delivered": 3, "merged": 2}
        inbox.close()
        if os.WIFEXITED(status):
            assert os.WEXITSTATUS(status) == 0
            break
        assert os.WTERMSIG(status) == signal.SIGKILL
    assert step > 20
