"""Commands for people: their errors name arguments and options, rather than the inputs of an action."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import click

from ..errors import InvalidParams, UsageError
from ..support.redaction import quoted
from .commands import PROGRAM
from .terminal import printable

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

    allow_extra_args = True  # `invoke` rejects them, and says where they belong

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command. Raises ConnectorError."""
        if ctx.args:
            extra = " ".join(ctx.args)
            raise UsageError(f"Unexpected argument {quoted(printable(extra))}.", fix=self._place_of(extra))
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
            if days := [day for word in ctx.params.get("event_types", ()) if (day := self._shortcut(word))]:
                error.fix = f"Did you mean {days[0]}?"
            raise

    def _place_of(self, extra: str) -> str:
        """Return where an argument belongs that the command doesn't have: most often a day."""
        if day := self._shortcut(extra):
            return f"Did you mean {day}?"
        if not self._has("since"):
            return f"Run `{PROGRAM} {self.name} --help` for its usage."
        return f"Pass dates with --from and --to{', a name with --who' if self._has('text') else ''}."

    def _shortcut(self, text: str) -> str:
        """Return the option that is short for a range such as "next week"; "" if there is none."""
        option = f"--{'-'.join(text.casefold().split())}"
        known = (one for one in self.params if isinstance(one, click.Option) and one.is_flag)
        return option if self._has("since") and any(option in one.opts for one in known) else ""

    def _name(self, path: str) -> str:
        """Return what a person calls an input."""
        path = re.sub(r"\[\d*\]", "", path)
        if path == "start_time" and self._has("when"):
            return "WHEN"
        if path == "event_type" and self._has("event_type", click.Option):
            return "--type"
        if path in _NAMES:
            return _NAMES[path]
        first, _, rest = path.partition(".")
        name = _NAMES.get(first, path)
        return f"{name} {rest}" if first in _KEYED else name

    def _has(self, name: str, kind: type[click.Parameter] = click.Parameter) -> bool:
        return any(parameter.name == name and isinstance(parameter, kind) for parameter in self.params)
