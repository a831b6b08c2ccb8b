"""The objects that a person works with."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from ...contract import CheckReport, Connection, Connector, CredentialStore
from ...errors import UsageError
from ...support.clock import Timing
from ...support.redaction import shortened
from ..flows.model import FlowConnection
from .credential_checks import CredentialChecks
from .pending_sign_ins import SignIns

if TYPE_CHECKING:
    from ..engine.engine import Engine


class NamedCredentials(CredentialStore, Protocol):
    """A store of credentials that also lists and deletes them. The vault is one."""

    @property
    def place(self) -> str: ...
    def names(self) -> list[str]: ...
    def delete(self, name: str) -> None: ...


class Finding(Protocol):
    """What a check of an address found: `severity` is ok, warning or error."""

    @property
    def severity(self) -> str: ...
    @property
    def code(self) -> str: ...
    @property
    def message(self) -> str: ...
    @property
    def fix(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Workspace:
    """An agent, the stored credentials, and the installed connectors by name.

    `origins` are addresses of sandboxes, by the name of the connector. With a sandbox, `book_sample` makes
    an invented person book a meeting. `forget` is called with the name of a credential that is gone, for what
    else remembers it. `checks` are the last checks of stored credentials, and `sign_ins` those under way.
    `probe` posts to an address and says what keeps others from reaching it: pass it no address that a person
    entered.
    """

    engine: "Engine"
    vault: NamedCredentials
    connectors: Mapping[str, Connector]
    origins: Mapping[str, str]
    timing: Timing = field(default_factory=Timing)
    book_sample: Callable[[], None] | None = None
    forget: Callable[[str], object] = lambda _name: None
    checks: CredentialChecks = field(default_factory=CredentialChecks)
    sign_ins: SignIns = field(default_factory=SignIns)
    probe: Callable[[str], Sequence[Finding]] | None = None

    def connector(self, name: str) -> Connector:
        """Return an installed connector. Raises UsageError for an unknown name."""
        if name not in self.connectors:
            raise UsageError(
                f"No connector named {shortened(name)!r} is installed.",
                fix=f"Installed: {', '.join(sorted(self.connectors))}.",
            )
        return self.connectors[name]

    def connect(self, connector: str, credential: Mapping[str, str], *, source: str = "") -> Connection:
        """Connect with a credential that needs not be stored. It doesn't use the network."""
        return self.connector(connector).connect(
            credential, origin=self.origins.get(connector), source=source, store=self.vault
        )

    def open(self, connector: str, credential: str) -> Connection:
        """Connect with a stored credential by its name; "": without one."""
        return self.engine.connections.open(FlowConnection(connector, credential))

    def check(self, connector: str, credential: Mapping[str, str], *, deep: bool = False) -> CheckReport:
        """Check a credential that needs not be stored."""
        with self.connect(connector, credential) as connection:
            return connection.check(deep=deep)
