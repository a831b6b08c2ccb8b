"""Event kinds, filters, signing keys and the check for missed events of `webhooks listen`."""

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from threading import Event as Flag
from typing import TYPE_CHECKING, Any, Final

from ..catalog import expressions, json_schema
from ..catalog.manifest import manifest
from ..errors import ConnectorError, InvalidParams, SignatureError, UsageError
from .options import key_values

if TYPE_CHECKING:
    from ..connection import CalendlyConnection
    from ..contract import Event
    from ..events.dispatcher import Selector
    from ..events.inbox import Inbox
    from ..events.webhooks.receiver import Keys

_SECRET: Final = "CALENDLY_WEBHOOK_SECRET"  # noqa: S105 - a variable's name
_LOGGER: Final = logging.getLogger("calendly_connector.events")
_POLLED: Final = ("invitee.created", "invitee.canceled")
_OTHER_ID: Final = "invitee_no_show.deleted"  # polling would repeat it under another id


def kinds_of(events: str | None) -> tuple[str, ...]:
    """Split comma-separated event kinds; () stands for all. Raises UsageError for an unknown kind."""
    words = (word.strip() for word in (events or "").split(","))
    kinds = tuple(dict.fromkeys(word for word in words if word))
    known = manifest().triggers
    if unknown := sorted(set(kinds) - set(known)):
        raise UsageError(f"Unknown event {unknown[0]!r}.", fix=f"Available: {', '.join(known)}.")
    return kinds


def signing_keys(connection: "CalendlyConnection | None") -> "Keys":
    """Return the lookup of a subscription's signing keys: in the vault, then in the environment.

    Raises SignatureError if neither holds a key.
    """
    from ..auth.vault import is_installed, open_vault
    from ..events.subscriptions import SigningKeys, VaultStore

    store = VaultStore(open_vault()) if is_installed() else None
    default = os.environ.get(_SECRET, "").strip()
    if not default and not (store and store.all()):
        raise SignatureError(
            "No signing key found, so webhooks can't be verified.",
            fix=f"Set {_SECRET} to the subscription's key, or run `calendly-connector webhooks subscribe`.",
            reason="no_key",
        )
    stored: Keys | None = None
    if store:  # only the connection knows the key of an OAuth app
        stored = connection.signing_keys if connection else SigningKeys(store)

    def keys(subscription: str) -> Sequence[str]:
        found = stored(subscription) if stored and subscription else []
        return found or ([default] if default else [])

    return keys


class Wanted:
    """Which events to handle. Without a connection, events are filtered by kind only and stay as sent."""

    def __init__(
        self, connection: "CalendlyConnection | None", kinds: tuple[str, ...], rows: tuple[str, ...]
    ) -> None:
        self._connection = connection
        self._kinds = kinds
        self._all = kinds or tuple(manifest().triggers)
        self._filters = _filters(self._all, rows)
        joined = [kind for kind in kinds if manifest().triggers[kind].sources]
        if connection is None and (rows or joined):
            raise UsageError(
                f"{joined[0] if joined else '--filter'} needs a credential, to read more data.",
                fix="Set CALENDLY_API_TOKEN, or pass --credential.",
            )
        self.selector: Selector = (
            connection.trigger(self._all, self._filters) if connection else _Kinds(kinds)
        )

    def looking(
        self, inbox: "Inbox", every_s: float, since: str | None, told: Callable[[], None]
    ) -> Callable[[Flag], None]:
        """Return the loop that polls for missed events until stopped; a failed poll is retried the next time.

        Raises InvalidParams if `since` isn't a time.
        """
        from ..events.polling.poll import read_since
        from ..events.reconcile import reconcile

        read_since(since)

        connection = self._connection
        assert connection is not None  # noqa: S101 - polling needs one
        kinds = [kind for kind in self._kinds if kind != _OTHER_ID] or list(_POLLED)

        def look(stop: Flag) -> None:
            while not stop.is_set():
                try:
                    found = reconcile(inbox, connection, kinds, since=since)
                except ConnectorError as error:
                    _LOGGER.warning("check for missed events failed: %s", error)
                except Exception as error:  # a bug of ours is no reason to lose webhooks
                    _LOGGER.error("check for missed events failed: %s (this is a bug)", type(error).__name__)  # noqa: TRY400 - one line
                    _LOGGER.debug("check for missed events failed", exc_info=True)
                else:
                    _LOGGER.info("caught up: %d missed events", found)
                    told()
                stop.wait(every_s)

        return look


class _Kinds:
    """Selects events by kind; () selects all."""

    def __init__(self, kinds: tuple[str, ...]) -> None:
        self._kinds = kinds

    def match(self, event: "Event", seen: object) -> "tuple[Event, ...]":
        """Return the event if it is selected."""
        del seen  # joining events needs a connection
        return (event,) if event.kind in self._kinds or not self._kinds else ()


def _filters(kinds: tuple[str, ...], rows: tuple[str, ...]) -> Mapping[str, Any]:
    """Parse KEY=VALUE filters into values of the types that the filters accept."""
    rules = manifest().triggers[kinds[0]].filters
    types = {
        name: json_schema.types(json_schema.follow(rule, rules)) for name, rule in rules["properties"].items()
    }
    filters, problems = expressions.gather(key_values(rows), types)
    if problems:
        raise InvalidParams("--filter", problems)
    return filters
