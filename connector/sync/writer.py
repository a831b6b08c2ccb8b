"""One transaction: rows, what is missing, marks, and the state that goes with them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from .report import Counts
from .rows import Row
from .streams import Stream
from .tables import Tables, add_column, chunks, content, find


class Writer:
    """An open transaction; `state` is written with it, `touched` are the streams that it changed."""

    def __init__(self, connection: sa.Connection, tables: Tables) -> None:
        self.state: dict[str, Any] = {}
        self.touched: set[str] = set()
        self.at_work: tuple[sa.Table, Sequence[Row]] | None = None  # rows that are being written
        self._connection = connection
        self._tables = tables

    def put(self, stream: str, rows: Sequence[Row], stamp: str) -> Counts:
        """Write rows: new and changed ones whole, of the others only that they were seen."""
        table = self._tables.of[stream]
        columns = content(table)
        given = {row["uri"]: dict.fromkeys(columns) | row for row in rows}
        stored = find(self._connection, table, list(given))
        new = [uri for uri in given if uri not in stored]
        changed = [
            uri
            for uri, old in stored.items()
            if old["missing_since"] is not None or any(old[name] != given[uri][name] for name in columns)
        ]
        self.seen(stream, stored.keys() - set(changed), stamp)
        for some in chunks(changed):
            self._connection.execute(sa.delete(table).where(table.c.uri.in_(some)))
        if written := [given[uri] | {"synced_at": stamp, "missing_since": None} for uri in (*new, *changed)]:
            self.at_work = table, written
            self._connection.execute(sa.insert(table), written)
            self.at_work = None
            self.touched.add(stream)
        return Counts(len(given), len(new), len(changed))

    def seen(self, stream: str, uris: Collection[str], stamp: str) -> None:
        """Say that rows are as they were."""
        table = self._tables.of[stream]
        for some in chunks(sorted(uris)):
            self._connection.execute(sa.update(table).where(table.c.uri.in_(some)).values(synced_at=stamp))

    def missing(self, stream: str, stamp: str, *, uris: Sequence[str]) -> Counts:
        """Say that rows are missing."""
        table = self._tables.of[stream]
        return self._missing(stream, stamp, [table.c.uri.in_(some) for some in chunks(uris)])

    def unseen(
        self,
        stream: str,
        stamp: str,
        *,
        below: tuple[str, Sequence[str]] | None = None,
        between: tuple[str, str | None, str | None] | None = None,
    ) -> Counts:
        """Say of all rows that were not seen under this stamp or a later one that they are missing.

        `below` limits it to some values of a column, `between` to those after and before two of them.
        """
        table = self._tables.of[stream]
        unseen = table.c.synced_at < stamp
        if below:
            column, values = below
            return self._missing(
                stream, stamp, [unseen & table.c[column].in_(some) for some in chunks(values)]
            )
        if between:
            column, after, before = between
            unseen &= table.c[column] > after if after else sa.true()
            unseen &= table.c[column] < before if before else sa.true()
        return self._missing(stream, stamp, [unseen])

    def orphans(self, stream: Stream, stamp: str) -> Counts:
        """Say of the rows whose parent has just gone missing that they are missing too."""
        table, parent = self._tables.of[stream.name], self._tables.of[stream.above or ""]
        lost = sa.select(parent.c.uri).where(parent.c.missing_since == stamp)
        return self._missing(stream.name, stamp, [table.c[stream.link or ""].in_(lost)])

    def read_below(self, uris: Sequence[str], moment: str) -> None:
        """Say when the records below these were read; they are forgotten first."""
        reads = self._tables.reads
        for some in chunks(uris):
            self._connection.execute(sa.insert(reads), [{"uri": uri, "read_at": moment} for uri in some])

    def forget_below(self, uris: Iterable[str]) -> None:
        """Say that the records below these are to be read."""
        reads = self._tables.reads
        for some in chunks(sorted(set(uris))):
            self._connection.execute(sa.delete(reads).where(reads.c.uri.in_(some)))

    def add_questions(self, stream: str, columns: Mapping[str, str]) -> None:
        """Add a column for each question."""
        table, questions = self._tables.of[stream], self._tables.questions
        for question, name in columns.items():
            add_column(self._connection, table, sa.Column(name, sa.Text))
            values = {"stream": stream, "column_name": name, "question": question}
            self._connection.execute(sa.insert(questions).values(values))

    def unmark(self, marks: Mapping[str, str]) -> None:
        """Take marks away, but for those that were set anew in the meantime."""
        table = self._tables.marks
        for uri, mark in marks.items():
            self._connection.execute(sa.delete(table).where(table.c.uri == uri, table.c.mark == mark))

    def _missing(self, stream: str, stamp: str, which: Iterable["sa.ColumnElement[bool]"]) -> Counts:
        table = self._tables.of[stream]
        count = 0
        for rows in which:
            lost = sa.update(table).where(rows, table.c.missing_since.is_(None)).values(missing_since=stamp)
            count += self._connection.execute(lost).rowcount
        if count:
            self.touched.add(stream)
        return Counts(missing=count)
