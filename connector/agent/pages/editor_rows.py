"""Rows of key and value: the action filter of a step, or the filters of a trigger."""

from collections.abc import Callable
from typing import cast

from nicegui import ui

from ..flows.model import Flow, Row
from ..workspace import choices, draft_edits
from ..workspace.choices import Choices
from .acting import carry_out
from .editor_state import Editor
from .suggest import Suggest


class Rows:
    """The rows of a step, or of the trigger (None). They are drawn again only when their number changes."""

    def __init__(self, editor: Editor, step: int | None) -> None:
        self._editor, self._step = editor, step
        self._path = "trigger.filters" if step is None else f"steps[{step}].filter"
        self._hints: list[ui.label] = []
        self._keys: list[Suggest] = []
        self._place = ui.column().classes("w-full gap-2")
        editor.problem(self._path)
        ui.button("Add row", icon="add", on_click=self.add).props("flat dense no-caps").classes("self-start")
        self.draw()

    def _rows(self) -> tuple[Row, ...]:
        flow = self._editor.flow
        return flow.trigger.filters if self._step is None else flow.steps[self._step].call.rows

    def _set(self, change: Callable[[tuple[Row, ...]], tuple[Row, ...]]) -> None:
        def edit(flow: Flow) -> Flow:
            rows = change(self._rows())
            if self._step is None:
                return draft_edits.with_trigger(flow, filters=rows)
            return draft_edits.with_call(flow, self._step, rows=rows)

        self._editor.change(edit)

    def add(self) -> None:
        """Add an empty row, with the cursor in its key."""
        self._set(lambda rows: (*rows, ("", "")))
        self.draw()
        self._keys[-1].focus()

    def offer_required(self) -> None:
        """Add rows for the required inputs, if there are no rows yet."""
        fields = choices.fields_at(self._editor.workspace, self._editor.flow, self._step)
        required = tuple((choices.key_of(field), "") for field in fields if field.required)
        if required and not self._rows():
            self._set(lambda _rows: required)
        self.draw()

    def draw(self) -> None:
        """Draw the rows."""
        self._place.clear()
        self._hints.clear()
        self._keys.clear()
        with self._place:
            for number, (key, value) in enumerate(self._rows()):
                self._row(number, key, draft_edits.shown(value))
        self._editor.show_problems()

    def _row(self, number: int, key: str, value: str) -> None:
        name = f"row {number + 1}"
        with ui.column().classes("w-full gap-0"):
            with ui.row().classes("w-full items-center gap-2 sm:flex-nowrap"):
                with ui.element("div").classes("w-full sm:w-5/12 shrink-0"):
                    self._keys.append(
                        Suggest(
                            f"Key of {name}",
                            key,
                            self._look_keys,
                            lambda text: self._change_key(number, text),
                        )
                    )
                with ui.row().classes("w-full items-center no-wrap gap-2"):
                    field = Suggest(
                        f"Value of {name}",
                        value,
                        lambda text, is_search, page: self._look_values(number, text, is_search, page),
                        lambda text: self._set(lambda rows: draft_edits.with_row(rows, number, text=text)),
                    )
                    field.input.on("blur", lambda: self._editor.leave(f"{self._path}[{number}]"))
                    button = ui.button(icon="delete", on_click=lambda: self._remove(number))
                    button.props("flat round dense").props["aria-label"] = f"Remove {name}"
            self._hints.append(ui.label().classes("text-xs px-1 opacity-80"))
            self._editor.problem(f"{self._path}[{number}]")
        self._show_hint(number)

    def _change_key(self, number: int, text: str) -> None:
        self._set(lambda rows: draft_edits.with_row(rows, number, key=text))
        self._show_hint(number)

    def _show_hint(self, number: int) -> None:
        fields = choices.fields_at(self._editor.workspace, self._editor.flow, self._step)
        field = choices.field_of(fields, self._rows()[number][0])
        self._hints[number].text = choices.describe_field(field) if field else ""

    def _remove(self, number: int) -> None:
        self._set(lambda rows: draft_edits.without(rows, number))
        self._editor.forget_entries(f"{self._path}[")
        self.draw()

    async def _look_keys(self, text: str, is_search: bool, _page: str | None) -> Choices:
        fields = choices.fields_at(self._editor.workspace, self._editor.flow, self._step)
        return choices.keys(fields, text if is_search else "", [key for key, _ in self._rows()])

    async def _look_values(self, number: int, text: str, is_search: bool, page: str | None) -> Choices | None:
        _, found = await carry_out(
            choices.values,
            self._editor.workspace,
            self._editor.flow,
            self._step,
            number,
            text,
            is_search=is_search,
            page=page,
        )
        return cast("Choices | None", found)
