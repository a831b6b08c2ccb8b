"""The flow as YAML, with its problems and their lines."""

from typing import TYPE_CHECKING, Any, Final

from nicegui import ui

from .editor_state import Editor

if TYPE_CHECKING:
    from ..flows.problems import FlowProblem

_COLORS: Final = {
    "error": "text-red-700 dark:text-red-300",
    "warning": "text-amber-800 dark:text-amber-300",
}
_IS_DARK: Final = "document.body.classList.contains('body--dark')"
_LABEL: Final = "document.querySelector('.cm-content')?.setAttribute('aria-label', 'YAML of the flow')"


class YamlText:
    """The text editor. `draw` it when it is opened, so that it has the text of the form."""

    def __init__(self, editor: Editor) -> None:
        self._editor = editor
        self._place = ui.column().classes("w-full gap-2")
        self._problems = ui.column().classes("w-full gap-1").props("aria-live=polite")
        self._shown: tuple[FlowProblem, ...] | None = None
        editor.listeners.append(self._show)

    async def draw(self) -> None:
        """Draw it again."""
        is_dark = bool(await ui.run_javascript(_IS_DARK))
        self._place.clear()
        with self._place:
            text = ui.codemirror(
                self._editor.draft.text,
                language="YAML",
                theme="vscodeDark" if is_dark else "vscodeLight",
                indent="  ",
                line_wrapping=True,
            )
            text.classes("w-full border rounded").style("height: 30rem")
            text.on_value_change(self._write)
            ui.timer(0.5, lambda: ui.run_javascript(_LABEL), once=True)
        self._show()

    def _write(self, event: Any) -> None:
        self._editor.write(str(event.value or ""))

    def _show(self) -> None:
        problems = self._editor.draft.problems
        if problems == self._shown:
            return
        self._shown = problems
        self._problems.clear()
        with self._problems:
            if not problems:
                ui.label("No problems.").classes("text-sm opacity-80")
            for problem in problems:
                with ui.row().classes(
                    f"w-full items-start no-wrap gap-2 text-sm {_COLORS[problem.severity]}"
                ):
                    ui.icon("error" if problem.severity == "error" else "warning").classes("mt-0.5")
                    ui.label(f"Line {problem.line}: {problem}").classes("min-w-0 break-words")
