"""The database of a copy: rows, and the state of the reading, which changes with them at once.

Every transaction that writes begins by asking whether this sync is still the one that may: a later one
takes over by writing its name, and the older one fails at its next page.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import sqlalchemy as sa

from ..errors import DestinationError, TakenOver, UsageError
from ..support import private_files
from .destination import Destination
from .rows import MOST_QUESTIONS, Row, answer_column, answers
from .streams import Stream, streams
from .tables import Tables, find, put_value
from .upgrade import upgrade
from .writer import Writer

_LOCKED_S: Final = 60  # how long SQLite waits for another writer
_WRITER: Final = "writer"
_TOO_LARGE: Final = "54"  # class of PostgreSQL's codes for what is beyond its limits
_REVISION: Final = "revision."


class Database:
    """An open destination, for one thread; its tables are made where they are not there yet."""

    def __init__(self, destination: Destination) -> None:
        self.run = uuid4().hex
        self.crowded: set[str] = set()  # streams with more questions than columns
        self._tables = Tables()
        self._columns: dict[str, dict[str, str]] = {name: {} for name in self._tables.of}
        self._engine = _engine(destination)
        try:
            _make_private(self._engine.url)
            with _told(self._engine):
                self._prepare()
        except BaseException:
            self.close()
            raise

    @classmethod
    def exists(cls, destination: Destination) -> bool:
        """Whether a copy has been begun there; nothing is made."""
        engine = _engine(destination)
        file = _file(engine.url)
        if file is not None and not file.exists():
            return False
        try:
            with _told(engine):
                return sa.inspect(engine).has_table(Tables().state.name)
        finally:
            engine.dispose()

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    # State

    def state(self, key: str) -> Any:
        """Give a value of the state, None where there is none."""
        state = self._tables.state
        with self._reading() as connection:
            text = connection.scalar(sa.select(state.c.value).where(state.c.key == key))
        return None if text is None else json.loads(text)

    def revision(self, stream: str) -> str | None:
        """Give what is another one after every change of a table's rows, None before the first."""
        given = self.state(_REVISION + stream)
        return given if isinstance(given, str) else None

    def take_over(self) -> None:
        """Become the one sync that may write here."""
        with _told(self._engine), self._engine.begin() as connection:
            put_value(connection, self._tables.state, _WRITER, self.run)

    @contextmanager
    def writing(self) -> Iterator[Writer]:
        """Open a transaction; it fails where a later sync has taken over."""
        writer: Writer | None = None
        try:
            with self._engine.begin() as connection:
                self._fence(connection)
                writer = Writer(connection, self._tables)
                yield writer
                for stream in sorted(writer.touched):
                    put_value(connection, self._tables.state, _REVISION + stream, uuid4().hex)
                for key, value in writer.state.items():
                    put_value(connection, self._tables.state, key, value)
        except sa.exc.SQLAlchemyError as error:
            raise _worded(self._engine, error, self._refused(error, writer)) from None

    # Rows

    def columns(self, stream: str) -> list[str]:
        """Name the columns of a table."""
        return list(self._tables.of[stream].c.keys())

    def stored(self, stream: str, uris: Sequence[str], columns: Sequence[str] = ()) -> dict[str, Row]:
        """Give the rows of these URIs, by URI: some columns or all."""
        with self._reading() as connection:
            return find(connection, self._tables.of[stream], uris, columns)

    def uris(self, stream: str) -> list[str]:
        """Give the URIs of all rows that are not missing, in order."""
        table = self._tables.of[stream]
        query = sa.select(table.c.uri).where(table.c.missing_since.is_(None)).order_by(table.c.uri)
        with self._reading() as connection:
            return list(connection.scalars(query))

    def count(self, stream: str) -> int:
        """Count the rows that are not missing."""
        table = self._tables.of[stream]
        query = sa.select(sa.func.count()).select_from(table).where(table.c.missing_since.is_(None))
        with self._reading() as connection:
            return connection.scalar(query) or 0

    def ends(self, stream: str, column: str) -> tuple[str | None, str | None]:
        """Give the lowest and the highest value of a column, None where there is no row."""
        values = self._tables.of[stream].c[column]
        with self._reading() as connection:
            lowest, highest = connection.execute(sa.select(sa.func.min(values), sa.func.max(values))).one()
            return lowest, highest

    def rows(self, stream: str, between: tuple[str, str | None, str | None] | None = None) -> Iterator[Row]:
        """Give rows in the order of their URIs, some at a time: all, or those between values of a column."""
        table = self._tables.of[stream]
        query = sa.select(table).order_by(table.c.uri)
        if between:
            column, since, until = between
            query = query.where(table.c[column] >= since) if since else query
            query = query.where(table.c[column] < until) if until else query
        with self._reading() as connection:
            for found in connection.execution_options(yield_per=1000).execute(query).mappings():
                yield dict(found)

    def below(self, stream: str, uri: str) -> dict[str, Row]:
        """Return the rows below a record that are not missing, by URI: only their status."""
        table = self._tables.of[stream]
        mine = table.c[streams()[stream].link or ""] == uri
        query = sa.select(table.c.uri, table.c.status).where(mine, table.c.missing_since.is_(None))
        with self._reading() as connection:
            return {one["uri"]: dict(one) for one in connection.execute(query).mappings()}

    def read_below(self, uris: Sequence[str]) -> dict[str, str]:
        """Give when the records below each of these were last read."""
        reads = self._tables.reads
        with self._reading() as connection:
            return {uri: found["read_at"] for uri, found in find(connection, reads, uris).items()}

    # Answers

    def learn(self, stream: Stream, records: Iterable[Mapping[str, Any]]) -> None:
        """Add a column for each question that has none yet."""
        known = self._columns[stream.name]
        asked = (question for record in records for question in answers(record, stream.answers))
        fresh = [question for question in dict.fromkeys(asked) if question not in known]
        room = MOST_QUESTIONS - len(known)
        if len(fresh) > room:
            self.crowded.add(stream.name)
            del fresh[room:]
        if not fresh:
            return
        table = self._tables.of[stream.name]
        made: dict[str, str] = {}
        for question in fresh:
            made[question] = answer_column(question, {*table.c.keys(), *made.values()})
        with self.writing() as writer:
            writer.add_questions(stream.name, made)
        self._learnt(stream.name, made)

    def answered(self, stream: Stream, record: Mapping[str, Any]) -> Row:
        """Give a record's answers by column; those to questions without one stand in their property alone."""
        known = self._columns[stream.name]
        given = answers(record, stream.answers)
        return {known[question]: answer for question, answer in given.items() if question in known}

    # Marks

    def mark(self, told: Mapping[str, str | None], newer: Callable[[str, str | None], bool]) -> None:
        """Say that records have changed, with a body where there is one; of two the newer one stays.

        Whoever calls this need not be the one who syncs.
        """
        for uri, body in sorted(told.items()):
            with _told(self._engine):
                try:
                    self._mark(uri, body, newer)
                except sa.exc.IntegrityError:  # another program has marked the same record at the same time
                    self._mark(uri, body, newer)

    def marks(self) -> dict[str, tuple[str, str | None]]:
        """Return what is marked, each with the name of its mark and the body that came with it."""
        marks = self._tables.marks
        with self._reading() as connection:
            found = connection.execute(sa.select(marks).order_by(marks.c.uri)).mappings()
            return {one["uri"]: (one["mark"], one["body"]) for one in found}

    def _mark(self, uri: str, body: str | None, newer: Callable[[str, str | None], bool]) -> None:
        marks = self._tables.marks
        mine = marks.c.uri == uri
        with self._engine.begin() as connection:
            # The update comes first: it keeps others from this mark until the transaction ends.
            if connection.execute(sa.update(marks).where(mine).values(mark=uuid4().hex)).rowcount == 0:
                connection.execute(sa.insert(marks).values(uri=uri, mark=uuid4().hex, body=body))
            elif body and newer(body, connection.scalar(sa.select(marks.c.body).where(mine))):
                connection.execute(sa.update(marks).where(mine).values(body=body))

    def _prepare(self) -> None:
        """Make the tables, and bring up to date those that an older version made."""
        tables = self._tables
        existing = set(sa.inspect(self._engine).get_table_names())
        if tables.state.name not in existing and (foreign := existing & tables.of.keys()):
            raise UsageError(
                f"The database already has a table {min(foreign)} that is no part of a copy.",
                fix="Name another database, or another schema in its URL.",
            )
        with self._engine.begin() as connection:
            tables.metadata.create_all(connection, tables=[tables.state])  # it says that the others are ours
        with self._engine.begin() as connection:
            tables.metadata.create_all(connection)
            for known in connection.execute(sa.select(tables.questions)).mappings().all():
                if known["stream"] in tables.of:
                    self._learnt(known["stream"], {known["question"]: known["column_name"]})
            upgrade(connection, [tables.marks, *tables.of.values()], lock=tables.state)

    def _learnt(self, stream: str, columns: Mapping[str, str]) -> None:
        for question, name in columns.items():
            self._tables.of[stream].append_column(sa.Column(name, sa.Text))
            self._columns[stream][question] = name

    def _fence(self, connection: sa.Connection) -> None:
        state = self._tables.state
        mine = (state.c.key == _WRITER) & (state.c.value == json.dumps(self.run))
        # An update, not a question: it also keeps a later sync waiting until this transaction ends.
        if connection.execute(sa.update(state).where(mine).values(key=_WRITER)).rowcount != 1:
            raise TakenOver(
                "A later sync into the same destination has taken over.",
                fix="Nothing is lost: let it finish.",
            )

    def _refused(self, error: sa.exc.SQLAlchemyError, writer: Writer | None) -> str | None:
        """Return the URI of the row that the database does not take, None where that is not why it failed."""
        state = str(getattr(getattr(error, "orig", None), "sqlstate", None) or "")
        broken = isinstance(error, sa.exc.OperationalError) and not state.startswith(_TOO_LARGE)
        if writer is None or writer.at_work is None or broken:
            return None
        table, rows = writer.at_work
        for one in rows:
            try:
                with self._engine.connect() as connection:  # nothing is committed
                    connection.execute(sa.delete(table).where(table.c.uri == one["uri"]))
                    connection.execute(sa.insert(table), [one])
            except type(error):
                return str(one["uri"])
        return None

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        with _told(self._engine), self._engine.connect() as connection:
            yield connection


@contextmanager
def _told(engine: sa.Engine) -> Iterator[None]:
    """Word the database's errors: SQLAlchemy's words hold rows, and a driver's could hold a password."""
    try:
        yield
    except sa.exc.SQLAlchemyError as error:
        raise _worded(engine, error) from None


def _worded(engine: sa.Engine, error: sa.exc.SQLAlchemyError, refused: str | None = None) -> DestinationError:
    cause = getattr(error, "orig", None) or error
    words = (str(cause).strip().splitlines() or [type(cause).__name__])[0]
    for secret in (engine.url.password, engine.url.query.get("password")):
        words = words.replace(str(secret), "***") if secret else words
    what = f" to {refused}" if refused else ""
    return DestinationError(
        f"The database said no{what}: {words}.",
        fix="What was copied so far is whole; the same command goes on from there.",
    )


def _file(url: sa.URL) -> Path | None:
    """Return the file of an SQLite database, None for every other one."""
    if url.get_backend_name() != "sqlite" or url.database in {None, "", ":memory:"} or "uri" in url.query:
        return None
    return Path(str(url.database))


def _make_private(url: sa.URL) -> None:
    """Make the file of an SQLite database before SQLite does, which would let everybody read it."""
    file = _file(url)
    if file is None:
        return
    try:
        private_files.make_folder(file.parent)
        private_files.make_file(file)
    except OSError as error:
        raise DestinationError(
            f"{error.filename or file} cannot be made: {error.strerror}.", fix="Name another place."
        ) from None


def _engine(destination: Destination) -> sa.Engine:
    if destination.file is not None:
        file = sa.URL.create("sqlite", database=str(destination.file))
        return sa.create_engine(file, connect_args={"timeout": _LOCKED_S})
    try:
        return sa.create_engine(destination.url)
    except ModuleNotFoundError as error:
        raise UsageError(
            f"This kind of database needs the module {error.name}.",
            fix="Install it, such as psycopg for postgresql+psycopg://… .",
        ) from None
    except (sa.exc.ArgumentError, sa.exc.NoSuchModuleError, ValueError):
        raise UsageError(
            "The destination is no database's URL that SQLAlchemy knows.",
            fix="Write it like sqlite:///calendly.db or postgresql+psycopg://user@host/name.",
        ) from None
