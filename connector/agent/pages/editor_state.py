"""What the parts of the flow editor share: the draft, how it changes, and the problems beside its fields."""

from collections.abc import Callable
from typing import Final

from nicegui import ui

from ..flows.model import Flow
from ..workspace import Workspace, drafts
from ..workspace.drafts import Draft, Opened
from ..workspace.trials import Samples
from .acting import carry_out

CHECK_S: Final = 0.25
_ERROR: Final = "text-red-700 dark:text-red-300"
_WARNING: Final = "text-amber-800 dark:text-amber-300"


def dialog(title: str) -> ui.dialog:
    """Return a dialog that screen readers can name. Its card shows the title."""
    found = ui.dialog().props("transition-duration=0")
    found.props["aria-label"] = title
    return found


class Editor:
    """The draft that a person edits in one page. Its parts call `change`, and add places for problems."""

    def __init__(self, workspace: Workspace, person: str, opened: Opened) -> None:
        self.workspace = workspace
        self.person = person
        self.opened = opened
        self.draft = opened.draft
        self.samples = Samples()
        self.unread: dict[str, str] = {}  # entries of the form that no flow can hold, by their places
        self.on_change: Callable[[], None] = lambda: None  # called at once
        self.listeners: list[Callable[[], None]] = []  # called when a change was checked and kept
        self._beside: dict[str, ui.label] = {}
        self._left: set[str] = set()  # fields that a person left, or was asked to complete
        self._leaving: list[set[str]] = [set(), set()]  # left just now, and a moment ago
        self._seen: Draft | None = None  # the draft that was checked last
        self._waiting: Draft | None = None

    @property
    def flow(self) -> Flow:
        """The flow as far as it can be read."""
        return self.draft.flow

    @property
    def has_changes(self) -> bool:
        """Whether there is anything that isn't deployed."""
        return self.draft.text != self.opened.base or bool(self.unread)

    def change(self, edit: Callable[[Flow], Flow]) -> None:
        """Change the flow, and so rewrite its text."""
        flow = edit(self.draft.flow)
        if flow != self.draft.flow:
            self.draft = drafts.of_flow(flow)
            self.on_change()

    def write(self, text: str) -> None:
        """Take a text that a person wrote."""
        if text != self.draft.text:
            self.draft = drafts.read(text)
            self.on_change()

    def entry(self, place: str, problem: str) -> None:
        """Note that an entry can't be taken, or with "" that it can."""
        self.unread.pop(place, None)
        if problem:
            self.unread[place] = problem
        self.show_problems()

    def forget_entries(self, path: str) -> None:
        """Forget the entries that can't be taken below a path, whose fields are drawn again."""
        self.unread = {place: text for place, text in self.unread.items() if not place.startswith(path)}
        self._left = {place for place in self._left if not place.startswith(path)}

    def leave(self, place: str) -> None:
        """Note that a person left a field: if it is still empty, it says so from now on.

        A moment later, since a click on a choice leaves the field, too, and then fills it in.
        """
        self._leaving[0].add(place)

    def ask_for_all(self) -> ui.label | None:
        """Say beside each empty field what it needs. Return the first place where something is wrong."""
        self._left |= drafts.placed(self.draft).keys()
        self.show_problems()
        self._tell()
        shown = (label for label in self._beside.values() if label.visible)
        return min(shown, key=lambda label: label.id, default=None)

    @property
    def shown_errors(self) -> int:
        """How many errors the form shows."""
        found = drafts.placed(self.draft).items()
        errors = [one for place, problems in found if self._is_shown(place) for one in problems]
        return sum(one.severity == "error" for one in errors) + len(self.unread)

    def _is_shown(self, place: str) -> bool:
        return place in self._left or place not in drafts.unfinished(self.draft.flow)

    def problem(self, place: str) -> ui.label:
        """Add the place for the problems of a field."""
        label = ui.label().classes("text-xs px-1 break-words").props("aria-live=polite")
        label.set_visibility(False)
        self._beside[place] = label
        return label

    async def tick(self) -> None:
        """Check and keep the draft, once a person has paused."""
        if self.draft is self._seen:
            self._look_at_left()
            return
        if self.draft is not self._waiting:
            self._waiting = self.draft
            return
        await self.check()

    async def check(self) -> None:
        """Check the draft and keep it."""
        draft = self.draft
        done, checked = await carry_out(self._check_and_keep, draft)
        if not done:
            self._seen = draft  # the next change tries again
        elif checked is not None and self.draft is draft:
            self.draft = self._seen = checked
            self.show_problems()
            self._tell()

    def _look_at_left(self) -> None:
        just_now, before = self._leaving
        if just_now or before:
            self._leaving = [set(), just_now]
        if before - self._left:
            self._left |= before
            self.show_problems()
            self._tell()

    def _tell(self) -> None:
        for listener in self.listeners:
            listener()

    def _check_and_keep(self, draft: Draft) -> Draft:
        drafts.keep(self.workspace, self.person, self.opened, draft)
        return drafts.checked(self.workspace, draft, name=self.opened.name)

    def show_problems(self) -> None:
        """Show each problem beside its field. Those without a field are in the list above."""
        found = drafts.placed(self.draft)
        for place, label in list(self._beside.items()):
            if label.is_deleted:
                del self._beside[place]
                continue
            problems = found.get(place, []) if self._is_shown(place) else []
            text = self.unread.get(place) or drafts.in_words(problems)
            is_error = place in self.unread or any(one.severity == "error" for one in problems)
            label.text = text
            label.set_visibility(bool(text))
            label.classes(remove=f"{_ERROR} {_WARNING}", add=_ERROR if is_error else _WARNING)

    def elsewhere(self) -> list[str]:
        """Return the problems that stand beside no field of the form."""
        found = drafts.placed(self.draft)
        return [
            str(one)
            for place, problems in found.items()
            if place not in self._beside and self._is_shown(place)
            for one in problems
        ]
