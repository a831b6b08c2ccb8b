"""Messages to Slack: what is posted, at which pace, and what its answers mean."""

import json
import logging
from datetime import UTC

import pytest
from calendly_connector.contract import Event
from calendly_connector.errors import ConnectorError, UsageError
from calendly_connector.events.dispatcher import Dispatcher, entry_of
from calendly_connector.events.notices import Template
from calendly_connector.events.posting import NotAccepted
from calendly_connector.events.slack import SlackNotifier
from calendly_connector.events.webhooks.event import read_event
from calendly_connector.support.clock import Timing
from calendly_connector.support.redaction import RedactingFilter, redact
from hostile import Hostile, reply
from receivers import event

BOOKED = Event(
    "id", "invitee.created", "2026-11-17T15:21:41Z", None, {"name": "Noor <&>", "uri": "https://x.example/a"}
)
CANCELED = Event(
    "id", "invitee.canceled", "2026-11-17T15:21:41Z", None, {"name": "Noor", "uri": "https://x.example/a"}
)
OK = reply(200, b"ok")


def notifier(server, timer, **templates):
    checked = {kind.replace("__", "."): Template(text) for kind, text in templates.items()}
    return SlackNotifier(f"{server.url}/services/SECRET", checked, UTC, monotonic=timer, sleep=timer.sleep)


def posted(server):
    return [json.loads(request.body) for request in server.asked]


def test_a_message_is_json_with_a_text(timer):
    with Hostile(OK) as server:
        notifier(server, timer, invitee__created="{name} booked")(BOOKED)
        assert posted(server) == [{"text": "Noor &lt;&amp;&gt; booked"}]


def test_a_template_for_one_kind_leaves_the_others(timer):
    with Hostile(OK, OK) as server:
        notify = notifier(server, timer, invitee__created="Booked: {name}")
        notify(BOOKED)
        notify(CANCELED)
        first, second = posted(server)
    assert first == {"text": "Booked: Noor &lt;&amp;&gt;"}
    assert "was canceled" in second["text"]


def test_a_template_for_all_kinds_is_used_for_all_but_those_with_their_own(timer):
    with Hostile(OK, OK) as server:
        templates = {"": Template("{kind}"), "invitee.created": Template("new")}
        notify = SlackNotifier(server.url, templates, UTC, monotonic=timer, sleep=timer.sleep)
        notify(BOOKED)
        notify(CANCELED)
        assert posted(server) == [{"text": "new"}, {"text": "invitee.canceled"}]


def test_at_most_one_message_a_second_is_sent(timer):
    with Hostile(OK, OK, OK) as server:
        notify = notifier(server, timer)
        for _ in range(3):
            notify(BOOKED)
    assert timer.sleeps == [1.0, 1.0]


@pytest.mark.parametrize(
    ("status", "headers", "wait_s"),
    [
        (429, {"Retry-After": "30"}, 30.0),
        (503, {"Retry-After": "7"}, 7.0),
        (500, {}, None),
        (404, {}, None),
        (302, {"Location": "/x"}, None),
    ],
)
def test_any_other_answer_fails_with_the_time_to_wait(status, headers, wait_s, timer):
    message = rf"^A message to Slack was answered with {status}\.$"
    with (
        Hostile(reply(status, b"no_service", headers)) as server,
        pytest.raises(NotAccepted, match=message) as caught,
    ):
        notifier(server, timer)(BOOKED)
    assert caught.value.retry_after_s == wait_s


def test_after_a_429_nothing_is_posted_until_the_time_has_passed(timer):
    with Hostile(reply(429, b"", {"Retry-After": "30"}), OK) as server:
        notify = notifier(server, timer)
        for _ in range(2):
            with pytest.raises(NotAccepted):
                notify(BOOKED)
        assert len(server.asked) == 1
        timer.now += 28
        notify(BOOKED)
        assert timer.sleeps == [2.0]


def test_errors_do_not_contain_the_url(timer, closed_port):
    notify = SlackNotifier(
        f"http://127.0.0.1:{closed_port}/SECRET", {}, UTC, monotonic=timer, sleep=timer.sleep
    )
    with pytest.raises(ConnectorError) as caught:
        notify(BOOKED)
    assert "SECRET" not in str(caught.value)
    with pytest.raises(UsageError) as caught:
        SlackNotifier("http://hooks.example/SECRET", {}, UTC)
    assert "SECRET" not in str(caught.value)


def test_slacks_urls_are_masked_in_logs():
    url = "https://hooks.slack.com/services/T000/B000/abcDEF"
    assert redact(f"POST {url}, again") == "POST https://hooks.slack.com/[redacted] again"
    record = logging.LogRecord("x", logging.INFO, "", 1, "to %s", (url,), None)
    RedactingFilter().filter(record)
    assert "abcDEF" not in record.getMessage()


def test_a_delivery_waits_as_long_as_slack_asks(inbox, timer):
    timing = Timing(clock=timer, monotonic=timer, sleep=timer.sleep, jitter=lambda: 0.0)
    with Hostile(reply(429, b"", {"Retry-After": "300"}), OK) as server:
        dispatcher = Dispatcher(inbox, notifier(server, timer), timing=timing)
        inbox.put([entry_of(read_event(event(1)))])
        assert dispatcher.dispatch_due() == 0
        assert inbox.next_due() == pytest.approx(timer.now + 300)
        timer.now += 299
        assert dispatcher.dispatch_due() == 0
        assert len(server.asked) == 1
        timer.now += 2
        assert dispatcher.dispatch_due() == 1
    assert inbox.counts()["delivered"] == 1


def test_an_absurd_time_to_wait_is_cut_to_an_hour(inbox, timer):
    timing = Timing(clock=timer, monotonic=timer, sleep=timer.sleep, jitter=lambda: 0.0)
    with Hostile(reply(429, b"", {"Retry-After": "999999999"})) as server:
        inbox.put([entry_of(read_event(event(1)))])
        Dispatcher(inbox, notifier(server, timer), timing=timing).dispatch_due()
    assert inbox.next_due() == pytest.approx(timer.now + 3600)
