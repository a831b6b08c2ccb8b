"""One open transaction of a sync: rows, missing rows, marks, and the state that is stored with them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from .report import Counts
from .rows import Row
from .streams import streams
from .tables import SYNC_COLUMNS, Tables, add_column, chunks, find_rows

Between = tuple[str, str | None, str | None]
"""A column, and the bounds of its values."""


class Transaction:
    """One open transaction. It stamps the rows that it writes, and counts them in `counts`.

    `state` is stored when it commits; None values are stored, too.
    """

    def __init__(self, connection: sa.Connection, tables: Tables, stamp: str) -> None:
        self.counts: dict[str, Counts] = {}
        self.state: dict[str, Any] = {}
        self.inserting: tuple[sa.Table, Sequence[Row]] | None = None  # rows that an error can be about
        self._connection = connection
        self._tables = tables
        self._stamp = stamp

    def write_rows(self, stream: str, rows: Iterable[Row]) -> None:
        """Write new and changed rows; only stamp the unchanged ones."""
        table = self._tables.of[stream]
        columns = [name for name in table.c.keys() if name not in SYNC_COLUMNS]  # noqa: SIM118 - not a dict
        by_uri = {row["uri"]: dict.fromkeys(columns) | row for row in rows}
        stored = find_rows(self._connection, table, list(by_uri))
        new = [uri for uri in by_uri if uri not in stored]
        changed = [
            uri
            for uri, old in stored.items()
            if old["missing_since"] is not None or any(old[name] != by_uri[uri][name] for name in columns)
        ]
        self.stamp_rows(stream, stored.keys() - set(changed))
        for chunk in chunks(changed):
            self._connection.execute(sa.delete(table).where(table.c.uri.in_(chunk)))
        if new or changed:
            stamps = {"synced_at": self._stamp, "missing_since": None}
            written = [by_uri[uri] | stamps for uri in (*new, *changed)]
            self.inserting = table, written
            self._connection.execute(sa.insert(table), written)
            self.inserting = None
        counts = self.counts[stream]
        counts.read += len(new) + len(changed)
        counts.new += len(new)
        counts.changed += len(changed)

    def stamp_rows(self, stream: str, uris: Collection[str]) -> None:
        """Stamp rows that were read and haven't changed."""
        table = self._tables.of[stream]
        for chunk in chunks(sorted(uris)):
            found = sa.update(table).where(table.c.uri.in_(chunk))
            self._connection.execute(found.values(synced_at=self._stamp))
        self.counts.setdefault(stream, Counts()).read += len(uris)

    def mark_missing(
        self,
        stream: str,
        *,
        uris: Sequence[str] | None = None,
        below: tuple[str, Sequence[str]] | None = None,
        between: Between | None = None,
    ) -> None:
        """Mark rows as missing: those with these URIs, otherwise those without this stamp or a later one.

        `below` limits the latter to some values of a column, `between` to a range of values (exclusive).
        """
        table = self._tables.of[stream]
        if uris is not None:
            self._mark_missing(stream, *(table.c.uri.in_(chunk) for chunk in chunks(uris)))
            return
        unseen = table.c.synced_at < self._stamp
        if below:
            column, values = below
            self._mark_missing(stream, *(unseen & table.c[column].in_(chunk) for chunk in chunks(values)))
            return
        if between:
            column, after, before = between
            unseen &= table.c[column] > after if after else sa.true()
            unseen &= table.c[column] < before if before else sa.true()
        self._mark_missing(stream, unseen)

    def mark_orphans_missing(self, parent: str, wanted: Iterable[str]) -> None:
        """Mark rows as missing whose parent was marked as missing under this stamp."""
        parents = self._tables.of[parent]
        lost = sa.select(parents.c.uri).where(parents.c.missing_since == self._stamp)
        for name in wanted:
            if streams()[name].linked_to == parent:
                self._mark_missing(name, self._tables.of[name].c[streams()[name].parent_column].in_(lost))

    def set_children_read(self, uris: Sequence[str]) -> None:
        """Store that the records below these were read. Earlier times must be forgotten before."""
        for chunk in chunks(uris):
            rows = [{"uri": uri, "read_at": self._stamp} for uri in chunk]
            self._connection.execute(sa.insert(self._tables.reads), rows)

    def forget_children_read(self, uris: Iterable[str]) -> None:
        """Forget when the records below these were read."""
        reads = self._tables.reads
        for chunk in chunks(sorted(set(uris))):
            self._connection.execute(sa.delete(reads).where(reads.c.uri.in_(chunk)))

    def add_answer_columns(self, stream: str, columns: Mapping[str, str]) -> None:
        """Add the column of each question."""
        for question, name in columns.items():
            add_column(self._connection, self._tables.of[stream], sa.Column(name, sa.Text))
            values = {"stream": stream, "column_name": name, "question": question}
            self._connection.execute(sa.insert(self._tables.questions).values(values))

    def delete_marks(self, marks: Mapping[str, str]) -> None:
        """Delete marks by URI, except those that have been set again since they were read."""
        table = self._tables.marks
        for uri, mark in marks.items():
            self._connection.execute(sa.delete(table).where(table.c.uri == uri, table.c.mark == mark))

    def _mark_missing(self, stream: str, *conditions: "sa.ColumnElement[bool]") -> None:
        table = self._tables.of[stream]
        counts = self.counts.setdefault(stream, Counts())
        for condition in conditions:
            found = sa.update(table).where(condition, table.c.missing_since.is_(None))
            counts.missing += self._connection.execute(found.values(missing_since=self._stamp)).rowcount
