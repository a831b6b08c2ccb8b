"""Several parts of a long list read at the same time, their pages given in order."""

from collections import deque
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from queue import Full, Queue
from threading import Event, Thread
from typing import Final

from ..catalog.time_order import Keyset, Query
from ..http.protocol import Page
from .paginator import Chain

PARTS: Final = 8
_PAGES_AHEAD: Final = 16  # of each part, so that memory stays bounded
_SMALLEST_PART: Final = 2  # pages; each part ends with a page that is not full
_LARGEST_PART: Final = 10
_LOOK_UP_S: Final = 0.2


def in_order(chains: Iterable[Chain]) -> Iterator[tuple[int, Page]]:
    """Read a few chains at a time; give the pages with the number of their chain, from 0.

    A chain is taken from the iterable only when there is room for it. What ends one, an error too, comes
    in its place.
    """
    stop = Event()
    waiting, parts = iter(chains), deque[_Part]()
    number = 0
    try:
        while True:
            while len(parts) < PARTS and (chain := next(waiting, None)):
                parts.append(_Part(chain, stop))
            if not parts:
                return
            for page in parts[0]:
                yield number, page
            if parts.popleft().stuck:
                return  # what follows would leave a gap
            number += 1
    finally:
        stop.set()


class _Part:
    """A chain that is read in a thread of its own, some pages ahead of who takes them."""

    def __init__(self, chain: Chain, stop: Event) -> None:
        self._chain = chain
        self._stop = stop
        self._read: Queue[Page | BaseException | None] = Queue(_PAGES_AHEAD)
        Thread(target=self._run, name="calendly-connector part", daemon=True).start()

    def __iter__(self) -> Iterator[Page]:
        while (item := self._read.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item

    @property
    def stuck(self) -> bool:
        """Whether the chain ended too early."""
        return self._chain.stuck

    def _run(self) -> None:
        try:
            for page in self._chain:
                if not self._hand_over(page):
                    return
            self._hand_over(None)
        except BaseException as error:  # noqa: BLE001 - it belongs to the thread that takes the pages
            self._hand_over(error)

    def _hand_over(self, item: Page | BaseException | None) -> bool:
        while not self._stop.is_set():
            try:
                self._read.put(item, timeout=_LOOK_UP_S)
            except Full:
                continue
            return True
        return False


class Plan:
    """Cuts the rest of an ascending list into parts of about equally many pages, by how dense it is.

    `ended` says that no part is left to make.
    """

    def __init__(self, keyset: Keyset, query: Query, since: datetime, until: datetime) -> None:
        self.ended = False
        self._keyset = keyset
        self._query = query
        self._at = since
        self._until = until
        self._page = int(dict(query)["count"])  # records
        self._a_second = 0.0

    @property
    def pages_left(self) -> float:
        """About how many pages are in no part yet."""
        return self._a_second * (self._until - self._at).total_seconds() / self._page

    def learn(self, records: int, span: timedelta) -> None:
        """Take note of how many records the latest stretch of time held."""
        if records and span > timedelta():
            self._a_second = records / span.total_seconds()

    def __iter__(self) -> Iterator[Query]:
        pages = min(_LARGEST_PART, max(_SMALLEST_PART, self.pages_left / PARTS))
        while not self.ended:
            start = self._at
            length_s = pages * self._page / self._a_second
            self.ended = length_s >= (self._until - start).total_seconds()
            # The last part has no end of its own: there may be more by now.
            end = None if self.ended else start + timedelta(seconds=length_s)
            self._at = end or self._until
            yield self._keyset.part(self._query, start, end)
