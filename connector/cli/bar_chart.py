"""Draws the groups of a report as bars: in a terminal, or as a picture in a PNG or HTML file."""

from collections.abc import Sequence
from html import escape
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from warnings import catch_warnings, filterwarnings

from ..contract import Record
from ..errors import UsageError
from ..recipes.booking_report import GROUPS, TIMES
from .terminal import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PARTS: Final = (  # counts of a bar, from left to right, with their label and color
    ("active", "active", "#1f6f8b"),
    ("rescheduled", "rescheduled", "#b7c4cf"),
    ("canceled", "canceled", "#e0a458"),
    ("no_shows", "no-show", "#c8553d"),
)
_INK, _GREY = "#22272e", "#667085"
_MOST_BARS: Final = 30
_MAX_LABEL: Final = 40
_WORDS: Final = {"event_type": "event type", "source": "UTM source"}
_MISSING: Final = "(none)"
_EIGHTHS: Final = " ▏▎▍▌▋▊▉"
_MIN_BAR: Final = 4
_DPI: Final = 144
_SUFFIXES: Final = frozenset({".png", ".html"})


def terminal_lines(rows: Sequence[Record], width: int) -> list[str]:
    """Return one line per group: label, bar and number of bookings, none wider than `width` cells. Pure."""
    from rich.cells import cell_len, set_cell_size

    if not rows:
        return []
    labels = [printable(label(row)) for row in rows]
    numbers = [f"{row['bookings']:,}" for row in rows]
    number_width = max(map(len, numbers))
    label_width = min(max(map(cell_len, labels)), _MAX_LABEL, max(1, width - number_width - _MIN_BAR - 2))
    room = max(0, width - label_width - number_width - 2)
    most = max(1, *(row["bookings"] for row in rows))
    lines = []
    for text, number, row in zip(labels, numbers, rows, strict=True):
        shown = text if cell_len(text) <= label_width else set_cell_size(text, label_width - 1) + "…"
        whole = _bar(row["bookings"] / most * room)
        lines.append(f"{set_cell_size(shown, label_width)} {whole}{' ' * bool(whole)}{number}")
    return lines


def _bar(cells: float) -> str:
    eighths = round(cells * 8)
    return ("█" * (eighths // 8) + _EIGHTHS[eighths % 8]).rstrip()


def label(row: Record) -> str:
    """Return the name of a group. Pure."""
    return " · ".join(_MISSING if row[name] is None else str(row[name]) for name in GROUPS if name in row)


def title(rows: Sequence[Record], since: str, until: str) -> str:
    """Return what a chart shows, such as `Bookings by host, 2026-11-01 to 2026-11-30`. Pure."""
    by = " and ".join(_WORDS.get(name, name) for name in GROUPS if rows and name in rows[0])
    return f"Bookings{f' by {by}' if by else ''}, {since} to {until}"


def save(rows: Sequence[Record], path: Path, *, heading: str) -> None:
    """Write a picture of the groups: .png, or .html with a table below it.

    Raises UsageError for another ending, or if matplotlib is missing.
    """
    if path.suffix.lower() not in _SUFFIXES:
        raise UsageError(
            f"Can't draw a chart as {path.name!r}.", fix="Use a name that ends in .png or .html."
        )
    if path.suffix.lower() == ".png":
        path.write_bytes(picture(rows, heading=heading))
    else:
        path.write_text(page(rows, heading=heading), encoding="utf-8")


def picture(rows: Sequence[Record], *, heading: str, form: str = "png") -> bytes:
    """Return a picture of the groups as PNG or SVG. Raises UsageError if matplotlib is missing."""
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
        from matplotlib.layout_engine import ConstrainedLayoutEngine
    except ImportError:
        raise UsageError("Charts need matplotlib.", fix="pip install 'calendly-connector[charts]'") from None
    shown = _shown(rows)
    with (
        rc_context({"font.size": 11, "svg.hashsalt": "calendly", "text.parse_math": False}),
        catch_warnings(),
    ):
        filterwarnings("ignore", message="Glyph")  # a letter that the font lacks becomes a box
        layout = ConstrainedLayoutEngine(w_pad=0.2, h_pad=0.1)  # inches
        figure = Figure(figsize=(10, 1.9 + 0.42 * max(len(shown), 1)), layout=layout)
        axes = figure.add_subplot()
        _draw(axes, shown)
        figure.suptitle(_cut(heading, 80), x=0.012, ha="left", fontsize=16, fontweight="bold", color=_INK)
        axes.set_title(summary(rows), loc="left", color=_GREY, pad=34, x=0, fontsize=11)
        written = BytesIO()
        metadata = {"Software": None} if form == "png" else {"Date": None}
        figure.savefig(written, format=form, dpi=_DPI, metadata=metadata)
    return written.getvalue()


def summary(rows: Sequence[Record]) -> str:
    """Return the totals of all groups in one line. Pure."""
    total = sum(row["bookings"] for row in rows)
    if not total:
        return "No bookings"
    parts = [f"{total:,} booking{'s' * (total != 1)}"]
    for name, words in (("canceled", "canceled"), ("rescheduled", "rescheduled"), ("no_shows", "no-shows")):
        if count := sum(row[name] for row in rows):
            parts.append(f"{count:,} {words} ({count / total:.0%})")
    if "host" in rows[0]:
        parts.append("counted for each host")
    left_out = len(rows) - len(_shown(rows))
    return " · ".join(parts) + (f" · {left_out:,} more not shown" if left_out else "")


def page(rows: Sequence[Record], *, heading: str) -> str:
    """Return an HTML page without references to other files: the picture, and a table of the groups."""
    svg = picture(rows, heading=heading, form="svg").decode()
    names = list(rows[0]) if rows else []
    head = "".join(f"<th>{escape(name.replace('_', ' '))}</th>" for name in names)
    body = "\n".join(
        "<tr>" + "".join(f"<td>{escape(_cell(row[name]))}</td>" for name in names) + "</tr>" for row in rows
    )
    return (
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>{escape(heading)}</title>\n'
        f"<style>{_STYLE}</style>\n{svg[svg.index('<svg') :]}\n"
        f"<table>\n<tr>{head}</tr>\n{body}\n</table>\n</html>\n"
    )


_STYLE: Final = (
    "body{font:15px system-ui,sans-serif;color:#22272e;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "svg{width:100%;height:auto}table{border-collapse:collapse;width:100%}"
    "th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #e4e7ec}"
)


def _cell(value: Any) -> str:
    return "" if value is None else str(value)


def _shown(rows: Sequence[Record]) -> Sequence[Record]:
    """Return the groups that fit into a picture: the latest times, or the largest of all others."""
    if len(rows) <= _MOST_BARS:
        return rows
    if any(name in rows[0] for name in TIMES):
        return rows[-_MOST_BARS:]
    return rows[:_MOST_BARS]


def _draw(axes: "Axes", rows: Sequence[Record]) -> None:
    places = range(len(rows))
    ends = [0] * len(rows)
    for name, words, color in _PARTS:
        counts = [row[name] for row in rows]
        if any(counts):
            axes.barh(places, counts, left=ends, color=color, label=words, height=0.68)
            ends = [end + count for end, count in zip(ends, counts, strict=True)]
    most = max([*ends, 1])
    for place, end in zip(places, ends, strict=True):
        axes.text(end + most * 0.008, place, f"{end:,}", va="center", color=_INK)
    axes.set_yticks(places, [_cut(label(row), _MAX_LABEL) for row in rows], color=_INK)
    axes.set_ylim(len(rows) - 0.5 if rows else 0.5, -0.5)  # the first group is at the top
    axes.set_xlim(0, most * 1.08)
    axes.xaxis.set_visible(False)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    if any(ends):
        axes.legend(
            loc="lower left", bbox_to_anchor=(-0.005, 1), ncols=len(_PARTS), frameon=False, handlelength=1
        )


def _cut(text: str, length: int) -> str:
    text = "".join(char if char.isprintable() else " " for char in text)
    return text if len(text) <= length else text[: length - 1] + "…"
