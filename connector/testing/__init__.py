"""A conformance kit: pytest suites for any host that loads a connector, and for any connector.

    class TestMyHost(HostSuite):
        @pytest.fixture
        def host(self, subject, tmp_path):
            with MyHost(subject, tmp_path) as host:
                yield host

You write the `Host`. The `Subject` is the connector under test, by default Calendly's with a sandbox.
`FormSuite` and `TriggerSuite` are for hosts with forms and with triggers; inherit from both for a host with
both. `ConnectorSuite` tests a connector, and `CatalogSuite` only what it declares.
docs/hosts/conformance.md explains the kit.
"""

from .catalog_suite import CatalogSuite
from .connector_suite import ConnectorSuite
from .host import CheckOutcome, Failure, FormField, FormHost, Host, RunOutcome, TriggerHost
from .subject import Delivery, ExpectedCall, FailingCall, LostReply, SignIn, Subject, calendly
from .suite import FormSuite, HostSuite, TriggerSuite

__all__ = [
    "CatalogSuite",
    "CheckOutcome",
    "ConnectorSuite",
    "Delivery",
    "ExpectedCall",
    "FailingCall",
    "Failure",
    "FormField",
    "FormHost",
    "FormSuite",
    "Host",
    "HostSuite",
    "LostReply",
    "RunOutcome",
    "SignIn",
    "Subject",
    "TriggerHost",
    "TriggerSuite",
    "calendly",
]
