"""The action provider that Mistral loads by its entry point `mistral.action.providers`."""

from collections.abc import Mapping
from typing import Any

from mistral.exceptions import InputException
from mistral_lib.actions import ActionProvider
from mistral_lib.actions.providers.base import ActionDescriptorBase

from ...errors import InvalidParams
from .action import CalendlyAction
from .descriptors import MistralAction, mistral_actions


class CalendlyActions(ActionProvider):
    """Provides every action of the catalog and two more."""

    def __init__(self, name: str = "calendly") -> None:
        super().__init__(name)
        self._descriptors = {action.name: CalendlyDescriptor(action) for action in mistral_actions().values()}

    def find(self, action_name: str, namespace: str | None = None) -> "CalendlyDescriptor | None":  # noqa: ARG002
        """Return the descriptor of an action; actions are the same in every namespace."""
        return self._descriptors.get(action_name)

    def find_all(self, *_args: Any, **_filters: Any) -> "list[CalendlyDescriptor]":
        """Return all descriptors; Mistral filters and sorts them itself."""
        return list(self._descriptors.values())


class CalendlyDescriptor(ActionDescriptorBase):
    """Describes an action, checks its inputs' names and instantiates it."""

    def __init__(self, action: MistralAction) -> None:
        # Mistral's list omits descriptors unless their namespace is empty.
        super().__init__(action.name, action.help, action.signature, namespace="")
        self._action = action

    def __repr__(self) -> str:
        return f"<{self._action.name}>"

    @property
    def action_class_name(self) -> str:
        """The class that runs it."""
        return f"{CalendlyAction.__module__}.{CalendlyAction.__name__}"

    def check_parameters(self, params: Mapping[str, Any] | None) -> None:
        """Reject unknown and missing inputs before anything is sent to an executor. Raises InputException.

        It is Mistral's own error: with mistral_lib's, the workflow would fail without its on-error.
        """
        try:
            self._action.check_names(params or {})
        except InvalidParams as error:
            raise InputException(str(error)) from error

    def instantiate(self, params: Mapping[str, Any] | None, wf_ctx: Any) -> CalendlyAction:  # noqa: ARG002
        """Return the action to send to an executor."""
        return CalendlyAction(self._action.name, self._action.without_nulls(params or {}))
