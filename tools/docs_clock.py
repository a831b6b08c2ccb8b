"""The moment at which the docs are read: Monday 30 November 2026, 9:00 in Berlin."""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

NOW: Final = datetime(2026, 11, 30, 8, tzinfo=UTC)
_MOVED_CLOCK: Final = Path(__file__).parent.parent / ".ci" / "moved-clock"


def moved_clock() -> dict[str, str]:
    """Return the variables with which programs in Python start at that moment."""
    return {"PYTHONPATH": str(_MOVED_CLOCK), "MOVED_CLOCK_S": str(NOW.timestamp() - time.time())}
