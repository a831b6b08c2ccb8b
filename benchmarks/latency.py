"""A year's events from a distant server: every reply is delayed by 150 ms."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

from measure import (
    BARE,
    OURS,
    Figure,
    bare_command,
    control,
    folder,
    lines,
    median_ratio,
    must_be_same,
    read_command,
    rounds,
    running,
    sandbox,
)

_LATENCY_S = 0.15
_EVENTS = 25_000  # about 10,000 of them are within a year
_ROUNDS = 2


def figures() -> Iterator[Figure]:
    """Measure both sides, each with its own token, so they don't share a limit."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    moments = {"min_start_time": today - timedelta(days=365), "max_start_time": today}
    rows = [f"{name}={moment:%Y-%m-%dT%H:%M:%SZ}" for name, moment in moments.items()]
    with sandbox(_EVENTS, "--latency", str(_LATENCY_S)) as environment, folder() as out:
        ours, bare = out / "ours.jsonl", out / "bare.jsonl"
        others = {**environment, "CALENDLY_API_TOKEN": "sandbox-admin"}
        sides = {
            OURS: running(read_command(ours, *rows), environment),
            BARE: running(bare_command(bare, *rows), others),
        }
        times = rounds(sides, _ROUNDS)
        must_be_same(lines(ours), lines(bare), BARE)
        events, refused = sum(1 for _ in lines(bare)), _refused(environment)
    work = f"a year's {events:,} events with {_LATENCY_S * 1000:.0f} ms latency, 500 calls a minute"
    yield Figure(work, f"{BARE}, page after page", OURS, median_ratio(times, BARE, OURS), at_least=3.0)
    yield Figure(work, OURS, "", refused, at_most=0, unit="calls refused")


def _refused(environment: Mapping[str, str]) -> int:
    requests = control(environment, "GET", "requests")["requests"]
    return sum(request["status"] == HTTPStatus.TOO_MANY_REQUESTS for request in requests)
