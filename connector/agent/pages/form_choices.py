"""The choices of a field that aren't known in advance: a dialog that searches them in the application."""

import logging
from collections.abc import Callable, Mapping
from typing import Any, Final

from nicegui import run, ui

from ...contract import Field, Option, OptionPage
from ...errors import ConnectorError
from .form_inputs import Leaf

Options = Callable[[str, Mapping[str, Any], str, str | None], OptionPage]
"""Returns choices of a field, by its path, the values of the form, a search text and a page. It blocks."""

_PAUSE_MS: Final = 300
_LOGGER: Final = logging.getLogger("calendly_connector.agent")


def add_choices(field: Field, leaf: Leaf, options: Options, values: Callable[[], Mapping[str, Any]]) -> None:
    """Add a button to an input that opens a searchable list of its choices. A value can still be typed."""

    def take(option: Option) -> None:
        if field.is_list:
            typed = str(leaf.element.value or "").strip()
            leaf.set(f"{typed}\n{option.value}" if typed else option.value)
        else:
            leaf.set(option.value)
            leaf.element.props["hint"] = f"{option.label}. {field.description}".strip()

    with leaf.element.add_slot("append"):
        button = ui.button(icon="manage_search").props("flat dense round")
        button.props["aria-label"] = f"Choose: {field.title}"
    button.on("click", lambda: _Dialog(field, options, values, take).open())


class _Dialog:
    """The list with its search. It ends when something is chosen."""

    def __init__(
        self,
        field: Field,
        options: Options,
        values: Callable[[], Mapping[str, Any]],
        take: Callable[[Option], None],
    ) -> None:
        self._field, self._options, self._values, self._take = field, options, values, take
        self._asked = 0
        self._dialog = ui.dialog().props("transition-duration=0")
        self._dialog.props["aria-label"] = f"Choose: {field.title}"
        with self._dialog, ui.card().classes("w-full max-w-lg"):
            ui.label(f"Choose: {field.title}").classes("text-lg font-medium").props(
                "role=heading aria-level=2"
            )
            self._search = ui.input("Search", on_change=lambda _: self._load()).classes("w-full")
            self._search.props(f"outlined dense autofocus clearable debounce={_PAUSE_MS}")
            self._place = ui.column().classes("w-full gap-0 max-h-96 overflow-y-auto").props("role=status")
            ui.button("Cancel", on_click=self._dialog.close).props("flat no-caps").classes("self-end")
        self._dialog.on("hide", self._dialog.delete)

    async def open(self) -> None:
        self._dialog.open()
        await self._load()

    async def _load(self, page: str | None = None) -> None:
        self._asked += 1
        asked = self._asked
        if asked == 1:
            with self._place:
                ui.spinner()
        found = await run.io_bound(self._read, str(self._search.value or ""), page)
        if found is None or asked != self._asked or self._dialog.is_deleted:
            return
        if page is None:
            self._place.clear()
        with self._place:
            self._show(found, is_first=page is None)

    def _read(self, search: str, page: str | None) -> OptionPage:
        try:
            return self._options(self._field.path, self._values(), search, page)
        except ConnectorError as error:
            return OptionPage(reason=f"{error.message} {error.fix}".strip())
        except Exception:
            _LOGGER.exception("The choices of the field %s can't be listed", self._field.path)
            return OptionPage(reason="Something went wrong. You can still type a value.")

    def _show(self, found: OptionPage, *, is_first: bool) -> None:
        if found.options:
            with ui.list().classes("w-full").props("dense"):
                for option in found.options:
                    item = ui.item(on_click=lambda option=option: self._chosen(option)).props("clickable")
                    with item, ui.item_section():
                        ui.item_label(option.label)
                        if option.label != option.value:
                            ui.item_label(option.value).props("caption").classes("break-all")
        elif is_first and not found.next_page:
            ui.label(found.reason or "Nothing found.").classes("p-2")
        if found.next_page:
            more = ui.button("Show more").props("flat no-caps dense")

            async def load_more() -> None:
                more.delete()
                await self._load(found.next_page)

            more.on_click(load_more)

    def _chosen(self, option: Option) -> None:
        self._take(option)
        self._dialog.close()
