"""Flows as they were deployed: every version, which one is active, and whether the flow is paused."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from sqlalchemy import Row, func, insert, select, update

from ...errors import UsageError
from ...support.clock import Timing
from ...support.redaction import shortened
from ..flows.model import Flow
from .database import Database
from .tables import FLOWS, REMOVED, SETTINGS, VERSIONS

FlowState = Literal["active", "paused"]
ANY_VERSION: Final = -1
_BASE_URL: Final = "base_url"
_CACHED: Final = 200  # versions; a version never changes


class UnknownFlow(UsageError):
    """No flow of this name is deployed, or not this version of it."""

    code = "unknown_flow"


class FlowChanged(UsageError):
    """Somebody else deployed or removed the flow meanwhile. `version` is the active one; None: removed."""

    code = "flow_changed"

    def __init__(self, message: str, *, fix: str, version: int | None) -> None:
        super().__init__(message, fix=fix)
        self.version = version


@dataclass(frozen=True, slots=True)
class DeployedFlow:
    """A flow's state. `secret` is the last part of its Process Flow URL; `reason` is why it is paused."""

    name: str
    version: int
    state: FlowState
    paused_by: str
    reason: str
    fix: str
    secret: str


class FlowStore:
    """The deployed flows. `read` parses the text of a flow."""

    def __init__(self, database: Database, read: Callable[[str], Flow], timing: Timing) -> None:
        self._database = database
        self._read = read
        self._timing = timing
        self._flows: dict[tuple[str, int], Flow] = {}

    def deploy(self, text: str, flow: Flow, *, expected_version: int | None = ANY_VERSION) -> DeployedFlow:
        """Add a flow, or a new version of it, unless the text is that of the active version.

        `expected_version` is the version that must be active; None: there must be no flow of this name.
        Raises FlowChanged otherwise.
        """
        try:
            return self._deploy(text, flow, expected_version)
        except KeyError:  # another process added a flow of this name just now
            return self._deploy(text, flow, expected_version)

    def _deploy(self, text: str, flow: Flow, expected_version: int | None) -> DeployedFlow:
        name, now = flow.name, self._timing.clock()
        with self._database.transaction() as connection:
            # A write first: it makes deployments of one flow wait for each other.
            locked = update(FLOWS).where(FLOWS.c.name == name).values(version=FLOWS.c.version)
            known = bool(connection.execute(locked).rowcount)
            if known:
                row = connection.execute(select(FLOWS).where(FLOWS.c.name == name)).one()
                this = (VERSIONS.c.name == name, VERSIONS.c.version == row.version)
                if expected_version is None:
                    raise _changed(name, row.version, expected_version)
                if connection.scalar(select(VERSIONS.c.text).where(*this)) == text:
                    return _deployed(row)
                if expected_version not in {ANY_VERSION, row.version}:
                    raise _changed(name, row.version, expected_version)
                newest = select(func.max(VERSIONS.c.version)).where(VERSIONS.c.name == name)
                version = (connection.scalar(newest) or 0) + 1
                connection.execute(update(FLOWS).where(FLOWS.c.name == name).values(version=version))
            elif expected_version not in {ANY_VERSION, None}:
                raise _changed(name, None, expected_version)
            else:
                removed = select(REMOVED.c.version).where(REMOVED.c.name == name)
                version = (connection.scalar(removed) or 0) + 1
                connection.execute(
                    insert(FLOWS).values(
                        name=name,
                        version=version,
                        state="active",
                        paused_by="",
                        reason="",
                        fix="",
                        secret=secrets.token_urlsafe(24),
                    )
                )
            connection.execute(insert(VERSIONS).values(name=name, version=version, text=text, created_at=now))
            return _deployed(connection.execute(select(FLOWS).where(FLOWS.c.name == name)).one())

    def get(self, name: str) -> DeployedFlow:
        """Return a flow. Raises UnknownFlow for an unknown name."""
        with self._database.transaction() as connection:
            row = connection.execute(select(FLOWS).where(FLOWS.c.name == name)).first()
        if row is None:
            raise UnknownFlow(
                f"No flow named {shortened(name)!r} is deployed.", fix="List the flows: flow list."
            )
        return _deployed(row)

    def require(self, name: str) -> None:
        """Raise UnknownFlow for an unknown name."""
        self.get(name)

    def all(self) -> list[DeployedFlow]:
        """Return all flows, by name."""
        with self._database.transaction() as connection:
            return [_deployed(row) for row in connection.execute(select(FLOWS).order_by(FLOWS.c.name))]

    def text(self, name: str, version: int) -> str:
        """Return the text of a version. Raises UnknownFlow for an unknown one."""
        this = (VERSIONS.c.name == name, VERSIONS.c.version == version)
        with self._database.transaction() as connection:
            text = connection.scalar(select(VERSIONS.c.text).where(*this))
        if text is None:
            raise UnknownFlow(f"The flow {shortened(name)!r} has no version {version}.")
        return str(text)

    def versions(self, name: str) -> list[dict[str, float]]:
        """Return the versions of a flow with the time of their deployment, the newest first."""
        query = select(VERSIONS.c.version, VERSIONS.c.created_at).where(VERSIONS.c.name == name)
        with self._database.transaction() as connection:
            rows = connection.execute(query.order_by(VERSIONS.c.version.desc()))
            return [{"version": row.version, "created_at": row.created_at} for row in rows]

    def flow(self, name: str, version: int) -> Flow:
        """Return a version of a flow."""
        key = (name, version)
        if key not in self._flows:
            flow = self._read(self.text(name, version))
            if len(self._flows) >= _CACHED:
                self._flows.clear()
            self._flows[key] = flow
        return self._flows[key]

    def set_base_url(self, url: str) -> None:
        """Set where Process Flow URLs begin, for all processes."""
        this = update(SETTINGS).where(SETTINGS.c.name == _BASE_URL)
        with self._database.transaction() as connection:
            if not connection.execute(this.values(value=url)).rowcount:
                connection.execute(insert(SETTINGS).values(name=_BASE_URL, value=url))

    def base_url(self) -> str:
        """Return where Process Flow URLs begin; "" if no process has set it."""
        this = select(SETTINGS.c.value).where(SETTINGS.c.name == _BASE_URL)
        with self._database.transaction() as connection:
            return connection.scalar(this) or ""

    def pause(self, name: str, *, by: str, reason: str, fix: str = "") -> bool:
        """Pause a flow. Return False if it was paused already, whose reason stays."""
        active = update(FLOWS).where(FLOWS.c.name == name, FLOWS.c.state == "active")
        with self._database.transaction() as connection:
            paused = active.values(state="paused", paused_by=by, reason=reason, fix=fix)
            return bool(connection.execute(paused).rowcount)

    def resume(self, name: str) -> bool:
        """Let a paused flow go on. Return False if it wasn't paused."""
        paused = update(FLOWS).where(FLOWS.c.name == name, FLOWS.c.state == "paused")
        with self._database.transaction() as connection:
            active = paused.values(state="active", paused_by="", reason="", fix="")
            return bool(connection.execute(active).rowcount)


def _changed(name: str, version: int | None, expected_version: int | None) -> FlowChanged:
    """Return the error for a flow whose active version isn't the expected one."""
    if version is None:
        message, fix = f"The flow {name} was removed meanwhile.", "Deploy it as a new flow."
    elif expected_version is None:
        message, fix = f"A flow named {name} exists already.", "Choose another name, or edit that flow."
    else:
        message = (
            f"Somebody else deployed version {version} of {name} after you opened version {expected_version}."
        )
        fix = "Look at the newer version, and make your changes in it."
    return FlowChanged(message, fix=fix, version=version)


def _deployed(row: "Row[tuple[object, ...]]") -> DeployedFlow:
    return DeployedFlow(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for a row as a mapping
