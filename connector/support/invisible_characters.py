"""Strips characters that people can't see: control characters, and marks that reorder or hide text. Pure.

Names, answers and notes come from strangers. With such characters, a person would see different text from
what the model reads.
"""

import unicodedata
from typing import Any, Final

_ALLOWED: Final = "\n\t\u200c\u200d"  # Persian, Indic scripts and emoji need the joiners
_REMOVED_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs"})


def strip_invisible(value: Any) -> Any:
    """Return a JSON value with the invisible characters removed from all its strings and keys."""
    if isinstance(value, str):
        return value if value.isprintable() else "".join(filter(_is_visible, value))
    if isinstance(value, dict):
        return {strip_invisible(name): strip_invisible(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [strip_invisible(item) for item in value]
    return value


def _is_visible(character: str) -> bool:
    return character in _ALLOWED or unicodedata.category(character) not in _REMOVED_CATEGORIES
