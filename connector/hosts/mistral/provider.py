"""What Mistral loads by its entry point `mistral.action.providers`: one provider for the whole catalog."""

from collections.abc import Mapping
from typing import Any

from mistral.exceptions import InputException
from mistral_lib.actions import ActionProvider
from mistral_lib.actions.providers.base import ActionDescriptorBase

from ...errors import InvalidParams
from .action import CalendlyAction
from .descriptors import Offered, offer


class CalendlyActions(ActionProvider):
    """Gives Mistral every action of the catalog, and two of its own."""

    def __init__(self, name: str = "calendly") -> None:
        super().__init__(name)
        self._descriptors = {entry.name: CalendlyDescriptor(entry) for entry in offer().values()}

    def find(self, action_name: str, namespace: str | None = None) -> "CalendlyDescriptor | None":  # noqa: ARG002
        """Give what describes an action; our actions are the same in every namespace."""
        return self._descriptors.get(action_name)

    def find_all(self, *_given: Any, **_filters: Any) -> "list[CalendlyDescriptor]":
        """Give all; Mistral itself filters and sorts them."""
        return list(self._descriptors.values())


class CalendlyDescriptor(ActionDescriptorBase):
    """Says what an action takes, and makes it."""

    def __init__(self, entry: Offered) -> None:
        # Mistral's list leaves out a descriptor whose namespace is not the empty one.
        super().__init__(entry.name, entry.help, entry.signature, namespace="")
        self._entry = entry

    def __repr__(self) -> str:
        return f"<{self._entry.name}>"

    @property
    def action_class_name(self) -> str:
        """The class that runs it."""
        return f"{CalendlyAction.__module__}.{CalendlyAction.__name__}"

    def check_parameters(self, params: Mapping[str, Any] | None) -> None:
        """Refuse inputs by their names, before anything is sent to an executor.

        The error is Mistral's own: after mistral_lib's, a task would fail its workflow without on-error.
        """
        try:
            self._entry.check_names(params or {})
        except InvalidParams as error:
            raise InputException(str(error)) from error

    def instantiate(self, params: Mapping[str, Any] | None, wf_ctx: Any) -> CalendlyAction:  # noqa: ARG002
        """Make the action, to be sent to an executor."""
        return CalendlyAction(self._entry.name, self._entry.given(params or {}))
