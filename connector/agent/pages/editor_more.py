"""The closed part of a step: conditions, lists, errors, and how much of a list to read."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final, cast, get_args

from nicegui import ui

from ..flows import file
from ..flows.model import Condition, Operator, Retry, Step
from ..workspace import choices, draft_edits
from ..workspace.choices import Choices
from .acting import carry_out
from .editor_state import Editor
from .editor_trigger import LENGTH
from .suggest import Suggest

_OPERATORS: Final = {name: name.replace("_", " ") for name in get_args(Operator)}
_THEN: Final = {
    "stop": "Stop the run",
    "continue": "Continue with the next step",
    "compensate": "Undo the finished steps",
}


def more(editor: Editor, number: int) -> None:
    """Add the part."""
    step = editor.flow.steps[number]
    is_used = step != Step(step.id, replace(step.call, limit=None, all_pages=False), undo=step.undo) or (
        step.call.limit or step.call.all_pages
    )
    title = "More: conditions, lists, errors" + (" (in use)" if is_used else "")
    with ui.expansion(title).classes("w-full").props("dense"), ui.column().classes("w-full gap-4 pt-2"):
        _Conditions(editor, number)
        _list(editor, number)
        _errors(editor, number)


class _Conditions:
    """The conditions, all of which must hold."""

    def __init__(self, editor: Editor, number: int) -> None:
        self._editor, self._number = editor, number
        _heading("Run only if")
        self._place = ui.column().classes("w-full gap-2")
        editor.problem(f"steps[{number}].when")
        ui.button("Add condition", icon="add", on_click=self._add).props("flat dense no-caps").classes(
            "self-start"
        )
        self._draw()

    def _set(self, change: Callable[[tuple[Condition, ...]], tuple[Condition, ...]]) -> None:
        self._editor.change(
            lambda flow: draft_edits.with_step(
                flow, self._number, conditions=change(flow.steps[self._number].conditions)
            )
        )

    def _add(self) -> None:
        self._set(lambda known: (*known, Condition("", "is", "")))
        self._draw().focus()

    def _draw(self) -> Suggest:
        self._place.clear()
        fields: list[Suggest] = []
        with self._place:
            for row, condition in enumerate(self._editor.flow.steps[self._number].conditions):
                fields.append(self._condition(row, condition))
        self._editor.show_problems()
        return fields[-1] if fields else cast("Suggest", None)

    def _condition(self, row: int, condition: Condition) -> Suggest:
        def change(**parts: Any) -> None:
            self._set(lambda known: draft_edits.with_item(known, row, replace(known[row], **parts)))

        def change_operator(event: Any) -> None:
            operator = str(event.value)
            change(operator=operator, operand=draft_edits.operand(other.text, operator))

        def operator() -> str:
            return self._editor.flow.steps[self._number].conditions[row].operator

        name = f"condition {row + 1}"
        with ui.column().classes("w-full gap-0"):
            with ui.row().classes("w-full items-start no-wrap gap-2"):
                with ui.element("div").classes("grow min-w-0 grid gap-2 sm:grid-cols-[11rem_minmax(0,1fr)]"):
                    with ui.element("div").classes("sm:col-span-2 min-w-0"):
                        value = Suggest(
                            f"Value of {name}",
                            draft_edits.shown(condition.value),
                            self._look,
                            lambda text: change(value=draft_edits.entered(text, None)),
                        )
                    choice = ui.select(_OPERATORS, label=f"Test of {name}", value=condition.operator)
                    choice.props("dense outlined").on_value_change(change_operator)
                    other = Suggest(
                        f"Compared with, {name}",
                        draft_edits.operand_shown(condition),
                        self._look,
                        lambda text: change(operand=draft_edits.operand(text, operator())),
                    )
                button = ui.button(icon="delete", on_click=lambda: self._remove(row)).props(
                    "flat round dense"
                )
                button.props["aria-label"] = f"Remove {name}"
            self._editor.problem(f"steps[{self._number}].when[{row}]")
        value.input.on("blur", lambda: self._editor.leave(f"steps[{self._number}].when[{row}]"))
        return value

    def _remove(self, row: int) -> None:
        self._set(lambda known: draft_edits.without(known, row))
        self._draw()

    async def _look(self, text: str, _is_search: bool, _page: str | None) -> Choices | None:
        if text and "~{" not in text:
            return Choices()
        _, found = await carry_out(
            choices.references, self._editor.workspace, self._editor.flow, self._number, text
        )
        return cast("Choices | None", found)


def _list(editor: Editor, number: int) -> None:
    step, path = editor.flow.steps[number], f"steps[{number}]"

    async def look(text: str, _is_search: bool, _page: str | None) -> Choices | None:
        _, found = await carry_out(choices.lists, editor.workspace, editor.flow, number, text)
        return cast("Choices | None", found)

    def change_step(**changes: Any) -> None:
        editor.change(lambda flow: draft_edits.with_step(flow, number, **changes))

    _heading("Lists")
    with ui.column().classes("w-full gap-0"):
        Suggest("For each item of", step.for_each, look, lambda text: change_step(for_each=text.strip()))
        editor.problem(f"{path}.for_each")
    with ui.row().classes("w-full gap-2 items-start"):
        _number(
            editor, f"{path}.at_once", "At once", step.at_once, lambda found: change_step(at_once=found or 1)
        )
        _number(
            editor,
            f"{path}.limit",
            "Most records",
            step.call.limit,
            lambda found: editor.change(lambda flow: draft_edits.with_call(flow, number, limit=found)),
        )
        switch = ui.switch("Read all pages", value=step.call.all_pages)
        switch.on_value_change(
            lambda event: editor.change(
                lambda flow: draft_edits.with_call(flow, number, all_pages=bool(event.value))
            )
        )
    editor.problem(f"{path}.all_pages")


def _errors(editor: Editor, number: int) -> None:
    step, path = editor.flow.steps[number], f"steps[{number}]"

    def change(**changes: Any) -> None:
        editor.change(lambda flow: draft_edits.with_step(flow, number, **changes))

    def retry(**changes: Any) -> None:
        editor.change(
            lambda flow: draft_edits.with_step(flow, number, retry=_retry(flow.steps[number].retry, changes))
        )

    _heading("If it fails")
    with ui.row().classes("w-full gap-2 items-start"):
        _number(
            editor,
            f"{path}.retries",
            "Tries again",
            step.retry.times or None,
            lambda found: retry(times=found or 0),
        )
        _length(
            editor, f"{path}.wait", "After", step.retry.wait_s, lambda length: retry(wait_s=length or 10.0)
        )
        then = ui.select(_THEN, label="Then", value=step.then).props("dense outlined").classes("w-64")
        then.on_value_change(lambda event: change(then=event.value))
        _length(
            editor, f"{path}.timeout", "Time-out", step.timeout_s, lambda length: change(timeout_s=length)
        )
    editor.problem(f"{path}.on_error")


def _retry(before: Retry, changes: dict[str, Any]) -> Retry:
    return replace(before, **changes)


def _heading(text: str) -> None:
    ui.label(text).classes("font-medium").props("role=heading aria-level=3")


def _number(
    editor: Editor, path: str, label: str, value: int | None, change: Callable[[int | None], None]
) -> None:
    """Add a field for a whole number; an empty one means the usual."""
    with ui.column().classes("gap-0"):
        field = ui.input(label, value="" if value is None else str(value)).props(
            "dense outlined inputmode=numeric"
        )
        field.classes("w-28")
        editor.problem(path)

    def changed() -> None:
        text = str(field.value or "").strip()
        is_valid = not text or (text.isascii() and text.isdecimal() and int(text) > 0 and len(text) < 8)  # noqa: PLR2004
        editor.entry(path, "" if is_valid else "It must be a whole number.")
        if is_valid:
            change(int(text) if text else None)

    field.on_value_change(changed)


def _length(
    editor: Editor, path: str, label: str, value: float | None, change: Callable[[float | None], None]
) -> None:
    """Add a field for a length of time; an empty one means the usual."""
    with ui.column().classes("gap-0"):
        field = ui.input(label, value=file.duration(value or 0.0), placeholder="10s").props("dense outlined")
        field.classes("w-24")
        editor.problem(path)

    def changed() -> None:
        text = str(field.value or "").strip()
        is_valid = not text or bool(LENGTH.fullmatch(text))
        editor.entry(path, "" if is_valid else "It must be a length of time such as 30s, 5m or 1h.")
        if is_valid:
            change(file.seconds(text) if text else None)

    field.on_value_change(changed)
