"""The conformance kit for connectors, on Calendly's and on another one."""

import pytest
from another_connector import shelf
from calendly_connector.testing import ConnectorSuite, calendly


class TestAnotherConnector(ConnectorSuite):
    @pytest.fixture
    def subject(self):
        with shelf() as subject:
            yield subject


class TestCalendly(ConnectorSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def subject(cls):
        with calendly() as subject:
            yield subject
