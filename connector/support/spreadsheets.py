"""Writes CSV for spreadsheets: texts that would run as formulas are escaped. Pure."""

import csv
import re
from collections.abc import Iterable
from io import StringIO
from typing import Final

_ESCAPE: Final = "'"
_SIGNS: Final = "=+\\-@\uff1d\uff0b\uff0d\uff20"  # the last four are full-width, as in Japanese
# Spreadsheets skip blanks and invisible characters. Quotes are skipped so that escaping can be undone: a
# text that begins with an apostrophe and would be escaped without it was escaped.
_SKIPPED: Final = "\\s\"'\0-\x1f\x7f-\xa0\xad\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff"
_FORMULA: Final = re.compile(f"[\t\r]|[{_SKIPPED}]*[{_SIGNS}]")
# Digits and separators, such as -5.2, 1e-7 or +49 (0) 69 555-01: harmless even if evaluated.
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9 ().,/-]*|[0-9.]+[eE][+-]?[0-9]+)")


def line(cells: Iterable[object], *, keep_formulas: bool = False) -> str:
    """Return a line of CSV; formulas are escaped unless `keep_formulas`."""
    text = StringIO(newline="")
    csv.writer(text).writerow(cells if keep_formulas else map(escaped, cells))
    return text.getvalue()


def escaped(cell: object) -> object:
    """Return a cell; a text that a spreadsheet would run as a formula gets an apostrophe in front.

    Numbers and phone numbers stay unchanged.
    """
    if isinstance(cell, str) and _FORMULA.match(cell) and not _NUMBER.fullmatch(cell.strip(" ")):
        return _ESCAPE + cell
    return cell


def unescaped(cell: str) -> str:
    """Return a cell as it was before `escaped`."""
    original = cell.removeprefix(_ESCAPE)
    return original if original != cell and escaped(original) == cell else cell
