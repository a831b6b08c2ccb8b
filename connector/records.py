"""Records of a list as they are read: page after page, window after window, compared with their schema."""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

from . import validation
from .api import protocol
from .api.client import Client
from .api.protocol import Page, Request
from .contract import Record
from .declarations import Action
from .errors import UnexpectedAnswer


class RecordStream:
    """Iterate over it, or over its pages; `complete` and the rest are final when the iteration ends.

    `requests` are the first requests of each window, one where the action has no windows.
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
        self._one_page = one_page and limit is None
        self._check = validation.RecordCheck(action)

    def __iter__(self) -> Iterator[Record]:
        return chain.from_iterable(self.pages())

    def pages(self) -> Iterator[list[Record]]:
        """Give the records page by page; an empty page in the middle does not end the list."""
        left = self._limit
        unread = len(self._requests)
        for page in self._read():
            unread -= page.next_token is None
            records = page.records if left is None else page.records[:left]
            left = None if left is None else left - len(records)
            self._check.page(records)
            cut = len(records) < len(page.records)
            self.complete = unread == 0 and not cut
            if cut:
                self.next_page_token = None  # it would lead past the records that were left out
            yield records
            if left == 0:
                return

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader of the records should know."""
        return self._check.warnings

    def _read(self) -> Iterator[Page]:
        before: list[Record] = []
        for first in self._requests:
            for page in self._window(first):
                records = page.records
                if self._action.window and len(self._requests) > 1:
                    records = self._action.window.merge(before, records)
                    before = page.records
                yield Page(records, page.next_token)

    def _window(self, first: Request) -> Iterator[Page]:
        request, seen = first, set[str]()
        while True:
            page = protocol.read_page(request, self._send(request))
            self.next_page_token = page.next_token
            self.extra = page.extra
            if page.next_token in seen:
                raise UnexpectedAnswer(
                    f"{self._action.id}: Calendly gave the same page token twice, so the list has no end.",
                    fix="Start the list anew.",
                )
            yield page
            if page.next_token is None or self._one_page:
                return
            seen.add(page.next_token)
            query = (
                *(pair for pair in first.query if pair[0] != "page_token"),
                ("page_token", page.next_token),
            )
            request = Request(first.method, first.path, query)

    def _send(self, request: Request) -> Any:
        reply = self._client.send(request)
        self.calls += reply.calls
        return reply.document
