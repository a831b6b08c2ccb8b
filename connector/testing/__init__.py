"""A conformance kit: one pytest suite for whatever host loads a connector.

    class TestMyHost(HostSuite):
        @pytest.fixture
        def host(self, subject, tmp_path):
            with MyHost(subject, tmp_path) as host:
                yield host

`Host` is what a host's author writes, `Subject` what the suite knows of the connector: by default Calendly's
and a sandbox. `FormSuite` and `TriggerSuite` are for hosts with forms and with triggers; inherit from both
for a host that has both. The page is `docs/hosts/conformance.md`.
"""

from .host import Checked, Failure, FormField, FormHost, Host, Ran, TriggerHost
from .subject import Call, Refusal, Subject, calendly
from .suite import FormSuite, HostSuite, TriggerSuite

__all__ = [
    "Call",
    "Checked",
    "Failure",
    "FormField",
    "FormHost",
    "FormSuite",
    "Host",
    "HostSuite",
    "Ran",
    "Refusal",
    "Subject",
    "TriggerHost",
    "TriggerSuite",
    "calendly",
]
