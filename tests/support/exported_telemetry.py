"""Telemetry whose exports stay in memory."""

import json

from calendly_connector.agent.telemetry import Telemetry
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter


class Exported:
    """Telemetry whose exports stay in memory. `now_s` is the time of its clock."""

    def __init__(self):
        self.now_s = 0.0
        self._spans, self._reader = InMemorySpanExporter(), InMemoryMetricReader()
        tracers = TracerProvider(shutdown_on_exit=False)
        tracers.add_span_processor(SimpleSpanProcessor(self._spans))
        self.meters = MeterProvider([self._reader], shutdown_on_exit=False)
        self.telemetry = Telemetry(tracers, self.meters, monotonic=lambda: self.now_s)

    def all_spans(self):
        """Return all spans in the order in which they ended."""
        return self._spans.get_finished_spans()

    def spans(self):
        """Return the last span of each name."""
        return {span.name: span for span in self.all_spans()}

    def points(self):
        """Return the data points of each metric as pairs of attributes and point."""
        data = json.loads(self._reader.get_metrics_data().to_json())
        metrics = data["resource_metrics"][0]["scope_metrics"][0]["metrics"]
        return {
            metric["name"]: [(point.pop("attributes"), point) for point in metric["data"]["data_points"]]
            for metric in metrics
        }

    def text(self):
        """Return all that was exported."""
        spans = [span.to_json() for span in self.all_spans()]
        return "\n".join([*spans, self._reader.get_metrics_data().to_json()])
