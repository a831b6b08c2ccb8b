"""Another connector, for books in memory, to be tested with the conformance kit."""

from contextlib import contextmanager
from types import SimpleNamespace

from calendly_connector.contract import CheckReport, Event, Field, Polled, Result
from calendly_connector.errors import ConnectorError, InvalidParams, Problem, UnknownAction
from calendly_connector.testing import ExpectedCall, FailingCall, Subject

KEY = "the-key-of-the-library"
PAGE = 3


class NoSuchBook(ConnectorError):
    code = "not_found"


class Library:
    """The server: URIs of books by title, in the order of their addition."""

    def __init__(self):
        self.books = {f"Volume {number}": f"urn:book:{number}" for number in range(1, 8)}

    def add(self):
        number = len(self.books) + 1
        self.books[f"Volume {number}"] = f"urn:book:{number}"
        return f"book.added:urn:book:{number}"


class LibraryConnector:
    manifest = SimpleNamespace(
        credentials={
            "key": SimpleNamespace(
                title="Library card", fields=(Field("key", "Key", required=True, secret=True),)
            )
        }
    )

    def __init__(self, library):
        self.library = library

    def actions(self):
        inputs = {"books.get": {"title": {"type": "string"}}, "books.list": {"page_token": {}}}
        return {
            name: SimpleNamespace(
                id=name, input={"properties": fields, "required": ["title"][: "title" in fields]}
            )
            for name, fields in inputs.items()
        }

    def connect(self, credential):
        return LibraryConnection(self, credential)


class LibraryConnection:
    def __init__(self, connector, credential):
        self.connector, self.books, self.key = connector, connector.library.books, credential.get("key")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def check(self):
        if self.key == KEY:
            return CheckReport("ok", "Signed in as the librarian.")
        return CheckReport("invalid_token", "Unknown key.", fix="Ask the librarian.")

    def preview(self, action, params):
        if action not in self.connector.actions():
            raise UnknownAction(f"Unknown action {action!r}.")
        rules = self.connector.actions()[action].input
        problems = [Problem(name, "is not an input") for name in params if name not in rules["properties"]]
        problems += [Problem(name, "is missing") for name in rules["required"] if name not in params]
        if problems:
            raise InvalidParams(action, problems)

    def run(self, action, params, *, all_pages=False):
        self.preview(action, params)
        records = [{"uri": uri, "title": title} for title, uri in self.books.items()]
        if action == "books.list":
            shown = records if all_pages else records[:PAGE]
            return Result(action, records=shown, complete=len(shown) == len(records))
        found = [record for record in records if record["title"] == params["title"]]
        if not found:
            raise NoSuchBook(f"No book {params['title']!r} found.", fix="List the books.")
        return Result(action, record=found[0])

    def trigger(self, events):
        return LibraryTrigger(self.books, *events)


class LibraryTrigger:
    def __init__(self, books, kind):
        self.books, self.kind = books, kind

    def poll(self, cursor=""):
        uris = list(self.books.values())
        new = uris[int(cursor) :] if cursor else []
        events = tuple(Event(f"{self.kind}:{uri}", self.kind, "", None, {"uri": uri}) for uri in new)
        return Polled(events, str(len(uris)))


@contextmanager
def library():
    """Yield the library's connector as a test subject of the kit."""
    books = Library()
    yield Subject(
        connector=LibraryConnector(books),
        environment={},
        credential={"kind": "key", "key": KEY},
        bad_credentials=[({"kind": "key", "key": "a-wrong-key"}, "Unknown key")],
        user_name="librarian",
        single=ExpectedCall("books.get", {"title": "Volume 1"}, record={"uri": "urn:book:1"}),
        listing=ExpectedCall("books.list", total=7),
        invalid_calls=[FailingCall("unknown_input", "books.get", {"titel": "x"}, ("titel",))],
        failing_calls=[FailingCall("missing", "books.get", {"title": "Volume 0"}, ("'Volume 0'",))],
        reset=lambda: None,
        event_kind="book.added",
        cause_event=books.add,
        secrets=[KEY.encode(), b"a-wrong-key"],
    )
