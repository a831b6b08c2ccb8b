"""`webhooks doctor --watch`: looks at the subscriptions again and again, until one is broken."""

import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, TypeVar

import click

from ..errors import ConnectorError, UsageError
from ..support.clock import Timing
from .options import connect
from .terminal import printable

if TYPE_CHECKING:
    from ..contract import SubscriptionState

_BROKEN: Final = ("disabled", "vanished")
_States = dict[str, "SubscriptionState"]
_Command = TypeVar("_Command", bound=Callable[..., object])


def watch_options(command: _Command) -> _Command:
    """Add --watch and --every."""
    every = click.option(
        "--every",
        type=click.FloatRange(min=1),
        metavar="SECONDS",
        default=60,
        show_default=True,
        help="With --watch: the time between two looks. One costs about six requests.",
    )
    return click.option("--watch", is_flag=True, help="Keep looking; exit with code 1 when one is broken.")(
        every(command)
    )


def watch_subscriptions(address: str, *, every_s: float, as_json: bool) -> int:
    """Watch the subscriptions of the command's credential. Return 1 when one is broken, 0 on Ctrl-C."""
    if address:
        raise UsageError("--watch looks at your subscriptions.", fix="Leave the URL out.")
    timing = Timing()
    with connect() as connection:
        try:
            return watch(connection.subscription_states, every_s=every_s, timing=timing, as_json=as_json)
        except KeyboardInterrupt:
            return 0


def watch(
    look: Callable[[], "list[SubscriptionState]"], *, every_s: float, timing: Timing, as_json: bool
) -> int:
    """Look until a subscription is disabled or vanished; then return 1.

    The first look must succeed. If a later one fails, that is printed once, and so is when one succeeds
    again: what can't be seen hasn't changed.
    """
    lines = _Lines(timing, as_json=as_json)
    known = _by_id(look())
    for one in known.values():
        lines.state(one)
    lines.note(f"Watching {len(known)} of your subscriptions. Press Ctrl-C to stop.")
    is_blind = False
    while not any(one.state in _BROKEN for one in known.values()):
        timing.sleep(every_s)
        try:
            found = _by_id(look())
        except ConnectorError as error:
            if not is_blind:
                lines.error(error)
            is_blind = True
            continue
        if is_blind:
            lines.note("Looking works again.")
        is_blind = False
        known = _compared(known, found, lines)
    return 1


def _by_id(listed: "list[SubscriptionState]") -> _States:
    return {one.id: one for one in listed if one.id and one.state != "foreign"}


def _compared(known: _States, found: _States, lines: "_Lines") -> _States:
    """Print what has changed, and return what is known now."""
    now: _States = {}
    for key, one in found.items():
        before = known.get(key)
        if one.state == "unknown" and before is not None:
            now[key] = before
            continue
        if before is None or before.state != one.state:
            lines.state(one)
        now[key] = one
    for key in known.keys() - found.keys():
        lines.deleted(known[key])  # by this installation: its key is gone, too
    return now


class _Lines:
    """Prints a line for each thing that happens, with the time."""

    def __init__(self, timing: Timing, *, as_json: bool) -> None:
        self._timing = timing
        self._as_json = as_json

    def state(self, one: "SubscriptionState") -> None:
        """Print the state of a subscription."""
        self._print(one.state, f"{one.state} {one.id}: {one.message}".rstrip(": "), asdict(one))

    def deleted(self, one: "SubscriptionState") -> None:
        """Print that a subscription was deleted."""
        self._print("deleted", f"deleted {one.id}", asdict(one) | {"state": "deleted"})

    def error(self, error: ConnectorError) -> None:
        """Print that a look failed."""
        self._print("error", f"can't look: {error}", error.to_dict())

    def note(self, text: str) -> None:
        """Print a sentence, for people only."""
        if not self._as_json:
            self._print("note", text, {})

    def _print(self, what: str, text: str, details: dict[str, object]) -> None:
        moment = datetime.fromtimestamp(self._timing.clock(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        if self._as_json:
            key = "error" if what == "error" else "subscription"
            click.echo(json.dumps({"at": moment, "what": what, key: details}, ensure_ascii=False))
        else:
            click.echo(printable(f"{moment}  {text}"))
