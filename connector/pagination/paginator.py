"""The pages of one list, one after the other, whatever happens to its rows or page tokens meanwhile."""

import math
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Final

from ..catalog.models import Action
from ..catalog.time_order import OVERLAP, Keyset, replaced
from ..contract import Record
from ..errors import Rejected, UnexpectedAnswer
from ..http import protocol
from ..http.client import Reply
from ..http.protocol import Page, Request

Send = Callable[[Request], Reply]

_REMEMBERED: Final = 300  # records: three full pages
_RESTARTS_IN_VAIN: Final = 3
_PAGES_IN_VAIN: Final = (
    1000  # without a new record, beyond as many as had one: a list is read again from its start
)
_MOST_PAGES: Final = 100_000


class Given:
    """What was given already, so that nothing is given twice when rows shift or a list is begun anew.

    In a list that is ordered by time the last pages are enough; of any other all records are remembered.
    """

    def __init__(self, keyset: Keyset | None) -> None:
        self.first: datetime | None = None
        self.last: datetime | None = None
        self.nameless = False
        self.count = 0
        self._keyset = keyset
        self._known: set[int] = set()
        self._pages: deque[tuple[datetime, set[int]]] = deque()

    def fresh(self, records: list[Record]) -> list[Record]:
        """Leave out what was on earlier pages.

        Rows of this page that share a URI all stay, and so do records without a URI, which cannot be told
        apart.
        """
        known, fresh = self._known, []
        added: set[int] = set()
        for record in records:
            uri = record.get("uri")
            if isinstance(uri, str):
                key = hash(uri)
                if key in known:
                    continue
                added.add(key)
            else:
                self.nameless = True
            fresh.append(record)
        known |= added
        self.count += len(fresh)
        if self._keyset and fresh:
            self.first = self.first or self._keyset.moment(fresh[0])
            self._remember(self._keyset.moment(fresh[-1]), added)
        return fresh

    def _remember(self, last: datetime | None, keys: set[int]) -> None:
        """Forget what no restart can reach: pages before the last ones that end well before this one."""
        self.last = last
        if last is None:
            return
        pages = self._pages
        pages.append((last, keys))
        while len(self._known) - len(pages[0][1]) >= _REMEMBERED and abs(last - pages[0][0]) > 2 * OVERLAP:
            self._known.difference_update(pages.popleft()[1])


class Chain:
    """The pages of one request; of what was given before it gives nothing again.

    Where a page token is refused, the list goes on from the last moment seen, or is begun anew.
    `stuck` says that neither was possible, `restarted` that its page tokens no longer fit the request.
    `took_s` is how long the page that came fastest was under way.
    """

    def __init__(self, send: Send, action: Action, first: Request) -> None:
        keyset = action.keyset
        self.keyset = keyset if keyset and keyset.orders(first.query) else None
        self.given = Given(self.keyset)
        self.took_s = math.inf
        self.stuck = False
        self.restarted = False
        self._send = send
        self._action = action
        self._first = first

    def __iter__(self) -> Iterator[Page]:
        base: Request | None = self._first
        request = self._first
        tokens: set[str] = set()
        in_vain = pages = useful = useless = 0
        while base is not None:
            try:
                page = self._page(request)
            except Rejected as error:
                if request is self._first or not protocol.refuses_page_token(request, error):
                    raise
                base = self._again() if in_vain < _RESTARTS_IN_VAIN else None
                request = base or request
                self.restarted, self.stuck = True, base is None
                in_vain += 1
                tokens.clear()
                continue
            token = page.next_token
            pages += 1
            if token in tokens:
                raise self._endless("a page token came twice")
            fresh = self.given.fresh(page.records)
            if fresh:
                useful, useless, in_vain = useful + 1, 0, 0
            else:
                useless += 1
            yield Page(fresh, token, page.extra)
            if token is None:
                return
            if useless >= useful + _PAGES_IN_VAIN:
                raise self._endless(f"the last {useless} pages had nothing new")
            if pages >= _MOST_PAGES:
                raise self._endless(
                    f"it has more than {_MOST_PAGES} pages", "Ask for a shorter range, or for larger pages."
                )
            tokens.add(token)
            request = replace(base, query=replaced(base.query, {"page_token": token}))

    def _endless(self, why: str, fix: str = "Read the list again.") -> UnexpectedAnswer:
        return UnexpectedAnswer(f"{self._action.id}: the list does not end: {why}.", fix=fix)

    def _page(self, request: Request) -> Page:
        reply = self._send(request)
        self.took_s = min(self.took_s, reply.took_s)
        return protocol.read_page(request, reply.document)

    def _again(self) -> Request | None:
        """Give the request that reads what is still missing, and possibly more; None where there is none."""
        first, last = self._first, self.given.last
        if self.keyset and last:
            return replace(first, query=self.keyset.beyond(first.query, last))
        begun_within = any(name == "page_token" for name, _ in first.query)
        if self.keyset or begun_within or self.given.nameless:
            return None
        return first
