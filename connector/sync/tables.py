"""The tables of a copy, and the few statements that all else is made of."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.schema import CreateColumn

from . import times
from .rows import LONGEST_URI, Row
from .streams import Kind, Stream, streams

ADDED: Final = ("synced_at", "missing_since")  # what the copy says of a row; the rest Calendly says
_AT_ONCE: Final = 500  # values in one IN (…)
_LONGEST_MOMENT: Final = 32


class Moment(sa.types.TypeDecorator[str]):
    """A moment as a text that sorts; PostgreSQL keeps it as a time, so that `date_trunc` works."""

    impl = sa.String(_LONGEST_MOMENT)
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        """Return the type that the database has for it."""
        kind = sa.TIMESTAMP(timezone=True) if _keeps_times(dialect) else sa.String(_LONGEST_MOMENT)
        return dialect.type_descriptor(kind)

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> Any:
        """Return what is written."""
        return times.read(value) if _keeps_times(dialect) else value

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> str | None:
        """Return the text of what was read."""
        return times.write(value) if value is not None and _keeps_times(dialect) else value


def _keeps_times(dialect: sa.Dialect) -> bool:
    return dialect.name == "postgresql"


_TYPES: Final[Mapping[Kind, Callable[[], sa.types.TypeEngine[Any]]]] = {
    "text": sa.Text,
    "integer": sa.BigInteger,
    "float": sa.Double,
    "boolean": sa.Boolean,
    "json": lambda: sa.JSON(none_as_null=True),
    "time": Moment,
    "link": lambda: sa.String(LONGEST_URI),
}


class Tables:
    """One table per stream, and four that the copy keeps for itself.

    `state` holds JSON by key, `questions` which column is whose, `marks` what a webhook told of, with the
    body where that holds an invitee, `reads` when the records below another one were last read.
    """

    def __init__(self) -> None:
        self.metadata = sa.MetaData()
        self.state = self._own("state", sa.Column("value", sa.Text, nullable=False), key=("key", 64))
        self.marks = self._own(
            "marks", sa.Column("mark", sa.String(32), nullable=False), sa.Column("body", sa.Text)
        )
        self.reads = self._own("reads", sa.Column("read_at", sa.String(32), nullable=False))
        self.questions = self._own(
            "questions",
            sa.Column("column_name", sa.String(63), primary_key=True),
            sa.Column("question", sa.Text, nullable=False),
            key=("stream", 64),
        )
        self.of: dict[str, sa.Table] = {name: self._stream(stream) for name, stream in streams().items()}

    def _own(
        self, name: str, *columns: "sa.Column[Any]", key: tuple[str, int] = ("uri", LONGEST_URI)
    ) -> sa.Table:
        first = sa.Column(key[0], sa.String(key[1]), primary_key=True)
        return sa.Table(f"calendly_sync_{name}", self.metadata, first, *columns)

    def _stream(self, stream: Stream) -> sa.Table:
        columns = [
            sa.Column(name, _TYPES[kind](), index=name in stream.index or name == stream.link)
            for name, kind in stream.columns().items()
        ]
        return sa.Table(
            stream.name,
            self.metadata,
            sa.Column("uri", sa.String(LONGEST_URI), primary_key=True),
            *columns,
            sa.Column("other", _TYPES["json"]()),
            sa.Column("synced_at", Moment(), nullable=False),
            sa.Column("missing_since", Moment()),
        )


def content(table: sa.Table) -> list[str]:
    """Name the columns that hold what Calendly says."""
    return [name for name in table.c.keys() if name not in ADDED]  # noqa: SIM118 - of columns, not of names


def find(
    connection: sa.Connection, table: sa.Table, uris: Sequence[str], columns: Sequence[str] = ()
) -> dict[str, Row]:
    """Give the rows of these URIs, by URI: some columns or all."""
    wanted = [table.c[name] for name in ("uri", *columns)] if columns else list(table.c)
    return {
        found["uri"]: dict(found)
        for some in chunks(uris)
        for found in connection.execute(sa.select(*wanted).where(table.c.uri.in_(some))).mappings()
    }


def put_value(connection: sa.Connection, state: sa.Table, key: str, value: Any) -> None:
    """Write a value of the state."""
    text = json.dumps(value)
    mine = state.c.key == key
    if connection.execute(sa.update(state).where(mine).values(value=text)).rowcount == 0:
        connection.execute(sa.insert(state).values(key=key, value=text))


def add_column(connection: sa.Connection, table: sa.Table, column: "sa.Column[Any]") -> None:
    """Add a column to a table that is there."""
    dialect = connection.dialect
    name = dialect.identifier_preparer.format_table(table)
    connection.exec_driver_sql(
        f"ALTER TABLE {name} ADD COLUMN {CreateColumn(column).compile(dialect=dialect)}"
    )


def chunks(values: Sequence[str]) -> Iterator[Sequence[str]]:
    """Cut values so that each piece fits into one statement."""
    return (values[start : start + _AT_ONCE] for start in range(0, len(values), _AT_ONCE))
