"""The tables of a destination, the transactions that write them, and the upgrade of older tables."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.schema import CreateColumn

from ..errors import DestinationError
from ..support import timestamps
from .models import Counts
from .rows import MAX_URI_LENGTH, Row
from .streams import ColumnKind, streams

SYNC_COLUMNS: Final = ("synced_at", "missing_since")  # set by syncs; all others come from Calendly
_CHUNK: Final = 500  # values in one IN (…)
_MAX_TIME_LENGTH: Final = 32
_LONG_AGO: Final = "1970-01-01T00:00:00.000000Z"

Between = tuple[str, str | None, str | None]
"""A column, and the bounds of its values."""


class SortableTime(sa.types.TypeDecorator[str]):
    """A time as text that sorts. PostgreSQL stores it as timestamptz, so `date_trunc` works."""

    impl = sa.String(_MAX_TIME_LENGTH)
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        """Return the database's own type."""
        is_native = dialect.name == "postgresql"
        return dialect.type_descriptor(sa.TIMESTAMP(timezone=True) if is_native else self.impl_instance)

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> Any:
        """Return the value to write."""
        return timestamps.read_or_none(value) if dialect.name == "postgresql" else value

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> str | None:
        """Return the text of a value that was read."""
        is_native = value is not None and dialect.name == "postgresql"
        return timestamps.write_sortable(value) if is_native else value


_TYPES: Final[Mapping[ColumnKind, sa.types.TypeEngine[Any]]] = {
    "text": sa.Text(),
    "integer": sa.BigInteger(),
    "float": sa.Double(),
    "boolean": sa.Boolean(),
    "json": sa.JSON(none_as_null=True),
    "time": SortableTime(),
    "link": sa.String(MAX_URI_LENGTH),
}


class Tables:
    """One table per stream in `of`, with the `kinds` of its columns, and four internal ones.

    `state` holds JSON by key, `questions` the question of each answer column, `marks` the records that
    webhooks reported as changed, with the webhook body if it contains an invitee, and `reads` when the
    records below a record were last read.
    """

    def __init__(self) -> None:
        self.kinds: dict[str, dict[str, ColumnKind]] = {}
        self.metadata = sa.MetaData()
        self.state = sa.Table(
            "calendly_sync_state",
            self.metadata,
            sa.Column("key", sa.String(64), primary_key=True),
            sa.Column("value", sa.Text, nullable=False),
        )
        self.marks = sa.Table(
            "calendly_sync_marks",
            self.metadata,
            sa.Column("uri", sa.String(MAX_URI_LENGTH), primary_key=True),
            sa.Column("mark", sa.String(32), nullable=False),
            sa.Column("body", sa.Text),
        )
        self.reads = sa.Table(
            "calendly_sync_reads",
            self.metadata,
            sa.Column("uri", sa.String(MAX_URI_LENGTH), primary_key=True),
            sa.Column("read_at", sa.String(32), nullable=False),
        )
        self.questions = sa.Table(
            "calendly_sync_questions",
            self.metadata,
            sa.Column("stream", sa.String(64), primary_key=True),
            sa.Column("column_name", sa.String(63), primary_key=True),
            sa.Column("question", sa.Text, nullable=False),
        )
        self.of: dict[str, sa.Table] = {}
        for name, stream in streams().items():
            self.kinds[name] = stream.columns()
            indexed = {*stream.index, stream.parent_column}
            self.of[name] = sa.Table(
                name,
                self.metadata,
                sa.Column("uri", sa.String(MAX_URI_LENGTH), primary_key=True),
                *(
                    sa.Column(column, _TYPES[kind], index=column in indexed)
                    for column, kind in self.kinds[name].items()
                ),
                sa.Column("other", _TYPES["json"]),
                sa.Column("synced_at", SortableTime(), nullable=False),
                sa.Column("missing_since", SortableTime()),
            )


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
        stamps = {"synced_at": self._stamp, "missing_since": None}
        columns = dict.fromkeys(table.c.keys())
        by_uri = {row["uri"]: columns | row | stamps for row in rows}
        stored = find_rows(self._connection, table, list(by_uri))
        new, changed, unchanged = {}, {}, []
        for uri, row in by_uri.items():
            if uri not in stored:
                new[uri] = row
            elif row != stored[uri] | {"synced_at": self._stamp}:
                changed[uri] = row
            else:
                unchanged.append(uri)
        self.stamp_rows(stream, unchanged)
        for chunk in chunks(list(changed)):
            self._connection.execute(sa.delete(table).where(table.c.uri.in_(chunk)))
        if new or changed:
            written = [*new.values(), *changed.values()]
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


def find_rows(
    connection: sa.Connection, table: sa.Table, uris: Sequence[str], columns: Sequence[str] = ()
) -> dict[str, Row]:
    """Return the rows with these URIs, by URI, with some columns or all of them."""
    wanted = [table.c[name] for name in ("uri", *columns)] if columns else list(table.c)
    return {
        found["uri"]: dict(found)
        for chunk in chunks(uris)
        for found in connection.execute(sa.select(*wanted).where(table.c.uri.in_(chunk))).mappings()
    }


def add_column(connection: sa.Connection, table: sa.Table, column: "sa.Column[Any]") -> None:
    """Add a column to an existing table."""
    dialect = connection.dialect
    name = dialect.identifier_preparer.format_table(table)
    connection.exec_driver_sql(
        f"ALTER TABLE {name} ADD COLUMN {CreateColumn(column).compile(dialect=dialect)}"
    )


def chunks(values: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield parts of the values that fit into one statement."""
    for start in range(0, len(values), _CHUNK):
        yield values[start : start + _CHUNK]


def upgrade(connection: sa.Connection, tables: Tables) -> None:
    """Add missing columns, and convert times that PostgreSQL still stores as text.

    The conversion holds a lock on the state table, so only one process does it. Raises
    DestinationError if a view uses such a column.
    """
    for table in (tables.marks, *tables.of.values()):
        present = {column["name"] for column in sa.inspect(connection).get_columns(table.name)}
        for column in table.c:
            if column.name not in present:
                add_column(connection, table, column)
        if connection.dialect.name == "postgresql" and _text_times(connection, table):
            state = connection.dialect.identifier_preparer.format_table(tables.state)
            connection.exec_driver_sql(f"LOCK TABLE {state} IN SHARE ROW EXCLUSIVE MODE")
            if names := _text_times(connection, table):  # no other process has converted them meanwhile
                _normalize_text_times(connection, table, names)
                _convert_text_times(connection, table, names)


def _text_times(connection: sa.Connection, table: sa.Table) -> list[str]:
    """Return the names of columns that should hold times but hold text."""
    return [
        column["name"]
        for column in sa.inspect(connection).get_columns(table.name)
        if column["name"] in table.c
        and isinstance(table.c[column["name"]].type, SortableTime)
        and isinstance(column["type"], sa.String)
    ]


def _normalize_text_times(connection: sa.Connection, table: sa.Table, names: Sequence[str]) -> None:
    """Write each text so that PostgreSQL reads it as we do. Other texts are moved to `other`."""
    texts = sa.table(
        table.name,
        sa.column("uri", sa.String),
        sa.column("other", table.c.other.type),
        *(sa.column(name, sa.String) for name in names),
    )
    changes: list[dict[str, Any]] = []
    rows = connection.execute(sa.select(texts), execution_options={"yield_per": 1000})
    for row in rows.mappings():
        times = {name: timestamps.normalize(row[name]) for name in names}
        if all(times[name] == row[name] for name in names):
            continue
        unreadable = {
            name: row[name]
            for name in names
            if times[name] is None and row[name] is not None and name not in SYNC_COLUMNS
        }
        if "synced_at" in times:
            times["synced_at"] = times["synced_at"] or _LONG_AGO
        changes.append({"key": row["uri"], "other": {**unreadable, **(row["other"] or {})} or None, **times})
    if changes:
        values = {name: sa.bindparam(name, type_=texts.c[name].type) for name in ("other", *names)}
        connection.execute(sa.update(texts).where(texts.c.uri == sa.bindparam("key")).values(values), changes)


def _convert_text_times(connection: sa.Connection, table: sa.Table, names: Sequence[str]) -> None:
    preparer = connection.dialect.identifier_preparer
    conversions = ", ".join(
        f"ALTER COLUMN {quoted} TYPE TIMESTAMP WITH TIME ZONE USING {quoted}::timestamptz"
        for quoted in map(preparer.quote, names)
    )
    try:
        connection.exec_driver_sql(f"ALTER TABLE {preparer.format_table(table)} {conversions}")
    except sa.exc.NotSupportedError as error:
        detail = getattr(getattr(error.orig, "diag", None), "message_detail", None) or "a view uses them"
        raise DestinationError(
            f"The times in {table.name} can't be converted from text to timestamps: {detail}.",
            fix="Drop the views that use the table, run this command again, then create them again.",
        ) from None
