"""What a terminal shows when somebody types commands, as HTML for a picture. The commands are really run.

Their clock, and that of their sandbox, is the one of the docs.
"""

import base64
import io
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pexpect  # type: ignore[import-untyped]  # it has no types
from calendly_connector.sandbox.server import Sandbox
from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from docs_clock import NOW, moved_clock

COLUMNS: Final = 80
_WAIT_S: Final = 60
_PROMPT: Final = "\x1b[32m$\x1b[0m "
_THEME: Final = TerminalTheme(
    (22, 27, 34),
    (230, 237, 243),
    [
        (72, 79, 88),
        (255, 123, 114),
        (86, 211, 100),
        (227, 179, 65),
        (121, 192, 255),
        (210, 168, 255),
        (86, 212, 221),
        (230, 237, 243),
    ],
)
_BAR: Final = '<div class="bar"><i></i><i></i><i></i></div>'
PAGE: Final = """<!doctype html>
<meta charset="utf-8">
<style>
  body {{ margin: 0; padding: 16px; background: transparent; }}
  .pair {{ display: flex; gap: 14px; width: max-content; }}
  .window {{ width: max-content; overflow: hidden; border: 1px solid #6e7681; border-radius: 10px; }}
  .bar {{ display: flex; gap: 7px; padding: 9px 13px; background: #21262d; }}
  .bar i {{ width: 11px; height: 11px; border-radius: 50%; background: #6e7681; }}
  .terminal {{ background: #161b22; }}
  .page {{ background: #fff; }}
  .page .bar {{ background: #d0d7de; }}
  .page img {{ display: block; zoom: 0.4; }}
  pre {{
    margin: 0; padding: 12px 16px 14px; color: #e6edf3;
    font: 13px/1.4 ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  }}
</style>
<main>{body}</main>
"""


class Terminal:
    """A terminal of 80 columns in a home of its own, whose commands use a sandbox."""

    def __init__(self, home: Path, url: str) -> None:
        self._variables = environment(home) | {"CALENDLY_API_URL": url, "CALENDLY_API_TOKEN": "sandbox-owner"}
        self._home = home
        self.shown = ""

    def prepare(self, command: str) -> None:
        """Run a command that the picture doesn't show. Raises RuntimeError if it fails."""
        shown, status = self._run(command, {})
        if status:
            raise RuntimeError(f"{command}: {shown}")

    def type(self, command: str, **variables: str) -> None:
        """Run a command as somebody types it; `variables` are set for it, and not shown."""
        shown, _ = self._run(command, variables)
        gap = "\n" if self.shown else ""
        self.shown += f"{gap}{_PROMPT}\x1b[1m{command}\x1b[0m\n{shown}"

    def _run(self, command: str, variables: Mapping[str, str]) -> tuple[str, int | None]:
        terminal: pexpect.spawn[str] = pexpect.spawn(
            "/bin/bash",
            ["--norc", "-c", command],
            cwd=str(self._home),
            env={**os.environ, **self._variables, **variables},
            encoding="utf-8",
            dimensions=(50, COLUMNS),
            timeout=_WAIT_S,
        )
        terminal.expect(pexpect.EOF)
        terminal.close()
        return str(terminal.before).replace("\r\n", "\n"), terminal.exitstatus


@contextmanager
def terminal() -> Iterator[Terminal]:
    """Yield a terminal with a new home and a new sandbox."""
    with (
        TemporaryDirectory(prefix="calendly-picture-") as home,
        Sandbox(now=NOW, public_origin=True) as sandbox,
    ):
        yield Terminal(Path(home), sandbox.url)


def environment(home: Path) -> dict[str, str]:
    """Return the variables of somebody in Berlin on that Monday, with a home of their own."""
    return {
        "HOME": str(home),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "LANG": "C.UTF-8",
        "TERM": "xterm-256color",
        "NO_COLOR": "",
        "TZ": "Europe/Berlin",
        **moved_clock(),
    }


def window(shown: str) -> str:
    """Return what a terminal shows as the HTML of a window."""
    console = Console(
        record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor"
    )
    console.print(Text.from_ansi(shown.rstrip()), soft_wrap=True, highlight=False)
    lines = console.export_html(theme=_THEME, inline_styles=True, code_format="<pre>{code}</pre>")
    return f'<div class="window terminal">{_BAR}{lines}</div>'


def framed(png: bytes) -> str:
    """Return a picture of a page, of twice its size, as the HTML of a window."""
    data = base64.b64encode(png).decode()
    return f'<div class="window page">{_BAR}<img src="data:image/png;base64,{data}"></div>'


def plain(shown: str) -> str:
    """Return what a terminal shows without styles."""
    return Text.from_ansi(shown).plain
