"""The part of the editor about the steps: a card for each."""

from collections.abc import Callable
from typing import Final, cast

from nicegui import ui

from ...contract import Connector
from ..flows import check
from ..flows.model import Step
from ..workspace import choices, draft_edits
from ..workspace.choices import Choices
from .acting import carry_out
from .editor_more import more
from .editor_rows import Rows
from .editor_state import Editor
from .editor_trial import trial
from .editor_trigger import application
from .parts import heading
from .suggest import Suggest

_FOCUS: Final = "getHtmlElement({})?.focus()"


class Steps:
    """The steps. They are drawn again only when one is added, removed or moved."""

    def __init__(self, editor: Editor) -> None:
        self._editor = editor
        self._buttons: dict[tuple[int, int], ui.button] = {}
        self._place = ui.column().classes("w-full gap-4")
        editor.problem("steps")
        ui.button("Add step", icon="add", on_click=self._add).props("outline no-caps")
        self.draw()

    def draw(self) -> None:
        """Draw the steps."""
        self._place.clear()
        self._buttons.clear()
        self._editor.forget_entries("steps[")
        with self._place:
            for number, step in enumerate(self._editor.flow.steps):
                self._card(number, step)
        self._editor.show_problems()

    def _add(self) -> None:
        self._editor.change(draft_edits.add_step)
        self.draw()
        last = len(self._editor.flow.steps) - 1
        self._focus(last, 0)

    def _move(self, number: int, by: int) -> None:
        target = number + by
        if not 0 <= target < len(self._editor.flow.steps):
            return
        self._editor.change(lambda flow: draft_edits.move_step(flow, number, by))
        self.draw()
        self._focus(target, by)

    def _remove(self, number: int) -> None:
        step = self._editor.flow.steps[number]
        self._editor.change(lambda flow: draft_edits.remove_step(flow, number))
        self.draw()
        with self._place:
            ui.notify(f"{step.id or 'The step'} is removed.")

    def _focus(self, number: int, by: int) -> None:
        """Put the cursor on a button of a step: the button that was pressed is gone."""
        with self._place:
            ui.run_javascript(_FOCUS.format(self._buttons[number, by].id))

    def _card(self, number: int, step: Step) -> None:
        name = f"step {number + 1}"
        with (
            ui.card()
            .classes("w-full gap-3")
            .props(f"flat bordered role=group aria-label='Step {number + 1}'")
        ):
            with ui.row().classes("w-full items-center gap-1"):
                ui.label(f"Step {number + 1}").classes("text-lg font-medium").props(
                    "role=heading aria-level=2"
                )
                ui.space()
                self._button(number, -1, "arrow_upward", f"Move {name} up", lambda: self._move(number, -1))
                self._button(number, 1, "arrow_downward", f"Move {name} down", lambda: self._move(number, 1))
                self._button(number, 0, "delete", f"Remove {name}", lambda: self._remove(number))
            self._editor.problem(f"steps[{number}]")
            _body(self._editor, number, step)

    def _button(self, number: int, by: int, icon: str, label: str, act: Callable[[], None]) -> None:
        button = ui.button(icon=icon, on_click=act).props("flat round dense")
        button.props["aria-label"] = label
        self._buttons[number, by] = button


def _body(editor: Editor, number: int, step: Step) -> None:
    path = f"steps[{number}]"
    with ui.column().classes("w-full gap-0"):
        field = (
            ui.input("Id", value=step.id).props("dense outlined autocomplete=off").classes("w-full sm:w-1/2")
        )
        field.on_value_change(
            lambda event: editor.change(
                lambda flow: draft_edits.with_step(flow, number, id=str(event.value or "").strip())
            )
        )
        field.on("blur", lambda: editor.leave(f"{path}.id"))
        editor.problem(f"{path}.id")
    call = _Call(editor, number)
    application(editor, number, "Destination application", call.show)
    call.draw()
    if step.undo:
        ui.label(
            f"If a later step compensates, {step.undo.action} undoes this one. Edit that as YAML."
        ).classes("text-sm opacity-80")
        editor.problem(f"{path}.undo")
    more(editor, number)
    trial(editor, number)


class _Call:
    """The schema, the action and its rows."""

    def __init__(self, editor: Editor, number: int) -> None:
        self._editor, self._number = editor, number
        self._schema = ""
        self._help: ui.label | None = None
        self._rows: Rows | None = None

    def draw(self) -> None:
        """Add the fields."""
        number, editor = self._number, self._editor
        action = editor.flow.steps[number].call.action
        found = self._found()
        self._schema = choices.schema_of(found) if found else ""
        with ui.element("div").classes("w-full grid gap-2 sm:grid-cols-2 items-start"):
            with ui.element("div").classes("min-w-0"):
                schema = Suggest("Schema", self._schema, self._look_schemas, self._set_schema)
            with ui.column().classes("gap-0 min-w-0"):
                chosen = Suggest("Action", action, self._look_actions, self._set_action, on_pick=self._picked)
                chosen.input.on("blur", lambda: editor.leave(f"steps[{number}].action"))
                self._help = ui.label().classes("text-xs px-1 opacity-80")
                editor.problem(f"steps[{number}].action")
        self._schema_field, self._action_field = schema, chosen
        with ui.column().classes("w-full gap-1"):
            heading("Action filter", level=3)
            self._rows = Rows(editor, number)
        self.show()

    def _found(self) -> str:
        """Return the id of the action, "" if there is none."""
        flow = self._editor.flow
        connector = self._connector()
        action = check.find_action(connector.actions(), flow.steps[self._number].call) if connector else None
        return action.id if action else ""

    def _connector(self) -> Connector | None:
        name = draft_edits.connection_at(self._editor.flow, self._number).connector
        return self._editor.workspace.connectors.get(name)

    def show(self) -> None:
        """Show what the action does."""
        connector, found = self._connector(), self._found()
        if self._help is not None:
            self._help.text = choices.describe(connector.actions()[found]) if connector and found else ""

    def _set_schema(self, text: str) -> None:
        self._schema = text.strip()

    def _set_action(self, text: str) -> None:
        self._editor.change(lambda flow: draft_edits.with_call(flow, self._number, action=text.strip()))
        self.show()

    def _picked(self, action: str) -> None:
        if not self._schema:
            self._schema_field.input.value = choices.schema_of(action)
        if self._rows is not None:
            self._rows.offer_required()

    async def _look_schemas(self, text: str, is_search: bool, _page: str | None) -> Choices:
        connector = self._connector()
        if connector is None:
            return Choices((), "Choose the destination application first.")
        return choices.schemas(connector, text if is_search else "")

    async def _look_actions(self, text: str, is_search: bool, _page: str | None) -> Choices | None:
        connector = self._connector()
        if connector is None:
            return Choices((), "Choose the destination application first.")
        wanted = text if is_search else ""
        _, found = await carry_out(choices.actions, connector, self._schema, wanted)
        return cast("Choices | None", found)
