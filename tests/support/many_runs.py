"""Runs that nobody carried out, written straight into the database: for lists, charts and benchmarks."""

from calendly_connector.agent.engine import tables
from calendly_connector.agent.telemetry import public_id
from sqlalchemy import insert

_STATES = ("done", "done", "done", "filtered", "failed")


def add_runs(database, count, *, now, every_s=60.0, flow="notes", first=0):
    """Add runs that ended, the newest now. Each fifth failed, and each third was found by polling."""
    rows = []
    for number in range(first, first + count):
        run_id = f"{flow}:event-{number}"
        by = "polling" if number % 3 == 0 else "triggered"
        event = {"id": f"event-{number}", "kind": "entry.asked", "payload": {"text": "Hello" * 20}}
        trigger = {"by": by, "event": event, "matched": True, "traceparent": ""}
        state = _STATES[number % len(_STATES)]
        note = {"message": "It is full.", "fix": "Make room.", "step": "write"} if state == "failed" else {}
        created = now - (count - 1 - (number - first)) * every_s
        rows.append(
            {
                "id": run_id,
                "short_id": public_id(run_id),
                "flow": flow,
                "turn": 0,
                "state": state,
                "version": 1,
                "trigger": trigger,
                "note": note,
                "created_at": created,
                "ended_at": created + 1.5,
                **tables.listed(trigger),
            }
        )
    with database.transaction() as connection:
        connection.execute(insert(tables.RUNS), rows)


def add_calls(database, *, now, count=10, calls=7, connection_name="calendly/work", remaining=40):
    """Add turns with API calls, one a minute, the newest now."""
    with database.transaction() as connection:
        connection.execute(
            insert(tables.CALLS),
            [
                {
                    "workflow": f"turn-{connection_name}-{number}",
                    "connection": connection_name,
                    "ended_at": now - 60.0 * number,
                    "calls": calls,
                    "allowed": 60,
                    "remaining": remaining + number,
                }
                for number in range(count)
            ],
        )
