"""Commands for people: their errors name arguments and options, rather than the inputs of an action."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import click

from ..errors import InvalidParams
from .commands import PROGRAM

_RANGE: Final = "Pass start and end for another range."
_OTHER_RANGE: Final = "Pass --from and --to for another range."
_NAMES: Final[Mapping[str, str]] = {
    "what": "WHAT",
    "event_type": "EVENT_TYPE",
    "event_types": "EVENT_TYPE",
    "start": "--from",
    "start_time": "--from",
    "end": "--to",
    "end_time": "--to",
    "timezone": "--tz",
    "users": "--host",
    "duration": "--minutes",
    "name": "--name",
    "email": "--email",
    "invitee.name": "--name",
    "invitee.email": "--email",
    "invitee.timezone": "--invitee-tz",
    "answers": "--answer",
    "location": "--location",
    "guests": "--guest",
    "tracking": "--utm",
    "client_key": "--key",
    "reason": "--reason",
    "host": "--host",
    "text": "--who",
}
_KEYED: Final = ("answers", "tracking")  # inputs whose keys a person wrote


class EverydayCommand(click.Command):
    """A command whose errors name its own arguments and options. In JSON, `problems` still name inputs."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command. Raises ConnectorError."""
        try:
            return super().invoke(ctx)
        except InvalidParams as error:
            texts = "; ".join(
                str(replace(problem, path=self._name(problem.path))) for problem in error.problems
            )
            error.message = texts if texts.endswith("?") else f"{texts}."
            error.fix = error.fix.replace(_RANGE, _OTHER_RANGE if self._has("since") else "").strip()
            if f"describe {error.action}" in error.fix:
                error.fix = f"Run `{PROGRAM} {self.name} --help` for its options."
            raise

    def _name(self, path: str) -> str:
        """Return what a person calls an input."""
        path = re.sub(r"\[\d*\]", "", path)
        if path == "start_time" and self._has("when"):
            return "WHEN"
        if path in _NAMES:
            return _NAMES[path]
        first, _, rest = path.partition(".")
        name = _NAMES.get(first, path)
        return f"{name} {rest}" if first in _KEYED else name

    def _has(self, name: str) -> bool:
        return any(parameter.name == name for parameter in self.params)
