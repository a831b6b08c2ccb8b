"""The inputs of a form, one for each shape of a field. A form (`form.py`) puts them together."""

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from nicegui import ui
from nicegui.elements.mixins.validation_element import ValidationElement

from ...contract import Field
from ..workspace import form_values

Changed = Callable[[], None]
_YES_OR_NO: Final = {"true": "Yes", "false": "No"}
_SEARCHED_FROM: Final = 8  # choices


class Input(Protocol):
    """One field of a form. `value` is what was typed, None if nothing was. `fail` shows what is wrong."""

    @property
    def value(self) -> Any: ...
    def fail(self, message: str) -> None: ...
    def clear_fault(self) -> None: ...


class SecretInput(ui.input):
    """An input whose value is never sent to the browser, not even back to the page that it was typed in."""

    def _value_to_model_value(self, value: Any) -> Any:  # noqa: ARG002
        return ""


class Leaf:
    """An input with one value, or several lines of them. `read` turns what the element holds into it."""

    def __init__(
        self, element: ValidationElement[Any], read: Callable[[Any], Any] = lambda value: value
    ) -> None:
        self.element = element
        self._read = read

    @property
    def value(self) -> Any:
        """What was typed; None if nothing was."""
        return form_values.compact(self._read(self.element.value))

    def set(self, value: Any) -> None:
        """Type a value in for the person."""
        self.element.set_value(value)

    def fail(self, message: str) -> None:
        """Show what is wrong beside the field."""
        self.element.error = message

    def clear_fault(self) -> None:
        """Take back what `fail` showed."""
        self.element.error = None


def leaf(field: Field, initial: Any, changed: Changed) -> Leaf:
    """Draw the input of a field that is neither an object nor a list of objects."""
    made = _element(field, initial)

    def heard() -> None:
        made.clear_fault()
        changed()

    made.element.on_value_change(heard)
    made.element.classes("w-full")
    made.element.props("outlined dense hide-bottom-space")
    if field.description:
        made.element.props["hint"] = field.description
    if field.placeholder:
        made.element.props["placeholder"] = field.placeholder
    if field.required and not isinstance(made.element, ui.select):  # a select's element doesn't allow it
        made.element.props["aria-required"] = "true"
    return made


def _element(field: Field, initial: Any) -> Leaf:
    label = title(field)
    if field.type == "boolean":
        said = None if initial is None else str(initial).lower()
        select = ui.select(
            _YES_OR_NO, label=label, value=said if said in _YES_OR_NO else None, clearable=True
        )
        return Leaf(select, lambda value: None if value is None else value == "true")
    if field.choices:
        return _choice(field, initial, label)
    if field.is_list:
        lines = ui.textarea(label, value=form_values.as_lines(initial)).props("autogrow")
        return Leaf(lines, form_values.from_lines)
    text = "" if initial is None else str(initial)
    if field.secret:
        hidden = SecretInput(label, password=True).props("autocomplete=new-password spellcheck=false")
        return Leaf(hidden)
    if field.multiline:
        return Leaf(ui.textarea(label, value=text).props("autogrow"), _stripped)
    line = ui.input(label, value=text).props("autocomplete=off")
    if field.type in {"integer", "number"}:
        line.props("inputmode=numeric")
    if field.type in {"date", "date-time"}:
        _with_calendar(line, is_time=field.type == "date-time")
    return Leaf(line, _stripped)


def _choice(field: Field, initial: Any, label: str) -> Leaf:
    choices = {choice.value: choice.label for choice in field.choices}
    if field.is_list:
        chosen = [one for one in (initial or []) if one in choices]
        return Leaf(
            ui.select(choices, label=label, value=chosen, multiple=True, clearable=True).props("use-chips")
        )
    known = initial if initial in choices else None
    if known is None and initial is not None and str(initial) in choices:
        known = str(initial)
    if known is None and "" in choices:
        known = ""
    return Leaf(
        ui.select(
            choices,
            label=label,
            value=known,
            clearable="" not in choices,
            with_input=len(choices) > _SEARCHED_FROM,
        )
    )


def title(field: Field) -> str:
    """Return the label of a field; a required one is marked."""
    return f"{field.title} *" if field.required else field.title


def _stripped(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value


def _with_calendar(line: ui.input, *, is_time: bool) -> None:
    """Add a calendar to an input of a date. A time can be typed, or a function such as `~{Now+1d}~`."""

    def pick(day: str | None) -> None:
        if day:
            line.set_value(f"{day}T09:00:00Z" if is_time else day)
            menu.close()

    with line, ui.menu().props("no-parent-event") as menu:
        ui.date(on_change=lambda event: pick(event.value))
    with line.add_slot("append"):
        ui.button(icon="event", on_click=menu.open).props("flat dense round aria-label='Choose a day'")


class Rows:
    """An object that takes any field: rows of a key and a value."""

    def __init__(self, field: Field, initial: Any, changed: Changed) -> None:
        self._changed = changed
        self._rows: list[tuple[ui.input, ui.input]] = []
        with ui.column().classes("w-full gap-2"):
            ui.label(title(field)).classes("font-medium")
            if field.description:
                ui.label(field.description).classes("text-sm opacity-80")
            self._fault = fault_line()
            self._place = ui.column().classes("w-full gap-2")
            ui.button("Add a row", icon="add", on_click=lambda _: self._add()).props("flat dense no-caps")
        for key, value in (initial if isinstance(initial, Mapping) else {}).items():
            self._add(str(key), str(value))

    def _add(self, key: str = "", value: str = "") -> None:
        with self._place, ui.row().classes("w-full items-center no-wrap gap-2") as line:
            pair = (ui.input("Key", value=key), ui.input("Value", value=value))
            for element in pair:
                element.classes("grow").props("outlined dense").on_value_change(self._changed)
            ui.button(icon="delete", on_click=lambda: self._remove(line, pair)).props(
                "flat round dense aria-label='Remove this row'"
            )
        self._rows.append(pair)

    def _remove(self, line: ui.row, pair: tuple[ui.input, ui.input]) -> None:
        self._rows.remove(pair)
        line.delete()
        self._changed()

    @property
    def value(self) -> Any:
        """The rows as an object."""
        return {key.value.strip(): value.value for key, value in self._rows if key.value.strip()} or None

    def fail(self, message: str) -> None:
        """Show what is wrong above the rows."""
        show_fault(self._fault, message)

    def clear_fault(self) -> None:
        """Take back what `fail` showed."""
        show_fault(self._fault, "")


def fault_line() -> ui.label:
    """Draw a hidden line for what is wrong with a group of fields."""
    line = ui.label().classes("text-negative text-sm").props("role=alert")
    line.set_visibility(False)
    return line


def show_fault(line: ui.label, message: str) -> None:
    """Show or hide what is wrong with a group of fields."""
    line.set_text(message)
    line.set_visibility(bool(message))
