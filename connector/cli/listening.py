"""What `webhooks listen` wants and knows: kinds of events, filters, signing keys, and what was missed."""

import logging
import os
from collections.abc import Callable, Mapping
from threading import Event as Flag
from typing import TYPE_CHECKING, Any, Final

from ..catalog import expressions, json_schema
from ..catalog.manifest import manifest
from ..errors import ConnectorError, InvalidParams, SignatureError, UsageError
from .run import filter_rows

if TYPE_CHECKING:
    from ..connection import CalendlyConnection
    from ..contract import Event
    from ..events.dispatcher import Selector
    from ..events.inbox import Inbox
    from ..events.subscriptions import SubscriptionStore
    from ..events.webhooks.receiver import Keys

_SECRET: Final = "CALENDLY_WEBHOOK_SECRET"  # noqa: S105 - a variable's name
_LOGGER: Final = logging.getLogger("calendly_connector.events")
_LOOKED_AT: Final = ("invitee.created", "invitee.canceled")
_OTHER_ID: Final = "invitee_no_show.deleted"  # by webhook it has another id, so that it would come twice


def kinds_of(events: str | None) -> tuple[str, ...]:
    """Read kinds of events with commas between; none are all."""
    words = (word.strip() for word in (events or "").split(","))
    kinds = tuple(dict.fromkeys(word for word in words if word))
    known = manifest().triggers
    if unknown := sorted(set(kinds) - set(known)):
        raise UsageError(f"There is no event {unknown[0]!r}.", fix=f"Events: {', '.join(known)}.")
    return kinds


def webhooks_keys(connection: "CalendlyConnection | None") -> "Keys":
    """Give what knows the signing keys: of the vault's subscriptions, else the one in the environment."""
    given = os.environ.get(_SECRET, "").strip()
    store = _store()
    if not given and not (store and store.all()):
        raise SignatureError(
            "There is no signing key, so that anybody could post events.",
            fix=f"Set {_SECRET} to the subscription's key, or make one with `webhooks subscribe`.",
            reason="no_key",
        )
    of_subscription = _keys_in(store, connection) if store else _none

    def keys(subscription: str) -> list[str]:
        found = of_subscription(subscription) if subscription else []
        return found or ([given] if given else [])

    return keys


def _store() -> "SubscriptionStore | None":
    """Give the vault's subscriptions; None where the vault is not installed."""
    from ..auth.vault import is_installed, open_vault
    from ..events.subscriptions import VaultStore

    return VaultStore(open_vault()) if is_installed() else None


def _keys_in(
    store: "SubscriptionStore", connection: "CalendlyConnection | None"
) -> Callable[[str], list[str]]:
    from ..events.subscriptions import SigningKeys

    # Only the connection knows the key of an OAuth app.
    return connection.signing_keys if connection else SigningKeys(store)


def _none(_subscription: str) -> list[str]:
    return []


class Wanted:
    """Which events are wanted. Without a connection they are told by kind alone, as Calendly sends them."""

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
                f"{joined[0] if joined else '--filter'} needs a credential: more is read than was posted.",
                fix="Set CALENDLY_API_TOKEN, or give --credential.",
            )
        self.selector: Selector = (
            connection.trigger(self._all, self._filters) if connection else _Kinds(kinds)
        )

    def looking(
        self, inbox: "Inbox", every_s: float, since: str | None, told: Callable[[], None]
    ) -> Callable[[Flag], None]:
        """Return what reads back what was missed, until stopped.

        Raises InvalidParams for a `since` that is not a time. Nothing that Calendly answers ends it: what
        fails is tried again the next time.
        """
        from ..events.polling.poll import read_since
        from ..events.reconcile import reconcile

        read_since(since)

        connection = self._connection
        assert connection is not None  # noqa: S101 - nobody looks without one
        kinds = [kind for kind in self._kinds if kind != _OTHER_ID] or list(_LOOKED_AT)

        def look(stop: Flag) -> None:
            while not stop.is_set():
                try:
                    found = reconcile(inbox, connection, kinds, since=since)
                except ConnectorError as error:
                    _LOGGER.warning("not read back: %s", error)
                except Exception as error:  # a mistake of ours, and no reason to lose webhooks
                    _LOGGER.error("not read back: %s. Report this.", type(error).__name__)  # noqa: TRY400 - one line
                    _LOGGER.debug("not read back", exc_info=True)
                else:
                    _LOGGER.info("read back: %d events", found)
                    told()
                stop.wait(every_s)

        return look


class _Kinds:
    """Chooses events by kind alone; none are all."""

    def __init__(self, kinds: tuple[str, ...]) -> None:
        self._kinds = kinds

    def match(self, event: "Event", seen: object) -> "tuple[Event, ...]":
        """Choose an event or not."""
        del seen  # what joins events needs a connection
        return (event,) if event.kind in self._kinds or not self._kinds else ()


def _filters(kinds: tuple[str, ...], rows: tuple[str, ...]) -> Mapping[str, Any]:
    """Read filters as rows, each value of the type that its filter takes."""
    rules = manifest().triggers[kinds[0]].filters
    types = {
        name: json_schema.types(json_schema.resolve(rule, rules))
        for name, rule in rules["properties"].items()
    }
    filters, problems = expressions.gather(filter_rows(rows), types)
    if problems:
        raise InvalidParams("--filter", problems)
    return filters
