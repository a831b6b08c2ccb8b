"""A trigger that looks at Calendly in the triggerer, until something happened there."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from ...errors import ConnectorError
from .hooks import CalendlyHook

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from ...contract import Params, Polled
    from ...plugin import CalendlyConnection


class CalendlyTrigger(BaseTrigger):
    """Fires once, with what happened since `cursor` and the cursor to look on from.

    It is made with a cursor, so that a triggerer that starts anew goes on from there: what happened in
    between is found, and nothing was told yet. `interval_s` is between two looks. An error fires too.
    """

    def __init__(
        self,
        *,
        calendly_conn_id: str,
        events: Sequence[str],
        cursor: str,
        interval_s: float,
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
        self.filters = dict(filters or {})
        self.halves = halves
        self.scope = scope
        self.group = group

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Give what makes this trigger again where it stands; names of credentials, never a credential."""
        names = ("calendly_conn_id", "events", "cursor", "interval_s", "filters", "halves", "scope", "group")
        kind = type(self)
        return f"{kind.__module__}.{kind.__qualname__}", {name: getattr(self, name) for name in names}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look until something is found; every call is made in a thread, off the event loop."""
        try:
            with await asyncio.to_thread(CalendlyHook(self.calendly_conn_id).get_conn) as connection:
                while not (polled := await asyncio.to_thread(self._look, connection)).events:
                    self.cursor = polled.cursor
                    await asyncio.sleep(self.interval_s)
        except ConnectorError as error:
            yield TriggerEvent({"error": str(error), "retryable": error.retryable})
            return
        yield TriggerEvent(found(polled))

    def _look(self, connection: CalendlyConnection) -> Polled:
        look = partial(connection.poll, self.events, self.cursor, filters=self.filters, halves=self.halves)
        return look(scope=self.scope, group=self.group)


def found(polled: Polled) -> dict[str, Any]:
    """Give what was found as plain values."""
    return {
        "events": [asdict(event) for event in polled.events],
        "cursor": polled.cursor,
        "warnings": list(polled.warnings),
    }
