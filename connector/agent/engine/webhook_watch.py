"""Looks at the webhook subscriptions that flows depend on, and says when one is disabled or vanished.

The application tells nobody. One process at a time looks with a credential, as with schedules. A change and
its event are stored together, and the event starts flows until that has succeeded: once for each flow.
"""

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

from sqlalchemy import Row, delete, insert, select, update

from ...contract import SubscriptionState
from ...errors import AgentDatabaseError, ConnectorError
from ...support import timestamps
from ...support.clock import Timing
from ..connectors import OWN
from ..flows.model import Flow, FlowConnection
from .connections import Connections
from .database import Database
from .flow_store import FlowStore
from .outcomes import as_connector_error
from .tables import EXECUTORS, WEBHOOK_EVENTS, WEBHOOK_LOOKS, WEBHOOKS
from .webhook_changes import Changes, Watched, changes

if TYPE_CHECKING:
    from sqlalchemy import Connection as Transaction

EVERY_S: Final = 60.0
_LOGGER: Final = logging.getLogger("calendly_connector.agent")
_Key = tuple[str, str]  # a connector and a credential


@dataclass(frozen=True, slots=True)
class Look:
    """The looks with a credential: when the last one succeeded, and since when and why they fail.

    `passes` says whether the error may pass by itself.
    """

    connector: str
    credential: str
    looked_at: float | None
    failing_since: float | None
    error: str
    fix: str
    passes: bool


class WebhookWatch:
    """The standing watch. `start_run` starts a run, once for each event and flow."""

    def __init__(
        self,
        database: Database,
        flows: FlowStore,
        connections: Connections,
        timing: Timing,
        start_run: Callable[..., str],
        *,
        every_s: float = EVERY_S,
    ) -> None:
        self._database = database
        self._flows = flows
        self._connections = connections
        self._timing = timing
        self._start_run = start_run
        self._every_s = every_s

    # What it knows

    def looks(self) -> list[Look]:
        """Return the looks with each credential."""
        with self._database.transaction() as transaction:
            rows = transaction.execute(select(*(WEBHOOK_LOOKS.c[name] for name in Look.__slots__)))
            return [Look(**row._mapping) for row in rows]  # noqa: SLF001 - SQLAlchemy's public name

    def known(self) -> dict[str, list[Watched]]:
        """Return the subscriptions as of the last look, by connector."""
        with self._database.transaction() as transaction:
            found: dict[str, list[Watched]] = {}
            for row in transaction.execute(select(WEBHOOKS).order_by(WEBHOOKS.c.key)):
                found.setdefault(row.connector, []).append(_watched(row))
            return found

    def flow_finder(self) -> Callable[[str], str]:
        """Return a function: the triggered flow whose Process Flow URL an address is, "" for any other.

        It knows the flows of now, and reads the database no more.
        """
        secrets = self._secrets()
        return lambda url: _flow_at(url, secrets)

    # Looking

    def look(self, executor: str) -> int:
        """Look with each credential that is due, and start the flows of what happened. Return how many."""
        self._plan()
        due = select(WEBHOOK_LOOKS).where(WEBHOOK_LOOKS.c.due_at <= self._timing.clock())
        with self._database.transaction() as transaction:
            found = transaction.execute(due).all()
        looked = sum(self._look((row.connector, row.credential), row.due_at, executor) for row in found)
        self._announce()
        return looked

    def hurry(self, connector: str) -> None:
        """Let the next looks at a connector's webhooks come at once. One under way is out of date."""
        with self._database.transaction() as transaction:
            now = update(WEBHOOK_LOOKS).where(WEBHOOK_LOOKS.c.connector == connector)
            transaction.execute(now.values(due_at=0.0))

    def forget(self, connector: str, key: str) -> None:
        """Forget a subscription that a person deleted."""
        with self._database.transaction() as transaction:
            this = (WEBHOOKS.c.connector == connector, WEBHOOKS.c.key == key)
            transaction.execute(delete(WEBHOOKS).where(*this))

    def _plan(self) -> None:
        """Look with the credentials of triggered flows only."""
        wanted = {(one.connector, one.credential) for one in self._triggering()}
        with self._database.transaction() as transaction:
            query = select(WEBHOOK_LOOKS.c.connector, WEBHOOK_LOOKS.c.credential)
            planned: set[_Key] = {(row.connector, row.credential) for row in transaction.execute(query)}
        for key in wanted - planned:
            self._add(key)
        for key in planned - wanted:
            with self._database.transaction() as transaction:
                transaction.execute(delete(WEBHOOK_LOOKS).where(*_these(key)))
                these = (WEBHOOKS.c.connector == key[0], WEBHOOKS.c.credential == key[1])
                transaction.execute(delete(WEBHOOKS).where(*these))

    def _add(self, key: _Key) -> None:
        row = {"due_at": self._timing.clock(), "claimed_by": "", "error": "", "fix": "", "passes": True}
        try:
            with self._database.transaction() as transaction:
                transaction.execute(insert(WEBHOOK_LOOKS).values(connector=key[0], credential=key[1], **row))
        except KeyError:
            pass  # another process was faster

    def _triggering(self) -> list[FlowConnection]:
        found = (flow.connections.get(flow.trigger.connection) for flow in self._triggered())
        return [one for one in found if one is not None and one.connector != OWN]

    def _triggered(self) -> list[Flow]:
        deployed = [self._flows.flow(one.name, one.version) for one in self._flows.all()]
        return [flow for flow in deployed if flow.trigger.type == "triggered"]

    def _secrets(self) -> dict[str, str]:
        """Return the last part of the Process Flow URL of each triggered flow."""
        return {
            one.name: one.secret
            for one in self._flows.all()
            if self._flows.flow(one.name, one.version).trigger.type == "triggered"
        }

    def _look(self, key: _Key, due_at: float, executor: str) -> bool:
        if not self._claim(key, due_at, executor):
            return False
        mine = (*_these(key), WEBHOOK_LOOKS.c.due_at == due_at, WEBHOOK_LOOKS.c.claimed_by == executor)
        try:
            with self._connections.open(FlowConnection(*key)) as connection:
                listed = connection.subscription_states()
        except AgentDatabaseError:
            raise
        except Exception as raised:  # noqa: BLE001 - one credential's fault must not stop the others
            self._failed(key, mine, as_connector_error(raised))
            return True
        try:
            self._note(key, mine, listed)
        except KeyError:
            _LOGGER.info("Another process looks at the same webhooks; this look is repeated.")
        return True

    def _claim(self, key: _Key, due_at: float, executor: str) -> bool:
        """Claim a look, unless another living process has claimed it."""
        others = select(EXECUTORS.c.id).where(EXECUTORS.c.dead.is_(False), EXECUTORS.c.id != executor)
        free = (*_these(key), WEBHOOK_LOOKS.c.due_at == due_at, WEBHOOK_LOOKS.c.claimed_by.not_in(others))
        with self._database.transaction() as transaction:
            claimed = update(WEBHOOK_LOOKS).where(*free).values(claimed_by=executor)
            return bool(transaction.execute(claimed).rowcount)

    def _failed(self, key: _Key, mine: tuple[Any, ...], fault: ConnectorError) -> None:
        """Note a look that failed. What was known stays known."""
        now = self._timing.clock()
        after = {
            "due_at": now + self._every_s,
            "claimed_by": "",
            "error": fault.message[:2000],
            "fix": fault.fix[:2000],
            "passes": fault.retryable,
        }
        this = update(WEBHOOK_LOOKS).where(*mine)
        with self._database.transaction() as transaction:
            began = transaction.execute(
                this.where(WEBHOOK_LOOKS.c.failing_since.is_(None)).values(**after, failing_since=now)
            )
            if not began.rowcount:
                transaction.execute(this.values(**after))
        if began.rowcount:
            _LOGGER.warning("Can't look at the webhooks of the credential %r. %s", key[1], fault)

    def _note(self, key: _Key, mine: tuple[Any, ...], listed: list[SubscriptionState]) -> None:
        """Store what has changed with its events, unless others have taken over this look."""
        now, flow_of = self._timing.clock(), self.flow_finder()
        after = {
            "due_at": now + self._every_s,
            "claimed_by": "",
            "looked_at": now,
            "failing_since": None,
            "error": "",
            "fix": "",
            "passes": True,
        }
        with self._database.transaction() as transaction:
            if not transaction.execute(update(WEBHOOK_LOOKS).where(*mine).values(**after)).rowcount:
                return
            rows = transaction.execute(select(WEBHOOKS).where(WEBHOOKS.c.connector == key[0]))
            known = {row.key: _watched(row) for row in rows}
            found = changes(known, listed, credential=key[1], flow_of=flow_of, now=now)
            stored = _store(transaction, key[0], known, found)
            for kind, one in found.events:
                if one.key in stored:
                    event = _event(kind, key[0], one)
                    transaction.execute(
                        insert(WEBHOOK_EVENTS).values(id=event["id"], event=event, created_at=now)
                    )
                    _LOGGER.warning("%s: %s, flow %r. %s", kind, one.key, one.flow, one.message)

    # Events

    def _announce(self) -> None:
        """Start the flows of events, again and again until it succeeds: a run has the id of its event."""
        with self._database.transaction() as transaction:
            query = select(WEBHOOK_EVENTS).order_by(WEBHOOK_EVENTS.c.created_at)
            waiting = transaction.execute(query).all()
        for row in waiting:
            for flow in self._interested(row.event["kind"]):
                self._start_run(flow.name, row.event, by="triggered")
            with self._database.transaction() as transaction:
                transaction.execute(delete(WEBHOOK_EVENTS).where(WEBHOOK_EVENTS.c.id == row.id))

    def _interested(self, kind: str) -> list[Flow]:
        return [
            flow for flow in self._triggered() if kind in flow.trigger.events and _connector_of(flow) == OWN
        ]


def _connector_of(flow: Flow) -> str:
    connection = flow.connections.get(flow.trigger.connection)
    return connection.connector if connection else ""


def _these(key: _Key) -> tuple[Any, ...]:
    return (WEBHOOK_LOOKS.c.connector == key[0], WEBHOOK_LOOKS.c.credential == key[1])


def _flow_at(url: str, secrets: dict[str, str]) -> str:
    """Return the flow whose Process Flow URL an address is, wherever the agent is reached."""
    try:
        parts = [unquote(part) for part in urlsplit(url).path.split("/")]
    except ValueError:
        return ""
    known = len(parts) > 2 and parts[-3] == "flows" and secrets.get(parts[-2]) == parts[-1]  # noqa: PLR2004
    return parts[-2] if known else ""


def _store(transaction: "Transaction", connector: str, known: dict[str, Watched], found: Changes) -> set[str]:
    """Store what has changed. Return the keys of what nobody else has changed meanwhile.

    Raises KeyError if another process has added one.
    """
    changed = set()
    for one in found.stored:
        values = asdict(one) | {"events": list(one.events)}
        if one.key not in known:
            transaction.execute(insert(WEBHOOKS).values(connector=connector, **values))
            changed.add(one.key)
        elif transaction.execute(
            update(WEBHOOKS).where(*_unchanged(connector, known[one.key])).values(values)
        ).rowcount:
            changed.add(one.key)
    for one in found.forgotten:
        if transaction.execute(delete(WEBHOOKS).where(*_unchanged(connector, one))).rowcount:
            changed.add(one.key)
    return changed


def _unchanged(connector: str, one: Watched) -> tuple[Any, ...]:
    this = (WEBHOOKS.c.connector == connector, WEBHOOKS.c.key == one.key)
    return (*this, WEBHOOKS.c.state == one.state, WEBHOOKS.c.since == one.since)


def _event(kind: str, connector: str, one: Watched) -> dict[str, Any]:
    """Return the event. Its payload doesn't have the address: who knows it could post to the flow."""
    since = timestamps.write_sortable(datetime.fromtimestamp(one.since, UTC))
    payload = {
        "subscription": one.key,
        "flow": one.flow,
        "connector": connector,
        "credential": one.credential,
        "events": list(one.events),
        "scope": one.scope,
        "message": one.message,
        "since": since,
    }
    return {
        "id": f"{kind}:{one.key}:{since}",
        "kind": kind,
        "created_at": since,
        "created_by": None,
        "payload": payload,
    }


def _watched(row: "Row[tuple[Any, ...]]") -> Watched:
    values = {name: getattr(row, name) for name in Watched.__slots__}
    return Watched(**{**values, "events": tuple(row.events)})
