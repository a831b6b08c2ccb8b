"""Sign-ins by OAuth that are under way: who began one in which browser, until the person comes back.

They have secrets, which stay in the memory of the process that began them.
"""

import hashlib
import hmac
import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import parse_qsl

from ...contract import SignInRequest
from ...errors import ConnectorError, SignInFailed

if TYPE_CHECKING:
    from .credentials import Draft

_MOST: Final = 200
_MOST_PARAMETERS: Final = 20
_T = TypeVar("_T")
_STRANGE: Final = "No sign-in was begun in this browser, or it has ended."


@dataclass(frozen=True, slots=True)
class SignIn:
    """A sign-in under way for a credential that will be stored as `name`. `browser` is a hash."""

    person: str
    name: str
    draft: "Draft"
    scopes: tuple[str, ...]
    replaces: bool
    request: SignInRequest = field(repr=False)
    browser: str = ""


@dataclass(frozen=True, slots=True)
class FailedSignIn:
    """A sign-in that didn't complete, and why."""

    sign_in: SignIn | None
    error: ConnectorError


class SignIns:
    """The sign-ins under way, and those that failed. The oldest are forgotten first. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._begun: OrderedDict[str, SignIn] = OrderedDict()
        self._away: OrderedDict[str, SignIn] = OrderedDict()
        self._failed: OrderedDict[str, FailedSignIn] = OrderedDict()

    def begin(self, sign_in: SignIn) -> str:
        """Keep a new sign-in, and return its id, which works once."""
        return self._keep(self._begun, sign_in)

    def leave(self, id_: str, person: str) -> tuple[str, str] | None:
        """Return where to send the browser, and the secret that it has to bring back; None for strangers."""
        with self._lock:
            sign_in = self._begun.pop(id_, None)
            if sign_in is None or sign_in.person != person:
                return None
            browser = secrets.token_urlsafe(32)
            self._away[sign_in.request.state] = replace(sign_in, browser=_hash(browser))
            _limit(self._away)
        return sign_in.request.url, browser

    def come_back(self, query: str, browser: str, person: str) -> SignIn:
        """Return the sign-in that a redirect belongs to, once. Raises SignInFailed for any other browser."""
        states = [value for name, value in _pairs(query) if name == "state"]
        with self._lock:
            found = self._away.get(states[0]) if len(states) == 1 else None
            is_own = (
                found is not None
                and found.person == person
                and hmac.compare_digest(found.browser, _hash(browser))
            )
            if found is None or not is_own:
                raise SignInFailed(_STRANGE, fix="Start the sign-in again.", reason="state")
            del self._away[states[0]]
        return found

    def fail(self, error: ConnectorError, sign_in: SignIn | None) -> str:
        """Keep why a sign-in failed, for the page that shows it. Return its id."""
        return self._keep(self._failed, FailedSignIn(sign_in, error))

    def failed(self, id_: str, person: str) -> FailedSignIn:
        """Return a failed sign-in of a person; without its details for others."""
        with self._lock:
            found = self._failed.get(id_)
        if found is None or (found.sign_in is not None and found.sign_in.person != person):
            return FailedSignIn(None, SignInFailed(_STRANGE, fix="Start the sign-in again.", reason="state"))
        return found

    def _keep(self, place: OrderedDict[str, _T], one: _T) -> str:
        id_ = secrets.token_urlsafe(24)
        with self._lock:
            place[id_] = one
            _limit(place)
        return id_


def _limit(place: OrderedDict[str, Any]) -> None:
    while len(place) > _MOST:
        place.popitem(last=False)


def _pairs(query: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(query, keep_blank_values=True, max_num_fields=_MOST_PARAMETERS)
    except ValueError:
        return []


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
