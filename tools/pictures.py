"""The pictures of the docs, each with the text that it was made from, so that a stale one is found.

Beside `NAME.png` lies `NAME.txt`: what the picture shows, as text, without what differs each time. `--check`
makes the pictures again and compares the texts, because a page is never drawn the same to the last pixel.
"""

import difflib
import hashlib
import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PIL import Image

FOLDER: Final = Path(__file__).parent.parent / "docs" / "images"
_SEAL: Final = "Made together with the picture: "
_COLORS: Final = 255
_VARYING: Final = (
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:PORT"),
    (re.compile(r"(/flows/[\w-]+/)[\w-]{32}"), r"\1KEY"),
    (re.compile(r"\b(?<!-)([0-9a-f]{16}|[0-9a-f]{8})\b(?!-)"), "RUN"),
    (re.compile(r"\b\d\d:\d\d:\d\d\b"), "TIME"),
    (re.compile(r"\bjust now\b|\b\d+ (seconds?|minutes?) ago\b"), "AGO"),
    (re.compile(r"\b\d+(\.\d+)? m?s\b"), "DURATION"),
    (re.compile(r"\b\d+ of (\d+ requests left)"), r"N of \1"),
)


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture, and the text of what it shows."""

    name: str
    png: bytes
    text: str

    @property
    def path(self) -> Path:
        """Return where it lies."""
        return FOLDER / f"{self.name}.png"

    def save(self) -> None:
        """Write it, and the text beside it."""
        png = smaller(self.png)
        self.path.write_bytes(png)
        text = without_variations(self.text)
        self.path.with_suffix(".txt").write_text(f"{_SEAL}{_seal(png, text)}\n\n{text}", encoding="utf-8")

    def difference(self) -> str:
        """Return how what it shows differs from what the saved picture shows; empty if it doesn't."""
        saved = saved_text(self.path)
        new = without_variations(self.text)
        lines = difflib.unified_diff(
            saved.splitlines(), new.splitlines(), f"{self.name}.png", "as it is now", lineterm="", n=1
        )
        return "\n".join(lines)


def saved_text(picture: Path) -> str:
    """Return the text of what a saved picture shows. Raises ValueError if it is that of another picture."""
    seal, _, text = picture.with_suffix(".txt").read_text("utf-8").partition("\n\n")
    if seal != f"{_SEAL}{_seal(picture.read_bytes(), text)}":
        raise ValueError(f"{picture.name} or its text was changed by hand. Run: make screenshots")
    return text


def without_variations(text: str) -> str:
    """Return a text without ports, folders, keys, times of day and durations."""
    for pattern, replacement in _VARYING:
        text = pattern.sub(replacement, text)
    return "\n".join(line.rstrip() for line in text.strip().splitlines()) + "\n"


def smaller(png: bytes) -> bytes:
    """Return a picture with a palette, which takes a third of the space."""
    with Image.open(io.BytesIO(png)) as picture:
        method = Image.Quantize.FASTOCTREE if picture.mode == "RGBA" else Image.Quantize.MEDIANCUT
        few = picture.quantize(_COLORS, method=method, dither=Image.Dither.NONE)
    written = io.BytesIO()
    few.save(written, "PNG", optimize=True)
    return written.getvalue()


def _seal(png: bytes, text: str) -> str:
    return hashlib.sha256(png + text.encode()).hexdigest()
