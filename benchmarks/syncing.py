"""Events with their invitees, read again after 1 % of the events changed: calls made, and changes missed.

A syncer is called with the sandbox's URL, first for an empty folder, then again after the changes; it
keeps its state in the folder, and returns the whole copy as records by URI.
"""

import json
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from calendly_connector import sync
from calendly_connector.plugin import connector
from calendly_connector.sandbox.server import Sandbox
from calendly_connector.sandbox.world import times as world_times
from calendly_connector.sandbox.world.population import LARGE
from calendly_connector.sandbox.world.world import World

from frameworks import ENVIRONMENTS, airbyte_catalog, airbyte_command, configure
from measure import OURS, Figure, folder, lines, plain, running
from virtual_time import Calls, FastClock

Rows = dict[str, Any]
Syncer = Callable[[str, Path], Rows]

_EVENTS = 5_000
_CHANGES = (  # change, number of events, first and last day from today
    ("cancel", 20, 2, 50),
    ("move", 10, 2, 50),
    ("no_show", 10, -7, 0),
    ("no_show", 5, -60, -7),
)
_BOOKED = 5
_TOKEN = "sandbox-owner"  # noqa: S105 - the sandbox's token
_LIMIT = 500
_SPEED = 12  # a minute is 5 s, in which this machine can make more than 500 calls
_CREDENTIAL = {"kind": "personal_access_token", "token": _TOKEN}
_WANTED = sync.SyncOptions(streams=("scheduled_events", "invitees"))


def figures(*, airbyte: bool) -> Iterator[Figure]:
    """Measure every syncer over the same world and the same changes."""
    yield from _paced()
    syncers: dict[str, Syncer] = {OURS: _ours}
    if airbyte:
        syncers["Airbyte, full refresh"] = Airbyte("full_refresh", ("scheduled_events", "invitees"))
        by_start = ("scheduled_events_by_start", "invitees_by_start")
        for days in (0, 90):
            label = f"Airbyte, {days}-day lookback" if days else "Airbyte, incremental"
            syncers[label] = Airbyte("incremental", by_start, look_back=f"P{days}D")
    for label, syncer in syncers.items():
        yield from _twice(label, syncer)


def _twice(label: str, syncer: Syncer) -> Iterator[Figure]:
    with Sandbox(events=_EVENTS, public_origin=True, rate_limit=0) as sandbox, folder() as place:
        syncer(sandbox.url, place)
        first, _ = _calls(sandbox)
        before = _truth(sandbox)
        _change(sandbox)
        _calls(sandbox)
        copy = syncer(sandbox.url, place)
        second, pages = _calls(sandbox)
        after = _truth(sandbox)
        ended = _ended_lately(sandbox)
    everything = _events_of(after, lambda _: True)
    changed = _events_of(after, lambda uri: before.get(uri) != after[uri])
    missed = _events_of(after, lambda uri: copy.get(uri) != after[uri])
    work = f"first sync, {_EVENTS:,} events with their invitees"
    unit = f"calls, {(first - 1) // _LIMIT} minutes at {_LIMIT} a minute"
    yield Figure(work, label, "", first, unit=unit)
    work = f"second sync, {len(changed)} of {len(everything):,} events changed or new"
    # Pages of events, changed events, events that may still get no-shows, and a few for the rest.
    allowed = pages + len(changed) + ended + 20 if syncer is _ours else None
    yield Figure(work, label, "", second, at_most=allowed, unit="calls")
    yield Figure(work, label, "", len(missed), unit="events missed")


def _paced() -> Iterator[Figure]:
    """Sync events and invitees under the limit of a paid plan, with a faster clock."""
    clock = FastClock(_SPEED)
    with (
        Sandbox(events=_EVENTS, public_origin=True, rate_limit=_LIMIT, clock=clock) as sandbox,
        connector.connect(
            _CREDENTIAL, origin=sandbox.url, clock=clock, monotonic=clock, sleep=clock.sleep
        ) as connection,
        folder() as place,
    ):
        calls = Calls(sandbox)
        sync.run(connection, str(place / "calendly.db"), _WANTED, on_progress=lambda _: calls.update())
        calls.update()
    work = f"first sync under a limit of {_LIMIT} a minute, {_EVENTS:,} events with their invitees"
    least_s = (calls.count - 1) // _LIMIT * 60
    yield Figure(work, OURS, f"{least_s // 60} minutes, the least it can take", calls.seconds / least_s)
    yield Figure(work, OURS, "", calls.refused, at_most=0, unit="calls refused")
    yield Figure(work, OURS, "", calls.used_percent(_LIMIT), at_least=97, unit="% of the allowance used")


def _ours(url: str, place: Path) -> Rows:
    """Copy to JSON lines, without the answer columns, which repeat parts of a record."""
    with connector.connect(_CREDENTIAL, origin=url) as connection:
        sync.run(connection, str(place), _WANTED, file_format="jsonl")
    rows = [row for name in _WANTED.streams for row in lines(place / f"{name}.jsonl")]
    return {
        row["uri"]: plain({name: row[name] for name in row if not name.startswith("answer_")}) for row in rows
    }


def _ended_lately(sandbox: Sandbox) -> int:
    """Count the events that took place in the last seven days."""
    world, now = sandbox.world, time.time()
    here = (
        world.event(number) for number in range(world.next_number()) if world.organization_of(number) == LARGE
    )
    ends = (
        datetime.fromisoformat(event["end_time"]).timestamp() for event in here if event["status"] == "active"
    )
    return sum(now - 7 * 86_400 <= end <= now for end in ends)


def _events_of(rows: Rows, differs: Callable[[str], bool]) -> set[str]:
    """Return the events that differ, or whose invitees differ."""
    return {uri.partition("/invitees/")[0] for uri in rows if differs(uri)}


def _calls(sandbox: Sandbox) -> tuple[int, int]:
    """Return the number of calls since the last time, and how many of them read pages of events."""
    counts = sandbox.requests()["counts"]
    sandbox.control("DELETE", "/requests")
    return sum(counts.values()), counts.get("GET /scheduled_events", 0)


def _truth(sandbox: Sandbox) -> Rows:
    """Return the rows of a perfect copy."""
    world = sandbox.world
    numbers = [number for number in range(world.next_number()) if world.organization_of(number) == LARGE]
    rows = [row for number in numbers for row in (world.event(number), *world.invitees(number))]
    return {row["uri"]: plain(row) for row in rows}


def _change(sandbox: Sandbox) -> None:
    """Make a day's changes."""
    taken: set[int] = set()
    with connector.connect(_CREDENTIAL, origin=sandbox.url) as connection:
        for what, count, first_day, last_day in _CHANGES:
            for number in _spread(sandbox.world, count, first_day, last_day, taken):
                invitees = sandbox.world.invitees(number)
                invitee = next(one["uri"] for one in invitees if one["status"] == "active")
                if what == "cancel":
                    sandbox.cancel(event=sandbox.world.event(number)["uri"])
                elif what == "move":
                    sandbox.reschedule(invitee=invitee)
                else:
                    connection.run("invitee_no_shows.create", {"invitee": invitee})
    for _ in range(_BOOKED):
        sandbox.book()


def _spread(world: World, count: int, first_day: int, last_day: int, taken: set[int]) -> list[int]:
    """Return unchanged events, spread evenly over some days around today."""
    first, last = (world.anchor + day * world_times.DAY for day in (first_day, last_day))
    here = [
        number
        for number in range(world.generator.count)
        if first <= world.generator.start(number) < last
        and not world.is_canceled(number)
        and number not in taken
    ]
    chosen = [here[place * len(here) // count] for place in range(count)]
    taken.update(chosen)
    return chosen


class Airbyte:
    """Reads two streams of the manifest; the copy is what its destinations do, upserting by URI."""

    def __init__(self, mode: str, streams: tuple[str, str], look_back: str = "P0D") -> None:
        self._mode = mode
        self._streams = streams
        self._look_back = look_back

    def __call__(self, url: str, place: Path) -> Rows:
        """Read, and remember the state and the copy."""
        configure(place, url, _TOKEN, self._look_back)
        airbyte_catalog(place, self._streams, self._mode)
        program, *words = airbyte_command(place)
        state, copy = place / "state.json", place / "copy.json"
        states = _loaded(state, [])
        command = [str(ENVIRONMENTS / "airbyte" / "bin" / program), *words]
        running([*command, "--state", str(state)] if states else command, output=place / "out")()
        rows = {} if self._mode == "full_refresh" else _loaded(copy, {})
        states = {}
        for line in lines(place / "out"):
            if line["type"] == "RECORD":
                rows[line["record"]["data"]["uri"]] = plain(line["record"]["data"])
            elif line["type"] == "STATE":
                states[line["state"]["stream"]["stream_descriptor"]["name"]] = line["state"]
        state.write_text(json.dumps(list(states.values())))
        copy.write_text(json.dumps(rows))
        return rows


def _loaded(path: Path, default: Any) -> Any:
    return json.loads(path.read_text()) if path.exists() else default
