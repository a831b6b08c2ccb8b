"""Tables and rows: what exists, what is missing, and statements whose names and values are never text.

Names are quoted by SQLAlchemy, values are parameters.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateColumn

from ....contract import Record
from ....errors import Problem, UsageError
from . import values

_LONGEST_NAME: Final = 63  # bytes; PostgreSQL cuts off longer ones
_DDL_LOCK: Final = 7_319_020_416  # an advisory lock of ours: one process changes tables at a time
_SORTABLE: Final = (sa.String, sa.Integer, values.Number, sa.Float, sa.DateTime, sa.Date, sa.Boolean)
_INSERT: Final[Mapping[str, Any]] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}


def problems(key: Sequence[str], records: Sequence[Record]) -> Iterator[Problem]:
    """Yield names that can't be columns, and records without their key."""
    names = dict.fromkeys(name for record in records for name in record)
    by_folded: dict[str, str] = {}
    for name in names:
        if not name or "\0" in name or len(name.encode()) > _LONGEST_NAME:
            yield Problem(f"record.{name[:20]}", f"must have a name of 1 to {_LONGEST_NAME} bytes")
        elif by_folded.setdefault(name.casefold(), name) != name:
            yield Problem(
                f"record.{name}", f"differs from {by_folded[name.casefold()]} only in capital letters"
            )
    for name in key:
        if any(record.get(name) is None for record in records):
            yield Problem(f"record.{name}", "is missing, but it is part of the key")
        elif any(isinstance(record[name], bool | float | dict | list) for record in records):
            yield Problem(f"record.{name}", "is part of the key, so it must be text or a whole number")


def find(connection: sa.Connection, name: str) -> sa.Table | None:
    """Return a table as it is in the database; None if it doesn't exist."""
    try:
        table = sa.Table(name, sa.MetaData(), autoload_with=connection)
    except sa.exc.NoSuchTableError:
        return None
    for column in table.c:
        if isinstance(column.type, sa.Numeric) and not isinstance(column.type, sa.Float):
            column.type = values.Number()
    return table


def ensure(connection: sa.Connection, name: str, key: Sequence[str], records: Sequence[Record]) -> sa.Table:
    """Return a table that has a column for every field. What is missing is created."""
    table = find(connection, name)
    if table is not None and not _missing(table, records):
        return table
    if connection.dialect.name == "postgresql":  # SQLite's transaction has locked the database
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_DDL_LOCK)))
        table = find(connection, name)  # another process may have been faster
    if table is None:
        table = sa.Table(name, sa.MetaData(), *_new_columns(key, records))
        table.create(connection)
        return table
    for column in _new_columns((), _missing(table, records)):
        _add(connection, table, column)
        table.append_column(column)
    return table


def write(connection: sa.Connection, table: sa.Table, key: Sequence[str], records: Sequence[Record]) -> None:
    """Insert rows, or update those with the same key, in the order of the records.

    Raises ValueError with a column and what is wrong with its value, or UsageError.
    """
    if not _is_unique(connection, table, key):
        wanted = ", ".join(key)
        raise UsageError(
            f"The table {table.name} has no unique index on {wanted}.",
            fix="Create one, or use the columns of its primary key as the key.",
        )
    insert = _INSERT[connection.dialect.name]
    for names, group in groupby(records, key=lambda record: tuple(sorted(record))):
        columns = {name: _column(table, name) for name in names}
        rows = [
            {columns[name].key: _stored(value, columns[name], name) for name, value in record.items()}
            for record in group
        ]
        statement = insert(table)
        changed = {
            columns[name].key: statement.excluded[columns[name].key] for name in names if name not in key
        }
        where = [_column(table, name) for name in key]
        connection.execute(
            statement.on_conflict_do_update(index_elements=where, set_=changed)
            if changed
            else statement.on_conflict_do_nothing(index_elements=where),
            rows,
        )


def select(
    connection: sa.Connection, table: sa.Table, where: Mapping[str, Any], offset: int, count: int
) -> list[Record]:
    """Return rows by the values of their columns, in the order of the primary key."""
    conditions = []
    for name, value in where.items():
        column = _column(table, name)
        stored = _stored(value, column, name)
        conditions.append(column.is_(None) if stored is None else column == stored)
    order = list(table.primary_key) or [column for column in table.c if isinstance(column.type, _SORTABLE)]
    statement = sa.select(table).where(*conditions).order_by(*order).offset(offset).limit(count)
    names = [column.name for column in table.c]
    return [dict(zip(names, map(values.shown, row), strict=True)) for row in connection.execute(statement)]


def _missing(table: sa.Table, records: Iterable[Record]) -> list[Record]:
    """Return the part of the records that the table has no columns for."""
    known = {column.name.casefold() for column in table.c}
    parts = (
        {name: value for name, value in record.items() if name.casefold() not in known} for record in records
    )
    return [part for part in parts if part]


def _new_columns(key: Sequence[str], records: Sequence[Record]) -> Iterator["sa.Column[Any]"]:
    """Yield a column for every field, of the type of its first value; a field that is always null is text."""
    first: dict[str, Any] = {}
    for record in records:
        for name, value in record.items():
            if first.get(name) is None:
                first[name] = value
    for name, value in first.items():
        is_key = name in key
        yield sa.Column(
            name, values.column_type(value, is_key=is_key), primary_key=is_key, autoincrement=False
        )


def _add(connection: sa.Connection, table: sa.Table, column: "sa.Column[Any]") -> None:
    dialect = connection.dialect
    name = dialect.identifier_preparer.format_table(table)
    connection.exec_driver_sql(
        f"ALTER TABLE {name} ADD COLUMN {CreateColumn(column).compile(dialect=dialect)}"
    )


def _is_unique(connection: sa.Connection, table: sa.Table, key: Sequence[str]) -> bool:
    wanted = {_column(table, name).name for name in key}
    if wanted == {column.name for column in table.primary_key}:
        return True
    inspector = sa.inspect(connection)
    constraints = [set(one["column_names"]) for one in inspector.get_unique_constraints(table.name)]
    indexes = [set(one["column_names"]) for one in inspector.get_indexes(table.name) if one["unique"]]
    return wanted in constraints or wanted in indexes


def _column(table: sa.Table, name: str) -> "sa.Column[Any]":
    """Return the column with a name; one that differs in capital letters only if there is no other."""
    if name in table.c:
        return table.c[name]
    folded = [column for column in table.c if column.name.casefold() == name.casefold()]
    if not folded:
        raise ValueError(f"{name} isn't a column of {table.name}")
    return folded[0]


def _stored(value: Any, column: "sa.Column[Any]", name: str) -> Any:
    try:
        return values.stored(value, column)
    except ValueError as error:
        raise ValueError(f"{name} {error}") from None
