"""What a person does with an agent. Its pages and its API share these functions.

The command line uses the same engine and the same check of flows below them.

Nothing here knows a web framework or a terminal. Most functions use the network or a database, so call them
in a thread.
"""

from .model import NamedCredentials, Workspace

__all__ = ["NamedCredentials", "Workspace"]
