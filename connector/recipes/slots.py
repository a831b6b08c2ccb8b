"""Free times: those at which event types can be booked, and those that several people have in common."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from functools import partial, reduce
from itertools import chain
from typing import Final

from ..contract import Record
from ..errors import InvalidParams, Problem
from ..support import timestamps
from . import intervals, local_times, open_hours
from .intervals import Interval
from .steps import Inputs, Page, Steps

_SLOTS_DAYS: Final = 31  # that one call accepts
_BUSY_DAYS: Final = 7  # the same, for busy times


def find(steps: Steps, inputs: Inputs) -> Iterator[Page]:
    """Yield the free times of event types, and of all active event types of users, in order of time."""
    zone = steps.zone(inputs.get("timezone"))
    start, end = local_times.future_range("slots.list", inputs, steps.now, _SLOTS_DAYS)
    event_types = _event_types(steps, inputs)
    for since, until in local_times.windows(start, end, timedelta(days=_SLOTS_DAYS)):
        read = partial(_read_slots, steps, since=since, until=until, zone=zone)
        rows = sorted(
            chain.from_iterable(steps.in_parallel(read, event_types)),
            key=lambda row: (row["start_time"], row["event_type_name"], row["event_type"]),
        )
        if inputs.get("first") and rows:
            yield rows[:1], False
            return
        yield rows, until < end


def find_common(steps: Steps, inputs: Inputs) -> Iterator[Page]:
    """Yield the times at which all users are free, by their default schedules and their busy times."""
    zone = steps.zone(inputs.get("timezone"))
    start, end = local_times.future_range("slots.common", inputs, steps.now, _BUSY_DAYS)
    length = timedelta(minutes=inputs.get("duration", 30))
    step = timedelta(minutes=inputs.get("step", 30))
    users = list(dict.fromkeys(inputs["users"]))
    schedules = list(steps.in_parallel(partial(_default_schedule, steps), users))
    # A meeting may end after its window, so the window and the meeting together fit into one call.
    for since, until in local_times.windows(start, end, timedelta(days=_BUSY_DAYS) - length):
        closes = min(until + length, end)
        read = partial(_read_busy, steps, since=since, until=closes)
        busy = steps.in_parallel(read, users)
        free = [
            free_intervals(schedule, busy_times, since, closes)
            for schedule, busy_times in zip(schedules, busy, strict=True)
        ]
        common = reduce(intervals.intersect, free)
        rows = [
            {
                **local_times.local_fields(moment, zone),
                "end_time": timestamps.write(moment + length),
                "duration": length // timedelta(minutes=1),
            }
            for moment in intervals.starts(common, length, step, zone)
            if moment < until
        ]
        if inputs.get("first") and rows:
            yield rows[:1], False
            return
        yield rows, until < end


def free_intervals(
    schedule: Record, busy_times: Iterable[Record], since: datetime, until: datetime
) -> list[Interval]:
    """Return when a user is free: the schedule's open hours without busy times and their buffers. Pure."""
    from zoneinfo import ZoneInfo

    opened = open_hours.open_intervals(schedule["rules"], ZoneInfo(schedule["timezone"]), since, until)
    return intervals.subtract(opened, intervals.merge(map(_busy_interval, busy_times)))


def _busy_interval(busy: Record) -> Interval:
    start = busy.get("buffered_start_time") or busy["start_time"]
    end = busy.get("buffered_end_time") or busy["end_time"]
    return timestamps.read(start), timestamps.read(end)


def _default_schedule(steps: Steps, user: str) -> Record:
    schedules = steps.records("user_availability_schedules.list", {"user": user})
    for schedule in sorted(schedules, key=lambda schedule: not schedule.get("default")):
        return schedule
    raise InvalidParams("slots.common", [Problem("users", f"{user} has no availability schedule")])


def _read_busy(steps: Steps, user: str, since: datetime, until: datetime) -> list[Record]:
    return steps.records(
        "user_busy_times.list",
        {"user": user, "start_time": timestamps.write(since), "end_time": timestamps.write(until)},
    )


def _event_types(steps: Steps, inputs: Inputs) -> list[Record]:
    """Return the wanted event types; each one that can't be booked is reported."""
    named: Sequence[str] = list(dict.fromkeys(inputs.get("event_types", ())))
    users = inputs.get("users") or ([] if named else [steps.user["uri"]])
    read = steps.in_parallel(lambda uri: steps.run("event_types.get", {"uuid": uri}), named)
    found = {record["uri"]: record for record in read}
    for record in found.values():
        if not record.get("active", True) or record.get("booking_method", "instant") != "instant":
            steps.warnings.append(f"The event type {record.get('name')!r} can't be booked at the moment.")
    lists = steps.in_parallel(
        lambda user: steps.records("event_types.list", {"user": user, "active": True}),
        dict.fromkeys(users),
    )
    for record in chain.from_iterable(lists):
        if record.get("booking_method", "instant") == "instant":
            found.setdefault(record["uri"], record)
    return list(found.values())


def _read_slots(
    steps: Steps, event_type: Record, since: datetime, until: datetime, zone: tzinfo
) -> list[Record]:
    times = {
        "event_type": event_type["uri"],
        "start_time": timestamps.write(since),
        "end_time": timestamps.write(until),
    }
    slots = steps.records("event_type_available_times.list", times)
    return [_slot_row(event_type, slot, zone) for slot in slots]


def _slot_row(event_type: Record, slot: Record, zone: tzinfo) -> Record:
    return {
        **local_times.local_fields(timestamps.read(slot["start_time"]).astimezone(UTC), zone),
        "event_type": event_type["uri"],
        "event_type_name": event_type.get("name") or "",
        "duration": event_type.get("duration"),
        "host_name": (event_type.get("profile") or {}).get("name"),
        "scheduling_url": slot.get("scheduling_url"),
        "invitees_remaining": slot.get("invitees_remaining"),
    }
