"""Connections to the agent itself. They need no network and no credential."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, NoReturn

from ...contract import Event, Trigger
from ...errors import InvalidParams, Problem, UsageError
from ...support.redaction import quoted, shortened
from ..destinations.connection import Destination, Sent

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ...contract import Params, Polled, TriggerInfo
    from ..destinations.declarations import DeclaredAction

_LOGGER: Final = logging.getLogger("calendly_connector.agent.flows")
_LEVELS: Final = {"info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_FIX: Final = "Use a trigger of the type `triggered` without `subscribe`: the agent starts it by itself."


class AgentConnection(Destination):
    """A connection to the agent in this process."""

    def reach(self) -> str:
        """Return a sentence: there is nothing to reach."""
        return "The agent needs no credential for its own events."

    def place(self, inputs: Params) -> str:
        del inputs
        return "the agent's log"

    def send(self, action: DeclaredAction, inputs: Params) -> Sent:
        """Write a line to the log; a text of several lines can't pass for several entries."""
        del action  # the only one
        text = " ".join(str(inputs["text"]).splitlines())
        _LOGGER.log(_LEVELS[inputs["level"]], "%s", shortened(text))
        return Sent({"level": inputs["level"], "text": text})

    def trigger(
        self,
        events: Sequence[str],
        filters: Params | None = None,
        *,
        include_raw_reschedules: bool = False,
    ) -> AgentTrigger:
        del include_raw_reschedules  # nothing is rescheduled
        known, wanted = self._declarations.manifest.triggers, dict(filters or {})
        problems = [Problem(event, "is not an event of the agent") for event in events if event not in known]
        if not problems:
            fields = {field.path for event in events for field in known[event].fields}
            problems += [Problem(name, "isn't a filter") for name in wanted.keys() - fields]
            texts = {name for name, value in wanted.items() if isinstance(value, str)}
            problems += [Problem(name, "must be a text") for name in wanted.keys() - texts]
        if problems:
            raise InvalidParams("trigger", problems, fix=f"The events are {', '.join(known)}.")
        return AgentTrigger(tuple(events), wanted, known)

    def subscribe(
        self, events: Iterable[str], callback: str, *, scope: str = "", group: str = ""
    ) -> NoReturn:
        """Raise UsageError: nothing is posted."""
        del events, callback, scope, group
        raise UsageError("The agent's own events aren't posted.", fix=_FIX)


@dataclass(frozen=True)
class AgentTrigger(Trigger):
    """An interest in events of the agent."""

    events: tuple[str, ...]
    filters: Mapping[str, Any]
    declared: Mapping[str, TriggerInfo]

    def match(self, event: Event) -> tuple[Event, ...]:
        wanted = event.kind in self.events and self.filters.items() <= event.payload.items()
        return (event,) if wanted else ()

    def poll(self, cursor: str = "", *, since: str | None = None, scope: str = "", group: str = "") -> Polled:
        """Raise UsageError: the events aren't kept."""
        del cursor, since, scope, group
        raise UsageError(f"{quoted(self.events[0])} can't be polled.", fix=_FIX)

    def sample(self) -> Event:
        declared = self.declared[self.events[0]]
        return replace(Event("", declared.id, "", None, {}), **declared.examples[0])
