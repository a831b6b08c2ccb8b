"""Creates the view `bookings` in a destination, and reads its rows."""

import json
import logging
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ..contract import Record
from ..errors import DestinationError
from ..storage.sql import error_message
from ..support import timestamps
from . import bookings_view
from .bookings_view import VIEW
from .tables import SortableTime, Tables

_LOGGER = logging.getLogger(__name__)
_STATE = f"view.{VIEW}"


def create_view(engine: sa.Engine, tables: Tables) -> None:
    """Create the view, or replace an older version of it.

    A table or view of that name that isn't ours stays. So does an older version that other views use. A role
    that may not create views still syncs; the log has a warning.
    """
    query = bookings_view.select(engine.dialect.name)
    if query is None:
        return
    wanted = bookings_view.digest(query)
    inspector = sa.inspect(engine)
    exists = VIEW in inspector.get_view_names()
    with engine.connect() as connection:
        key = tables.state.c.key == _STATE
        stored = connection.scalar(sa.select(tables.state.c.value).where(key))
    created = None if stored is None else json.loads(stored)
    if VIEW in inspector.get_table_names() or (exists and created in {None, wanted}):
        return
    try:
        with engine.begin() as connection:
            if exists:
                connection.exec_driver_sql(f"DROP VIEW {VIEW}")
            connection.exec_driver_sql(f"CREATE VIEW {VIEW} AS\n{query}".replace("%", "%%"))
            connection.execute(sa.delete(tables.state).where(key))
            connection.execute(sa.insert(tables.state).values(key=_STATE, value=json.dumps(wanted)))
    except sa.exc.DBAPIError as error:  # another process may have created it
        if VIEW not in sa.inspect(engine).get_view_names():
            _LOGGER.warning("can't create the view %s: %s", VIEW, error_message(error, engine.url))


def read_view(engine: sa.Engine, since: datetime | None, until: datetime | None) -> Iterator[Record]:
    """Yield the rows of meetings that start in a range, in order of time. Raises DestinationError."""
    view = sa.table(VIEW, *(sa.column(name, _type(name)) for name in bookings_view.NAMES))
    query = sa.select(view).order_by(view.c.start_time, view.c.uri)
    if since:
        query = query.where(view.c.start_time >= timestamps.write_sortable(since))
    if until:
        query = query.where(view.c.start_time < timestamps.write_sortable(until))
    try:
        with engine.connect() as connection:
            if VIEW not in sa.inspect(connection).get_view_names():
                raise DestinationError(
                    f"The database has no view {VIEW!r}.", fix="Sync into it first: calendly-connector sync."
                )
            for row in connection.execution_options(yield_per=1000).execute(query).mappings():
                yield dict(row)
    except sa.exc.SQLAlchemyError as error:
        raise DestinationError(
            f"Database error: {error_message(error, engine.url)}.", fix="Check the database and its address."
        ) from None


def _type(name: str) -> sa.types.TypeEngine[Any]:
    if name in bookings_view.JSON_COLUMNS:
        return sa.JSON()
    return SortableTime() if name in bookings_view.TIME_COLUMNS else sa.Text()
