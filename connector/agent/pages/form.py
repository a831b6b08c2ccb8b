"""A form drawn from the fields of a contract: of a credential, an action's inputs or a trigger's filters.

form = Form(action.fields, options=lambda path, values, search, page: …)
form.values            # what was typed, nested like the inputs; empty fields are left out
form.show(problems)    # beside the fields; returns those that have no field here
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from nicegui import ui

from ...contract import Field
from ...errors import Problem
from ..workspace import form_values
from .form_choices import Options, add_choices
from .form_inputs import Changed, Input, Rows, fault_line, leaf, show_fault, title

_BOX: Final = "w-full gap-3 border rounded p-3 border-gray-400 dark:border-gray-600"


class Form:
    """A form. `values` are shown at first, else the defaults; secrets are never shown.

    `options` lists the choices of fields that have them; without it, people type. `on_change` is called
    after each change. With `is_new=False`, defaults aren't filled in.
    """

    def __init__(
        self,
        fields: Sequence[Field],
        *,
        values: Mapping[str, Any] | None = None,
        options: Options | None = None,
        on_change: Changed | None = None,
        is_new: bool = True,
    ) -> None:
        self._fields = tuple(fields)
        self._tools = _Tools(options, on_change or (lambda: None), lambda: self.values, is_new=is_new)
        with ui.column().classes("w-full gap-4"):
            self._group = _Group(self._fields, values or {}, self._tools)

    @property
    def values(self) -> dict[str, Any]:
        """What was typed, nested like the inputs. Empty fields are left out."""
        return self._group.value or {}

    def check(self) -> bool:
        """Show what is missing or malformed, without the network. Return whether nothing is."""
        problems = form_values.missing_or_malformed(self._fields, self.values)
        self.show(problems)
        return not problems

    def show(self, problems: Iterable[Problem]) -> list[Problem]:
        """Show problems beside their fields, in place of earlier ones. Return those that have no field."""
        self.clear_faults()
        return [problem for problem in problems if not self._show_one(problem)]

    def _show_one(self, problem: Problem) -> bool:
        found = self._group.find(_parts(problem.path))
        if found is None:
            return False
        hint = f" Did you mean {problem.nearest}?" if problem.nearest else ""
        message = _words(problem.message)
        found.fail(f"{message}{'' if message.endswith(('.', '?')) else '.'}{hint}")
        return True

    def clear_faults(self) -> None:
        """Take back all problems that are shown."""
        self._group.clear_fault()


class _Tools:
    """What all inputs of one form share."""

    def __init__(
        self,
        options: Options | None,
        changed: Changed,
        values: Callable[[], Mapping[str, Any]],
        *,
        is_new: bool,
    ) -> None:
        self.options, self.changed, self.values, self.is_new = options, changed, values, is_new

    def draw(self, field: Field, initial: Any) -> Input:
        if field.fields and field.is_list:
            return _Items(field, initial, self)
        if field.fields:
            return _Group(field.fields, initial if isinstance(initial, Mapping) else {}, self, field)
        if field.type == "object":
            return Rows(field, initial, self.changed)
        made = leaf(field, initial, self.changed)
        if field.has_options and self.options is not None:
            add_choices(field, made, self.options, self.values)
        return made


class _Group:
    """Fields in a column; those of the group "advanced" in a part that is closed at first."""

    def __init__(
        self, fields: Sequence[Field], values: Mapping[str, Any], tools: _Tools, field: Field | None = None
    ) -> None:
        self._inputs: dict[str, Input] = {}
        self._advanced: set[str] = {one.name for one in fields if one.group == "advanced"}
        self._expansion: ui.expansion | None = None
        self._fault: ui.label | None = None
        if field is None:
            self._draw(fields, values, tools)
            return
        with ui.column().classes(_BOX).props("role=group") as box:
            box.props["aria-label"] = field.title
            ui.label(title(field)).classes("font-medium")
            if field.description:
                ui.label(field.description).classes("text-sm opacity-80")
            self._fault = fault_line()
            self._draw(fields, values, tools)

    def _draw(self, fields: Sequence[Field], values: Mapping[str, Any], tools: _Tools) -> None:
        for field in fields:
            if field.name not in self._advanced:
                self._add(field, values, tools)
        if self._advanced:
            self._expansion = ui.expansion("Advanced", icon="tune").classes("w-full").props("dense")
            with self._expansion, ui.column().classes("w-full gap-4 py-2"):
                for field in fields:
                    if field.name in self._advanced:
                        self._add(field, values, tools)

    def _add(self, field: Field, values: Mapping[str, Any], tools: _Tools) -> None:
        initial = values.get(field.name, field.default if tools.is_new else None)
        self._inputs[field.name] = tools.draw(field, initial)

    @property
    def value(self) -> Any:
        values = {name: one.value for name, one in self._inputs.items()}
        return {name: value for name, value in values.items() if value is not None} or None

    def find(self, path: Sequence[str]) -> Input | None:
        """Return the input that a problem's path leads to, or the nearest one around it."""
        if not path:
            return self if self._fault is not None else None
        found = self._inputs.get(path[0])
        if found is None:
            return self if self._fault is not None else None
        if path[0] in self._advanced and self._expansion is not None:
            self._expansion.open()
        if isinstance(found, (_Group, _Items)):
            return found.find(path[1:])
        return found

    def fail(self, message: str) -> None:
        if self._fault is not None:
            show_fault(self._fault, message)

    def clear_fault(self) -> None:
        if self._fault is not None:
            show_fault(self._fault, "")
        for one in self._inputs.values():
            one.clear_fault()


class _Items:
    """A list of objects: a group for each, with buttons to add and remove them."""

    def __init__(self, field: Field, initial: Any, tools: _Tools) -> None:
        self._field, self._tools = field, tools
        self._groups: list[_Group] = []
        with ui.column().classes("w-full gap-2"):
            ui.label(title(field)).classes("font-medium")
            if field.description:
                ui.label(field.description).classes("text-sm opacity-80")
            self._fault = fault_line()
            self._place = ui.column().classes("w-full gap-2")
            ui.button(f"Add to {field.title}", icon="add", on_click=lambda: self._add({})).props(
                "flat dense no-caps"
            )
        for item in initial if isinstance(initial, list) else []:
            self._add(item)

    def _add(self, item: Any) -> None:
        with self._place, ui.row().classes("w-full no-wrap items-start gap-1") as line:
            with ui.column().classes(f"{_BOX} grow"):
                group = _Group(self._field.fields, item if isinstance(item, Mapping) else {}, self._tools)
            remove = ui.button(icon="delete").props("flat round dense")
            remove.props["aria-label"] = f"Remove from {self._field.title}"
            remove.on_click(lambda: self._remove(line, group))
        self._groups.append(group)

    def _remove(self, line: ui.row, group: _Group) -> None:
        self._groups.remove(group)
        line.delete()
        self._tools.changed()

    @property
    def value(self) -> Any:
        return [group.value for group in self._groups if group.value is not None] or None

    def find(self, path: Sequence[str]) -> Input | None:
        """Return the input in the item that a path begins with; an empty item doesn't count."""
        filled = [group for group in self._groups if group.value is not None]
        if path and path[0].isdecimal() and int(path[0]) < len(filled):
            return filled[int(path[0])].find(path[1:]) or self
        return self

    def fail(self, message: str) -> None:
        show_fault(self._fault, message)

    def clear_fault(self) -> None:
        show_fault(self._fault, "")
        for group in self._groups:
            group.clear_fault()


def _words(message: str) -> str:
    """Return a problem as a sentence that stands beside its field."""
    return "This field is required" if message == "is missing" else f"{message[:1].upper()}{message[1:]}"


def _parts(path: str) -> list[str]:
    """Return the parts of a JSON path: `questions[0].answer` → questions, 0, answer."""
    return [part for part in path.replace("[]", "").replace("[", ".").replace("]", "").split(".") if part]
