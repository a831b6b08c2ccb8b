"""CSV for spreadsheets: a text that one would run as a formula is disarmed. Pure."""

import csv
import re
from collections.abc import Iterable
from io import StringIO
from typing import Final

_DISARMED: Final = "'"
_SIGNS: Final = "=+\\-@\uff1d\uff0b\uff0d\uff20"  # the last four are full-width, as in Japanese
# Spreadsheets skip blanks and what cannot be seen. Quotes are skipped so that it can be undone: whatever
# begins with an apostrophe and would be disarmed without it has lost nothing but that apostrophe.
_SKIPPED: Final = "\\s\"'\0-\x1f\x7f-\xa0\xad\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff"
_FORMULA: Final = re.compile(f"[\t\r]|[{_SKIPPED}]*[{_SIGNS}]")
# Digits and what stands between them, such as -5.2, 1e-7 or +49 (0) 69 555-01: harmless even where computed.
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9 ().,/-]*|[0-9.]+[eE][+-]?[0-9]+)")


def line(cells: Iterable[object], *, keep_formulas: bool = False) -> str:
    """Return a line of CSV; formulas are disarmed unless they are to be kept."""
    text = StringIO(newline="")
    csv.writer(text).writerow(cells if keep_formulas else map(disarmed, cells))
    return text.getvalue()


def disarmed(cell: object) -> object:
    """Return a cell with an apostrophe before a text that a spreadsheet would take for a formula.

    Numbers and phone numbers stay what they are.
    """
    if isinstance(cell, str) and _FORMULA.match(cell) and not _NUMBER.fullmatch(cell.strip(" ")):
        return _DISARMED + cell
    return cell
