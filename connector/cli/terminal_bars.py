"""Draws the groups of a report as bars in a terminal. Pure."""

from collections.abc import Sequence
from typing import Final

from ..contract import Record
from ..recipes.booking_report import label
from .terminal import printable

_MAX_LABEL: Final = 40
_EIGHTHS: Final = " ▏▎▍▌▋▊▉"
_MIN_BAR: Final = 4


def terminal_lines(rows: Sequence[Record], width: int) -> list[str]:
    """Return one line per group: label, bar and number of bookings, none wider than `width` cells."""
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
        bar = _bar(row["bookings"] / most * room)
        lines.append(f"{set_cell_size(shown, label_width)} {bar}{' ' * bool(bar)}{number}")
    return lines


def _bar(cells: float) -> str:
    eighths = round(cells * 8)
    return ("█" * (eighths // 8) + _EIGHTHS[eighths % 8]).rstrip()
