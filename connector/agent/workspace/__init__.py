"""What a person does with an agent. Its pages, its API and the command line share these functions.

Nothing here knows a web framework or a terminal. Most functions use the network or a database, so call them
in a thread.
"""

from .model import NamedCredentials, Workspace

__all__ = ["NamedCredentials", "Workspace"]
