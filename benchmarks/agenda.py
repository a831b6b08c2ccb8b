"""The agenda of a week with 40 meetings from a distant server: every reply is delayed by 100 ms."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import requests
from calendly_connector.plugin import connector

from measure import ORGANIZATION, OURS, Figure, median_ratio, rounds, sandbox

_LATENCY_S = 0.1
_MEETINGS = 40
_EVENTS = 20_000  # more than 40 of them are in the next week
_ROUNDS = 25  # single rounds differ by a fifth on a busy machine
_CHAIN = "the three calls that wait for each other"


def figures() -> Iterator[Figure]:
    """Measure the agenda against its longest chain of calls, each side with new connections."""
    with sandbox(_EVENTS, "--latency", str(_LATENCY_S), "--rate-limit", "0") as environment:
        url, token = environment["CALENDLY_API_URL"], environment["CALENDLY_API_TOKEN"]
        credential = {"kind": "personal_access_token", "token": token}
        inputs = {"organization": ORGANIZATION, **_range(url, token)}

        def ours() -> None:
            with connector.connect(credential, origin=url) as connection:
                rows = connection.run("meetings.list", inputs, all_pages=True).records
            if len({row["event"] for row in rows}) < _MEETINGS:
                raise SystemExit(f"{len(rows)} rows aren't of {_MEETINGS} meetings")

        times = rounds({OURS: ours, _CHAIN: lambda: _chain(url, token, inputs)}, _ROUNDS)
    work = f"agenda of a week with {_MEETINGS} meetings, {_LATENCY_S * 1000:.0f} ms latency"
    yield Figure(work, OURS, _CHAIN, median_ratio(times, OURS, _CHAIN), at_most=1.5)


def _range(url: str, token: str) -> dict[str, str]:
    """Return the range of the next 40 meetings; more, if the last one starts together with others."""
    start = datetime.now(UTC).isoformat(timespec="seconds")
    with _session(token) as session:
        events = _events(session, url, {"start": start}, _MEETINGS)
    end = datetime.fromisoformat(events[-1]["start_time"]) + timedelta(seconds=1)
    return {"start": start, "end": end.isoformat()}


def _chain(url: str, token: str, inputs: dict[str, str]) -> None:
    with _session(token) as session:
        session.get(f"{url}/users/me", timeout=30).raise_for_status()
        [event, *_] = _events(session, url, inputs, 100)
        path = event["uri"].partition("calendly.com")[2]
        session.get(f"{url}{path}/invitees", timeout=30).raise_for_status()


def _events(session: requests.Session, url: str, inputs: dict[str, str], count: int) -> list[dict[str, str]]:
    query = {
        "organization": ORGANIZATION,
        "min_start_time": inputs["start"],
        "max_start_time": inputs.get("end"),
        "sort": "start_time:asc",
        "count": str(count),
    }
    reply = session.get(f"{url}/scheduled_events", params=query, timeout=30)
    reply.raise_for_status()
    events: list[dict[str, str]] = reply.json()["collection"]
    return events


def _session(token: str) -> requests.Session:
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {token}"
    return session
