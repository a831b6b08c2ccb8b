"""Calls of actions: their inputs are checked before anything is sent, and lists are read page by page."""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from calendly_connector import contract, errors


@dataclass(frozen=True)
class NoteboardCall:
    connection: contract.Connection
    action: contract.ActionInfo
    inputs: Mapping[str, str]
    limit: int | None

    def preview(self):
        method, path = self.action.request.split()
        query, body = (self.inputs, {}) if method == "GET" else ({}, self.inputs)
        url = self.connection.origin + path
        return {"action": self.action.id, "method": method, "url": url, "query": query, "body": body}

    def preview_resolved(self):
        return [self.preview()]

    def run(self, *, all_pages=False):
        name = self.action.id
        if self.action.returns == "one":
            note = self.connection.request(*self.action.request.split(), self.inputs)
            return contract.Result(name, note, calls=1)
        pages = self.iterate()
        notes = list(pages) if all_pages else next(pages.pages(), [])
        return contract.Result(name, None, notes, pages.complete, pages.next_page_token, calls=pages.calls)

    def iterate(self):
        if self.action.returns != "many":
            raise errors.UsageError(f"{self.action.id} doesn't return a list.")
        return NoteboardRecords(self.connection, self.inputs.get("after"), self.limit)


class NoteboardRecords:
    """Notes as they arrive, up to a limit. The id of the last one is the token of the next page."""

    extra: Mapping[str, Any] = MappingProxyType({})
    warnings = ()

    def __init__(self, connection, after, limit):
        self._connection, self._limit = connection, limit
        self.next_page_token, self.complete, self.calls = after, False, 0

    def __iter__(self):
        for page in self.pages():
            yield from page

    def pages(self):
        left = self._limit
        while not self.complete and left != 0:
            after = {"after": self.next_page_token} if self.next_page_token else {}
            reply = self._connection.request("GET", "/notes", after)
            notes = reply["notes"][:left]
            left = None if left is None else left - len(notes)
            self.calls += 1
            self.complete = not reply["more"] and len(notes) == len(reply["notes"])
            self.next_page_token = None if self.complete else notes[-1]["id"]
            yield notes


def read_inputs(fields, params, rows):
    """Return the inputs, and what is wrong with them. Noteboard has no functions that rows could use."""
    problems = [
        errors.Problem(name, "has a function, but Noteboard has none")
        for name, value in rows.items()
        if isinstance(value, str) and "~{" in value
    ]
    plain = {name: row.value if isinstance(row, contract.Plain) else row for name, row in rows.items()}
    inputs = {name: value for name, value in {**params, **plain}.items() if value not in (None, "")}
    return inputs, [*problems, *find_problems(fields, inputs)]


def find_problems(fields, inputs):
    """Yield what is wrong with inputs, or with the filters of a trigger."""
    by_name = {field.name: field for field in fields}
    for name in inputs.keys() - by_name.keys():
        yield errors.Problem(name, "isn't an input", nearest(name, by_name))
    for name, field in by_name.items():
        value, choices = inputs.get(name), [option.value for option in field.choices]
        if value is None:
            if field.required:
                yield errors.Problem(name, "is missing")
        elif not isinstance(value, str):
            yield errors.Problem(name, "isn't text")
        elif choices and value not in choices:
            yield errors.Problem(name, f"isn't one of {', '.join(choices)}", nearest(value, choices))
        elif field.pattern and not re.fullmatch(field.pattern, value):
            yield errors.Problem(name, f"isn't {field.expected}")


def nearest(word, known):
    return next(iter(difflib.get_close_matches(word, known)), None)
