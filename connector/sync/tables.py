"""The tables of a destination, and the upgrade of those that an older version created."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.schema import CreateColumn

from ..errors import DestinationError
from ..support import timestamps
from .rows import MAX_URI_LENGTH, Row
from .streams import ColumnKind, streams

SYNC_COLUMNS: Final = ("synced_at", "missing_since")  # set by syncs; all others come from Calendly
_CHUNK: Final = 500  # values in one IN (…)
_MAX_TIME_LENGTH: Final = 32
_LONG_AGO: Final = "1970-01-01T00:00:00.000000Z"


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
