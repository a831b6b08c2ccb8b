"""A connector of something else, a shelf of books in memory, as another author would bring it to the kit."""

from contextlib import contextmanager
from types import SimpleNamespace

from calendly_connector.contract import CheckReport, Event, Polled, Result
from calendly_connector.errors import ConnectorError, InvalidParams, Problem, UnknownAction
from calendly_connector.testing import Call, FormField, Refusal, Subject

KEY = "the-key-of-the-shelf"
PAGE = 3


class NoSuchBook(ConnectorError):
    code = "not_found"


class Shelf:
    """The server: its books, by title, in the order in which they came."""

    def __init__(self):
        self.books = {f"Volume {number}": f"urn:book:{number}" for number in range(1, 8)}

    def add(self):
        number = len(self.books) + 1
        self.books[f"Volume {number}"] = f"urn:book:{number}"
        return f"book.added:urn:book:{number}"


class ShelfConnector:
    manifest = SimpleNamespace(
        credentials={"key": SimpleNamespace(fields={"key": FormField(secret=True, required=True)})}
    )

    def __init__(self, shelf):
        self.shelf = shelf

    def actions(self):
        inputs = {"books.get": {"title": {"type": "string"}}, "books.list": {"page_token": {}}}
        return {
            name: SimpleNamespace(
                id=name, input={"properties": given, "required": ["title"][: "title" in given]}
            )
            for name, given in inputs.items()
        }

    def connect(self, credential):
        return ShelfConnection(self, credential)


class ShelfConnection:
    def __init__(self, connector, credential):
        self.connector, self.books, self.key = connector, connector.shelf.books, credential.get("key")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def check(self):
        if self.key == KEY:
            return CheckReport("ok", "Signed in as the librarian.")
        return CheckReport("invalid_token", "The shelf does not know this key.", fix="Ask the librarian.")

    def preview(self, action, params):
        if action not in self.connector.actions():
            raise UnknownAction(f"The shelf has no action {action!r}.")
        rules = self.connector.actions()[action].input
        problems = [Problem(name, "is no input") for name in params if name not in rules["properties"]]
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
            raise NoSuchBook(f"There is no {params['title']!r} on the shelf.", fix="List the books.")
        return Result(action, record=found[0])

    def trigger(self, events):
        return ShelfTrigger(self.books, *events)


class ShelfTrigger:
    def __init__(self, books, kind):
        self.books, self.kind = books, kind

    def poll(self, cursor=""):
        uris = list(self.books.values())
        new = uris[int(cursor) :] if cursor else []
        events = tuple(Event(f"{self.kind}:{uri}", self.kind, "", None, {"uri": uri}) for uri in new)
        return Polled(events, str(len(uris)))


@contextmanager
def shelf():
    """Give the shelf's connector as the kit wants it."""
    books = Shelf()
    lost = Call("books.get", {"title": "Volume 0"})
    yield Subject(
        connector=ShelfConnector(books),
        environment={},
        credential={"kind": "key", "key": KEY},
        wrong=[({"kind": "key", "key": "a-wrong-key"}, "does not know this key")],
        who="librarian",
        one=Call("books.get", {"title": "Volume 1"}, record={"uri": "urn:book:1"}),
        many=Call("books.list", total=7),
        misuses=[Refusal("unknown_input", Call("books.get", {"titel": "x"}), ("titel",), retryable=False)],
        refusals=[Refusal("lost", lost, ("no 'Volume 0'",), retryable=False)],
        calm=lambda: None,
        event="book.added",
        happen=books.add,
        secrets=[KEY.encode(), b"a-wrong-key"],
    )
