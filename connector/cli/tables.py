"""Lays out texts for a terminal: columns that fit its width, and wrapped lines. Pure.

Widths are cells: a wide character, as in Chinese, takes two.
"""

from collections.abc import Iterator, Sequence
from typing import Final

GAP: Final = 2
_NARROWEST: Final = 12  # a text that is cut still says something
_ELLIPSIS: Final = "…"


def fit(natural: Sequence[int], whole: Sequence[bool], width: int | None) -> list[int]:
    """Return the widths of the columns that fit, from the left; None as `width` means no limit.

    Columns that are not `whole` are cut before another column is left out. The first column always stays.
    """
    if width is None:
        return list(natural)
    for count in range(len(natural), 0, -1):
        least = [
            size if is_whole else min(size, _NARROWEST)
            for size, is_whole in zip(natural[:count], whole[:count], strict=True)
        ]
        room = width - GAP * (count - 1) - sum(least)
        if room >= 0 or count == 1:
            break
    widths = least
    while room > 0:  # every cut column grows in turn, so long ones end up alike
        cut = [index for index, size in enumerate(widths) if size < natural[index]]
        if not cut:
            break
        for index in cut[:room]:
            widths[index] += 1
        room -= min(room, len(cut))
    return widths


def cut(text: str, width: int) -> str:
    """Return a text, shortened with an ellipsis if it is wider than `width` cells."""
    from rich.cells import cell_len, set_cell_size

    if cell_len(text) <= width:
        return text
    return set_cell_size(text, max(0, width - 1)).rstrip() + _ELLIPSIS


def padded(text: str, width: int, *, right: bool = False) -> str:
    """Return a text with blanks up to `width` cells, on its left if `right`."""
    blanks = " " * (width - cells(text))
    return blanks + text if right else text + blanks


def cells(text: str) -> int:
    """Return the width of a text in cells."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def wrapped(text: str, width: int | None) -> list[str]:
    """Return a text as lines of at most `width` cells, broken at blanks; longer words stay whole.

    So a link can always be copied.
    """
    if width is None or cells(text) <= width:
        return [text]
    lines = [""]
    for word in text.split(" "):
        for part in _parts(word, width):
            if lines[-1] and cells(lines[-1]) + 1 + cells(part) > width:
                lines.append(part)
            else:
                lines[-1] = f"{lines[-1]} {part}" if lines[-1] else part
    return lines


def _parts(word: str, width: int) -> Iterator[str]:
    """Yield a word; one of wide characters is broken, because such a text has no blanks."""
    if word.isascii() or cells(word) <= width:
        yield word
        return
    from rich.cells import chop_cells

    yield from chop_cells(word, max(2, width))
