"""The database of a destination: rows, and the state of the sync, which changes in the same transactions.

Each transaction first checks that no later sync has taken over the destination.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import sqlalchemy as sa

from ..contract import Record
from ..errors import DestinationError, TakenOver, UsageError
from ..storage.sql import create_tables, error_message, open_engine, read_url, upsert
from ..support import private_files
from .models import Destination
from .rows import MAX_QUESTIONS, Row, answer_column, answers_by_question
from .streams import StreamSpec, streams
from .tables import Between, Tables, Transaction, find_rows, upgrade
from .views import create_view

_LOCK_TIMEOUT_S: Final = 60  # how long SQLite waits for another writer
_WRITER: Final = "writer"
_REVISION: Final = "revision."
_LIMIT_EXCEEDED: Final = "54"  # the class of PostgreSQL's error codes for values beyond its limits


class Database:
    """An open destination, for one thread. Its tables are created or upgraded when it is opened."""

    def __init__(self, destination: Destination) -> None:
        self.truncated: set[str] = set()  # streams with more questions than columns
        self._id = uuid4().hex
        self._tables = Tables()
        self.kinds = self._tables.kinds  # of the columns of each stream
        self._answer_columns: defaultdict[str, dict[str, str]] = defaultdict(dict)  # by stream and question
        url, file = _locate(destination)
        self._engine = open_engine(url, lock_timeout_s=_LOCK_TIMEOUT_S)
        try:
            if file:  # SQLite itself would create a file that everybody can read
                private_files.make_folder(file.parent)
                private_files.make_file(file)
            with self._translated_errors():
                self._prepare()
        except OSError as error:
            self.close()
            raise DestinationError(
                f"Can't create {error.filename or file}: {error.strerror}.", fix="Choose another destination."
            ) from None
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    # State

    def state(self, key: str) -> Any:
        """Return a value of the state, None if it isn't there."""
        state = self._tables.state
        with self._reading() as connection:
            text = connection.scalar(sa.select(state.c.value).where(state.c.key == key))
        return None if text is None else json.loads(text)

    def revision(self, stream: str) -> str | None:
        """Return an id that changes whenever a row of the table does, None before the first row."""
        revision = self.state(_REVISION + stream)
        return revision if isinstance(revision, str) else None

    def take_over(self) -> None:
        """Become the only sync that can write here."""
        with self._translated_errors(), self._engine.begin() as connection:
            upsert(connection, self._tables.state, {"key": _WRITER}, {"value": json.dumps(self._id)})

    @contextmanager
    def transaction(self, stamp: str = "") -> Iterator[Transaction]:
        """Open a transaction that writes rows with this stamp.

        Raises TakenOver if a later sync has taken over, and DestinationError for errors of the database.
        """
        state = self._tables.state
        transaction: Transaction | None = None
        try:
            with self._engine.begin() as connection:
                mine = (state.c.key == _WRITER) & (state.c.value == json.dumps(self._id))
                # An update instead of a select: it makes a later sync wait until this transaction ends.
                if connection.execute(sa.update(state).where(mine).values(key=_WRITER)).rowcount != 1:
                    raise TakenOver(
                        "A later sync has taken over this destination.",
                        fix="No data is lost. Let the later sync finish.",
                    )
                transaction = Transaction(connection, self._tables, stamp)
                yield transaction
                for name, counts in transaction.counts.items():
                    if counts.new or counts.changed or counts.missing:
                        transaction.state[_REVISION + name] = uuid4().hex
                for key, value in transaction.state.items():
                    upsert(connection, state, {"key": key}, {"value": json.dumps(value)})
        except sa.exc.SQLAlchemyError as error:
            raise _destination_error(
                self._engine.url, error, self._rejected_row(error, transaction)
            ) from None

    # Rows

    def columns(self, stream: str) -> list[str]:
        """Return the names of a table's columns."""
        return list(self._tables.of[stream].c.keys())

    def rows_by_uri(self, stream: str, uris: Sequence[str], columns: Sequence[str] = ()) -> dict[str, Row]:
        """Return the rows with these URIs, by URI, with some columns or all of them."""
        with self._reading() as connection:
            return find_rows(connection, self._tables.of[stream], uris, columns)

    def uris(self, stream: str) -> list[str]:
        """Return the URIs of all rows that aren't missing, sorted."""
        table = self._tables.of[stream]
        query = sa.select(table.c.uri).where(table.c.missing_since.is_(None)).order_by(table.c.uri)
        with self._reading() as connection:
            return list(connection.scalars(query))

    def count(self, stream: str) -> int:
        """Count the rows that aren't missing."""
        table = self._tables.of[stream]
        query = sa.select(sa.func.count()).select_from(table).where(table.c.missing_since.is_(None))
        with self._reading() as connection:
            return connection.scalar(query) or 0

    def extremes(self, stream: str, column: str) -> tuple[str | None, str | None]:
        """Return the lowest and the highest value of a column, None if there are no rows."""
        values = self._tables.of[stream].c[column]
        with self._reading() as connection:
            lowest, highest = connection.execute(sa.select(sa.func.min(values), sa.func.max(values))).one()
            return lowest, highest

    def rows(self, stream: str, between: Between | None = None) -> Iterator[Row]:
        """Yield rows in the order of their URIs: all, or those between values of a column (half-open)."""
        table = self._tables.of[stream]
        query = sa.select(table).order_by(table.c.uri)
        if between:
            column, since, until = between
            query = query.where(table.c[column] >= since) if since else query
            query = query.where(table.c[column] < until) if until else query
        with self._reading() as connection:
            for found in connection.execution_options(yield_per=1000).execute(query).mappings():
                yield dict(found)

    def children_statuses(self, stream: str, uri: str) -> dict[str, str]:
        """Return the status of each row below a record, by URI, without missing rows."""
        table = self._tables.of[stream]
        below = table.c[streams()[stream].parent_column] == uri
        query = sa.select(table.c.uri, table.c.status).where(below, table.c.missing_since.is_(None))
        with self._reading() as connection:
            return {found.uri: found.status for found in connection.execute(query)}

    def children_read_at(self, uris: Sequence[str]) -> dict[str, str]:
        """Return when the records below each of these were last read, by URI."""
        with self._reading() as connection:
            found = find_rows(connection, self._tables.reads, uris)
        return {uri: row["read_at"] for uri, row in found.items()}

    # Answers

    def add_answer_columns(self, stream: StreamSpec, records: Iterable[Record]) -> None:
        """Add a column for each new question, up to the limit."""
        if stream.answers is None:
            return
        known = self._answer_columns[stream.name]
        asked = (question for record in records for question in answers_by_question(record, stream.answers))
        fresh = [question for question in dict.fromkeys(asked) if question not in known]
        room = MAX_QUESTIONS - len(known)
        if len(fresh) > room:
            self.truncated.add(stream.name)
            del fresh[room:]
        if not fresh:
            return
        added: dict[str, str] = {}
        for question in fresh:
            added[question] = answer_column(question, {*self.columns(stream.name), *added.values()})
        with self.transaction() as transaction:
            transaction.add_answer_columns(stream.name, added)
        self._know_answer_columns(stream.name, added)

    def answer_row(self, stream: StreamSpec, record: Record) -> Row:
        """Return a record's answers by column. Answers to questions without a column are left out."""
        known = self._answer_columns[stream.name]
        answers = answers_by_question(record, stream.answers)
        return {known[question]: answer for question, answer in answers.items() if question in known}

    # Records that webhooks reported as changed

    def mark(self, changes: Mapping[str, str | None], is_newer: Callable[[str, str | None], bool]) -> None:
        """Mark records as changed, each with a webhook body or None. Of two bodies the newer one stays.

        This doesn't take over the destination.
        """
        for uri, body in sorted(changes.items()):
            with self._translated_errors():
                try:
                    self._mark(uri, body, is_newer)
                except sa.exc.IntegrityError:  # another process marked the same record at the same moment
                    self._mark(uri, body, is_newer)

    def marks(self) -> dict[str, tuple[str, str | None]]:
        """Return the marked records: the id of each mark, and the body that came with it."""
        marks = self._tables.marks
        with self._reading() as connection:
            found = connection.execute(sa.select(marks).order_by(marks.c.uri)).mappings()
            return {one["uri"]: (one["mark"], one["body"]) for one in found}

    def _mark(self, uri: str, body: str | None, is_newer: Callable[[str, str | None], bool]) -> None:
        marks = self._tables.marks
        mine = marks.c.uri == uri
        with self._engine.begin() as connection:
            # The update comes first: it locks this mark until the transaction ends.
            if connection.execute(sa.update(marks).where(mine).values(mark=uuid4().hex)).rowcount == 0:
                connection.execute(sa.insert(marks).values(uri=uri, mark=uuid4().hex, body=body))
            elif body and is_newer(body, connection.scalar(sa.select(marks.c.body).where(mine))):
                connection.execute(sa.update(marks).where(mine).values(body=body))

    # Opening

    def _prepare(self) -> None:
        tables = self._tables
        existing = set(sa.inspect(self._engine).get_table_names())
        if tables.state.name not in existing and (foreign := existing & tables.of.keys()):
            raise UsageError(
                f"The database already has a table {min(foreign)!r} that doesn't belong to a sync.",
                fix="Choose another database, or another schema in its URL.",
            )
        create_tables(self._engine, tables.metadata, tables.state)  # shows that the next ones are ours
        create_tables(self._engine, tables.metadata)
        with self._engine.begin() as connection:
            for known in connection.execute(sa.select(tables.questions)).mappings().all():
                if known["stream"] in tables.of:
                    self._know_answer_columns(known["stream"], {known["question"]: known["column_name"]})
            if tables.state.name in existing:
                upgrade(connection, tables)
        create_view(self._engine, tables)

    def _know_answer_columns(self, stream: str, columns: Mapping[str, str]) -> None:
        for name in columns.values():
            self._tables.of[stream].append_column(sa.Column(name, sa.Text))
        self._answer_columns[stream] |= columns

    # Errors

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        with self._translated_errors(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def _translated_errors(self) -> Iterator[None]:
        try:
            yield
        except sa.exc.SQLAlchemyError as error:
            raise _destination_error(self._engine.url, error) from None

    def _rejected_row(self, error: sa.exc.SQLAlchemyError, transaction: Transaction | None) -> str | None:
        """Return the URI of the row that the database rejects, None if the error has another cause."""
        state = str(getattr(getattr(error, "orig", None), "sqlstate", None) or "")
        is_broken = isinstance(error, sa.exc.OperationalError) and not state.startswith(_LIMIT_EXCEEDED)
        if transaction is None or transaction.inserting is None or is_broken:
            return None
        table, rows = transaction.inserting
        for row in rows:
            try:
                with self._engine.connect() as connection:  # never commits
                    connection.execute(sa.delete(table).where(table.c.uri == row["uri"]))
                    connection.execute(sa.insert(table), [row])
            except type(error):
                return str(row["uri"])
        return None


def has_synced_before(destination: Destination) -> bool:
    """Check whether the destination holds a sync, without creating anything."""
    url, file = _locate(destination)
    if file and not file.exists():
        return False
    engine = open_engine(url, lock_timeout_s=_LOCK_TIMEOUT_S)
    try:
        return sa.inspect(engine).has_table(Tables().state.name)
    except sa.exc.SQLAlchemyError as error:
        raise _destination_error(url, error) from None
    finally:
        engine.dispose()


def open_destination(destination: Destination) -> sa.Engine:
    """Return an engine for an existing destination. Raises DestinationError if its file doesn't exist."""
    url, file = _locate(destination)
    if file and not file.exists():
        raise DestinationError(f"The database {file} doesn't exist.", fix="Sync into it first.")
    return open_engine(url, lock_timeout_s=_LOCK_TIMEOUT_S)


def _locate(destination: Destination) -> tuple[sa.URL, Path | None]:
    """Return the URL of the database, and its file if it is an SQLite database."""
    if destination.file is not None:
        url = sa.URL.create("sqlite", database=str(destination.file))
    else:
        url = read_url(destination.url, what="A sync", setting="The destination", extra="sync")
    if url.get_backend_name() != "sqlite" or url.database in {None, "", ":memory:"} or "uri" in url.query:
        return url, None
    return url, Path(str(url.database))


def _destination_error(
    url: sa.URL, error: sa.exc.SQLAlchemyError, rejected: str | None = None
) -> DestinationError:
    record = f" (record {rejected})" if rejected else ""
    return DestinationError(
        f"Database error: {error_message(error, url)}{record}.",
        fix="Data synced so far is intact. Run the same command to resume.",
    )
