"""Files with personal data: readable by their owner only, whatever the umask."""

import os
from pathlib import Path
from typing import Final

_FILE: Final = 0o600
_FOLDER: Final = 0o700


def opener(path: str, flags: int) -> int:
    """Open a file, for `open(…, opener=opener)`. A new file is private; an existing one keeps its mode."""
    return os.open(path, flags, _FILE)


def make_file(path: Path) -> None:
    """Create an empty private file unless it exists."""
    if not path.exists():
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, _FILE))


def make_folder(path: Path) -> None:
    """Create a private folder and its parents unless they exist."""
    for folder in reversed([path, *path.parents]):
        if not folder.is_dir():
            folder.mkdir(mode=_FOLDER, exist_ok=True)
