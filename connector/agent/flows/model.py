"""A process flow, as its YAML file describes it (`flow.schema.json`). Pure data.

Values in rows, conditions and `for_each` are text with references such as `~{event.payload.email}~`, or
functions of the connection such as `~{Now+1d}~`. They are resolved when a step runs (`values.py`).
"""

from dataclasses import dataclass, field
from typing import Any, Literal

Operator = Literal["is", "is_not", "in", "not_in", "contains", "exists", "greater_than", "less_than"]

Row = tuple[str, Any]
"""A row of an action filter: its key, and its value as the author wrote it."""


@dataclass(frozen=True, slots=True)
class FlowConnection:
    """A connector by the name of its entry point, with the name of a stored credential ("": none needed)."""

    connector: str
    credential: str = ""


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a polling flow looks: every so many seconds, or by a cron expression in a time zone."""

    every_s: float = 0.0
    cron: str = ""
    time_zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class FlowTrigger:
    """What starts a flow.

    - `triggered`: events that are sent to the flow's own URL. With `subscribe`, deploying the flow also
      creates the webhook subscription.
    - `polling`: the `schedule`; with `events`, a run for each event found, otherwise a run each time.
    - `manual`: a person.
    """

    type: Literal["triggered", "polling", "manual"] = "manual"
    connection: str = ""
    events: tuple[str, ...] = ()
    filters: tuple[Row, ...] = ()
    schedule: Schedule | None = None
    subscribe: bool = False


@dataclass(frozen=True, slots=True)
class Condition:
    """A value that must fit for a step to run. All conditions of a step must hold."""

    value: Any
    operator: Operator
    operand: Any


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a failed step is tried again (beyond the first time), after growing waits."""

    times: int = 0
    wait_s: float = 10.0
    factor: float = 2.0
    most_wait_s: float = 600.0


@dataclass(frozen=True, slots=True)
class Call:
    """An action of a connection with its rows. `limit` and `all_pages` are for lists."""

    connection: str
    action: str
    rows: tuple[Row, ...] = ()
    limit: int | None = None
    all_pages: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One step. `for_each` refers to a list: the step runs once for each `item`, `at_once` in parallel.

    After an error that retries don't cure, the flow stops, or continues with the next step, or compensates:
    it runs the `undo` of every finished step, the last one first, and then stops.
    """

    id: str
    call: Call
    conditions: tuple[Condition, ...] = ()
    for_each: str = ""
    at_once: int = 1
    retry: Retry = field(default_factory=Retry)
    then: Literal["stop", "continue", "compensate"] = "stop"
    undo: Call | None = None
    timeout_s: float | None = None


@dataclass(frozen=True, slots=True)
class Flow:
    """A flow. `name` identifies it: lower case letters, digits and hyphens."""

    name: str
    connections: dict[str, FlowConnection]
    trigger: FlowTrigger
    steps: tuple[Step, ...]
    title: str = ""
    description: str = ""
