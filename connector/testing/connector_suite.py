"""The suite for a whole connector. Its author inherits from it."""

from .events_suite import EventsSuite
from .lost_reply_suite import LostReplySuite
from .options_suite import OptionsSuite
from .sign_in_suite import SignInSuite


class ConnectorSuite(OptionsSuite, LostReplySuite, EventsSuite, SignInSuite):
    """What the connector declares, and what its connections do. Override `subject`."""
