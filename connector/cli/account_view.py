"""How the account's owner sees records: local times, and names in place of URIs."""

from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import click

from ..errors import ConnectorError, UnexpectedAnswer
from ..support import time_zones
from ..support.clock import Timing
from ..support.redaction import quoted
from .terminal import notice, printable

if TYPE_CHECKING:
    from ..connection import CalendlyConnection
    from .columns import View

_MOST_NAMES: Final = 200  # more would delay the table


def read_zone(_context: click.Context, _option: click.Parameter, name: str | None) -> tzinfo | None:
    """Return the time zone that an option names. Raises BadParameter."""
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # not found, not a name, a folder
        near = time_zones.nearest(name)
        fix = f"Did you mean {near}?" if near else "Use a name such as Europe/Berlin."
        raise click.BadParameter(f"unknown time zone {quoted(printable(name))}. {fix}") from None


in_zone = click.option(
    "--tz",
    "zone",
    envvar="CALENDLY_TZ",
    metavar="ZONE",
    callback=read_zone,
    help="Time zone of dates and tables, such as Europe/Berlin. Default: CALENDLY_TZ, then your account's.",
)


def now() -> datetime:
    """Return the current time in UTC."""
    return datetime.fromtimestamp(Timing().clock(), UTC)


class AccountView:
    """The zone and the names of one connection. Both are read once, when they are needed."""

    def __init__(self, connection: "CalendlyConnection", zone: tzinfo | None = None) -> None:
        self._connection = connection
        self._chosen = zone
        self.names = cache(self._read_names)

    @cached_property
    def zone(self) -> tzinfo:
        """The chosen zone or the account's. Raises ConnectorError if it is unknown."""
        if self._chosen:
            return self._chosen
        name: Any = self._connection.user.get("timezone")
        try:
            return ZoneInfo(name)
        except (KeyError, ValueError, OSError, TypeError):
            raise UnexpectedAnswer(
                "Your account's time zone is unknown on this machine.", fix="Pass --tz, such as --tz UTC."
            ) from None

    @cached_property
    def shown_zone(self) -> tzinfo:
        """The zone of displayed times: UTC, with a note, if the account's is unknown."""
        try:
            return self.zone
        except ConnectorError:
            notice(
                "note", "times are in UTC, because your account's time zone can't be read. Pass --tz ZONE."
            )
            return UTC

    def view(self, columns: tuple[str, ...] = (), details: str = "") -> "View":
        """Return how records are shown."""
        from .columns import View

        return View(
            columns,
            lambda: self.shown_zone,
            self.names,
            lambda: now().astimezone(self.shown_zone),
            details,
        )

    def _read_names(self, pick_list: str) -> Mapping[str, str]:
        """Return the names of a pick list by URI; empty if the credential may not read it."""
        from ..catalog import json_schema, paths

        source = json_schema.read("pick_lists.json")[pick_list]
        names = {}
        try:
            for record in self._connection.iterate(
                source["action"], filter=source.get("filter", ()), limit=_MOST_NAMES
            ):
                uri = next(paths.values(record, source["value"]), None)
                label = next(paths.values(record, source["label"]), None)
                if isinstance(uri, str) and isinstance(label, str):
                    names[uri] = label
        except ConnectorError:
            return {}  # ids do as well
        return names
