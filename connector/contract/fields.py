"""What a form is made of: fields, the choices of a field, and the values that a later step can use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

FieldType = Literal[
    "text", "email", "uri", "date", "date-time", "time-zone", "integer", "number", "boolean", "object"
]


@dataclass(frozen=True, slots=True)
class Option:
    """One choice: the text to show, and the value or URI it stands for."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a form: of a credential, an action's inputs or a trigger's filters.

    Fields come in the order of the form; those of the group "advanced" belong in a part of it that is closed
    at first. `path` is the field's key in a filter: `start_time`, `invitee.email`, or
    `questions_and_answers[].answer` in an object of a list. `is_list` fields hold several values of `type`.
    An object has `fields`, or takes any field (`answers`) if it has none.

    `choices` are all valid values; a choice with an empty value leaves the field empty. A field whose values
    aren't known in advance `has_options` instead: `connection.options` lists them, with the values of the
    fields in `depends_on`. `pattern` is a regular expression, and `expected` what it means, in words.

    Hide a `secret`. The connection fills in the secret inputs of an action, so a form leaves them out.
    `environment` names the variables that may hold a field of a credential.
    """

    path: str
    title: str
    type: FieldType = "text"
    description: str = ""
    required: bool = False
    group: Literal["main", "advanced"] = "main"
    placeholder: str = ""
    default: Any = None
    pattern: str = ""
    expected: str = ""
    choices: tuple[Option, ...] = ()
    has_options: bool = False
    depends_on: tuple[str, ...] = ()
    secret: bool = False
    multiline: bool = False
    is_list: bool = False
    fields: tuple[Field, ...] = ()
    environment: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class OptionPage:
    """Choices of a field, at most 100 at a time.

    Pass `next_page` to get the following ones; None: there are no more. Until then, a page of a long search
    may be empty. If the choices can't be listed, `reason` says why (no such list, a missing scope, plan or
    role, a field to fill in first: `needs`), and the host may let the person type. Without a reason, no
    options means that none exist.
    """

    options: tuple[Option, ...] = ()
    next_page: str | None = None
    reason: str = ""
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OutputField:
    """A value in the record of an action or the payload of an event, for later steps of a flow.

    `path` is like `location.join_url`, or `questions_and_answers[].answer` in each item of a list.
    `example` is from the declared example; None if that has no such value.
    """

    path: str
    title: str
    type: FieldType
    example: Any = None
