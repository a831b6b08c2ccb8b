"""Reads several lists, or several parts of a long list, in parallel, and returns their pages in order.

See docs/decisions/reading-in-parts.md.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from queue import Full, Queue
from threading import Event, Thread
from typing import Final

from ..catalog.time_order import Query, TimeOrder
from ..http import protocol
from ..http.protocol import Page
from .paginator import Paginator

SLOW_S: Final = 0.1  # from this duration of a call on, reading ahead saves more than it costs
FIRST_PAGES: Final = 2  # are read one by one, before anything is read ahead
PARALLEL: Final = 8
PAGES_AHEAD: Final = 16  # per paginator, to limit memory
_MIN_PAGES_LEFT: Final = 4  # below that, splitting a list isn't worth it
_MIN_PARTITION: Final = 2  # pages; each partition ends with a page that isn't full
_MAX_PARTITION: Final = 10
_STOP_CHECK_S: Final = 0.2


def in_order(paginators: Iterable[Paginator]) -> Iterator[tuple[int, Page]]:
    """Read a few paginators at a time; yield pages with the number of their paginator, from 0.

    The next paginator is taken from the iterable once there is room for it. An error of one is raised
    in its place; after an incomplete one nothing follows.
    """
    stop = Event()
    waiting, workers = iter(paginators), deque[_PrefetchWorker]()
    number = 0
    try:
        while True:
            while len(workers) < PARALLEL and (paginator := next(waiting, None)):
                workers.append(_PrefetchWorker(paginator, stop))
            if not workers:
                return
            for page in workers[0]:
                yield number, page
            if workers.popleft().paginator.incomplete:
                return  # what follows would leave a gap
            number += 1
    finally:
        stop.set()


class _PrefetchWorker:
    """Reads a paginator in a thread of its own, some pages ahead of the consumer."""

    def __init__(self, paginator: Paginator, stop: Event) -> None:
        self.paginator = paginator
        self._stop = stop
        self._pages: Queue[Page | BaseException | None] = Queue(PAGES_AHEAD)
        Thread(target=self._run, name="calendly-connector prefetch", daemon=True).start()

    def __iter__(self) -> Iterator[Page]:
        while (item := self._pages.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item

    def _run(self) -> None:
        try:
            for page in self.paginator:
                if not self._put(page):
                    return
            self._put(None)
        except BaseException as error:  # noqa: BLE001 - it is raised in the consumer's thread
            self._put(error)

    def _put(self, item: Page | BaseException | None) -> bool:
        while not self._stop.is_set():
            try:
                self._pages.put(item, timeout=_STOP_CHECK_S)
            except Full:
                continue
            return True
        return False


class Partitioner:
    """Splits the rest of an ascending list into partitions with about the same number of pages.

    `ended` says that the last partition was returned.
    """

    def __init__(self, order: TimeOrder, query: Query, since: datetime, until: datetime) -> None:
        self.ended = False
        self._order = order
        self._query = query
        self._at = since
        self._until = until
        self._page_size = int(dict(query)["count"])
        self._per_second = 0.0

    @property
    def pages_left(self) -> float:
        """The estimated number of pages that aren't in a partition yet."""
        return self._per_second * (self._until - self._at).total_seconds() / self._page_size

    def observe_density(self, records: int, span: timedelta) -> None:
        """Update the estimate: the latest `span` of time had so many records."""
        if records and span > timedelta():
            self._per_second = records / span.total_seconds()

    def __iter__(self) -> Iterator[Query]:
        pages = min(_MAX_PARTITION, max(_MIN_PARTITION, self.pages_left / PARALLEL))
        while not self.ended:
            start = self._at
            length_s = pages * self._page_size / self._per_second
            self.ended = length_s >= (self._until - start).total_seconds()
            # The last partition has no end of its own: records may have been added.
            end = None if self.ended else start + timedelta(seconds=length_s)
            self._at = end or self._until
            yield self._order.partition(self._query, start, end)


class RestOfList:
    """The rest of a long list in partitions that are read in parallel. `incomplete` as in Paginator."""

    def __init__(self, begun: Paginator, partitioner: Partitioner) -> None:
        self._begun = begun
        self._partitioner = partitioner
        self._partitions: list[Paginator] = []

    @property
    def incomplete(self) -> bool:
        """Whether a partition couldn't be read to its end."""
        return any(partition.incomplete for partition in self._partitions)

    def __iter__(self) -> Iterator[tuple[Page, bool]]:
        """Yield each page and whether more follow."""
        seen = self._begun.seen
        current, count, since = 0, 0, seen.last_time
        for number, page in in_order(self._paginators()):
            if number > current:
                if since and seen.last_time:
                    self._partitioner.observe_density(count, seen.last_time - since)
                current, count, since = number, 0, seen.last_time
            records = seen.unseen(page.records)
            count += len(records)
            is_last = number == len(self._partitions) - 1 and self._partitioner.ended
            yield Page(records, None, page.extra), page.next_token is not None or not is_last

    def _paginators(self) -> Iterator[Paginator]:
        begun = self._begun
        for query in self._partitioner:
            self._partitions.append(Paginator(begun.send, begun.action, replace(begun.request, query=query)))
            yield self._partitions[-1]


def split_rest(begun: Paginator, limit: int | None) -> RestOfList | None:
    """Return the rest of a list whose first pages were read, if reading it in parallel is worth it.

    `limit` is the number of records wanted. Finding the end of an open range costs a call.
    """
    order, seen, query = begun.order, begun.seen, begun.request.query
    enough_wanted = limit is None or limit > _MIN_PAGES_LEFT * seen.count
    if not enough_wanted or order is None or begun.fastest_s < SLOW_S or order.is_descending(query):
        return None
    until = order.range_of(query)[1] or _newest_time(begun, order)
    if until is None or seen.first_time is None or seen.last_time is None:
        return None
    partitioner = Partitioner(order, query, seen.last_time, until)
    partitioner.observe_density(seen.count, seen.last_time - seen.first_time)
    return RestOfList(begun, partitioner) if partitioner.pages_left > _MIN_PAGES_LEFT else None


def _newest_time(begun: Paginator, order: TimeOrder) -> datetime | None:
    request = replace(begun.request, query=order.newest(begun.request.query))
    records = protocol.read_page(request, begun.send(request).document).records
    return order.time_of(records[0]) if records else None
