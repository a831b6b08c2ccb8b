"""Reads the pages of one list, even if its rows or page tokens change in the meantime.

See docs/decisions/resuming-a-list.md.
"""

import math
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Final

from ..catalog.models import Action
from ..catalog.time_order import OVERLAP, TimeOrder, replaced
from ..contract import Record
from ..errors import Rejected, UnexpectedAnswer
from ..http import protocol
from ..http.client import Reply
from ..http.protocol import Page
from ..http.request import Request

Send = Callable[[Request], Reply]

_REMEMBERED: Final = 300  # records: three full pages
_MAX_RESTARTS: Final = 3  # in a row without a new record
# Pages in a row without a new record, beyond as many as had one: a list may be read again from its start.
_MAX_USELESS_PAGES: Final = 1000
_MAX_PAGES: Final = 100_000


class Deduplicator:
    """Filters out records that were returned before, when rows shift or a list is restarted.

    For a list in order of time the last pages are enough; for any other list all records are remembered.
    """

    def __init__(self, order: TimeOrder | None) -> None:
        self.first_time: datetime | None = None
        self.last_time: datetime | None = None
        self.has_records_without_uri = False
        self.count = 0
        self._order = order
        self._known: set[int] = set()
        self._pages: deque[tuple[datetime, set[int]]] = deque()

    def unseen(self, records: list[Record]) -> list[Record]:
        """Return the records that weren't on earlier pages.

        Rows of this page that share a URI are all kept, and so are records without a URI, because they
        can't be compared.
        """
        known, unseen = self._known, []
        added: set[int] = set()
        for record in records:
            uri = record.get("uri")
            if isinstance(uri, str):
                key = hash(uri)
                if key in known:
                    continue
                added.add(key)
            else:
                self.has_records_without_uri = True
            unseen.append(record)
        known |= added
        self.count += len(unseen)
        if self._order and unseen:
            self.first_time = self.first_time or self._order.time_of(unseen[0])
            self._remember(self._order.time_of(unseen[-1]), added)
        return unseen

    def _remember(self, last: datetime | None, keys: set[int]) -> None:
        """Forget pages that no restart can reach: those that end well before the last ones."""
        self.last_time = last
        if last is None:
            return
        pages = self._pages
        pages.append((last, keys))
        while len(self._known) - len(pages[0][1]) >= _REMEMBERED and abs(last - pages[0][0]) > 2 * OVERLAP:
            self._known.difference_update(pages.popleft()[1])


class Paginator:
    """The pages of one request, without records that were returned before.

    If a page token is rejected, the list is resumed at the last time seen, or restarted. `incomplete`
    says that neither was possible, `restarted` that the page tokens no longer fit the request.
    `fastest_s` is the duration of the fastest call.
    """

    def __init__(self, send: Send, action: Action, request: Request, *, max_pages: int = _MAX_PAGES) -> None:
        order = action.time_order
        self.send = send
        self.action = action
        self.request = request
        self.order = order if order and order.sorts(request.query) else None
        self.seen = Deduplicator(self.order)
        self.fastest_s = math.inf
        self.incomplete = False
        self.restarted = False
        self._max_pages = max_pages

    def __iter__(self) -> Iterator[Page]:
        base: Request | None = self.request
        request = self.request
        tokens: set[str] = set()
        restarts = pages = useful = useless = 0
        while base is not None:
            try:
                reply = self.send(request)
                page = protocol.read_page(request, reply.document)
            except Rejected as error:
                if request is self.request or not protocol.is_page_token_rejected(request, error):
                    raise
                base = self._resume_request() if restarts < _MAX_RESTARTS else None
                request = base or request
                self.restarted, self.incomplete = True, base is None
                restarts += 1
                tokens.clear()
                continue
            self.fastest_s = min(self.fastest_s, reply.took_s)
            token = page.next_token
            pages += 1
            if token in tokens:
                raise self._endless("a page token was repeated")
            unseen = self.seen.unseen(page.records)
            if unseen:
                useful, useless, restarts = useful + 1, 0, 0
            else:
                useless += 1
            yield Page(unseen, token, page.extra)
            if token is None:
                return
            if useless >= useful + _MAX_USELESS_PAGES:
                raise self._endless(f"the last {useless} pages had nothing new")
            if pages >= self._max_pages:
                raise self._endless(
                    f"it has more than {self._max_pages} pages",
                    "Request a shorter time range or larger pages.",
                )
            tokens.add(token)
            request = replace(base, query=replaced(base.query, {"page_token": token}))

    def _endless(self, why: str, fix: str = "Read the list again.") -> UnexpectedAnswer:
        return UnexpectedAnswer(f"{self.action.id}: the list doesn't end: {why}.", fix=fix)

    def _resume_request(self) -> Request | None:
        """Return a request for what is still missing, and possibly more; None if that isn't possible."""
        request, last = self.request, self.seen.last_time
        if self.order and last:
            return replace(request, query=self.order.resume_after(request.query, last))
        started_midway = any(name == "page_token" for name, _ in request.query)
        if self.order or started_midway or self.seen.has_records_without_uri:
            return None
        return request
