"""OpenTelemetry spans and metrics of runs, steps and calls. Without an SDK or the extra `agent`, do nothing.

The engine makes one `Telemetry` and opens a span around what it does. Spans nest by themselves. To continue
in another thread or process, pass on the outer span's `traceparent`, a plain text:

    telemetry = Telemetry()
    telemetry.watch_ages(lambda: {"waiting": 12.0, "pending": 3.5})  # oldest run in each state, in seconds
    parent = traceparent(headers)  # of a webhook, stored with its run
    with telemetry.run_span("new-booking-to-chat", run_id, trigger="triggered", traceparent=parent) as run:
        with telemetry.step_span("new-booking-to-chat", "answers", attempt=2) as step:
            with telemetry.call_span("calendly", "meetings.list") as call:
                result = connection.run("meetings.list", inputs)
                call.requests = result.calls
            step.ended("failed", error.code)  # an error that was handled; the default is "done"
    telemetry.record_retry("new-booking-to-chat", "answers", error.code)
    telemetry.record_rate_limit_wait("calendly", 12.0)

Nothing about a person is exported: names are those of flows, steps, connectors and actions, an error is its
code, and a run is its `public_id`, because its own id contains the event's.
"""

from __future__ import annotations

import hashlib
import re
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from ..errors import ConnectorError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from opentelemetry.context import Context
    from opentelemetry.metrics import CallbackOptions, MeterProvider, Observation
    from opentelemetry.trace import Span, TracerProvider

_SCOPE: Final = "calendly_connector.agent"
_TRACEPARENT: Final = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_CODE: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_SECONDS: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900)  # borders of histograms

Attributes = dict[str, str | int]


def traceparent(headers: Mapping[str, str]) -> str:
    """Return the trace context in a request's headers (W3C); "" if there is none, or an invalid one.

    The header `tracestate` is dropped: its values are free text.
    """
    text = next((value for name, value in headers.items() if name.lower() == "traceparent"), "").strip()
    return text if _TRACEPARENT.fullmatch(text) else ""


def public_id(run_id: str) -> str:
    """Return the id by which telemetry calls a run. It says nothing about the event that started the run."""
    return hashlib.sha256(run_id.encode()).hexdigest()[:16]


@dataclass(slots=True)
class SpanReport:
    """What is known when a span ends. Set it inside the span. An error that leaves it counts as failed.

    `outcome` is "done", "failed", or another fixed word, such as "skipped" or "needs_person". `requests`
    counts the requests of a call. `traceparent` is the span's own; "" if nothing is traced.
    """

    outcome: str = "done"
    requests: int = 0
    traceparent: str = ""
    error_type: str = ""

    def ended(self, outcome: str, code: str = "") -> None:
        """Report how it ended, with the code of its error. A code that isn't plain becomes `other`."""
        self.outcome, self.error_type = outcome, _plain_code(code)


class Telemetry:
    """Spans and metrics through the providers; by default those of the process."""

    def __init__(
        self,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
        *,
        monotonic: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._monotonic = monotonic
        try:
            from opentelemetry import metrics, trace
        except ImportError:
            self._tracer = None
            return
        self._tracer = trace.get_tracer(_SCOPE, tracer_provider=tracer_provider)
        self._meter = meter = metrics.get_meter(_SCOPE, meter_provider=meter_provider)
        self._runs = meter.create_counter("flow.runs", "{run}", "Runs that ended.")
        self._steps = meter.create_histogram(
            "flow.step.duration", "s", "Duration of steps.", explicit_bucket_boundaries_advisory=_SECONDS
        )
        self._retries = meter.create_counter("flow.step.retries", "{retry}", "Repeated attempts of steps.")
        self._calls = meter.create_histogram(
            "connector.call.duration", "s", "Duration of calls.", explicit_bucket_boundaries_advisory=_SECONDS
        )
        self._requests = meter.create_counter("connector.requests", "{request}", "API requests of calls.")
        self._waits = meter.create_histogram(
            "connector.rate_limit.wait",
            "s",
            "Waits for a rate limit.",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )

    def run_span(
        self,
        flow: str,
        run_id: str,
        *,
        trigger: Literal["triggered", "polling", "manual"] = "manual",
        traceparent: str = "",
    ) -> AbstractContextManager[SpanReport]:
        """Open the span of a run, below the `traceparent` that was stored with it."""

        def ended(_seconds: float, end: Attributes, _report: SpanReport) -> None:
            self._runs.add(1, {"flow.name": flow, **end})

        attributes: Attributes = {
            "flow.name": flow,
            "flow.run.id": public_id(run_id),
            "flow.trigger.type": trigger,
        }
        return self._span("flow.run", f"run {flow}", attributes, ended, traceparent=traceparent)

    def step_span(
        self, flow: str, step: str, *, attempt: int = 1, item: int | None = None, traceparent: str = ""
    ) -> AbstractContextManager[SpanReport]:
        """Open the span of one attempt of a step; of `for_each`, for the item with this index."""
        named: Attributes = {"flow.name": flow, "flow.step.id": step}

        def ended(seconds: float, end: Attributes, _report: SpanReport) -> None:
            self._steps.record(seconds, {**named, **end})

        attributes = {**named, "flow.step.attempt": attempt}
        if item is not None:
            attributes["flow.step.item"] = item
        return self._span("flow.step", f"step {step}", attributes, ended, traceparent=traceparent)

    def call_span(self, connector: str, action: str) -> AbstractContextManager[SpanReport]:
        """Open the span of a call of an action."""
        named: Attributes = {"connector.name": connector, "connector.action": action}

        def ended(seconds: float, end: Attributes, report: SpanReport) -> None:
            self._calls.record(seconds, {**named, **end})
            self._requests.add(report.requests, named)

        return self._span("connector.call", f"{connector} {action}", named, ended)

    def record_retry(self, flow: str, step: str, code: str) -> None:
        """Count a step that is tried again after an error with this code."""
        if self._tracer is not None:
            named = {"flow.name": flow, "flow.step.id": step, "error.type": _plain_code(code)}
            self._retries.add(1, named)

    def record_rate_limit_wait(self, connector: str, seconds: float) -> None:
        """Record a wait for the rate limit of an application."""
        if self._tracer is not None:
            self._waits.record(seconds, {"connector.name": connector})

    def watch_ages(self, ages: Callable[[], Mapping[str, float]]) -> None:
        """Report the age in seconds of the oldest run by state, whenever metrics are collected.

        If `ages` raises an error, no age is reported: the database may be away, and the error may quote it.
        """
        if self._tracer is None:
            return
        from opentelemetry.metrics import Observation

        def observe(_options: CallbackOptions) -> Iterable[Observation]:
            try:
                oldest = ages()
            except Exception:  # noqa: BLE001 - whatever it is, OpenTelemetry would log its text
                return []
            return [Observation(seconds, {"flow.run.state": state}) for state, seconds in oldest.items()]

        self._meter.create_observable_gauge(
            "flow.run.oldest_age", [observe], "s", "Age of the oldest run in a state."
        )

    @contextmanager
    def _span(
        self,
        level: Literal["flow.run", "flow.step", "connector.call"],
        name: str,
        attributes: Attributes,
        ended: Callable[[float, Attributes, SpanReport], None],
        *,
        traceparent: str = "",
    ) -> Iterator[SpanReport]:
        report = SpanReport()
        if self._tracer is None:
            yield report
            return
        from opentelemetry.trace import SpanKind, use_span

        kind = SpanKind.CLIENT if level == "connector.call" else SpanKind.INTERNAL
        span = self._tracer.start_span(name, _parent(traceparent), kind, attributes)
        report.traceparent = _written(span)
        began = self._monotonic()
        # OpenTelemetry would export the error's message and traceback, which may quote anything.
        with use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
            try:
                yield report
            except BaseException as error:
                report.outcome, report.error_type = "failed", _error_type(error)
                raise
            finally:
                end: Attributes = {f"{level}.outcome": report.outcome}
                if report.error_type:
                    end["error.type"] = report.error_type
                ended(self._monotonic() - began, end, report)
                _finish(span, level, end, report)


def _finish(span: Span, level: str, end: Attributes, report: SpanReport) -> None:
    if not span.is_recording():
        return
    from opentelemetry.trace import StatusCode

    span.set_attributes(end)
    if level == "connector.call":
        span.set_attribute("connector.call.requests", report.requests)
    if report.error_type:
        span.set_status(StatusCode.ERROR)


def _parent(written: str) -> Context | None:
    """Return the context of a `traceparent`; None, the current one, without it."""
    if not written:
        return None
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    return TraceContextTextMapPropagator().extract({"traceparent": written})


def _written(span: Span) -> str:
    context = span.get_span_context()
    if not context.is_valid:
        return ""
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def _plain_code(code: str) -> str:
    return code if not code or _CODE.fullmatch(code) else "other"


def _error_type(error: BaseException) -> str:
    """Return the code of a connector's error, or the name of another error's class; never its text."""
    if isinstance(error, ConnectorError):
        return _plain_code(error.code)
    kind = type(error)
    return f"{kind.__module__}.{kind.__qualname__}"
