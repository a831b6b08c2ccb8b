"""A sensor that waits until something happened in Calendly, and tells each happening once."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseSensorOperator, PokeReturnValue, conf

from ...errors import UsageError
from . import dag_check, progress
from .errors import failure, told_to_airflow
from .hooks import DEFAULT_CONN_ID, CalendlyHook
from .progress import Place
from .triggers import CalendlyTrigger, found
from .xcom import MOST_EVENTS, MOST_XCOM_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow.sdk import Context

    from ...contract import Params, Polled


class CalendlyEventSensor(BaseSensorOperator):
    """Waits for events, such as `invitee.created`, that fit the filters; found by looking (docs/triggers.md).

    By XCom it gives the list of events, oldest first, and under `cursor` a text to look on from. A run goes
    on from the cursor of the latest run before it whose sensor succeeded, so that no event comes twice and
    none is missed; the first one tells what happened since `since` (ISO 8601), by default since its run
    began. `cursor` sets another beginning. Let one run go at a time: `max_active_runs=1`.

    A run hands on up to `limit` events, by default as many as Airflow maps tasks over, and no more than fit
    into `most_xcom_bytes`; the next run hands on the rest.
    """

    template_fields: Sequence[str] = (
        "filters",
        "cursor",
        "since",
        "scope",
        "group",
        "calendly_conn_id",
    )

    def __init__(  # noqa: PLR0913 - those of poll
        self,
        *,
        events: Sequence[str],
        filters: Params | None = None,
        halves: bool = False,
        cursor: str | None = None,
        since: str | None = None,
        scope: str = "",
        group: str = "",
        limit: int = MOST_EVENTS,
        most_xcom_bytes: int = MOST_XCOM_BYTES,
        calendly_conn_id: str = DEFAULT_CONN_ID,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.events = [events] if isinstance(events, str) else list(events)
        self.filters = filters if filters is not None else {}
        self.halves = halves
        self.cursor = cursor
        self.since = since
        self.scope = scope
        self.group = group
        self.limit = limit
        self.most_xcom_bytes = most_xcom_bytes
        self.calendly_conn_id = calendly_conn_id
        self.deferrable = deferrable
        self._place: Place | None = None
        with told_to_airflow():
            if limit < 1:
                raise UsageError(f"The limit is {limit}.", fix="Set it to 1 or more.")
            dag_check.check_trigger(
                self.events, self.filters, halves=halves, since=since, scope=scope, group=group
            )

    def execute(self, context: Context) -> Any:
        """Look here, then wait in the triggerer where that is wanted, else here."""
        if not self.deferrable:
            return super().execute(context)
        if told := self.poke(context):
            return told.xcom_value
        return self.defer(
            trigger=CalendlyTrigger(
                calendly_conn_id=self.calendly_conn_id,
                events=self.events,
                cursor=self._place.cursor if self._place else "",
                interval_s=self.poke_interval,
                limit=self.limit,
                most_xcom_bytes=self.most_xcom_bytes,
                filters=self.filters,
                halves=self.halves,
                scope=self.scope,
                group=self.group,
            ),
            method_name="resume",
            timeout=timedelta(seconds=self.timeout),
        )

    def poke(self, context: Context) -> PokeReturnValue:
        """Look once, from where the last look ended."""
        place = self._place or progress.begin(context, self.cursor, self.since)
        with told_to_airflow():
            dag_check.check_object("filters", self.filters)
            polled = self._look(place)
            if polled.events:
                told = found(polled, place, self.limit, self.most_xcom_bytes)
                return PokeReturnValue(is_done=True, xcom_value=self._hand_on(context, told))
        self._place = Place(polled.cursor)
        return PokeReturnValue(is_done=False)

    def resume(self, context: Context, event: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Take what the trigger found."""
        if "error" in event:
            raise failure(event["error"], retryable=event["retryable"])
        return self._hand_on(context, event)

    def _look(self, place: Place) -> Polled:
        with CalendlyHook(self.calendly_conn_id).get_conn() as connection:
            wanted = connection.trigger(self.events, self.filters, include_raw_reschedules=self.halves)
            return wanted.poll(place.cursor, since=place.since, scope=self.scope, group=self.group)

    def _hand_on(self, context: Context, told: Mapping[str, Any]) -> list[dict[str, Any]]:
        for warning in told["warnings"]:
            self.log.warning("%s", warning)
        if told["left"]:
            self.log.info("%d more events are left for the next run.", told["left"])
        progress.end(context, told["cursor"])
        events: list[dict[str, Any]] = told["events"]
        return events
