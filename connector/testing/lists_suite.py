"""The suite for actions that return a list."""

import json

from ..contract import Connection
from .connection_suite import ConnectionSuite
from .parts import needed
from .subject import Subject


class ListsSuite(ConnectionSuite):
    """A list comes in pages, as a whole or as a stream, and says whether it is complete."""

    def test_a_page_says_that_there_are_more_records(self, connection: Connection, subject: Subject) -> None:
        listing = needed(subject.listing, "listing")
        result = connection.run(listing.action, listing.inputs)
        assert 0 < len(result.records) < listing.total
        assert not result.complete, "a page of a longer list says that it is complete"

    def test_all_pages_have_every_record_once(self, connection: Connection, subject: Subject) -> None:
        listing = needed(subject.listing, "listing")
        result = connection.run(listing.action, listing.inputs, all_pages=True)
        assert result.complete, "all pages were read, but the result says that there are more"
        assert len({json.dumps(record) for record in result.records}) == len(result.records) == listing.total

    def test_a_stream_has_the_records_of_all_pages(self, connection: Connection, subject: Subject) -> None:
        listing = needed(subject.listing, "listing")
        records = connection.iterate(listing.action, listing.inputs)
        found = [record for page in records.pages() for record in page]
        assert records.complete
        assert found == connection.run(listing.action, listing.inputs, all_pages=True).records

    def test_a_limit_ends_a_list(self, connection: Connection, subject: Subject) -> None:
        listing = needed(subject.listing, "listing")
        limit = listing.total - 1
        result = connection.run(listing.action, listing.inputs, all_pages=True, limit=limit)
        assert len(result.records) == limit
        assert not result.complete, "a list that a limit ended says that it is complete"
