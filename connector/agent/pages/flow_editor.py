"""The editor of a flow: its form beside a drawing, its YAML, and its deployment."""

from typing import Any, Final

from nicegui import ui

from ...errors import ConnectorError
from ..workspace import Workspace, drafts
from ..workspace import draft_edits as edits
from ..workspace.drafts import Opened
from . import drawing, layout
from .acting import carry_out
from .editor_deploy import deploy
from .editor_state import CHECK_S, Editor, dialog
from .editor_step import Steps
from .editor_trigger import trigger
from .editor_yaml import YamlText
from .parts import heading

_STICKY: Final = "sticky top-[49px] z-10 bg-[#ffffff] dark:bg-[#121212]"
# What sticks must stick in the page: a panel that scrolls, as Quasar's do, would be its own place for it.
_IN_PAGE: Final = "overflow-visible [&>.q-panel]:overflow-visible"
_BESIDE: Final = "lg:sticky lg:top-[7rem] lg:max-h-[calc(100vh-8rem)] overflow-auto"
_ASK: Final = "window.onbeforeunload = {}"
_BY_HAND: Final = (
    "This flow was written by hand. If you change it in the form, its text is rewritten, without comments "
    "and without what the form can't read."
)
_UNREADABLE: Final = "The text can't be read as a flow, so there is no form for it. Repair it as YAML first."


def register(workspace: Workspace) -> None:
    """Add the pages. That of new flows is none of `/flows/…`, since a flow may have any name."""

    @ui.page("/new-flow")
    async def new_flow(template: str = "", trigger: str = "") -> None:
        person = layout.person()
        with layout.frame(workspace, "New process flow", section="Process flows"):
            _, opened = await carry_out(
                drafts.open_new, workspace, person, template=template, trigger=trigger, show=_not_found
            )
            if opened is not None:
                _Page(Editor(workspace, person, opened))

    @ui.page("/flows/{name}/edit")
    async def edit_flow(name: str) -> None:
        person = layout.person()
        with layout.frame(workspace, f"Edit {name}", section="Process flows"):
            _, opened = await carry_out(drafts.open_flow, workspace, person, name, show=_not_found)
            if opened is not None:
                _Page(Editor(workspace, person, opened))


def _not_found(error: ConnectorError) -> None:
    ui.label(f"{error.message} {error.fix}".rstrip()).props("role=alert").classes("break-words")
    ui.link("Process flows", "/flows")


class _Page:
    """The page of one editor."""

    def __init__(self, editor: Editor) -> None:
        self._editor = editor
        self._asks = False
        self._form_text = ""
        self._toolbar()
        self._notices()
        with ui.tab_panels(self._tabs, value="Form", animated=False).classes(
            f"w-full bg-transparent {_IN_PAGE}"
        ):
            with ui.tab_panel("Form").classes("p-0"):
                self._form_place = ui.element("div").classes(
                    "w-full grid gap-4 items-start "
                    "lg:grid-cols-[minmax(0,1fr)_14rem] xl:grid-cols-[minmax(0,1fr)_20rem]"
                )
            with ui.tab_panel("YAML").classes("p-0"):
                self._yaml = YamlText(editor)
        self._tabs.on_value_change(self._switch)
        self._draw_form()
        editor.on_change = self._changed
        editor.listeners.append(self._show)
        ui.timer(CHECK_S, self._tick)

    def _toolbar(self) -> None:
        with ui.row().classes(f"w-full items-center gap-1 sm:gap-2 py-1 {_STICKY}"):
            with ui.tabs().props("dense no-caps inline-label align=left") as self._tabs:
                self._tabs.classes("max-sm:[&_i]:hidden")
                ui.tab("Form", icon="edit_note")
                ui.tab("YAML", icon="code")
            ui.space()
            self._state = ui.label().classes(
                "text-sm opacity-80 max-sm:order-last max-sm:w-full empty:hidden"
            )
            self._state.props("role=status")
            self._discard = ui.button(icon="undo", on_click=self._ask_to_discard)
            self._discard.props("flat no-caps").props["aria-label"] = "Discard changes"
            with self._discard.classes("px-2"):
                ui.label("Discard changes").classes("ml-2 max-sm:hidden")
            ui.button("Deploy", icon="rocket_launch", on_click=self._deploy).props("no-caps").classes(
                "max-sm:px-3"
            )

    def _notices(self) -> None:
        opened = self._editor.opened
        self._restored = _notice("Your changes from before are shown. They aren't deployed.")
        self._restored.set_visibility(opened.is_restored)
        self._by_hand = _notice(_BY_HAND)
        self._elsewhere = (
            ui.column().classes("w-full gap-1 text-red-700 dark:text-red-300").props("role=alert")
        )
        self._others: list[str] = []

    def _draw_form(self) -> None:
        editor = self._editor
        self._form_text = editor.draft.text
        self._form_place.clear()
        editor.forget_entries("")
        with self._form_place:
            if not editor.draft.is_readable:
                ui.label(_UNREADABLE)
                return
            with ui.column().classes("w-full gap-4 min-w-0"):
                _head(editor)
                trigger(editor)
                Steps(editor)
            with ui.card().classes(f"w-full {_BESIDE}").props("flat bordered"):
                heading("Drawing")
                self._drawing = drawing.draw(editor.flow)
        editor.show_problems()

    async def _switch(self, event: Any) -> None:
        if event.value == "YAML":
            await self._yaml.draw()
        elif self._editor.draft.text != self._form_text:
            self._draw_form()
        self._show()

    async def _tick(self) -> None:
        await self._editor.tick()
        if self._asks != self._editor.has_changes:
            self._asks = self._editor.has_changes
            ui.run_javascript(_ASK.format("event => event.preventDefault()" if self._asks else "null"))

    def _changed(self) -> None:
        self._state.text = "Keeping…"

    def _show(self) -> None:
        """Show what changed since the last check, except in fields that a person types in."""
        editor = self._editor
        is_form = self._tabs.value == "Form"
        if is_form:
            self._form_text = editor.draft.text
        if is_form and editor.draft.is_readable:
            content = drawing.mermaid(editor.flow)
            if content != self._drawing.content:
                self._drawing.content = content
        self._state.text = " · ".join(filter(None, (self._kept(), self._wrong(is_form=is_form))))
        self._discard.set_visibility(editor.has_changes)
        self._by_hand.set_visibility(is_form and editor.draft.is_readable and editor.draft.is_by_hand)
        found = editor.elsewhere() if is_form else []
        if found != self._others:
            self._others = found
            self._elsewhere.clear()
            with self._elsewhere:
                for text in found:
                    ui.label(text).classes("text-sm break-words")

    def _kept(self) -> str:
        if self._editor.has_changes:
            return "Draft kept"
        return "No changes" if self._editor.opened.name else ""

    def _wrong(self, *, is_form: bool) -> str:
        editor = self._editor
        count = len(editor.draft.errors) + len(editor.unread)
        shown = editor.shown_errors if is_form else count
        return f"{shown} to repair" if shown else "Not complete yet" if count else ""

    async def _deploy(self) -> None:
        before = self._editor.opened
        await deploy(self._editor, reload=self._load)
        if self._editor.opened is not before:
            ui.navigate.history.replace(f"/flows/{self._editor.opened.name}/edit")
            self._restored.set_visibility(False)
            if self._tabs.value == "Form":
                self._draw_form()
            await self._editor.check()

    async def _ask_to_discard(self) -> None:
        title = "Discard your changes?"
        with dialog(title) as asking, ui.card():
            heading(title)
            with ui.row().classes("w-full justify-end"):
                ui.button("Keep them", on_click=lambda: asking.submit(False)).props("flat no-caps")
                ui.button("Discard", on_click=lambda: asking.submit(True)).props("no-caps color=negative")
        if await asking:
            editor = self._editor
            done, opened = await carry_out(drafts.begin_again, editor.workspace, editor.person, editor.opened)
            if done and opened:
                await self._begin(opened)

    async def _load(self, text: str, version: int) -> None:
        """Begin again with a version that somebody else deployed."""
        opened = self._editor.opened
        await self._begin(Opened(opened.key, opened.name, version, text, drafts.read(text)))

    async def _begin(self, opened: Opened) -> None:
        editor = self._editor
        editor.opened = opened
        editor.unread.clear()
        editor.draft = editor.opened.draft
        self._restored.set_visibility(False)
        self._draw_form()
        if self._tabs.value == "YAML":
            await self._yaml.draw()


def _notice(text: str) -> ui.row:
    with ui.row().classes("w-full items-center no-wrap rounded px-4 py-2") as row:
        row.classes("bg-blue-50 text-blue-900 dark:bg-blue-950 dark:text-blue-100")
        ui.icon("info")
        ui.label(text)
    return row


def _head(editor: Editor) -> None:
    """Add the name, the title and the description."""
    flow = editor.flow
    with ui.card().classes("w-full gap-3").props("flat bordered"):
        with ui.row().classes("w-full gap-2 sm:flex-nowrap items-start"):
            with ui.column().classes("w-full gap-0"):
                name = ui.input("Name", value=flow.name, placeholder="new-booking-to-chat")
                name.props("dense outlined autocomplete=off").classes("w-full")
                if editor.opened.name and flow.name == editor.opened.name:
                    name.props("readonly")
                name.on("blur", lambda: editor.leave("name"))
                editor.problem("name")
            with ui.column().classes("w-full gap-0"):
                title = ui.input("Title", value=flow.title).props("dense outlined").classes("w-full")
                editor.problem("title")
        with ui.column().classes("w-full gap-0"):
            text = ui.textarea("Description", value=flow.description).props("dense outlined autogrow rows=1")
            text.classes("w-full")
            editor.problem("description")

    def rename() -> None:
        editor.entry("name", "")
        editor.change(lambda flow: edits.renamed(flow, name=str(name.value or "").strip()))

    name.on_value_change(rename)
    title.on_value_change(
        lambda event: editor.change(lambda flow: edits.renamed(flow, title=str(event.value or "")))
    )
    text.on_value_change(
        lambda event: editor.change(lambda flow: edits.renamed(flow, description=str(event.value or "")))
    )
