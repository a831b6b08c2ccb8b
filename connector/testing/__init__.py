"""A conformance kit: one pytest suite for whatever host loads a connector.

    class TestMyHost(HostSuite):
        @pytest.fixture
        def host(self, subject, tmp_path):
            with MyHost(subject, tmp_path) as host:
                yield host

`Host` is what a host's author writes, `Subject` what the suite knows of the connector: by default Calendly's
and a sandbox. The page is `docs/hosts/conformance.md`.
"""

from .host import Checked, Failure, FormField, Host, Ran
from .subject import Call, Refusal, Subject
from .suite import HostSuite

__all__ = ["Call", "Checked", "Failure", "FormField", "Host", "HostSuite", "Ran", "Refusal", "Subject"]
