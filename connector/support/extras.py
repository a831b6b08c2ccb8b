"""How to install what an extra needs, in the way this program was installed."""

import sys
from pathlib import Path
from typing import Final

_PACKAGE: Final = "calendly-connector"


def install(*extras: str) -> str:
    """Return how to get extras: by pip, or by the tool whose file marks the environment as its own."""
    wanted = f"'{_PACKAGE}[{','.join(extras)}]'"
    environment = Path(sys.prefix)
    if (environment / "pipx_metadata.json").exists():
        return f"Run: pipx runpip {_PACKAGE} install {wanted}"
    if (environment / "uv-receipt.toml").exists():
        return f"Run: uv tool install {wanted}"
    return f"Run: pip install {wanted}"
