"""One thing that needs a person's attention."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing that needs attention. `page` is where to repair it, and `action` what the link says."""

    message: str
    page: str
    action: str
    severity: Literal["error", "warning"] = "error"
