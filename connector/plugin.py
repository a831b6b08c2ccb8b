"""The object that a host loads."""

from __future__ import annotations  # a host that only looks at the catalog does not pay for the types

import os
import time
from typing import TYPE_CHECKING

from .catalog import manifest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .catalog.manifest import Manifest
    from .catalog.models import Action
    from .connection import CalendlyConnection
    from .support.clock import Timeouts


class CalendlyConnector:
    """Calendly as a connector. Its data needs no network and no credential.

    It defines neither `__len__` nor `__bool__`: stevedore would hand a falsy object's class to the host.
    """

    @property
    def manifest(self) -> Manifest:
        """Who the connector is, and which credentials it takes."""
        return manifest.manifest()

    def actions(self) -> Mapping[str, Action]:
        """Give the catalog: every action by its id."""
        return manifest.catalog()

    def connect(
        self,
        credential: Mapping[str, str],
        *,
        origin: str | None = None,
        source: str = "",
        timeouts: Timeouts | None = None,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> CalendlyConnection:
        """Give a connection; the network is not used before its first call. Threads may share it.

        A credential of the kind `stored` is read from the vault, here and now; the tokens of a stored OAuth
        sign-in are renewed there.
        `origin` defaults to CALENDLY_API_URL, then to Calendly itself; the token goes there alone.
        `source` says where the host keeps the credential ("the connection 'x'"), for errors about its token.
        `timeouts` limits each call; default: 10 s to connect, 30 s between two bytes, 180 s in total.
        `clock` gives unix seconds, `monotonic` seconds that only go forward.
        """
        from .auth import credentials
        from .connection import CalendlyConnection
        from .http.protocol import check_origin
        from .support.clock import Timing

        where = origin or os.environ.get("CALENDLY_API_URL") or self.manifest.origin
        timing = Timing(clock=clock, monotonic=monotonic, sleep=sleep)
        opened, name = credentials.opened(credentials.checked(credential))
        return CalendlyConnection(opened, check_origin(where), timing, name, source, timeouts)


connector = CalendlyConnector()

__all__ = ["CalendlyConnector", "connector"]
