"""Copies that older versions made: columns that are missing, and times in PostgreSQL that are still texts."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import sqlalchemy as sa

from ..errors import DestinationError
from . import times
from .tables import ADDED, Moment, add_column

_LONG_AGO: Final = "1970-01-01T00:00:00.000000Z"


def upgrade(connection: sa.Connection, tables: Iterable[sa.Table], lock: sa.Table) -> None:
    """Add the columns that tables lack, and turn texts into times; holds `lock` while it turns any."""
    for table in tables:
        present = _types(connection, table)
        for column in table.c:
            if column.name not in present:
                add_column(connection, table, column)
        if connection.dialect.name == "postgresql" and _texts(table, present):
            preparer = connection.dialect.identifier_preparer
            connection.exec_driver_sql(
                f"LOCK TABLE {preparer.format_table(lock)} IN SHARE ROW EXCLUSIVE MODE"
            )
            if names := _texts(table, _types(connection, table)):  # nobody else has done it meanwhile
                _keep_unreadable(connection, table, names)
                _turn(connection, table, names)


def _types(connection: sa.Connection, table: sa.Table) -> dict[str, sa.types.TypeEngine[Any]]:
    return {column["name"]: column["type"] for column in sa.inspect(connection).get_columns(table.name)}


def _texts(table: sa.Table, present: dict[str, sa.types.TypeEngine[Any]]) -> list[str]:
    """Name the columns of moments that hold texts."""
    moments = [column.name for column in table.c if isinstance(column.type, Moment)]
    return [name for name in moments if isinstance(present.get(name), sa.String)]


def _keep_unreadable(connection: sa.Connection, table: sa.Table, names: Sequence[str]) -> None:
    """Write each text so that PostgreSQL reads it as we do; what is no moment goes into `other`."""
    texts = sa.table(
        table.name,
        sa.column("uri", sa.String),
        sa.column("other", table.c.other.type),
        *(sa.column(name, sa.String) for name in names),
    )
    changes: list[dict[str, Any]] = []
    rows = connection.execute(sa.select(texts), execution_options={"yield_per": 1000})
    for found in rows.mappings():
        kept = {name: times.canonical(found[name]) for name in names}
        if all(kept[name] == found[name] for name in names):
            continue
        lost = {
            name: found[name]
            for name in names
            if kept[name] is None and found[name] is not None and name not in ADDED
        }
        if "synced_at" in kept:
            kept["synced_at"] = kept["synced_at"] or _LONG_AGO
        changes.append({"key": found["uri"], "other": {**lost, **(found["other"] or {})} or None, **kept})
    if changes:
        settings = {name: sa.bindparam(name, type_=texts.c[name].type) for name in ("other", *names)}
        connection.execute(
            sa.update(texts).where(texts.c.uri == sa.bindparam("key")).values(settings), changes
        )


def _turn(connection: sa.Connection, table: sa.Table, names: Sequence[str]) -> None:
    quote = connection.dialect.identifier_preparer.quote
    turns = ", ".join(
        f"ALTER COLUMN {quote(name)} TYPE TIMESTAMP WITH TIME ZONE USING {quote(name)}::timestamptz"
        for name in names
    )
    name = connection.dialect.identifier_preparer.format_table(table)
    try:
        connection.exec_driver_sql(f"ALTER TABLE {name} {turns}")
    except sa.exc.NotSupportedError as error:
        detail = getattr(getattr(error.orig, "diag", None), "message_detail", None) or "a view uses them"
        raise DestinationError(
            f"The times in {table.name} could not be turned from texts into timestamps: {detail}.",
            fix="Drop the views that use the table, run this again, and create them again.",
        ) from None
