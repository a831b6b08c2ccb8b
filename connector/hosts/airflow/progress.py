"""Where a run of a sensor begins: where the latest run before it ended, if its sensor succeeded.

A run writes down where it begins (XCom `began`) before it looks, and where it ended (XCom `cursor`) with
its events. Airflow may refuse the events, or the worker may die, after the cursor was written: only the
task's state says whether they arrived. So after a failed run the next one begins where that one began.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from airflow.sdk import Context

_BEGAN: Final = "began"
_CURSOR: Final = "cursor"
_SUCCESS: Final = "success"


@dataclass(frozen=True, slots=True)
class Place:
    """A cursor, and where a look without one begins (ISO 8601)."""

    cursor: str
    since: str | None = None


def begin(context: Context, cursor: str | None, since: str | None) -> Place:
    """Return where this run begins, and write it down; a `cursor` in the DAG goes before earlier runs."""
    task: Any = context["ti"]
    own = Place(cursor or "", since or _start_of(context))
    place = own if cursor is not None else _latest(task, own)
    task.xcom_push(key=_BEGAN, value={"run_id": task.run_id, **asdict(place)})
    return place


def end(context: Context, cursor: str) -> None:
    """Write down where the next run begins if this one succeeds."""
    context["ti"].xcom_push(key=_CURSOR, value=cursor)


def _latest(task: Any, own: Place) -> Place:
    """Ask for the very task, where it is mapped too: without an index Airflow would give all of them."""
    asked = {"dag_id": task.dag_id, "task_ids": [task.task_id], "map_index": task.map_index}
    if task.get_ti_count(**asked) == 1:
        return own  # this is the first run, and Airflow logs an error when an XCom is not there
    began = task.xcom_pull(key=_BEGAN, map_indexes=task.map_index, include_prior_dates=True)
    if began is None:
        return own
    states = task.get_task_states(**asked, run_ids=[began["run_id"]])
    if _SUCCESS in states.get(began["run_id"], {}).values():
        cursor = task.xcom_pull(key=_CURSOR, map_indexes=task.map_index, run_id=began["run_id"])
        if cursor is not None:
            return Place(cursor, own.since)
    return Place(began["cursor"], began["since"])


def _start_of(context: Context) -> str:
    run = context["dag_run"]
    return str((run.start_date or run.run_after).isoformat())
