"""A trigger that polls Calendly in the triggerer until it finds events."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from airflow.triggers.base import BaseTrigger, TriggerEvent

from ...errors import ConnectorError
from ...events.polling.poll import first
from .bookmarks import Bookmark
from .hooks import CalendlyHook
from .xcom import MAX_EVENTS, MAX_XCOM_BYTES, count_fitting

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
    "include_raw_reschedules",
    "scope",
    "group",
)


class CalendlyTrigger(BaseTrigger):
    """Fires once, with the events since `cursor` and the cursor for the next poll, or with an error.

    A restarted triggerer polls from `cursor` again, so events that happened meanwhile are found. `interval_s`
    is the time between two polls. The trigger fires with at most `limit` events, and no more than fit into
    `most_xcom_bytes`.
    """

    def __init__(  # noqa: PLR0913 - the arguments of a poll
        self,
        *,
        calendly_conn_id: str,
        events: Sequence[str],
        cursor: str,
        interval_s: float,
        limit: int = MAX_EVENTS,
        most_xcom_bytes: int = MAX_XCOM_BYTES,
        filters: Params | None = None,
        include_raw_reschedules: bool = False,
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
        self.include_raw_reschedules = include_raw_reschedules
        self.scope = scope
        self.group = group

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what recreates this trigger at its current cursor. It contains no credential."""
        kind = type(self)
        return f"{kind.__module__}.{kind.__qualname__}", {name: getattr(self, name) for name in _ARGUMENTS}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Poll until events are found. Calls run in threads, off the event loop."""
        try:
            with await asyncio.to_thread(CalendlyHook(self.calendly_conn_id).get_conn) as connection:
                trigger = await asyncio.to_thread(
                    connection.trigger,
                    self.events,
                    self.filters,
                    include_raw_reschedules=self.include_raw_reschedules,
                )
                while not (polled := await asyncio.to_thread(self._poll, trigger)).events:
                    self.cursor = polled.cursor
                    await asyncio.sleep(self.interval_s)
            payload = found(polled, Bookmark(self.cursor), self.limit, self.most_xcom_bytes)
        except ConnectorError as error:
            payload = {"error": str(error), "retryable": error.retryable}
        yield TriggerEvent(payload)

    def _poll(self, trigger: Trigger) -> Polled:
        return trigger.poll(self.cursor, scope=self.scope, group=self.group)


def found(polled: Polled, bookmark: Bookmark, limit: int, max_xcom_bytes: int) -> dict[str, Any]:
    """Return the events that fit as plain values; `left` counts the rest, which the next poll returns."""
    events = [asdict(event) for event in polled.events]
    count = count_fitting(events, limit, max_xcom_bytes)
    return {
        "events": events[:count],
        "cursor": first(polled, count, bookmark.cursor, bookmark.since).cursor,
        "left": len(events) - count,
        "warnings": list(polled.warnings),
    }
