"""A sandbox with few meetings, and days near today, for commands that run beside it on the same clock."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

BERLIN = ZoneInfo("Europe/Berlin")  # the owner's zone
DISCUSS, PRODUCTS = "What would you like to discuss?", "Which products do you use?"


TODAY = datetime.now(BERLIN).date()  # read once, so meetings keep their days if the tests run past midnight


def day(number):
    """Return the local date some days from TODAY."""
    return TODAY + timedelta(days=number)


def at(on: date, clock: str, zone=BERLIN):
    """Return a local time in UTC, as Calendly writes it."""
    local = datetime.combine(on, time.fromisoformat(clock), zone)
    return local.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def meet(sandbox, on, clock="14:00", name="Lena Marsh", email="lena@client.example", **more):
    """Book an intro call with the owner, at any local time; return its event."""
    return sandbox.book(start_time=at(on, clock), name=name, email=email, **more)["event"]
