"""What the connector declares: data that needs neither the network nor a credential."""

from dataclasses import dataclass
from importlib.resources import files
from types import SimpleNamespace

from calendly_connector.contract import ActionGroup, Column, Field, LookUp, Option, OutputField

DOCS = "https://docs.noteboard.example"
KEYS = "https://noteboard.example/settings/keys"


# Inputs: a form, and the JSON Schema that follows from it

KEY = Field(
    "key", "Key", required=True, secret=True, pattern="^nb_[a-z_]+$", expected="nb_ and small letters"
)
TEXT = Field("text", "Text", description="What the note says.", required=True, multiline=True)
COLOR = Field("color", "Color", choices=(Option("Yellow", "yellow"), Option("Blue", "blue")))
AFTER = Field(
    "after", "After", description="The id of a note: only later ones.", pattern="^[0-9]+$", expected="an id"
)


def form_schema(fields):
    """Return the JSON Schema of a form whose fields are all texts."""
    properties = {}
    for field in fields:
        properties[field.name] = {"type": "string", "title": field.title}
        if field.choices:
            properties[field.name]["enum"] = [option.value for option in field.choices]
    required = [field.name for field in fields if field.required]
    return {"type": "object", "additionalProperties": False, "properties": properties, "required": required}


# Outputs: all actions and triggers return notes

NOTE = {"id": "7", "text": "Water the plants", "color": "yellow", "created_at": "2026-11-17T09:00:00+00:00"}
NOTE_OUTPUTS = (
    OutputField("id", "Id", "text", NOTE["id"]),
    OutputField("text", "Text", "text", NOTE["text"]),
    OutputField("color", "Color", "text", NOTE["color"]),
    OutputField("created_at", "Created at", "date-time", NOTE["created_at"]),
)
NOTE_SCHEMA = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "text": {"type": "string"},
        "color": {"type": "string"},
        "created_at": {"type": "string", "format": "date-time"},
    },
}


# Actions and triggers


@dataclass(frozen=True)
class NoteboardAction:
    id: str
    title: str
    description: str
    request: str
    returns: str
    effect: str
    fields: tuple[Field, ...]
    example: dict[str, str]
    look_up: LookUp | None = None
    outputs: tuple[OutputField, ...] = NOTE_OUTPUTS
    columns: tuple[Column, ...] = (Column("text"), Column("created_at", "Created"))
    scopes: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    docs: str = DOCS

    @property
    def safe_to_repeat(self):
        return self.effect == "read"

    @property
    def hints(self):
        return {"readOnlyHint": self.effect == "read", "destructiveHint": self.effect == "destroy"}

    @property
    def input(self):
        return form_schema(self.fields)

    @property
    def output(self):
        return NOTE_SCHEMA

    @property
    def examples(self):
        return ({"input": self.example, "output": NOTE},)


LIST = NoteboardAction(
    "notes.list",
    "List notes",
    "The notes on your board, the oldest first.",
    "GET /notes",
    "many",
    "read",
    (AFTER,),
    {},
)
MADE = LookUp("notes.list", ("text", "color"), "record", "A note with the same text since then.")
CREATE = NoteboardAction(
    "notes.create",
    "Create a note",
    "Puts a note on your board.",
    "POST /notes",
    "one",
    "write",
    (TEXT, COLOR),
    {"text": NOTE["text"]},
    MADE,
)
ACTIONS = {action.id: action for action in (LIST, CREATE)}

CREATED = SimpleNamespace(
    id="note.created",
    title="Note created",
    description="Someone put a note on your board.",
    scopes=(),
    plan=None,
    polling_gaps="Nothing.",
    fields=(COLOR,),
    outputs=NOTE_OUTPUTS,
    filters=form_schema((COLOR,)),
    payload=NOTE_SCHEMA,
    examples=(NOTE,),
)
TRIGGERS = {CREATED.id: CREATED}

KEY_KIND = SimpleNamespace(
    id="key",
    title="Key",
    description="A key of your board.",
    page=KEYS,
    docs=DOCS,
    fields=(KEY,),
    needs_sign_in=False,
)
MANIFEST = SimpleNamespace(
    id="noteboard",
    name="Noteboard",
    summary="Notes on a board.",
    version="1.0.0",
    docs=DOCS,
    icon=SimpleNamespace(
        svg=files(__package__).joinpath("icon.svg").read_bytes(),
        png=files(__package__).joinpath("icon.png").read_bytes(),
    ),
    credentials={KEY_KIND.id: KEY_KIND},
    functions={},
    triggers=TRIGGERS,
    groups=(ActionGroup("notes", "Notes", "What is on your board.", tuple(ACTIONS), tuple(TRIGGERS)),),
)
