"""What Shelf's connector declares. Forms are declared once; their JSON Schemas follow from them."""

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from calendly_connector.contract import ActionGroup, Column, Field, LookUp, Option, OutputField

_DOCS = "https://docs.shelf.example"
_JSON_TYPES = {"integer": "integer", "number": "number", "boolean": "boolean", "object": "object"}
_FORMATS = frozenset({"email", "uri", "date", "date-time"})
_HINTS = {
    "read": {"readOnlyHint": True, "destructiveHint": False},
    "write": {"readOnlyHint": False, "destructiveHint": False},
    "destroy": {"readOnlyHint": False, "destructiveHint": True},
}


# From forms to schemas


def form_schema(fields, secrets=()):
    """Return the JSON Schema of a form's values, with secret inputs that the form leaves out."""
    properties = {one.name: _field_schema(one) for one in fields}
    hidden = {name: {"type": "string", "writeOnly": True} for name in secrets}
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": properties | hidden,
        "required": [one.name for one in fields if one.required],
    }


def _field_schema(one):
    schema = {"type": _JSON_TYPES.get(one.type, "string")}
    if one.fields:
        schema = form_schema(one.fields)
    if one.type in _FORMATS:
        schema["format"] = one.type
    if one.choices:
        schema["enum"] = [option.value for option in one.choices]
    if one.pattern:
        schema["pattern"] = one.pattern
    schema = {"type": "array", "items": schema} if one.is_list else schema
    return {"title": one.title, "description": one.description, **schema}


def outputs(example, *rows):
    """Return output fields from rows of path, title and type, with the values of an example record."""
    return tuple(OutputField(path, title, kind, _example(example, path)) for path, title, kind in rows)


def _example(record, path):
    for part in path.split("."):
        record = (record or {}).get(part.removesuffix("[]"))
        if part.endswith("[]"):
            record = record[0] if record else None
    return record


def record_schema(fields):
    """Return the JSON Schema of a record with these output fields."""
    root = {"type": "object", "properties": {}}
    for one in fields:
        node = root
        *parents, last = one.path.split(".")
        for part in parents:
            name = part.removesuffix("[]")
            inner = {"type": "object", "properties": {}}
            outer = {"type": "array", "items": inner} if part.endswith("[]") else inner
            node = node["properties"].setdefault(name, outer)
            node = node.get("items", node)
        value = {"type": [_JSON_TYPES.get(one.type, "string"), "null"]}
        value |= {"format": one.type} if one.type in _FORMATS else {}
        value = {"type": "array", "items": value} if last.endswith("[]") else value
        node["properties"][last.removesuffix("[]")] = value
    return root


# The types


@dataclass(frozen=True)
class ShelfIcon:
    svg: bytes
    png: bytes


@dataclass(frozen=True)
class ShelfCredentialKind:
    id: str
    title: str
    description: str
    page: str
    docs: str
    fields: tuple[Field, ...]
    needs_sign_in: bool = False


@dataclass(frozen=True)
class ShelfFunction:
    name: str
    description: str
    type: str
    example: str
    example_value: str
    arguments: tuple[str, ...] = ()
    takes_offset: bool = False
    secret: bool = False


@dataclass(frozen=True)
class ShelfAction:
    id: str
    title: str
    description: str
    request: str
    returns: str
    effect: str
    scopes: tuple[str, ...]
    example: Mapping[str, Any]
    fields: tuple[Field, ...] = ()
    outputs: tuple[OutputField, ...] = ()
    columns: tuple[Column, ...] = ()
    secrets: tuple[str, ...] = ()
    safe_to_repeat: bool = False
    look_up: LookUp | None = None
    aliases: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    docs: str = f"{_DOCS}/api"

    @property
    def hints(self):
        return _HINTS[self.effect]

    @property
    def input(self):
        return form_schema(self.fields, self.secrets)

    @property
    def output(self):
        return record_schema(self.outputs)

    @property
    def examples(self):
        return (self.example,)


@dataclass(frozen=True)
class ShelfTrigger:
    id: str
    title: str
    description: str
    scopes: tuple[str, ...]
    fields: tuple[Field, ...]
    outputs: tuple[OutputField, ...]
    examples: tuple[Mapping[str, Any], ...]
    plan: str | None = None
    polling_gaps: str = "Nothing."

    @property
    def filters(self):
        return form_schema(self.fields)

    @property
    def payload(self):
        return record_schema(self.outputs)


@dataclass(frozen=True)
class ShelfManifest:
    id: str
    name: str
    summary: str
    version: str
    docs: str
    icon: ShelfIcon
    credentials: Mapping[str, ShelfCredentialKind]
    functions: Mapping[str, ShelfFunction]
    triggers: Mapping[str, ShelfTrigger]
    groups: tuple[ActionGroup, ...] = field(default=())


def _by_id(*entries):
    return {entry.id: entry for entry in entries}


# The icon: three books on a shelf

_SVG = b"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64">
<title>Shelf</title>
<rect width="64" height="64" fill="#f4efe6"/>
<path fill="#7a3b2e" d="M12 12h10v36H12z"/>
<path fill="#2e5a7a" d="M27 18h10v30H27z"/>
<path fill="#4d7a2e" d="M42 14h10v34H42z"/>
<path fill="#3a2a1a" d="M6 48h52v5H6z"/>
</svg>
"""
_RECTANGLES = (
    (48, 48, 40, 144, b"\x7a\x3b\x2e"),
    (108, 72, 40, 120, b"\x2e\x5a\x7a"),
    (168, 56, 40, 136, b"\x4d\x7a\x2e"),
    (24, 192, 208, 20, b"\x3a\x2a\x1a"),
)


def draw_png(side=256):
    """Return the same icon as a PNG."""
    rows = [bytearray(b"\xf4\xef\xe6" * side) for _ in range(side)]
    for left, top, width, height, color in _RECTANGLES:
        for row in rows[top : top + height]:
            row[left * 3 : (left + width) * 3] = color * width
    pixels = b"".join(b"\x00" + bytes(row) for row in rows)
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(pixels)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )


# Credentials and functions

_SIGNING_KEY = Field(
    "signing_key",
    "Signing key",
    description="Verifies webhooks. Needed only for webhooks.",
    group="advanced",
    secret=True,
    environment=("SHELF_SIGNING_KEY",),
)

CREDENTIALS = _by_id(
    ShelfCredentialKind(
        "key",
        "Reader's key",
        "A key that a reader made for themselves.",
        page="https://shelf.example/settings/keys",
        docs=f"{_DOCS}/keys",
        fields=(
            Field(
                "key",
                "Key",
                description="The whole key, as Shelf showed it.",
                required=True,
                placeholder="shelf_…",
                pattern="^shelf_[a-z_]+$",
                expected="shelf_ and small letters",
                secret=True,
                environment=("SHELF_KEY",),
            ),
            Field(
                "plan",
                "Plan",
                description="How the library is paid for.",
                group="advanced",
                choices=(Option("Public library", "public"), Option("School library", "school")),
                environment=("SHELF_PLAN",),
            ),
            _SIGNING_KEY,
        ),
    ),
    ShelfCredentialKind(
        "oauth",
        "Sign-in",
        "A reader allows your app to act for them.",
        page="https://shelf.example/apps",
        docs=f"{_DOCS}/apps",
        fields=(
            Field("client_id", "Client ID", required=True, environment=("SHELF_CLIENT_ID",)),
            Field(
                "client_secret",
                "Client secret",
                required=True,
                secret=True,
                environment=("SHELF_CLIENT_SECRET",),
            ),
            Field("redirect_uri", "Redirect URI", "uri", "Where Shelf sends people after consent."),
            _SIGNING_KEY,
        ),
        needs_sign_in=True,
    ),
)

FUNCTIONS = {
    function.name: function
    for function in (
        ShelfFunction("Today", "The date of today.", "date", "~{Today+7d}~", "2026-11-25", takes_offset=True),
        ShelfFunction("MyEmail", "Your email address.", "email", "~{MyEmail}~", "robin@shelf.example"),
        ShelfFunction(
            "SigningKey",
            "The credential's signing key.",
            "text",
            "~{SigningKey}~",
            "a-signing-key",
            secret=True,
        ),
    )
}


# Actions and triggers

_BOOK = {
    "uri": "https://api.shelf.example/books/central-1",
    "title": "Volume 1",
    "branch": "https://api.shelf.example/branches/central",
    "status": "available",
}
_LOAN = {
    "uri": "https://api.shelf.example/loans/1",
    "book": _BOOK["uri"],
    "branch": _BOOK["branch"],
    "reader": {"name": "Kim Kuiper", "email": "kim@client.example"},
    "due_on": "2026-12-01",
    "reminders": [{"channel": "email", "days_before": 2}],
    "created_at": "2026-11-17T09:00:00+00:00",
}
_READER = {
    "uri": "https://api.shelf.example/readers/1",
    "name": "Robin Reader",
    "email": "robin@shelf.example",
}
_WEBHOOK = {
    "uri": "https://api.shelf.example/webhooks/1",
    "url": "https://flows.acme.example/hook",
    "events": ["loan.created"],
}
_BOOK_OUTPUTS = outputs(
    _BOOK,
    ("uri", "Address", "uri"),
    ("title", "Title", "text"),
    ("branch", "Branch", "uri"),
    ("status", "Status", "text"),
)
_LOAN_OUTPUTS = outputs(
    _LOAN,
    ("uri", "Address", "uri"),
    ("book", "Book", "uri"),
    ("branch", "Branch", "uri"),
    ("reader.name", "Reader: name", "text"),
    ("reader.email", "Reader: email", "email"),
    ("due_on", "Due on", "date"),
    ("reminders[].channel", "Reminders: channel", "text"),
    ("reminders[].days_before", "Reminders: days before", "integer"),
    ("created_at", "Created at", "date-time"),
)
_WEBHOOK_OUTPUTS = outputs(
    _WEBHOOK, ("uri", "Address", "uri"), ("url", "Callback", "uri"), ("events[]", "Events", "text")
)
_BRANCH = Field("branch", "Branch", "uri", "The branch that has the book.", has_options=True)
_BOOK_OF_BRANCH = Field(
    "book", "Book", "uri", "The book to lend.", required=True, has_options=True, depends_on=("branch",)
)
_LOAN_FIELD = Field("loan", "Loan", "uri", "The loan.", required=True, has_options=True)
_STATUS = Field(
    "status",
    "Status",
    description="Only books with this status.",
    choices=(Option("Available", "available"), Option("Lent", "lent")),
)
_PAGING = (
    Field(
        "count",
        "Page size",
        "integer",
        "The most books of a page.",
        group="advanced",
        default=20,
        placeholder="20",
    ),
    Field("page_token", "Page token", description="Where to resume a list.", group="advanced"),
)
_REMINDERS = Field(
    "reminders",
    "Reminders",
    "object",
    "When to remind the reader.",
    is_list=True,
    fields=(
        Field(
            "reminders[].channel",
            "Channel",
            required=True,
            choices=(Option("Email", "email"), Option("Text message", "text")),
        ),
        Field("reminders[].days_before", "Days before", "integer", "Days before the due date.", default=1),
    ),
)
_LEND_FIELDS = (
    _BRANCH,
    _BOOK_OF_BRANCH,
    Field(
        "reader",
        "Reader",
        "object",
        "Who borrows the book.",
        required=True,
        fields=(
            Field("reader.email", "Email", "email", required=True, placeholder="kim@client.example"),
            Field("reader.name", "Name"),
        ),
    ),
    Field("due_on", "Due on", "date", "When the book is due.", placeholder="2026-12-01"),
    _REMINDERS,
    Field("note", "Note", description="Printed on the slip.", group="advanced", multiline=True),
    Field(
        "labels",
        "Labels",
        description="Words that sort loans.",
        group="advanced",
        pattern="^[a-z]+$",
        expected="one word of small letters",
        is_list=True,
    ),
    Field("marks", "Marks", "object", "Anything else that you note, by name.", group="advanced"),
)

ACTIONS = _by_id(
    ShelfAction(
        "readers.me",
        "Get your reader",
        "Gets the reader whose key it is.",
        "GET /me",
        "one",
        "read",
        (),
        {"input": {}, "output": _READER},
        outputs=outputs(
            _READER, ("uri", "Address", "uri"), ("name", "Name", "text"), ("email", "Email", "email")
        ),
        safe_to_repeat=True,
        aliases=("me",),
    ),
    ShelfAction(
        "books.list",
        "List books",
        "Lists books, filtered by branch, status or title.",
        "GET /books",
        "many",
        "read",
        ("books:read",),
        {"input": {"branch": _BOOK["branch"], "status": "available"}, "output": _BOOK},
        fields=(_BRANCH, _STATUS, Field("search", "Title", description="A part of the title."), *_PAGING),
        outputs=_BOOK_OUTPUTS,
        columns=(Column("title"), Column("status")),
        safe_to_repeat=True,
    ),
    ShelfAction(
        "books.get",
        "Get a book",
        "Gets a book by its address.",
        "GET {book}",
        "one",
        "read",
        ("books:read",),
        {"input": {"book": _BOOK["uri"]}, "output": _BOOK},
        fields=(Field("book", "Book", "uri", "The book.", required=True, has_options=True),),
        outputs=_BOOK_OUTPUTS,
        safe_to_repeat=True,
    ),
    ShelfAction(
        "loans.list",
        "List loans",
        "Lists the loans of all readers, the oldest first.",
        "GET /loans",
        "many",
        "read",
        ("loans:read",),
        {"input": {"created_since": "2026-11-17T00:00:00Z"}, "output": _LOAN},
        fields=(
            Field(
                "created_since",
                "Created since",
                "date-time",
                "Only later loans.",
                placeholder="2026-11-17T00:00:00Z",
            ),
            *_PAGING,
        ),
        outputs=_LOAN_OUTPUTS,
        columns=(Column("reader.name", "Reader"), Column("due_on", "Due"), Column("reminders.channel")),
        safe_to_repeat=True,
    ),
    ShelfAction(
        "loans.create",
        "Lend a book",
        "Lends a book to a reader. List the books of a branch first.",
        "POST /loans",
        "one",
        "write",
        ("loans:write",),
        {
            "input": {
                "book": _BOOK["uri"],
                "reader": _LOAN["reader"],
                "due_on": "2026-12-01",
                "reminders": _LOAN["reminders"],
            },
            "output": _LOAN,
        },
        fields=_LEND_FIELDS,
        outputs=_LOAN_OUTPUTS,
        look_up=LookUp("loans.list", ("book", "reader.email"), "record", "A loan of the book to the reader."),
    ),
    ShelfAction(
        "loans.end",
        "End a loan",
        "Takes a book back.",
        "DELETE {loan}",
        "none",
        "destroy",
        ("loans:write",),
        {"input": {"loan": _LOAN["uri"]}, "output": {}},
        fields=(_LOAN_FIELD,),
        safe_to_repeat=True,
    ),
    ShelfAction(
        "webhooks.create",
        "Create a webhook",
        "Has events posted to an address.",
        "POST /webhooks",
        "one",
        "write",
        ("webhooks:write",),
        {"input": {"url": _WEBHOOK["url"], "events": _WEBHOOK["events"]}, "output": _WEBHOOK},
        fields=(
            Field("url", "Callback", "uri", "Where to post.", required=True),
            Field(
                "events",
                "Events",
                required=True,
                choices=(Option("A book was lent", "loan.created"),),
                is_list=True,
            ),
        ),
        outputs=_WEBHOOK_OUTPUTS,
        secrets=("signing_key",),
    ),
)

TRIGGERS = _by_id(
    ShelfTrigger(
        "loan.created",
        "A book was lent",
        "A reader borrowed a book.",
        ("loans:read",),
        fields=(
            _BRANCH,
            Field("book", "Book", "uri", "Only this book.", has_options=True, depends_on=("branch",)),
        ),
        outputs=_LOAN_OUTPUTS,
        examples=({"event": "loan.created", "at": _LOAN["created_at"], "loan": _LOAN},),
    )
)

MANIFEST = ShelfManifest(
    id="shelf",
    name="Shelf",
    summary="Books and loans of a library.",
    version="1.2.0",
    docs=_DOCS,
    icon=ShelfIcon(_SVG, draw_png()),
    credentials=CREDENTIALS,
    functions=FUNCTIONS,
    triggers=TRIGGERS,
    groups=(
        ActionGroup("books", "Books", "What the library has.", ("books.list", "books.get")),
        ActionGroup(
            "loans",
            "Loans",
            "Who has which book.",
            ("loans.create", "loans.list", "loans.end"),
            ("loan.created",),
        ),
        ActionGroup("account", "Account", "The reader and webhooks.", ("readers.me", "webhooks.create")),
    ),
)
