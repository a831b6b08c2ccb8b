"""Draws the figures: one panel per measurement, one bar per side, ours in colour."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from measure import BARE, OURS, Figure

DESCRIPTION = "Description"
_OURS, _OTHERS, _INK = "#0b6e4f", "#b8bec7", "#22272e"


class _Bar(NamedTuple):
    label: str
    length: float
    text: str


def draw(figures: Sequence[Figure], path: Path) -> None:
    """Write the picture."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    panels = _panels(figures)
    heights = [len(bars) + 1.2 for _, bars in panels]
    picture, axes = plt.subplots(
        len(panels),
        1,
        figsize=(10, 0.4 * sum(heights) + 0.3),
        height_ratios=heights,
        layout="constrained",
        squeeze=False,
    )
    for (title, bars), (axis,) in zip(panels, axes, strict=True):
        _panel(axis, title, bars)
    picture.savefig(path, dpi=110, metadata={"Software": None, DESCRIPTION: described(figures)})
    plt.close(picture)


def described(figures: Sequence[Figure]) -> str:
    """Return what the picture shows, as text. The picture has it in its metadata."""
    lines = [[title, *(f"{bar.label}: {bar.text}" for bar in bars)] for title, bars in _panels(figures)]
    return "\n".join(line for panel in lines for line in panel)


def _panels(figures: Sequence[Figure]) -> list[tuple[str, list[_Bar]]]:
    return [panel for panel in (*_reading(figures), _second_sync(figures)) if panel[1]]


def _reading(figures: Sequence[Figure]) -> list[tuple[str, list[_Bar]]]:
    """Return a panel per length: the time of each side, relative to the bare loop."""
    works = dict.fromkeys(figure.work for figure in figures if figure.work.endswith("whole process"))
    panels = []
    for work in works:
        sides = [figure for figure in figures if figure.work == work and figure.baseline == BARE]
        bars = [_Bar(figure.who, figure.value, f"{figure.value:.2f}") for figure in sides]
        bars = sorted([*bars, _Bar(f"{BARE} (requests, json)", 1.0, "1")], key=lambda bar: bar.length)
        panels.append((f"{work}: time, {BARE} = 1", bars))
    return panels


def _second_sync(figures: Sequence[Figure]) -> tuple[str, list[_Bar]]:
    """Return a panel of the calls of the second sync, labeled with the events it misses."""
    again = [figure for figure in figures if figure.work.startswith("second sync")]
    missed = {figure.who: figure.value for figure in again if figure.unit.endswith("missed")}
    bars = [
        _Bar(figure.who, figure.value, f"{figure.value:,.0f} calls, {missed[figure.who]:.0f} events missed")
        for figure in again
        if figure.unit == "calls"
    ]
    return (f"{again[0].work}: calls" if again else ""), bars


def _panel(axis: Any, title: str, bars: Sequence[_Bar]) -> None:
    labels = [bar.label for bar in bars]
    colours = [_OURS if bar.label.startswith(OURS) else _OTHERS for bar in bars]
    drawn = axis.barh(labels, [bar.length for bar in bars], color=colours, height=0.72)
    axis.bar_label(drawn, [bar.text for bar in bars], padding=4, color=_INK)
    axis.set_title(title[:1].upper() + title[1:], loc="left", fontsize=11, fontweight="bold", color=_INK)
    axis.invert_yaxis()
    axis.set_xlim(0, 1.5 * max(bar.length for bar in bars))
    axis.xaxis.set_visible(False)
    axis.tick_params(axis="y", length=0, labelcolor=_INK)
    for side in axis.spines.values():
        side.set_visible(False)
