"""Render every `icon.png` from the `icon.svg` beside it, with Chromium. Run it after you change a drawing."""

import subprocess
import tempfile
from pathlib import Path
from typing import Final

from PIL import Image

CONNECTOR: Final = Path(__file__).parent.parent / "connector"
SVGS: Final = (
    CONNECTOR / "catalog" / "icon.svg",
    CONNECTOR / "agent" / "own_events" / "icon.svg",
    *(CONNECTOR / "agent" / "destinations" / name / "icon.svg" for name in ("file", "http", "sql")),
)
SIZE: Final = 256  # pixels

_PAGE: Final = '<style>body {{ margin: 0 }}</style><img src="{address}" width="{size}" height="{size}">'
_OPTIONS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--force-device-scale-factor=1",
    "--default-background-color=00000000",
    f"--window-size={2 * SIZE},{2 * SIZE}",  # some versions cut off the window's edge
)


def render(svg: Path) -> Image.Image:
    """Return the picture with a transparent background."""
    with tempfile.TemporaryDirectory() as folder:
        page, screenshot = Path(folder, "page.html"), Path(folder, "screenshot.png")
        page.write_text(_PAGE.format(address=svg.resolve().as_uri(), size=SIZE), encoding="utf-8")
        command = [
            "chromium",
            *_OPTIONS,
            f"--user-data-dir={folder}/profile",
            f"--screenshot={screenshot}",
            page.as_uri(),
        ]
        subprocess.run(command, check=True, capture_output=True, timeout=60)
        with Image.open(screenshot) as picture:
            return picture.convert("RGBA").crop((0, 0, SIZE, SIZE))


if __name__ == "__main__":
    for svg in SVGS:
        render(svg).save(svg.with_suffix(".png"), optimize=True)
