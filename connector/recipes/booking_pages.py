"""Addresses of booking pages, pre-filled, and the HTML that embeds them."""

from typing import Final
from urllib.parse import urlsplit

from ..contract import Record
from ..errors import InvalidParams, Problem, UnexpectedAnswer
from .embed_code import snippet
from .prefill import Prefill, page_problems, read_prefill
from .steps import Inputs, Steps

_MAX_LENGTH: Final = 2000  # characters; mail programs and old servers cut longer addresses
_TOO_LONG: Final = "The address has {} characters. Some mail programs cut addresses of more than 2,000."


def url(steps: Steps, inputs: Inputs) -> Record:
    """Return the address of an event type's page, or of a link, with everything pre-filled."""
    return _page(steps, inputs, "booking_pages.url")


def embed(steps: Steps, inputs: Inputs) -> Record:
    """Return the HTML that shows an event type's page, or a link, on a website."""
    page = _page(steps, inputs, "booking_pages.embed")
    kind = inputs.get("kind", "inline")
    options = {
        "height_px": inputs.get("height_px", 700),
        "text": inputs.get("text", "Schedule time with me"),
        "color": _color(inputs.get("badge_color", "0069ff")),
        "text_color": _color(inputs.get("badge_text_color", "ffffff")),
        "branding": inputs.get("branding", True),
    }
    return {"kind": kind, **page, "html": snippet(kind, page["url"], options)}


def prefilled(steps: Steps, page: str, prefill: Prefill) -> str:
    """Return a page's pre-filled address, and warn of a very long one."""
    address = prefill.url(page)
    if len(address) > _MAX_LENGTH:
        steps.warnings.append(_TOO_LONG.format(f"{len(address):,}"))
    return address


def _page(steps: Steps, inputs: Inputs, action: str) -> Record:
    """Return `url` and `event_type`. The event type is only read if it was passed."""
    link = inputs.get("link")
    event_type: Record = {}
    if "event_type" in inputs:
        event_type = steps.read_once("event_types.get", {"uuid": inputs["event_type"]})
    prefill = read_prefill(inputs, event_type.get("custom_questions"))
    if problems := [*(page_problems(link) if link else ()), *prefill.problems]:
        raise InvalidParams(action, problems)
    page = link or _own_page(event_type, action)
    return {"url": prefilled(steps, page, prefill), "event_type": event_type.get("uri")}


def _own_page(event_type: Record, action: str) -> str:
    page: str = event_type.get("scheduling_url") or ""
    if urlsplit(page).scheme != "https":
        raise UnexpectedAnswer(
            "The event type has no page of its own.", fix="Pass link, such as one of links.create."
        )
    if not event_type.get("active", True):
        problem = Problem("event_type", "is turned off, so its page can't be booked")
        raise InvalidParams(action, [problem], fix="Turn it on in Calendly.")
    return page


def _color(text: str) -> str:
    return f"#{text.removeprefix('#')}"
