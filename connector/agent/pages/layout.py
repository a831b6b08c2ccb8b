"""What all pages share: the header, the navigation, and the banners about what needs attention."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from nicegui import ui

from ..web.guard import ORIGIN, PERSON
from ..workspace import Workspace, attention
from ..workspace.notice import Notice
from .acting import attempt, carry_out, succeeded
from .looks import FAULT, WARNING

_PRIMARY: Final = "#0b5cad"
# A dark page needs lighter colors, and dark text on them. Of important rules those in the first layer win.
_THEME: Final = """
@layer theme {
  body.body--dark { --q-primary: #7fb8f2 !important; --q-negative: #ff9e9e !important; }
  body.body--dark .bg-primary { color: #0b1a2b !important; }
}
"""
_REFRESH_S: Final = 3.0
_COLORS: Final = {"error": FAULT, "warning": WARNING}
_NAVIGATION: Final = (
    ("Process flows", "/flows", "account_tree"),
    ("Runs", "/runs", "play_circle"),
    ("Credentials", "/credentials", "key"),
    ("Apps", "/apps", "apps"),
    ("Webhooks", "/webhooks", "webhook"),
)


def person() -> str:
    """Return who looks at this page."""
    return str(ui.context.client.request.scope.get(PERSON, ""))


def origin() -> str:
    """Return the address at which this person uses the agent."""
    return str(ui.context.client.request.scope.get(ORIGIN, ""))


@contextmanager
def frame(
    workspace: Workspace, title: str, *, section: str = "", says_notices: bool = False
) -> Iterator[None]:
    """Yield the place for the content of a page.

    `section` is the entry of the navigation that it belongs to; by default the one of its title. A page that
    `says_notices` that lead to it needs no banner about them.
    """
    ui.page_title(f"{title} · Calendly connector")
    ui.colors(primary=_PRIMARY)
    ui.add_css(_THEME)
    with ui.header(bordered=True).classes(
        "items-center bg-neutral-50 text-neutral-900 dark:bg-neutral-900 dark:text-neutral-100 px-4 py-2"
    ):
        menu = (
            ui.button(icon="menu")
            .props('flat round dense color=inherit aria-label="Navigation"')
            .classes("lt-md")
        )
        ui.link("Calendly connector", "/").classes("text-inherit text-lg font-medium no-underline")
        ui.space()
        _sample_button(workspace)
        with ui.element("form").props("method=post action=/sign-out"):
            ui.button("Sign out").props("flat dense no-caps color=inherit type=submit")
    with (
        ui.left_drawer(value=False, bordered=True)
        .props("width=220 breakpoint=1023 show-if-above")
        .classes("p-2") as drawer
    ):
        menu.on_click(drawer.toggle)
        _navigation(section or title)
    with ui.column().classes("w-full max-w-screen-xl mx-auto p-2 sm:p-4 gap-4"):
        _banners(workspace, ui.context.client.request.url.path if says_notices else "")
        ui.label(title).classes("text-2xl font-medium").props("role=heading aria-level=1")
        yield


def _sample_button(workspace: Workspace) -> None:
    """Show a button that makes something happen, if the account is a sandbox's."""
    if workspace.book_sample is None:
        return

    async def book(book_sample: Callable[[], None] = workspace.book_sample) -> None:
        done, _ = await carry_out(book_sample)
        if done:
            succeeded("An invented person booked a meeting. Its run is under Runs.")

    label = "Book a sample meeting"
    with ui.button(icon="event_available", on_click=book).props(
        f'outline dense no-caps color=inherit aria-label="{label}"'
    ):
        ui.label(label).classes("ml-2 max-sm:hidden")


def _navigation(current: str) -> None:
    with ui.element("nav").props('aria-label="Pages"').classes("w-full flex flex-col gap-1"):
        for name, target, icon in _NAVIGATION:
            link = ui.link(target=target).classes(
                "flex items-center gap-3 rounded px-3 py-2 no-underline text-inherit"
            )
            if name == current:
                link.classes("bg-blue-100 dark:bg-blue-900 font-medium").props("aria-current=page")
            with link:
                ui.icon(icon, size="20px").props("aria-hidden=true")
                ui.label(name)


def _banners(workspace: Workspace, besides: str) -> None:
    """Show what needs attention `besides` what leads to a page, and keep it up to date."""
    place = ui.column().classes("w-full gap-2 empty:hidden").props("role=status")
    shown: list[Notice] = []

    async def refresh() -> None:
        nonlocal shown
        notices, _ = await attempt(attention.notices, workspace)
        found = [one for one in notices or [] if one.page != besides]
        if found == shown:
            return
        shown = found
        place.clear()
        with place:
            for notice in found:
                _banner(notice)

    ui.timer(_REFRESH_S, refresh)


def _banner(notice: Notice) -> None:
    with ui.row().classes(f"w-full items-center no-wrap rounded px-4 py-2 {_COLORS[notice.severity]}"):
        ui.icon("error" if notice.severity == "error" else "warning")
        ui.label(notice.message).classes("grow")
        ui.link(notice.action, notice.page).classes("text-inherit font-medium whitespace-nowrap")
