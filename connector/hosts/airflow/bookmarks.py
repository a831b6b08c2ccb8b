"""Where a run of a sensor starts: where the previous run ended, if its sensor succeeded.

A run stores its start (XCom `began`) before it polls, and its end (XCom `cursor`) with its events. After the
cursor is stored, Airflow may still reject the events, or the worker may die; only the task's state says
whether they arrived. So after a failed run, the next run starts where the failed one started.

See docs/decisions/airflow-cursor-in-xcom.md.
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
class Bookmark:
    """A cursor, and the time that a poll without one starts at (ISO 8601)."""

    cursor: str
    since: str | None = None


def start_run(context: Context, cursor: str | None, since: str | None) -> Bookmark:
    """Return and store where this run starts. A `cursor` set in the DAG overrides earlier runs."""
    task: Any = context["ti"]
    run = context["dag_run"]
    default = Bookmark(cursor or "", since or (run.start_date or run.run_after).isoformat())
    bookmark = default if cursor is not None else _resume(task, default)
    task.xcom_push(key=_BEGAN, value={"run_id": task.run_id, **asdict(bookmark)})
    return bookmark


def end_run(context: Context, cursor: str) -> None:
    """Store where the next run starts if this one succeeds."""
    context["ti"].xcom_push(key=_CURSOR, value=cursor)


def _resume(task: Any, default: Bookmark) -> Bookmark:
    # Without a map index, Airflow would return the values of all mapped tasks.
    this_task = {"dag_id": task.dag_id, "task_ids": [task.task_id], "map_index": task.map_index}
    if task.get_ti_count(**this_task) == 1:
        return default  # this is the first run, and Airflow logs an error if an XCom doesn't exist
    began = task.xcom_pull(key=_BEGAN, map_indexes=task.map_index, include_prior_dates=True)
    if began is None:
        return default
    states = task.get_task_states(**this_task, run_ids=[began["run_id"]])
    if _SUCCESS in states.get(began["run_id"], {}).values():
        cursor = task.xcom_pull(key=_CURSOR, map_indexes=task.map_index, run_id=began["run_id"])
        if cursor is not None:
            return Bookmark(cursor, default.since)
    return Bookmark(began["cursor"], began["since"])
