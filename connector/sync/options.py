"""What can be chosen about a copy."""

from dataclasses import dataclass

from ..errors import UsageError
from .streams import chosen

_MOST_THREADS = 64


@dataclass(frozen=True, slots=True)
class Options:
    """How to copy.

    Attributes:
        streams: tables to fill, with those that they need; none for all that the token may read.
        window_days: events that started up to so many days ago are read again every time.
        no_show_days: invitees of events that ended up to so many days ago are read again every time.
        threads: how many calls for the records below a page run at once.
        own: copy only what is the user's own, also where the token may read the whole organization.
        only_marked: read only what webhook events have marked.
        keep_formulas: leave texts in CSV files alone that a spreadsheet would run as formulas.
    """

    streams: tuple[str, ...] = ()
    window_days: int = 30
    no_show_days: int = 7
    threads: int = 8
    own: bool = False
    only_marked: bool = False
    keep_formulas: bool = False

    def __post_init__(self) -> None:
        chosen(self.streams)
        if self.window_days < 1 or self.no_show_days < 0:
            raise UsageError("The window is at least 1 day, that of no-shows at least 0.")
        if not 1 <= self.threads <= _MOST_THREADS:
            raise UsageError(f"Threads are between 1 and {_MOST_THREADS}.")
