"""The HTML that puts a booking page into a website. Pure.

https://developer.calendly.com/api-docs/overview/embedding. Texts of callers stand in attributes and in JSON,
both escaped: they can't end an element or a script.
"""

import json
from html import escape
from typing import Any, Final

from ..contract import Record

_ASSETS: Final = "https://assets.calendly.com/assets/external"
_SCRIPT: Final = f'<script src="{_ASSETS}/widget.js" async></script>'
_STYLE: Final = f'<link href="{_ASSETS}/widget.css" rel="stylesheet">'
# Inside a script element, HTML ends the script at </script whatever JavaScript makes of it.
_IN_SCRIPT: Final = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "'": "\\u0027"})


def snippet(kind: str, url: str, options: Record) -> str:
    """Return the HTML of a widget: `inline`, `popup` (a link) or `badge` (a floating button).

    `options` are `height_px` for inline, `text` for the others, and the badge's `color`, `text_color` and
    `branding`.
    """
    writers = {"inline": _inline, "popup": _popup, "badge": _badge}
    return "\n".join(writers[kind](url, options)) + "\n"


def _inline(url: str, options: Record) -> list[str]:
    style = f"min-width:320px;height:{int(options['height_px'])}px;"
    return [
        f'<div class="calendly-inline-widget" data-url="{escape(url)}" style="{style}"></div>',
        _SCRIPT,
    ]


def _popup(url: str, options: Record) -> list[str]:
    """Return a link that opens the popup, and the page itself as long as the widget isn't loaded."""
    opens = "Calendly.initPopupWidget({url: this.href}); return false;"
    link = f'<a href="{escape(url)}" target="_blank" rel="noopener" onclick="{opens}">'
    return [_STYLE, _SCRIPT, f"{link}{escape(options['text'])}</a>"]


def _badge(url: str, options: Record) -> list[str]:
    values = {
        "url": url,
        "text": options["text"],
        "color": options["color"],
        "textColor": options["text_color"],
        "branding": options["branding"],
    }
    return [
        _STYLE,
        _SCRIPT,
        "<script>",
        f'window.addEventListener("load", () => Calendly.initBadgeWidget({_json(values)}));',
        "</script>",
    ]


def _json(value: Any) -> str:
    return json.dumps(value).translate(_IN_SCRIPT)
