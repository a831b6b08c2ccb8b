"""Let time.sleep work under libfaketime, which breaks the call that Python 3.11 and later sleep with."""
# ruff: noqa: INP001

import select
import time


def _sleep(seconds: float, /) -> None:
    select.select([], [], [], float(seconds))


time.sleep = _sleep
