"""A sensor that waits until something happened in Calendly, and tells each happening once."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseSensorOperator, PokeReturnValue, conf

from . import parsing
from .failures import failure, told_to_airflow
from .hooks import DEFAULT_CONN_ID, CalendlyHook
from .triggers import CalendlyTrigger, found

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow.sdk import Context

    from ...contract import Params, Polled


class CalendlyEventSensor(BaseSensorOperator):
    """Waits for events, such as `invitee.created`, that fit the filters; found by looking (docs/triggers.md).

    By XCom it gives the list of events, oldest first, and under `cursor` a text to look on from. A run goes
    on from the cursor that the latest run before it gave, so that no event comes twice and none is missed;
    the first one tells what happened since `since` (ISO 8601), by default since its run began. `cursor` sets
    another beginning. Let one run go at a time: `max_active_runs=1`.
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
        self.calendly_conn_id = calendly_conn_id
        self.deferrable = deferrable
        with told_to_airflow():
            parsing.check_wants(
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
                cursor=self.cursor or "",
                interval_s=self.poke_interval,
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
        if self.cursor is None:
            self.cursor = _cursor_of_the_latest_run(context["ti"])
        with told_to_airflow():
            parsing.check_object("filters", self.filters)
            polled = self._look(context)
        self.cursor = polled.cursor
        if not polled.events:
            return PokeReturnValue(is_done=False)
        return PokeReturnValue(is_done=True, xcom_value=self._hand_on(context, found(polled)))

    def resume(self, context: Context, event: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Take what the trigger found."""
        if "error" in event:
            raise failure(event["error"], retryable=event["retryable"])
        return self._hand_on(context, event)

    def _look(self, context: Context) -> Polled:
        since = self.since or _began(context)
        with CalendlyHook(self.calendly_conn_id).get_conn() as connection:
            return connection.poll(
                self.events,
                self.cursor or "",
                filters=self.filters,
                halves=self.halves,
                since=since,
                scope=self.scope,
                group=self.group,
            )

    def _hand_on(self, context: Context, told: Mapping[str, Any]) -> list[dict[str, Any]]:
        for warning in told["warnings"]:
            self.log.warning("%s", warning)
        context["ti"].xcom_push(key="cursor", value=told["cursor"])
        events: list[dict[str, Any]] = told["events"]
        return events


def _cursor_of_the_latest_run(task: Any) -> str | None:
    """Give the cursor of this very task, where it is mapped, too; without an index all runs' would come."""
    cursor: str | None = task.xcom_pull(key="cursor", map_indexes=task.map_index, include_prior_dates=True)
    return cursor


def _began(context: Context) -> str:
    run = context["dag_run"]
    return str((run.start_date or run.run_after).isoformat())
