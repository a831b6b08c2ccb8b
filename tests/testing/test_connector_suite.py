"""The conformance kit for connectors, on Calendly's and on another one."""

from functools import partial

import pytest
from calendly_connector.testing import ConnectorSuite, calendly
from shelf_subject import shelf


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

    @pytest.fixture
    def connect(self, connector, timer):
        return partial(connector.connect, monotonic=timer, sleep=timer.sleep)
