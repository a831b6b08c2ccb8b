"""The records of a list as they are read: in order, without duplicates, compared with their schema."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from threading import Lock

from ..catalog import validation
from ..catalog.models import Action
from ..contract import Record
from ..errors import CalendlyError
from ..http.client import Client, Reply
from ..http.protocol import Page
from ..http.request import Request
from . import prefetch
from .paginator import Paginator


class RecordStream:
    """Iterate over the records, or over `pages()`. `complete` and the rest are final after the iteration.

    `requests` are the first request of each time window, or one if the action has no windows. If Calendly
    is slow, a long list is read in parallel.
    """

    def __init__(
        self,
        client: Client,
        action: Action,
        requests: Sequence[Request],
        *,
        limit: int | None = None,
        one_page: bool = False,
    ) -> None:
        self.complete = False
        self.calls = 0
        self.extra: Record = {}
        self.next_page_token: str | None = None
        self._client = client
        self._action = action
        self._requests = requests
        self._limit = limit
        self._one_page = one_page and limit is None and len(requests) == 1
        self._check = validation.RecordCheck(action)
        self._incomplete = False
        self._lock = Lock()

    def __iter__(self) -> Iterator[Record]:
        return chain.from_iterable(self.pages())

    def pages(self) -> Iterator[list[Record]]:
        """Yield the records page by page; a page in the middle may be empty."""
        left = self._limit
        for page, more in self._read_windows() if len(self._requests) > 1 else self._read_list():
            records = page.records if left is None else page.records[:left]
            left = None if left is None else left - len(records)
            self._check.page(records)
            self.extra = page.extra
            cut = len(records) < len(page.records)
            self.complete = not (more or cut)
            # After a cut, the token would skip the records that were left out.
            self.next_page_token = None if cut else page.next_token
            yield records
            if left == 0 or self._one_page:
                return
        if self._incomplete:
            self.complete = False

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a user of the records should know, such as differences from their schema."""
        if not self._incomplete:
            return self._check.warnings
        reason = f"{self._action.id}: a page token was rejected, and the list can't be restarted."
        return (reason, *self._check.warnings)

    def _read_list(self) -> Iterator[tuple[Page, bool]]:
        """Yield each page and whether more follow."""
        paginator = Paginator(self._send, self._action, self._requests[0])
        for number, page in enumerate(paginator, 1):
            more = page.next_token is not None
            # After a restart the token belongs to another range than the caller's.
            yield (replace(page, next_token=None) if paginator.restarted else page), more
            if number == prefetch.FIRST_PAGES and more:
                rest = prefetch.split_rest(paginator, self._limit)
                if rest:
                    yield from rest
                    self._incomplete = rest.incomplete
                    return
        self._incomplete = paginator.incomplete

    def _read_windows(self) -> Iterator[tuple[Page, bool]]:
        """Yield each page and whether more follow, without records that the previous window had already."""
        window = self._action.window
        paginators = [Paginator(self._send, self._action, request) for request in self._requests]
        before: list[Record] = []
        for number, page in self._in_order(paginators):
            records = window.merge(before, page.records) if window else page.records
            before = page.records
            more = page.next_token is not None or number < len(paginators) - 1
            yield Page(records, None, page.extra), more
        self._incomplete = any(paginator.incomplete for paginator in paginators)

    def _in_order(self, paginators: Sequence[Paginator]) -> Iterator[tuple[int, Page]]:
        """Read the first, then the others: in parallel if Calendly is slow and all records are wanted."""
        yield from ((0, page) for page in paginators[0])
        if self._limit is None and paginators[0].fastest_s >= prefetch.SLOW_S:
            yield from ((number + 1, page) for number, page in prefetch.in_order(paginators[1:]))
        else:
            for number, pages in enumerate(paginators[1:], 1):
                yield from ((number, page) for page in pages)

    def _send(self, request: Request) -> Reply:
        calls = 0
        try:
            reply = self._client.send(request)
            calls = reply.calls
        except CalendlyError:
            calls = 1
            raise
        finally:
            with self._lock:  # pages may be read in several threads
                self.calls += calls
        return reply
