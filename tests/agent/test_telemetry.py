"""Spans and metrics of the agent, with the SDK's exporters in memory, and without the SDK or the API."""

import re
import subprocess
import sys

import pytest
from calendly_connector.agent.telemetry import SpanReport, Telemetry, public_id, traceparent
from calendly_connector.errors import ConnectorError, NoAnswer, RateLimited
from exported_telemetry import Exported
from locations import DOCS
from opentelemetry.trace import SpanKind, StatusCode

FLOW = "new-booking-to-chat"
RUN = f"{FLOW}:invitee.created:scheduled_events/1/invitees/kim@client.example"
WEBHOOK = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
PRIVATE = ("kim@client.example", "Kim Kuiper", "a-secret-token", "+31 20 555 0100")


@pytest.fixture
def exported():
    exported = Exported()
    yield exported
    exported.meters.shutdown()


def use_all(telemetry, error=None):
    """Do what the engine does for a run of one step with one call, which may fail. Returns the reports."""
    with telemetry.run_span(FLOW, RUN, trigger="triggered", traceparent=WEBHOOK) as run:
        try:
            with (
                telemetry.step_span(FLOW, "answers", attempt=2, item=3) as step,
                telemetry.call_span("calendly", "meetings.list") as call,
            ):
                if error:
                    raise error
                call.requests = 4
        except ConnectorError as raised:
            telemetry.record_retry(FLOW, "answers", raised.code)
            telemetry.record_rate_limit_wait("calendly", 12.0)
            run.ended("failed", raised.code)
    return run, step, call


# Spans


def test_spans_nest_below_the_trace_of_the_webhook(exported):
    use_all(exported.telemetry)
    spans = exported.spans()
    run, step, call = spans[f"run {FLOW}"], spans["step answers"], spans["calendly meetings.list"]
    trace_id, parent_id = (int(part, 16) for part in WEBHOOK.split("-")[1:3])
    assert {span.context.trace_id for span in (run, step, call)} == {trace_id}
    assert run.parent.span_id == parent_id
    assert step.parent.span_id == run.context.span_id
    assert call.parent.span_id == step.context.span_id
    assert [span.kind for span in (run, step, call)] == [
        SpanKind.INTERNAL,
        SpanKind.INTERNAL,
        SpanKind.CLIENT,
    ]


def test_spans_say_what_ran_and_how_it_ended(exported):
    use_all(exported.telemetry)
    spans = exported.spans()
    assert dict(spans[f"run {FLOW}"].attributes) == {
        "flow.name": FLOW,
        "flow.run.id": public_id(RUN),
        "flow.trigger.type": "triggered",
        "flow.run.outcome": "done",
    }
    assert dict(spans["step answers"].attributes) == {
        "flow.name": FLOW,
        "flow.step.id": "answers",
        "flow.step.attempt": 2,
        "flow.step.item": 3,
        "flow.step.outcome": "done",
    }
    assert dict(spans["calendly meetings.list"].attributes) == {
        "connector.name": "calendly",
        "connector.action": "meetings.list",
        "connector.call.outcome": "done",
        "connector.call.requests": 4,
    }
    assert {span.status.status_code for span in spans.values()} == {StatusCode.UNSET}


def test_an_error_is_reported_by_its_code(exported):
    use_all(exported.telemetry, NoAnswer("Nothing.", reason="timeout"))
    for span in exported.spans().values():
        assert span.attributes["error.type"] == "no_answer"
        assert span.status.status_code is StatusCode.ERROR
        assert span.status.description is None
        assert span.events == ()


def test_an_error_of_another_library_is_reported_by_its_class(exported):
    with pytest.raises(ZeroDivisionError), exported.telemetry.step_span(FLOW, "answers"):
        _ = 1 / 0
    assert exported.spans()["step answers"].attributes["error.type"] == "builtins.ZeroDivisionError"


def test_a_connectors_odd_code_is_not_exported(exported):
    class Odd(ConnectorError):
        code = "kim@client.example"

    with pytest.raises(Odd), exported.telemetry.call_span("odd", "things.list"):
        raise Odd("It failed.")
    exported.telemetry.record_retry(FLOW, "answers", Odd.code)
    with exported.telemetry.run_span(FLOW, RUN) as run:
        run.ended("failed", Odd.code)
    assert "kim@" not in exported.text()


def test_an_outcome_of_the_engine_is_exported(exported):
    with exported.telemetry.run_span(FLOW, RUN) as run:
        run.ended("needs_person", "no_answer")
    assert exported.spans()[f"run {FLOW}"].attributes["flow.run.outcome"] == "needs_person"


def test_a_step_in_another_process_continues_the_trace_by_its_text(exported):
    with exported.telemetry.run_span(FLOW, RUN) as run:
        outer = run.traceparent
    with exported.telemetry.step_span(FLOW, "answers", traceparent=outer):
        pass
    spans = exported.spans()
    assert spans["step answers"].parent.span_id == spans[f"run {FLOW}"].context.span_id


def test_runs_without_a_webhook_have_traces_of_their_own(exported):
    with exported.telemetry.run_span(FLOW, "1") as first:
        pass
    with exported.telemetry.run_span(FLOW, "2") as second:
        pass
    assert first.traceparent.split("-")[1] != second.traceparent.split("-")[1]


# The trace context of a webhook


def test_a_webhooks_trace_context_is_found_in_any_case():
    assert traceparent({"Content-Type": "application/json", "TraceParent": WEBHOOK}) == WEBHOOK


@pytest.mark.parametrize(
    "invalid",
    [
        "",
        "kim@client.example",
        WEBHOOK.upper(),
        f"{WEBHOOK}-kim@client.example",
        f"ff{WEBHOOK[2:]}",
        f"00-{'0' * 32}-00f067aa0ba902b7-01",
        f"00-4bf92f3577b34da6a3ce929d0e0e4736-{'0' * 16}-01",
    ],
)
def test_an_invalid_trace_context_is_dropped(invalid):
    assert traceparent({"traceparent": invalid}) == ""


def test_a_request_may_have_no_trace_context():
    assert traceparent({"tracestate": "vendor=kim@client.example"}) == ""


# Metrics


def test_runs_are_counted_by_outcome(exported):
    use_all(exported.telemetry)
    use_all(exported.telemetry)
    use_all(exported.telemetry, NoAnswer("Nothing.", reason="timeout"))
    counts = {
        attributes["flow.run.outcome"]: point["value"] for attributes, point in exported.points()["flow.runs"]
    }
    assert counts == {"done": 2, "failed": 1}


def test_durations_are_in_seconds_and_grouped_for_seconds(exported):
    with exported.telemetry.step_span(FLOW, "answers"), exported.telemetry.call_span("calendly", "users.me"):
        exported.now_s += 0.2
    for name in ("flow.step.duration", "connector.call.duration"):
        ((_, point),) = exported.points()[name]
        assert (point["count"], point["sum"]) == (1, 0.2)
        assert sum(border < 1 for border in point["explicit_bounds"]) > 3


def test_requests_retries_and_waits_are_counted(exported):
    use_all(exported.telemetry)
    use_all(exported.telemetry, RateLimited("Too many.", status=429))
    points = exported.points()
    called = {"connector.name": "calendly", "connector.action": "meetings.list"}
    ((requests, request_point),) = points["connector.requests"]
    assert (requests, request_point["value"]) == (called, 4)
    ((retries, retry_point),) = points["flow.step.retries"]
    assert (retries["error.type"], retry_point["value"]) == ("rate_limited", 1)
    ((waits, wait_point),) = points["connector.rate_limit.wait"]
    assert (waits, wait_point["sum"]) == ({"connector.name": "calendly"}, 12.0)


def test_the_attributes_of_metrics_have_few_values(exported):
    """A series for each run or attempt would fill any database of metrics."""
    for number in range(20):
        with (
            exported.telemetry.run_span(FLOW, str(number)),
            exported.telemetry.step_span(FLOW, "answers", attempt=number, item=number),
        ):
            use_all(exported.telemetry)
    assert {name: len(points) for name, points in exported.points().items()} == {
        "flow.runs": 1,
        "flow.step.duration": 1,
        "connector.call.duration": 1,
        "connector.requests": 1,
    }


def test_the_ages_of_the_oldest_runs_are_observed(exported):
    ages = {"waiting": 12.0, "pending": 3.5}
    exported.telemetry.watch_ages(lambda: ages)
    assert {
        one["flow.run.state"]: point["value"] for one, point in exported.points()["flow.run.oldest_age"]
    } == ages


def test_ages_that_cant_be_read_are_left_out_without_a_log(exported, caplog):
    def away():
        raise OSError("postgresql://robin:a-secret-token@db.acme.example")

    exported.telemetry.watch_ages(away)
    use_all(exported.telemetry)
    assert "flow.run.oldest_age" not in exported.points()
    assert caplog.text == ""


# Privacy


def test_no_secret_and_nothing_about_a_person_is_exported(exported):
    private = ", ".join(PRIVATE)
    for error in (
        None,
        NoAnswer(private, fix=private, reason="timeout"),
        RateLimited(private, status=429, details=[{"message": private}]),
    ):
        use_all(exported.telemetry, error)
    with pytest.raises(ValueError, match="Kim"), exported.telemetry.run_span(FLOW, RUN):
        raise ValueError(private)
    with (
        pytest.raises(KeyError),
        exported.telemetry.run_span(FLOW, RUN),
        exported.telemetry.step_span(FLOW, "answers"),
    ):
        raise KeyError(private) from ValueError(private)
    text = exported.text()
    assert FLOW in text
    assert [secret for secret in (*PRIVATE, RUN, "invitees") if secret in text] == []


def test_the_page_names_all_attributes_and_metrics(exported):
    exported.telemetry.watch_ages(lambda: {"waiting": 1.0})
    use_all(exported.telemetry, RateLimited("Too many.", status=429))
    points = exported.points()
    attributes = {name for span in exported.spans().values() for name in span.attributes}
    attributes |= {name for rows in points.values() for found, _ in rows for name in found}
    page = (DOCS / "how-to" / "telemetry.md").read_text()
    assert set(re.findall(r"`((?:flow|connector|error)\.[a-z_.]+)`", page)) == attributes | points.keys()


# Without an SDK or the API


def test_without_the_api_everything_works_and_nothing_is_reported(monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    telemetry = Telemetry()
    telemetry.watch_ages(lambda: pytest.fail("asked for ages"))
    assert use_all(telemetry)[2] == SpanReport(requests=4)
    run, *_ = use_all(telemetry, NoAnswer("Nothing.", reason="timeout"))
    assert run.outcome == "failed"
    with pytest.raises(ValueError, match="once"), telemetry.run_span(FLOW, RUN):
        raise ValueError("once")


def test_importing_it_does_not_import_opentelemetry():
    code = (
        "import sys, calendly_connector.agent.telemetry\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_without_an_sdk_the_webhooks_trace_is_passed_on():
    run, _, _ = use_all(Telemetry())
    assert run.traceparent == WEBHOOK


@pytest.mark.parametrize(("api", "most"), [(True, 200), (False, 60)])
def test_without_an_sdk_a_run_costs_few_function_calls(api, most, monkeypatch):
    if not api:
        monkeypatch.setitem(sys.modules, "opentelemetry", None)
    telemetry = Telemetry()
    use_all(telemetry)  # imports what it needs
    calls = 0

    def count(_frame, event, _argument):
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        use_all(telemetry)
    finally:
        sys.setprofile(None)
    assert calls <= most
