"""Files about people: made for their owner only, whatever the umask."""

import os
from pathlib import Path
from typing import Final

_FILE: Final = 0o600
_FOLDER: Final = 0o700


def opener(path: str, flags: int) -> int:
    """Open a file, for `open(…, opener=opener)`: a new one is its owner's only, others keep their mode."""
    return os.open(path, flags, _FILE)


def make_file(path: Path) -> None:
    """Make an empty file unless it is there."""
    if not path.exists():
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, _FILE))


def make_folder(path: Path) -> None:
    """Make a folder, and those above it, unless they are there."""
    for folder in reversed([path, *path.parents]):
        if not folder.is_dir():
            folder.mkdir(mode=_FOLDER, exist_ok=True)
