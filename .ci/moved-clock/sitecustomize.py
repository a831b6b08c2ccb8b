"""Move the clock of every Python that starts with this folder on its path, by MOVED_CLOCK_S seconds."""
# ruff: noqa: INP001

import os
import sys
import time

sys.modules["pytest"] = None  # type: ignore[assignment]  # time-machine would import it into every command
import time_machine  # noqa: E402

del sys.modules["pytest"]

# A time and no date: with a zone it would change that of the process, too. Monotonic clocks stay as they are.
time_machine.travel(time.time() + float(os.environ["MOVED_CLOCK_S"]), tick=True).start()
