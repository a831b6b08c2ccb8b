"""A text field that offers things while a person types. Any text may be typed, and none gets lost.

The field is never sent to the browser again while a person types in it: the list, its state for screen
readers and the problems beside the field are elements of their own.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from nicegui import ui
from nicegui.events import ValueChangeEventArguments

from ..workspace.choices import Choices

if TYPE_CHECKING:
    from ..workspace.completions import Suggestion

_PAUSE_S: Final = 0.15
_ACTIVE: Final = "bg-blue-100 dark:bg-blue-900"

Look = Callable[[str, bool, str | None], Awaitable[Choices | None]]
"""Returns what to offer for a text; whether it was typed just now, to search for it; and the page."""


class Suggest:
    """The field. `on_change` gets each text, and `on_pick` what was chosen from the list."""

    def __init__(
        self,
        label: str,
        value: str,
        look: Look,
        on_change: Callable[[str], None],
        *,
        on_pick: Callable[[str], None] | None = None,
        placeholder: str = "",
    ) -> None:
        self._look, self._on_change, self._on_pick = look, on_change, on_pick
        self._turn = 0
        self._active = -1
        self._found: list[Suggestion] = []
        self._items: list[ui.item] = []
        self._next_page: str | None = None
        self._picked = ""  # what was chosen last
        with ui.element("div").classes("relative w-full grow min-w-0"):
            self.input = ui.input(label, value=value, placeholder=placeholder, on_change=self._changed)
            self.input.on_value_change(self._offer_later)
            self.input.props("dense outlined autocomplete=off spellcheck=false aria-autocomplete=list")
            self.input.classes("w-full")
            with self.input.add_slot("append"):
                button = ui.button(icon="arrow_drop_down", on_click=self._toggle)
                button.props("flat dense round size=sm tabindex=-1").props["aria-label"] = (
                    f"Choices for {label}"
                )
            with ui.menu().props(
                "no-parent-event no-focus no-refocus fit max-height=340px role=group"
            ) as self._menu:
                self._list = (
                    ui.element("div")
                    .props("role=listbox tabindex=0")
                    .classes("min-w-[16rem] max-w-[32rem] max-h-72 overflow-y-auto")
                )
                self._list.props["aria-label"] = f"Choices for {label}"
                self._note = ui.label().classes("px-4 py-2 text-sm")
            self._status = ui.label().classes("sr-only").props("role=status")
        self.input.on("keydown.down.prevent", lambda: self._step(1))
        self.input.on("keydown.up.prevent", lambda: self._step(-1))
        self.input.on("keydown.enter.prevent", self._enter)
        self.input.on("keydown.esc", self._close)
        self.input.on("keydown.tab", self._close)

    @property
    def text(self) -> str:
        """What the field contains."""
        return str(self.input.value or "")

    def focus(self) -> None:
        """Put the cursor into the field."""
        self.input.run_method("focus")

    def _changed(self, event: ValueChangeEventArguments[str | None]) -> None:
        self._on_change(str(event.value or ""))

    async def _offer_later(self) -> None:
        """Offer what fits, once the person pauses; nothing for a text that was just chosen."""
        self._turn += 1
        turn = self._turn
        await asyncio.sleep(_PAUSE_S)
        if turn == self._turn and self.text != self._picked and not self.input.is_deleted:
            await self._offer(is_search=True)

    async def _toggle(self) -> None:
        if self._menu.value:
            self._close()
        else:
            self.focus()
            await self._offer(is_search=False)

    async def _step(self, by: int) -> None:
        if not self._menu.value:
            await self._offer(is_search=False)
        elif self._items:
            self._activate((self._active + by) % len(self._items))

    async def _enter(self) -> None:
        if self._menu.value and 0 <= self._active < len(self._items):
            await self._pick(self._active)

    def _close(self) -> None:
        self._turn += 1
        self._menu.close()

    async def _offer(self, *, is_search: bool, page: str | None = None) -> None:
        self._turn += 1
        turn = self._turn
        found = await self._look(self.text, is_search, page)
        if found is None or turn != self._turn or self.input.is_deleted:
            return
        if page is None:
            self._found.clear()
        first = len(self._found)
        self._found += found.items
        self._next_page = found.next_page
        if is_search and [one.text for one in self._found] == [self.text]:
            self._menu.close()  # it is written already
            return
        self._show(found.note)
        if self._items:
            self._activate(self._chosen(first))
        if self._found or found.note:
            self._menu.open()
        else:
            self._menu.close()

    def _chosen(self, first: int) -> int:
        """Return the number of what the field contains, else the first of what was found now."""
        return next((n for n, one in enumerate(self._found) if first <= n and one.text == self.text), first)

    def _show(self, note: str) -> None:
        self._list.clear()
        self._items.clear()
        with self._list:
            for number, one in enumerate(self._found):
                self._add(number, one.label, one.detail)
            if self._next_page:
                self._add(len(self._found), "More…", "")
        self._list.set_visibility(bool(self._items))
        self._note.text = note
        self._note.set_visibility(bool(note))
        count = len(self._found)
        self._status.text = note or f"{count} choice{'' if count == 1 else 's'}."

    def _add(self, number: int, label: str, detail: str) -> None:
        item = ui.item(on_click=lambda: self._click(number)).props("clickable dense role=option tabindex=-1")
        with item, ui.item_section():
            ui.item_label(label).classes("break-all")
            if detail and detail != label:
                ui.item_label(detail).classes("text-xs opacity-80 break-words")
        self._items.append(item)

    def _activate(self, number: int) -> None:
        if 0 <= self._active < len(self._items):
            self._items[self._active].classes(remove=_ACTIVE).props("aria-selected=false")
        self._active = number
        item = self._items[number].classes(_ACTIVE).props("aria-selected=true")
        if number < len(self._found):
            self._status.text = self._found[number].label
        ui.run_javascript(f"getHtmlElement({item.id})?.scrollIntoView({{block: 'nearest'}})")

    async def _click(self, number: int) -> None:
        await self._pick(number)
        self.focus()  # a click took it away; a key didn't, and then the person may be elsewhere already

    async def _pick(self, number: int) -> None:
        if number == len(self._found):
            await self._offer(is_search=False, page=self._next_page)
            return
        text = self._found[number].text
        self._close()
        self._picked = text
        self.input.value = text
        if self._on_pick:
            self._on_pick(text)
