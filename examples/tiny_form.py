"""A form in a terminal, for the fields that any connector declares. It contains no code for any application.

`Form(fields, options).fill_in()` asks for each field and returns the values. `options` lists the choices of a
field that has a list: `options(path, values, search=…, page=…)`. Only what a person may mistype is checked
here: the connector checks the rest.
"""

import re
from datetime import date, datetime
from functools import partial
from getpass import getpass
from textwrap import fill
from zoneinfo import ZoneInfo

WIDTH = 78  # characters
SHOWN = 20  # options at a time
END_OF_TEXT = "."
WORDS = {"y": True, "yes": True, "true": True, "n": False, "no": False, "false": False}


class Form:
    """One form. `values` holds what was entered so far: the choices of other fields may depend on it."""

    def __init__(self, fields, options=None):
        self.fields, self.values, self._options = fields, {}, options

    def fill_in(self):
        """Ask for all fields and return the values."""
        self._ask_all(self.fields, self.values, 0)
        return self.values

    def _ask_all(self, fields, values, indent):
        """Ask for the main fields, then for the advanced ones if the person wants to."""
        for field in fields:
            if field.group == "main":
                self._ask(field, values, indent)
        advanced = [field for field in fields if field.group == "advanced"]
        if advanced:
            print()
        if advanced and confirm(f"Show {len(advanced)} advanced field(s)?", indent):
            for field in advanced:
                self._ask(field, values, indent)

    def _ask(self, field, values, indent):
        print()
        show(heading(field), indent)
        show(field.description, indent + 2)
        if not field.is_list:
            self._enter(field, partial(values.__setitem__, field.name), indent + 2, field.required)
            return
        items = values[field.name] = []
        while self._enter(field, items.append, indent + 2, field.required and not items):
            pass
        if not items:
            del values[field.name]

    def _enter(self, field, put, indent, required):
        """Ask for one value and put it into the form. Returns whether there was one."""
        if field.fields:
            if not required and not confirm(f"Add to {field.title}?", indent):
                return False
            inner = {}
            put(inner)  # at once, because its fields may depend on each other
            self._ask_all(field.fields, inner, indent)
            return True
        while (value := self._value(field, indent)) is None:
            if not required:
                return False
            show("This is required.", indent)
        put(value)
        return True

    def _value(self, field, indent):
        """Return a value, or None."""
        if field.type == "object":
            return rows(indent) or None
        if field.choices or field.has_options:
            return self._choose(field, indent)
        return typed(field, indent)

    def _choose(self, field, indent):
        """Let the person choose an option by its number, or search; or type a value if there is no list."""
        search, page, start = "", None, 0
        while True:
            options, following, reason = self._page(field, search, page)
            if reason:
                show(reason, indent)
                return typed(field, indent)
            end = start + SHOWN
            for number, option in enumerate(options[start:end], start + 1):
                show(f"{number:>3}. {option.label}", indent)
            if not options:
                show(f"Nothing contains {search!r}." if search else "There are none.", indent)
            more = following or end < len(options)
            ways = ["number", "text to search" if field.has_options else "", "+ for more" if more else ""]
            answer = ask(", ".join(filter(None, ways)), indent)
            if answer.isdecimal() and 0 < int(answer) <= len(options):
                return options[int(answer) - 1].value
            if answer == "+" and more:
                page, start = (page, end) if end < len(options) else (following, 0)
            elif answer and not field.has_options:
                show(f"Not a number of the list: {answer!r}.", indent)
            elif answer or search:  # without an answer, back to the whole list
                search, page, start = answer, None, 0
            else:
                return None

    def _page(self, field, search, page):
        """Return options, the next page and the reason for having none."""
        if field.choices:
            return field.choices, None, ""
        found = self._options(field.path, self.values, search=search, page=page)
        return found.options, found.next_page, found.reason


def heading(field):
    """Return a field's title, and in parentheses what is expected."""
    notes = [
        "required" if field.required else "",
        "list" if field.is_list else "",
        "" if field.has_options or field.type in {"text", "object"} else field.type,
        field.expected,
        f"such as {field.placeholder}" if field.placeholder else "",
        f"default: {field.default}" if field.default is not None else "",
    ]
    notes = ", ".join(filter(None, notes))
    return f"{field.title} ({notes})" if notes else field.title


def typed(field, indent):
    """Return what a person types as a value, asking again until it is valid; None for nothing."""
    while True:
        if field.secret:
            text = getpass(f"{' ' * indent}(hidden)> ")
        else:
            text = lines(indent) if field.multiline else ask("", indent)
        if not text:
            return None
        try:
            value = parsed(field.type, text)
        except (ValueError, LookupError):
            show(f"Not a valid {field.type}: {text!r}.", indent)
            continue
        if not field.pattern or re.search(field.pattern, text):
            return value
        show(f"It must be {field.expected}.", indent)


def parsed(kind, text):
    """Return the value that a text stands for. Raises ValueError or LookupError."""
    if kind in {"integer", "number"}:
        return int(text) if kind == "integer" else float(text)
    if kind == "boolean":
        return WORDS[text.lower()]
    if kind == "time-zone":
        return ZoneInfo(text).key
    if kind == "date":
        date.fromisoformat(text)
    elif kind == "date-time":
        datetime.fromisoformat(text)
    return text


def rows(indent):
    """Return values whose names a person chooses."""
    found = {}
    while row := ask("name=value", indent):
        name, _, value = row.partition("=")
        found[name.strip()] = value.strip()
    return found


def lines(indent):
    """Return a text of several lines."""
    show(f"End with a line of only {END_OF_TEXT!r}.", indent)
    found = []
    while (line := input(f"{' ' * indent}> ")) != END_OF_TEXT:
        found.append(line)
    return "\n".join(found).strip()


def confirm(question, indent=0):
    """Ask a question. Only yes means yes."""
    return ask(f"{question} y/N", indent).lower() in {"y", "yes"}


def ask(prompt, indent=0):
    """Return what a person types."""
    return input(f"{' ' * indent}{prompt}> ").strip()


def show(text, indent=0):
    """Print a text within the width of the form."""
    if text:
        print(fill(text, WIDTH, initial_indent=" " * indent, subsequent_indent=" " * indent))
