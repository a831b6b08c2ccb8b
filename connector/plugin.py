"""The object that a host loads by the entry point."""

from __future__ import annotations  # a host that only reads the catalog does not load the types

import os
import time
from typing import TYPE_CHECKING

from .catalog import manifest
from .contract import Connector

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .auth.oauth.sign_in import OAuthSignIn
    from .catalog.manifest import Manifest
    from .catalog.models import Action
    from .connection import CalendlyConnection
    from .contract import CredentialStore
    from .support.clock import Timeouts


class CalendlyConnector(Connector):
    """Calendly as a connector, as `contract.Connector` describes it.

    It must not define `__len__` or `__bool__`: for a falsy object stevedore returns the class instead.
    """

    @property
    def manifest(self) -> Manifest:
        return manifest.manifest()

    def actions(self) -> Mapping[str, Action]:
        return manifest.catalog()

    def oauth(self, kind: str = "oauth") -> OAuthSignIn:
        """Return the sign-in for a kind of credential that `needs_sign_in`.

        It uses the authorization server at CALENDLY_AUTH_URL, by default Calendly's. Raises UsageError for
        other kinds.
        """
        from .auth.oauth.sign_in import OAuthSignIn
        from .errors import UsageError
        from .support.redaction import quoted

        forms = self.manifest.credentials
        if kind not in forms or not forms[kind].needs_sign_in:
            what = "needs no sign-in" if kind in forms else "doesn't exist"
            others = ", ".join(name for name, form in forms.items() if form.needs_sign_in)
            raise UsageError(
                f"The credential kind {quoted(kind)} {what}.", fix=f"Kinds that need a sign-in: {others}."
            )
        return OAuthSignIn(kind)

    def connect(
        self,
        credential: Mapping[str, str],
        *,
        origin: str | None = None,
        source: str = "",
        store: CredentialStore | None = None,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        timeouts: Timeouts | None = None,
    ) -> CalendlyConnection:
        """Return a connection, without using the network. Threads may share it.

        A credential of the kind `stored` is read now from `store`, by default the vault; the tokens of a
        stored OAuth sign-in are refreshed there. `origin` defaults to CALENDLY_API_URL, then to Calendly's;
        the token is sent only there. `source` says where the host keeps the credential ("the connection
        'x'"), for errors about its token. `clock` returns unix seconds, `monotonic` seconds that only
        increase. `timeouts` limits each call; default: 10 s to connect, 30 s between two bytes, 180 s in
        total.

        Raises InvalidCredential, UnknownCredential, VaultError or, for an unsafe origin, UsageError.
        """
        from .auth.credentials import credential_location, load
        from .auth.stores import HostStore
        from .connection import CalendlyConnection
        from .http.protocol import check_origin
        from .support.clock import Timing

        opened, name, kept_in = load(credential, store)
        calendly = manifest.manifest().origin
        where = check_origin(origin or os.environ.get("CALENDLY_API_URL") or calendly)
        location = credential_location(
            opened, name, source, is_for_calendly=where == calendly, in_host=isinstance(kept_in, HostStore)
        )
        timing = Timing(clock=clock, monotonic=monotonic, sleep=sleep)
        return CalendlyConnection(opened, where, location, timing, timeouts, kept_in)


connector: CalendlyConnector = CalendlyConnector()

__all__ = ["CalendlyConnector", "connector"]
