"""Posts a notice for each event to Slack, or to anything that accepts Slack's incoming webhooks."""

import json
import re
import time
from collections.abc import Callable, Mapping
from datetime import tzinfo
from typing import Final

from ..contract import Event
from .notices import DEFAULTS, OTHER, Template
from .posting import NotAccepted, Poster

_ESCAPED: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_MENTION: Final = re.compile(r"(?<!\w)@(?=\w)")  # not the one in an email address
_INTERVAL_S: Final = 1.0  # Slack accepts about one message a second
_LONGEST_WAIT_S: Final = 5.0  # longer ones are left to the dispatcher


class SlackNotifier:
    """A handler that posts `{"text": …}` to an incoming webhook, at most one a second.

    `templates` are by kind of event, "" for all others; without it, the others use the templates of
    `notices`. The event is done if the answer is 2xx. Any other answer raises NotAccepted, with the time to
    wait that Slack asks for.
    """

    def __init__(
        self,
        url: str,
        templates: Mapping[str, Template],
        zone: tzinfo,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._poster = Poster(url, "a message to Slack", monotonic=monotonic)
        self._templates = {kind: Template(text) for kind, text in {**DEFAULTS, "": OTHER}.items()}
        if "" in templates:  # it is meant for all kinds
            self._templates.clear()
        self._templates.update(templates)
        self._zone = zone
        self._monotonic = monotonic
        self._sleep = sleep
        self._free_at = 0.0

    def __call__(self, event: Event) -> None:
        """Post the notice of an event once. Raises NotAccepted."""
        template = self._templates.get(event.kind) or self._templates[""]
        text = template.render(event, self._zone, escape)
        self._wait()
        try:
            self._poster.post(json.dumps({"text": text}).encode(), {})
        except NotAccepted as error:
            self._free_at = self._monotonic() + max(_INTERVAL_S, error.retry_after_s or 0.0)
            raise
        self._free_at = self._monotonic() + _INTERVAL_S

    def _wait(self) -> None:
        wait_s = self._free_at - self._monotonic()
        if wait_s > _LONGEST_WAIT_S:
            raise NotAccepted("Slack asked to wait.", retry_after_s=wait_s)
        if wait_s > 0:
            self._sleep(wait_s)


def escape(text: str) -> str:
    """Return a text without links and mentions: neither `<!channel>` nor `@channel` notifies anybody."""
    escaped = "".join(_ESCAPED.get(letter, letter) for letter in text)
    return _MENTION.sub("@\N{ZERO WIDTH SPACE}", escaped)
