"""A conformance kit: a pytest suite for any host that loads a connector.

    class TestMyHost(HostSuite):
        @pytest.fixture
        def host(self, subject, tmp_path):
            with MyHost(subject, tmp_path) as host:
                yield host

You write the `Host`. The `Subject` is the connector under test, by default Calendly's with a sandbox.
`FormSuite` and `TriggerSuite` are for hosts with forms and with triggers; inherit from both for a host with
both. docs/hosts/conformance.md explains the kit.
"""

from .host import CheckOutcome, Failure, FormField, FormHost, Host, RunOutcome, TriggerHost
from .subject import ExpectedCall, FailingCall, Subject, calendly
from .suite import FormSuite, HostSuite, TriggerSuite

__all__ = [
    "CheckOutcome",
    "ExpectedCall",
    "FailingCall",
    "Failure",
    "FormField",
    "FormHost",
    "FormSuite",
    "Host",
    "HostSuite",
    "RunOutcome",
    "Subject",
    "TriggerHost",
    "TriggerSuite",
    "calendly",
]
