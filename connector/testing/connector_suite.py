"""The suite for a connector that has every part."""

from .events_suite import EventsSuite
from .lists_suite import ListsSuite
from .lost_reply_suite import LostReplySuite
from .options_suite import OptionsSuite
from .sign_in_suite import SignInSuite
from .webhooks_suite import WebhooksSuite


class ConnectorSuite(ListsSuite, OptionsSuite, LostReplySuite, EventsSuite, WebhooksSuite, SignInSuite):
    """The sum of all suites for connectors. Override `subject`."""
