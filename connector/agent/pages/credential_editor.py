"""The form of a credential: fill it in, validate it, save it; or sign in with the application."""

from typing import Final

from nicegui import ui

from ...contract import CheckReport, CredentialKind
from ...errors import ConnectorError
from ..workspace import Workspace, credential_changes, credentials, sign_ins
from ..workspace.apps import App, web_address
from ..workspace.credential_changes import BadName
from ..workspace.credentials import Draft
from . import layout, report
from .acting import attempt
from .form import Form
from .looks import LINK, QUIET
from .parts import external, panel

SAVED: Final = "Connection Saved Successfully!"
_REDIRECT: Final = "redirect_uri"
_SHOW: Final = (
    "(place => place?.scrollIntoView({{block: place.offsetHeight > innerHeight / 2 ? 'start' : 'nearest'}}))"
    "(getHtmlElement({}))"
)


class Editor:
    """A form for one kind of credential.

    `name` is that of a stored one that it replaces; "": a new one, whose name is `suggested`.
    """

    def __init__(
        self,
        workspace: Workspace,
        app: App,
        kind: CredentialKind,
        *,
        name: str = "",
        suggested: str = "",
    ) -> None:
        self._workspace, self._app, self._kind, self._replaces = workspace, app, kind, name
        self._person, self._origin = layout.person(), layout.origin()
        self._checked: tuple[Draft, CheckReport] | None = None
        _help(kind)
        with ui.element("form").classes("w-full").props("autocomplete=off") as form:
            form.on("submit.prevent", self._submit)
            with ui.column().classes("w-full gap-4"):
                self._name = None if name else _name_input(suggested)
                fields = [one for one in kind.fields if not (kind.needs_sign_in and one.name == _REDIRECT)]
                self._form = Form(fields, on_change=self._forget)
                self._buttons()
        self._place = ui.column().classes("w-full gap-4 scroll-mt-16 scroll-mb-4")

    def _buttons(self) -> None:
        if self._kind.needs_sign_in:
            self._callback()
            scopes = sign_ins.scopes_of(self._workspace, self._app.id)
            with ui.expansion("Scopes to ask for", icon="lock_open").classes("w-full").props("dense"):
                self._scopes = ui.select(scopes, label="Scopes", value=scopes, multiple=True)
            self._scopes.classes("w-full").props("outlined dense use-chips clearable")
            self._scopes.props["hint"] = "The app in the developer console must be allowed to request them."
            ui.button(f"Connect with {self._app.name}", icon="login").props(
                "color=primary no-caps type=submit"
            )
            return
        with ui.row().classes("gap-3"):
            self._validate = ui.button("Validate", icon="verified_user", on_click=self._press_validate)
            self._validate.props("outline no-caps")
            self._save = ui.button("Save", icon="save").props("color=primary no-caps type=submit")

    def _callback(self) -> None:
        address = self._origin + sign_ins.CALLBACK
        with ui.column().classes("w-full gap-1"):
            with ui.row().classes("w-full items-center no-wrap"):
                ui.input("Redirect URI", value=address).props("readonly outlined dense").classes("grow")
                ui.button(icon="content_copy", on_click=lambda: ui.clipboard.write(address)).props(
                    "flat round aria-label='Copy the redirect URI'"
                )
            ui.label("Register this address in your app, exactly as it is here.").classes(QUIET)

    def _forget(self) -> None:
        """Forget the report: the form has changed."""
        self._checked = None

    def _draft(self) -> Draft | None:
        """Return what was filled in; None if something is missing, which is then shown."""
        is_complete = self._form.check() & (self._name is None or _is_named(self._name))
        return credentials.drafted(self._app.id, self._kind, self._form.values) if is_complete else None

    async def _submit(self) -> None:
        await (self._connect() if self._kind.needs_sign_in else self._press_save())

    async def _press_validate(self) -> None:
        draft = self._draft()
        if draft is not None:
            await self._check(draft)

    async def _check(self, draft: Draft) -> CheckReport | None:
        """Check the credential, and show the report. The same input isn't checked twice."""
        if self._checked is not None and self._checked[0] == draft:
            return self._checked[1]
        self._wait("Asking the application…")
        with self._busy():
            found, error = await attempt(credentials.check, self._workspace, draft)
        self._place.clear()
        if found is None:
            self._show_error(error)
            return None
        self._checked = (draft, found)
        with self._place:
            report.draw(found)
            if not found.ok:
                ui.button("Save it unchecked", icon="save", on_click=lambda: self._store(draft, None)).props(
                    "flat no-caps"
                )
        self._scroll()
        return found

    def _scroll(self) -> None:
        """Bring what was found into view, whatever the length of the form."""
        ui.run_javascript(_SHOW.format(self._place.id))

    async def _press_save(self) -> None:
        draft = self._draft()
        if draft is None:
            return
        found = await self._check(draft)
        if found is not None and found.ok:
            await self._store(draft, found)

    async def _store(self, draft: Draft, found: CheckReport | None) -> None:
        name = self._replaces or str(self._name.value if self._name else "")
        with self._busy():
            call = credential_changes.replace if self._replaces else credential_changes.save
            stored, error = await attempt(call, self._workspace, self._person, name, draft, found)
        if error is not None:
            self._show_error(error)
            return
        page = credentials.page_of(stored or name)
        ui.navigate.to(f"{page}{'&' if '?' in page else '?'}saved=1")

    async def _connect(self) -> None:
        draft = self._draft()
        if draft is None:
            return
        name = self._replaces or str(self._name.value if self._name else "")
        id_, error = await attempt(
            sign_ins.begin,
            self._workspace,
            self._person,
            name,
            draft,
            origin=self._origin,
            scopes=list(self._scopes.value or []),
            replaces=bool(self._replaces),
        )
        if error is not None:
            self._show_error(error)
        elif id_:
            ui.navigate.to(f"/credentials/connect/{id_}")

    def _show_error(self, error: ConnectorError | None) -> None:
        self._place.clear()
        if error is None:
            return
        if isinstance(error, BadName) and self._name is not None:
            self._name.error = str(error)
            return
        with self._place:
            panel(error)
        self._scroll()

    def _wait(self, message: str) -> None:
        self._place.clear()
        with self._place, ui.row().classes("items-center").props("role=status"):
            ui.spinner()
            ui.label(message)

    def _busy(self) -> "_Busy":
        return _Busy([self._validate, self._save] if not self._kind.needs_sign_in else [])


class _Busy:
    """Disables buttons for as long as something is under way, so that nothing is done twice."""

    def __init__(self, buttons: list[ui.button]) -> None:
        self._buttons = buttons

    def __enter__(self) -> None:
        for button in self._buttons:
            button.disable()

    def __exit__(self, *_: object) -> None:
        for button in self._buttons:
            button.enable()


def _help(kind: CredentialKind) -> None:
    with ui.column().classes("w-full gap-1"):
        ui.label(kind.description).classes(f"{QUIET} max-w-prose")
        with ui.row().classes(f"gap-4 {LINK}"):
            if page := web_address(kind.page):
                external("Open the page where you get it", page)
            if docs := web_address(kind.docs):
                external("Read how", docs)


def _name_input(suggested: str) -> ui.input:
    name = ui.input("Name *", value=suggested).classes("w-full").props("outlined dense autocomplete=off")
    name.props["hint"] = "Flows use the credential by this name."
    name.on_value_change(lambda: setattr(name, "error", None))
    return name


def _is_named(name: ui.input) -> bool:
    if str(name.value or "").strip():
        return True
    name.error = "Type a name, such as work."
    return False
