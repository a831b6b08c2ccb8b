"""A trigger that looks at Calendly in the triggerer, until something happened there."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from airflow.triggers.base import BaseTrigger, TriggerEvent

from ...errors import ConnectorError
from ...events.polling.poll import first
from .hooks import CalendlyHook
from .progress import Place
from .xcom import MOST_EVENTS, MOST_XCOM_BYTES, how_many_fit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from ...contract import Params, Polled, Trigger


_ARGUMENTS: Final = (
    "calendly_conn_id",
    "events",
    "cursor",
    "interval_s",
    "limit",
    "most_xcom_bytes",
    "filters",
    "halves",
    "scope",
    "group",
)


class CalendlyTrigger(BaseTrigger):
    """Fires once, with what happened since `cursor` and the cursor to look on from.

    It is made with a cursor, so that a triggerer that is started again goes on from there: what happened in
    between is found, and nothing was handed on yet. `interval_s` is between two looks. Up to `limit` events
    fire at a time, and no more than fit into `most_xcom_bytes`. An error fires too.
    """

    def __init__(  # noqa: PLR0913 - those of poll
        self,
        *,
        calendly_conn_id: str,
        events: Sequence[str],
        cursor: str,
        interval_s: float,
        limit: int = MOST_EVENTS,
        most_xcom_bytes: int = MOST_XCOM_BYTES,
        filters: Params | None = None,
        halves: bool = False,
        scope: str = "",
        group: str = "",
    ) -> None:
        super().__init__()
        self.calendly_conn_id = calendly_conn_id
        self.events = list(events)
        self.cursor = cursor
        self.interval_s = interval_s
        self.limit = limit
        self.most_xcom_bytes = most_xcom_bytes
        self.filters = dict(filters or {})
        self.halves = halves
        self.scope = scope
        self.group = group

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what makes this trigger again where it stands; names of credentials, never a credential."""
        kind = type(self)
        return f"{kind.__module__}.{kind.__qualname__}", {name: getattr(self, name) for name in _ARGUMENTS}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look until something is found; every call is made in a thread, off the event loop."""
        try:
            with await asyncio.to_thread(CalendlyHook(self.calendly_conn_id).get_conn) as connection:
                wanted = await asyncio.to_thread(
                    connection.trigger, self.events, self.filters, include_raw_reschedules=self.halves
                )
                while not (polled := await asyncio.to_thread(self._look, wanted)).events:
                    self.cursor = polled.cursor
                    await asyncio.sleep(self.interval_s)
            told = found(polled, Place(self.cursor), self.limit, self.most_xcom_bytes)
        except ConnectorError as error:
            told = {"error": str(error), "retryable": error.retryable}
        yield TriggerEvent(told)

    def _look(self, wanted: Trigger) -> Polled:
        return wanted.poll(self.cursor, scope=self.scope, group=self.group)


def found(polled: Polled, place: Place, limit: int, most_xcom_bytes: int) -> dict[str, Any]:
    """Return what was found from a place on as plain values, as far as it fits; `left` counts the rest."""
    events = [asdict(event) for event in polled.events]
    count = how_many_fit(events, limit, most_xcom_bytes)
    return {
        "events": events[:count],
        "cursor": first(polled, count, place.cursor, place.since).cursor,
        "left": len(events) - count,
        "warnings": list(polled.warnings),
    }
