"""Draws the groups of a report as a picture: a PNG, or an HTML page with a table. matplotlib is optional."""

import re
from collections.abc import Sequence
from html import escape
from io import BytesIO
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from warnings import catch_warnings, filterwarnings

from ..contract import Record
from ..errors import UsageError
from ..support import extras, private_files
from .booking_report import COUNTS, GROUPS, TIMES, label

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PARTS: Final = (  # counts of a bar, from left to right, with their label, color and color of the number
    ("active", "active", "#1f6f8b", "white"),
    ("rescheduled", "rescheduled", "#b7c4cf", "#22272e"),
    ("canceled", "canceled", "#e0a458", "#22272e"),
    ("no_shows", "no-show", "#b23b2e", "white"),
)
_INK, _GREY = "#22272e", "#667085"
_MOST_GROUPS: Final = 20
_MOST_TIMES: Final = 53  # the weeks of a year
_LABEL_WIDTH, _WIDE_LABEL_WIDTH = 30, 15  # characters of a line; Chinese ones are twice as wide
_WIDE: Final = re.compile("[\u1100-\u11ff\u2e80-\ua4cf\uac00-\ud7af\uf900-\ufaff\uff00-\uff60]")
_HEADING_WIDTH, _TEXT_WIDTH = 68, 96  # characters of a line above the bars
_HEADING_HEIGHT, _LINE_HEIGHT, _WIDTH = 0.34, 0.26, 10  # in inches
_ROOM_FOR_DIGIT: Final = 0.012  # of the longest bar, inside a bar
_DPI: Final = 144
_WORDS: Final = {"event_type": "event type", "source": "UTM source"}
_SUFFIXES: Final = frozenset({".png", ".html"})
_FONTS: Final = (  # the first one that has a letter is used, as far as they are installed
    "DejaVu Sans",
    "Noto Sans CJK JP",
    "Noto Sans CJK SC",
    "WenQuanYi Zen Hei",
    "Hiragino Sans",
    "PingFang SC",
    "Yu Gothic",
    "Microsoft YaHei",
    "Malgun Gothic",
)


def title(rows: Sequence[Record], since: str, until: str, zone: str | None = None) -> str:
    """Return a heading such as `Bookings by host, 2026-11-01 to 2026-11-30 (Europe/Berlin)`. Pure."""
    by = " and ".join(_WORDS.get(name, name) for name in GROUPS if rows and name in rows[0])
    place = f" ({zone})" if zone else ""
    return f"Bookings{f' by {by}' if by else ''}, {since} to {until}{place}"


def check_path(path: Path) -> None:
    """Raise UsageError if a picture can't be saved there, or if matplotlib is missing."""
    from importlib.util import find_spec

    if path.suffix.lower() not in _SUFFIXES:
        raise UsageError(
            f"Can't draw a chart as {path.name!r}.", fix="Use a name that ends in .png or .html."
        )
    if path.is_dir() or not path.parent.is_dir():
        raise UsageError(f"Can't write {path}.", fix="Use the name of a file in an existing folder.")
    if find_spec("matplotlib") is None:
        raise UsageError("Charts need matplotlib.", fix=extras.install("charts"))


def save(rows: Sequence[Record], path: Path, *, heading: str) -> None:
    """Write a picture of the groups: .png, or .html with a table below it. Raises UsageError."""
    check_path(path)
    if path.suffix.lower() == ".png":
        content = picture(rows, heading=heading)
    else:
        content = page(rows, heading=heading).encode()
    try:
        with open(path, "wb", opener=private_files.opener) as file:
            file.write(content)
    except OSError as error:
        raise UsageError(f"Can't write {path}: {error.strerror}.", fix="Choose another file.") from None


def picture(rows: Sequence[Record], *, heading: str, form: str = "png") -> bytes:
    """Return a picture of the groups as PNG or SVG.

    It has bars for the 20 largest groups or the latest 53 times, and a line of text for all others.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    bars = [(_wrapped(text), group) for text, group in shown_groups(rows)]
    above = _Above(wrap(_plain(heading), _HEADING_WIDTH), wrap(summary(rows), _TEXT_WIDTH))
    left_out = others(rows)
    height = (
        above.height
        + 0.35
        + _LINE_HEIGHT * bool(left_out)
        + sum(0.42 + 0.18 * text.count("\n") for text, _ in bars)
    )
    settings: Any = {
        "font.family": _fonts(),
        "font.size": 11,
        "svg.fonttype": "none",  # text, which a browser can draw in any script, search and read out
        "svg.hashsalt": "calendly",
        "text.parse_math": False,
    }
    with rc_context(settings), catch_warnings():
        filterwarnings("ignore", message="Glyph")  # a letter that no font has becomes a box
        below = (0, 0, 1, 1 - above.height / height)
        layout = ConstrainedLayoutEngine(w_pad=0.2, h_pad=0.05, rect=below)  # pads in inches
        figure = Figure(figsize=(_WIDTH, height), layout=layout)
        axes = figure.add_subplot()
        _draw(axes, bars)
        axes.set_xlabel(left_out, color=_GREY, loc="left")
        above.write(figure)
        written = BytesIO()
        metadata = {"Software": None} if form == "png" else {"Date": None}
        figure.savefig(written, format=form, dpi=_DPI, metadata=metadata)
    return written.getvalue()


def shown_groups(rows: Sequence[Record]) -> list[tuple[str, Record]]:
    """Return the groups of a picture with their labels: the latest times, or the 20 largest. Pure."""
    if any(name in row for row in rows[:1] for name in TIMES):
        return [(label(row), row) for row in rows[-_MOST_TIMES:]]
    return [(label(row), row) for row in sorted(rows, key=lambda row: -row["bookings"])[:_MOST_GROUPS]]


def others(rows: Sequence[Record]) -> str:
    """Return the counts of the groups that a picture leaves out; empty if there are none. Pure."""
    shown = [group for _, group in shown_groups(rows)]
    if len(shown) == len(rows):
        return ""
    which = "earlier" if any(name in rows[0] for name in TIMES) else "others"
    counts = {name: sum(row[name] for row in rows) - sum(row[name] for row in shown) for name in COUNTS}
    parts = [f"{counts[name]:,} {words}" for name, words, *_ in _PARTS if counts[name]]
    return f"{len(rows) - len(shown):,} {which}: {counts['bookings']:,} ({', '.join(parts)})"


def summary(rows: Sequence[Record]) -> str:
    """Return the totals of all groups in one line. Pure."""
    total = sum(row["bookings"] for row in rows)
    if not total:
        return "No bookings"
    parts = [_counted(total, "booking")]
    counted = {name: sum(row[name] for row in rows) for name in ("canceled", "rescheduled", "no_shows")}
    for name, count in counted.items():
        if count:
            what = _counted(count, "no-show") if name == "no_shows" else f"{count:,} {name}"
            parts.append(f"{what} ({count / total:.0%})")
    if "host" in rows[0]:
        parts.append("counted per host")
    return " · ".join(parts)


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def page(rows: Sequence[Record], *, heading: str) -> str:
    """Return an HTML page without references to other files: the picture, and a table of the groups."""
    svg = picture(rows, heading=heading, form="svg").decode()
    svg = svg[svg.index("<svg") :]
    described = f'<svg role="img" aria-label="{escape(f"{_plain(heading)}. {summary(rows)}.")}"'
    names = list(rows[0]) if rows else []
    heading = escape(_plain(heading))
    head = "".join(
        f'<th scope="col"{_GROUP_CLASS if name in GROUPS else ""}>{escape(name.replace("_", " "))}</th>'
        for name in names
    )
    body = "\n".join(f"<tr>{''.join(_cell(name, row[name]) for name in names)}</tr>" for row in rows)
    return (
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width">\n<title>{heading}</title>\n'
        f"<style>{_STYLE}</style>\n{svg.replace('<svg', described, 1)}\n"
        f"<table>\n<caption>{heading}</caption>\n<thead><tr>{head}</tr></thead>\n"
        f"<tbody>\n{body}\n</tbody>\n</table>\n</html>\n"
    )


_STYLE: Final = (
    "body{font:15px system-ui,sans-serif;color:#22272e;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "svg{width:100%;height:auto}table{border-collapse:collapse;width:100%;margin-top:2rem}"
    "caption{text-align:left;font-weight:bold;padding:.3rem .6rem}"
    "th,td{text-align:right;padding:.3rem .6rem;border-bottom:1px solid #e4e7ec}"
    ".group{text-align:left}tbody .group{font-weight:normal}"
)
_GROUP_CLASS: Final = ' class="group"'


def _cell(name: str, value: Any) -> str:
    if name in GROUPS:
        return f'<th scope="row"{_GROUP_CLASS}>{escape(_plain(label({name: value})))}</th>'
    return "<td></td>" if value is None else f"<td>{value:,}</td>"


class _Above(NamedTuple):
    """The lines of text above the bars, then the legend."""

    heading: Sequence[str]
    summary: Sequence[str]

    @property
    def height(self) -> float:
        """The height in inches."""
        return 0.65 + _HEADING_HEIGHT * len(self.heading) + _LINE_HEIGHT * len(self.summary)

    def write(self, figure: "Figure") -> None:
        """Write the text and the legend."""
        left, height = 0.02, figure.get_figheight()
        top = height - 0.2
        for lines, line_height, style in (
            (self.heading, _HEADING_HEIGHT, {"fontsize": 15, "fontweight": "bold", "color": _INK}),
            (self.summary, _LINE_HEIGHT, {"color": _GREY}),
        ):
            for line in lines:
                figure.text(left, top / height, line, va="top", **style)
                top -= line_height
        handles, labels = figure.axes[0].get_legend_handles_labels()
        if handles:
            figure.legend(
                handles,
                labels,
                loc="upper left",
                bbox_to_anchor=(left - 0.005, (top - 0.02) / height),
                ncols=len(handles),
                frameon=False,
                handlelength=1,
                borderpad=0,
            )


def _draw(axes: "Axes", bars: Sequence[tuple[str, Record]]) -> None:
    places = range(len(bars))
    totals = [group["bookings"] for _, group in bars]
    most = max([*totals, 1])
    ends = [0] * len(bars)
    for name, words, color, ink in _PARTS:
        counts = [group[name] for _, group in bars]
        if not any(counts):
            continue
        axes.barh(places, counts, left=ends, color=color, label=words, height=0.68)
        for place, end, count, total in zip(places, ends, counts, totals, strict=True):
            if count != total and count >= most * _ROOM_FOR_DIGIT * (len(f"{count:,}") + 1):
                axes.text(
                    end + count / 2, place, f"{count:,}", va="center", ha="center", color=ink, fontsize=9
                )
        ends = [end + count for end, count in zip(ends, counts, strict=True)]
    for place, total in zip(places, totals, strict=True):
        axes.text(total + most * 0.008, place, f"{total:,}", va="center", color=_INK)
    axes.set_yticks(places, [text for text, _ in bars], color=_INK)
    axes.set_ylim(len(bars) - 0.5 if bars else 0.5, -0.5)  # the first group is at the top
    axes.set_xlim(0, most * 1.08)
    axes.set_xticks([])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def _fonts() -> list[str]:
    """Return the installed fonts that together have the letters of many scripts."""
    from matplotlib import font_manager

    installed = set(font_manager.get_font_names())
    return [name for name in _FONTS if name in installed] or ["sans-serif"]


def _wrapped(text: str) -> str:
    """Return a label in at most two lines."""
    text = _plain(text)
    width = _LABEL_WIDTH if not _WIDE.search(text) else _WIDE_LABEL_WIDTH
    text = text if len(text) <= 2 * width else f"{text[: 2 * width - 1]}…"  # wrap would end a long word early
    return "\n".join(wrap(text, width, max_lines=2, placeholder="…"))


def _plain(text: str) -> str:
    """Replace what can't be printed, and the characters that XML doesn't have."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
