"""A conformance kit: pytest suites for any host that loads a connector, and for any connector.

    class TestMyHost(HostSuite):
        @pytest.fixture
        def host(self, subject, tmp_path):
            with MyHost(subject, tmp_path) as host:
                yield host

You write the `Host`. The `Subject` is the connector under test, by default Calendly's with a sandbox.
`FormSuite` and `TriggerSuite` are for hosts with forms and with triggers; inherit from both for a host with
both.

`ConnectorSuite` tests a connector that has every part. For another one, inherit from the suites of what it
has: `ListsSuite`, `OptionsSuite`, `LostReplySuite`, `EventsSuite`, `WebhooksSuite` and `SignInSuite`. Each of
them includes `ConnectionSuite`, for what every connector does, and `CatalogSuite`, for what it declares.
docs/hosts/conformance.md explains the kit.
"""

from .catalog_suite import CatalogSuite
from .connection_suite import ConnectionSuite
from .connector_suite import ConnectorSuite
from .events_suite import EventsSuite
from .host import CheckOutcome, Failure, FormField, FormHost, Host, RunOutcome, TriggerHost
from .lists_suite import ListsSuite
from .lost_reply_suite import LostReplySuite
from .options_suite import OptionsSuite
from .sign_in_suite import SignInSuite
from .subject import Delivery, ExpectedCall, FailingCall, LostReply, SignIn, Subject, calendly
from .suite import FormSuite, HostSuite, TriggerSuite
from .webhooks_suite import WebhooksSuite

__all__ = [
    "CatalogSuite",
    "CheckOutcome",
    "ConnectionSuite",
    "ConnectorSuite",
    "Delivery",
    "EventsSuite",
    "ExpectedCall",
    "FailingCall",
    "Failure",
    "FormField",
    "FormHost",
    "FormSuite",
    "Host",
    "HostSuite",
    "ListsSuite",
    "LostReply",
    "LostReplySuite",
    "OptionsSuite",
    "RunOutcome",
    "SignIn",
    "SignInSuite",
    "Subject",
    "TriggerHost",
    "TriggerSuite",
    "WebhooksSuite",
    "calendly",
]
