"""Records of a list as they are read, compared with their schema: in order, and each of them once."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain
from threading import Lock
from typing import Final

from ..catalog import validation
from ..catalog.models import Action
from ..catalog.time_order import Keyset
from ..contract import Record
from ..errors import CalendlyError
from ..http import protocol
from ..http.client import Client, Reply
from ..http.protocol import Page, Request
from . import prefetch
from .paginator import Chain, Given
from .prefetch import Plan

_SLOW_S: Final = 0.1  # from here on reading ahead saves more than it costs
_PAGES_FIRST: Final = 2  # read one by one before anything is read ahead
_WORTH_PAGES: Final = 4


class RecordStream:
    """Iterate over it, or over its pages; `complete` and the rest are final when the iteration ends.

    `requests` are the first requests of each window, one where the action has no windows. Where
    Calendly takes its time, a long list is read in several parts at once.
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
        self._warnings: tuple[str, ...] = ()
        self._lock = Lock()

    def __iter__(self) -> Iterator[Record]:
        return chain.from_iterable(self.pages())

    def pages(self) -> Iterator[list[Record]]:
        """Give the records page by page; an empty page in the middle does not end the list."""
        left = self._limit
        for page, more in self._read():
            records = page.records if left is None else page.records[:left]
            left = None if left is None else left - len(records)
            self._check.page(records)
            self.extra = page.extra
            cut = len(records) < len(page.records)
            self.complete = not (more or cut)
            # After a cut the token would lead past the records that were left out.
            self.next_page_token = None if cut else page.next_token
            yield records
            if left == 0 or self._one_page:
                return

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader of the records should know."""
        return (*self._warnings, *self._check.warnings)

    def _read(self) -> Iterator[tuple[Page, bool]]:
        """Give each page and whether more is known to follow."""
        return self._windows() if len(self._requests) > 1 else self._list(self._requests[0])

    def _windows(self) -> Iterator[tuple[Page, bool]]:
        window = self._action.window
        chains = [Chain(self._send, self._action, request) for request in self._requests]
        before: list[Record] = []
        for number, page in self._one_after_another(chains):
            records = window.merge(before, page.records) if window else page.records
            before = page.records
            more = page.next_token is not None or number < len(chains) - 1
            yield Page(records, None, page.extra), more
        self._tell(chains)

    def _one_after_another(self, chains: Sequence[Chain]) -> Iterator[tuple[int, Page]]:
        """Read the first, then the rest: ahead where that pays and all of it is wanted."""
        yield from ((0, page) for page in chains[0])
        if self._limit is None and chains[0].took_s >= _SLOW_S:
            yield from ((number + 1, page) for number, page in prefetch.in_order(chains[1:]))
            return
        for number, pages in enumerate(chains[1:], 1):
            yield from ((number, page) for page in pages)

    def _list(self, first: Request) -> Iterator[tuple[Page, bool]]:
        pages = Chain(self._send, self._action, first)
        plan: Plan | None = None
        for number, page in enumerate(pages, 1):
            more = page.next_token is not None
            # A token that belongs to another range is of no use to whoever asked for this one.
            yield (replace(page, next_token=None) if pages.restarted else page), more
            if number == _PAGES_FIRST and more and (plan := self._plan(first, pages)):
                break
        if plan:
            yield from self._ahead(first, plan, pages.given)
        else:
            self._tell([pages])

    def _plan(self, first: Request, pages: Chain) -> Plan | None:
        """Make a plan to read the rest of a list in parts; None where that is not worth it."""
        keyset, given = pages.keyset, pages.given
        wanted = self._limit is None or self._limit > _WORTH_PAGES * given.count
        if not wanted or keyset is None or pages.took_s < _SLOW_S or keyset.descends(first.query):
            return None
        until = keyset.bounds(first.query)[1] or self._newest(first, keyset)
        if until is None or given.first is None or given.last is None:
            return None
        plan = Plan(keyset, first.query, given.last, until)
        plan.learn(given.count, given.last - given.first)
        return plan if plan.pages_left > _WORTH_PAGES else None

    def _newest(self, first: Request, keyset: Keyset) -> datetime | None:
        request = replace(first, query=keyset.newest(first.query))
        records = protocol.read_page(request, self._send(request).document).records
        return keyset.moment(records[0]) if records else None

    def _ahead(self, first: Request, plan: Plan, given: Given) -> Iterator[tuple[Page, bool]]:
        chains: list[Chain] = []

        def parts() -> Iterator[Chain]:
            for query in plan:
                chains.append(Chain(self._send, self._action, replace(first, query=query)))
                yield chains[-1]

        part, count, began = 0, 0, given.last
        for number, page in prefetch.in_order(parts()):
            if number > part:
                if began and given.last:
                    plan.learn(count, given.last - began)
                part, count, began = number, 0, given.last
            records = given.fresh(page.records)
            count += len(records)
            more = page.next_token is not None or number < len(chains) - 1 or not plan.ended
            yield Page(records, None, page.extra), more
        self._tell(chains)

    def _tell(self, chains: Sequence[Chain]) -> None:
        """Say so where a list could not be read to its end."""
        if any(pages.stuck for pages in chains):
            self.complete = False
            self._warnings = (
                f"{self._action.id}: a page token was refused, and the list cannot be begun anew.",
            )

    def _send(self, request: Request) -> Reply:
        try:
            reply = self._client.send(request)
        except CalendlyError:
            self._count(1)
            raise
        self._count(reply.calls)
        return reply

    def _count(self, calls: int) -> None:
        with self._lock:  # parts are read in threads
            self.calls += calls
