"""A sensor that waits for events in Calendly and returns each event once."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseSensorOperator, PokeReturnValue, conf

from ...errors import UsageError
from . import bookmarks, dag_check
from .bookmarks import Bookmark
from .errors import airflow_error, reraise_as_airflow
from .hooks import DEFAULT_CONN_ID, CalendlyHook
from .triggers import CalendlyTrigger, found
from .xcom import MAX_EVENTS, MAX_XCOM_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow.sdk import Context

    from ...contract import Params, Polled


class CalendlyEventSensor(BaseSensorOperator):
    """Wait for events such as `invitee.created` that match the filters, by polling.

    What polling finds: docs/reference/triggers.md. The XCom is the list of events, oldest first; the XCom
    `cursor` is where the next poll continues. A run resumes from the cursor of the latest run whose sensor
    succeeded, so no event is repeated or missed. The first run returns events since `since` (ISO 8601;
    default: the start of the run). `cursor` overrides the start. Set `max_active_runs=1` on the DAG, so runs
    don't overlap.

    A run returns at most `limit` events (default: as many as Airflow maps tasks over) and no more than fit
    into `most_xcom_bytes`; the next run returns the rest.
    """

    template_fields: Sequence[str] = (
        "filters",
        "cursor",
        "since",
        "scope",
        "group",
        "calendly_conn_id",
    )

    def __init__(  # noqa: PLR0913 - the arguments of a poll
        self,
        *,
        events: Sequence[str],
        filters: Params | None = None,
        include_raw_reschedules: bool = False,
        cursor: str | None = None,
        since: str | None = None,
        scope: str = "",
        group: str = "",
        limit: int = MAX_EVENTS,
        most_xcom_bytes: int = MAX_XCOM_BYTES,
        calendly_conn_id: str = DEFAULT_CONN_ID,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.events = [events] if isinstance(events, str) else list(events)
        self.filters = filters if filters is not None else {}
        self.include_raw_reschedules = include_raw_reschedules
        self.cursor = cursor
        self.since = since
        self.scope = scope
        self.group = group
        self.limit = limit
        self.most_xcom_bytes = most_xcom_bytes
        self.calendly_conn_id = calendly_conn_id
        self.deferrable = deferrable
        self._bookmark: Bookmark | None = None
        with reraise_as_airflow():
            if limit < 1:
                raise UsageError(f"Invalid limit {limit}.", fix="Set limit to 1 or more.")
            dag_check.check_trigger(
                self.events,
                self.filters,
                include_raw_reschedules=include_raw_reschedules,
                since=since,
                scope=scope,
                group=group,
            )

    def execute(self, context: Context) -> Any:
        """Poll in the worker until events are found; if deferrable, poll once and defer to the triggerer."""
        if not self.deferrable:
            return super().execute(context)
        if poked := self.poke(context):
            return poked.xcom_value
        return self.defer(
            trigger=CalendlyTrigger(
                calendly_conn_id=self.calendly_conn_id,
                events=self.events,
                cursor=self._bookmark.cursor if self._bookmark else "",
                interval_s=self.poke_interval,
                limit=self.limit,
                most_xcom_bytes=self.most_xcom_bytes,
                filters=self.filters,
                include_raw_reschedules=self.include_raw_reschedules,
                scope=self.scope,
                group=self.group,
            ),
            method_name="resume",
            timeout=timedelta(seconds=self.timeout),
        )

    def poke(self, context: Context) -> PokeReturnValue:
        """Poll once, from where the last poll ended."""
        bookmark = self._bookmark or bookmarks.start_run(context, self.cursor, self.since)
        with reraise_as_airflow():
            dag_check.check_object("filters", self.filters)
            polled = self._poll(bookmark)
            if polled.events:
                payload = found(polled, bookmark, self.limit, self.most_xcom_bytes)
                return PokeReturnValue(is_done=True, xcom_value=self._return_events(context, payload))
        self._bookmark = Bookmark(polled.cursor)
        return PokeReturnValue(is_done=False)

    def resume(self, context: Context, event: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the events that the trigger found, or raise its error."""
        if "error" in event:
            raise airflow_error(event["error"], retryable=event["retryable"])
        return self._return_events(context, event)

    def _poll(self, bookmark: Bookmark) -> Polled:
        with CalendlyHook(self.calendly_conn_id).get_conn() as connection:
            trigger = connection.trigger(
                self.events, self.filters, include_raw_reschedules=self.include_raw_reschedules
            )
            return trigger.poll(bookmark.cursor, since=bookmark.since, scope=self.scope, group=self.group)

    def _return_events(self, context: Context, payload: Mapping[str, Any]) -> list[dict[str, Any]]:
        for warning in payload["warnings"]:
            self.log.warning("%s", warning)
        if payload["left"]:
            self.log.info("%d more events are left for the next run.", payload["left"])
        bookmarks.end_run(context, payload["cursor"])
        events: list[dict[str, Any]] = payload["events"]
        return events
