"""The demo's steps of a person: the agenda, and a booking."""

from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from ..support import timestamps
from .demo_story import StepFailedError, Story, require

if TYPE_CHECKING:
    from calendly_connector.sandbox.server import Sandbox

    from ..contract import Connection

INVITEE, EMAIL = "Lena Marsh", "lena@client.example"
_TOMORROW: Final = (
    ("10:00", "Noor van Dijk", "noor@client.example"),
    ("11:30", "Tomasz Nowak", "tomasz@client.example"),
    ("15:00", "Priya Nair", "priya@client.example"),
)
_PREFERRED: Final = "14:00"


def plan_tomorrow(sandbox: "Sandbox") -> None:
    """Book the meetings of tomorrow, which may be a Sunday."""
    for clock, name, email in _TOMORROW:
        sandbox.book(start_time=tomorrow_at(clock), name=name, email=email)


def tomorrow_at(clock: str) -> str:
    """Return a local time of tomorrow, as Calendly writes it."""
    zone = _zone()
    on = (datetime.now(zone) + timedelta(days=1)).date()
    return timestamps.write(datetime.combine(on, time.fromisoformat(clock), zone))


def _zone() -> ZoneInfo:
    """Return the time zone of the sandbox's account."""
    return ZoneInfo("Europe/Berlin")


def show_agenda(story: Story, *options: str, expected: bool = True) -> None:
    """Tell who comes tomorrow."""
    with story.step("Tomorrow's agenda"):
        shown = story.run("agenda", "--tomorrow", *options, most=8)
        missing = [name for _, name, _ in _TOMORROW if name not in shown] if expected else []
        require(not missing, f"these meetings are missing: {', '.join(missing)}")


def book(story: Story, connection: "Connection") -> None:
    """Tell how a meeting is booked by its name and a local time."""
    start = _free_time(connection)
    shown = story.run(
        *("book", "intro", f"{start:%a %H:%M}".lower(), "--name", INVITEE, "--email", EMAIL),
        *("--location", "zoom_conference", "--answer", "What would you like to discuss?=Pricing"),
        most=1,
    )
    require(f"{start:%Y-%m-%d %H:%M}" in shown, f"another time was booked: {shown.partition('.')[0]}")


def _free_time(connection: "Connection") -> datetime:
    """Return a free time from the day after tomorrow, and within a week: so its weekday names the day."""
    zone = _zone()
    first = (datetime.now(zone) + timedelta(days=2)).replace(hour=0, minute=0, second=0, microsecond=0)
    rows = [
        ("event_types[]", "intro"),
        ("start", timestamps.write(first)),
        ("end", timestamps.write(first + timedelta(days=4))),
    ]
    found = connection.run("slots.list", filter=rows, all_pages=True).records
    if not found:
        raise StepFailedError("no free time was found")
    starts = [datetime.fromisoformat(slot["start_time"]).astimezone(zone) for slot in found]
    return next((start for start in starts if f"{start:%H:%M}" == _PREFERRED), starts[0])
