"""Texts without what nobody sees: control characters, and marks that reorder or hide letters. Pure.

Strangers write names, answers and notes. Such characters make a person see another text than a model reads.
"""

import unicodedata
from typing import Any, Final

_KEPT: Final = "\n\t\u200c\u200d"  # the joiners, too: Persian, Indic scripts and emoji need them
_REMOVED: Final = frozenset({"Cc", "Cf", "Cs"})


def plain(value: Any) -> Any:
    """Return a JSON value with the invisible characters of all its texts removed."""
    if isinstance(value, str):
        return value if value.isprintable() else "".join(filter(_is_plain, value))
    if isinstance(value, dict):
        return {plain(name): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def _is_plain(letter: str) -> bool:
    return letter in _KEPT or unicodedata.category(letter) not in _REMOVED
