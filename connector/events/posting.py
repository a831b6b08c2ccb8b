"""Posts to an address of the user, once per call: retries belong to the dispatcher."""

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from ..errors import ConnectorError, UsageError
from ..http.client import prepare_session
from ..http.headers import retry_after_s
from ..http.protocol import LOOPBACK

if TYPE_CHECKING:
    import requests

_CONNECT_TIMEOUT_S: Final = 10.0
_READ_TIMEOUT_S: Final = 30.0
_DEADLINE_S: Final = 45.0  # less than the inbox's lease


class NotAccepted(ConnectorError):
    """A post wasn't answered with 2xx. `retry_after_s` is the time to wait, if the answer says it."""

    code = "not_accepted"
    retryable = True

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Poster:
    """Posts JSON to `url`: https, or http on this machine. No credential is sent, and no redirect followed.

    `what` names what is posted, for errors; the URL, which may be a secret, isn't in them.
    """

    def __init__(self, url: str, what: str, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        if not _is_safe(url):
            raise UsageError(
                f"{_capitalized(what)} can't be sent to this URL.",
                fix="Use https://host/path, or http:// on this machine, without a user name or password.",
            )
        self._url = url
        self._what = what
        self._monotonic = monotonic
        self._give_up_at = 0.0
        self._session: requests.Session | None = None

    def post(self, body: bytes, headers: Mapping[str, str]) -> None:
        """Post once. Raises NotAccepted unless the answer is 2xx."""
        import requests

        self._give_up_at = self._monotonic() + _DEADLINE_S
        try:
            with self._opened().post(
                self._url,
                data=body,
                headers={"Content-Type": "application/json", **headers},
                timeout=(_CONNECT_TIMEOUT_S, _READ_TIMEOUT_S),
                allow_redirects=False,
                stream=True,  # only status and headers count
            ) as response:
                status = response.status_code
                answered = {name.lower(): value for name, value in response.headers.items()}
        except requests.RequestException as error:
            raise NotAccepted(f"No answer to {self._what}: {type(error).__name__}.") from None
        if not requests.codes.ok <= status < requests.codes.multiple_choices:
            raise NotAccepted(
                f"{_capitalized(self._what)} was answered with {status}.",
                retry_after_s=retry_after_s(answered),
            )

    def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            self._session.close()

    def _opened(self) -> "requests.Session":
        if self._session is None:
            import requests

            self._session = requests.Session()
            prepare_session(self._session, self._url, lambda: self._give_up_at - self._monotonic())
            self._session.auth = lambda prepared: prepared  # keeps a netrc file from adding credentials
        return self._session


def _capitalized(words: str) -> str:
    """Return words with a capital letter at the start."""
    return words[:1].upper() + words[1:]


def _is_safe(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return False
    if not host or port == 0 or "@" in parts.netloc:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK)
