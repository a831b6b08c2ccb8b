"""A part whose suite is left out fails a test, and so does a suite whose part is missing."""

from dataclasses import replace

import pytest
from calendly_connector.testing import (
    ConnectorSuite,
    EventsSuite,
    ListsSuite,
    LostReplySuite,
    OptionsSuite,
    SignInSuite,
    WebhooksSuite,
)
from destination_subjects import http
from shelf_subject import shelf
from suite_runs import failures

pytest_plugins = ["pytester"]

DECLARED = {
    ListsSuite: "books.list returns a list",
    OptionsSuite: "books.list: branch has options",
    LostReplySuite: "loans.create has a look-up",
    EventsSuite: "loan.created is a trigger",
    WebhooksSuite: "it has webhooks",
    SignInSuite: "the credential kind 'oauth' needs a sign-in",
}
"""Each suite of a part, and why Shelf needs it."""

NEEDED = {
    "listing": ListsSuite,
    "cause_event": EventsSuite,
    "deliver": WebhooksSuite,
    "lost_reply": LostReplySuite,
    "sign_in": SignInSuite,
}
"""The parts of a subject, and the suites that need them."""


def without_suite(left_out):
    """Return a suite for Shelf that leaves the suite of one part out."""

    class Subject:
        @pytest.fixture
        def subject(self):
            with shelf() as subject:
                yield subject

    return type("Suite", (Subject, *(suite for suite in DECLARED if suite is not left_out)), {})


def without_part(part):
    """Return the suites for Shelf with a subject that lacks one part."""

    class Suite(ConnectorSuite):
        @pytest.fixture
        def subject(self):
            with shelf() as subject:
                yield replace(subject, **{part: None})

    return Suite


class AllSuites(ConnectorSuite):
    """All suites, for a connector that has none of the parts."""

    @pytest.fixture
    def subject(self):
        with http() as subject:
            yield subject


def own_tests(suite):
    return {name for name in vars(suite) if name.startswith("test_")}


def test_the_sum_has_the_suites_of_all_parts():
    assert set(ConnectorSuite.__bases__) == set(DECLARED)
    assert not own_tests(ConnectorSuite)


def test_a_part_without_its_suite_fails_one_test_that_names_it(pytester, monkeypatch):
    found = failures(
        pytester,
        monkeypatch,
        f"""
        from {__name__} import DECLARED, without_suite

        for suite in DECLARED:
            globals()[f"TestWithout{{suite.__name__}}"] = without_suite(suite)
        """,
    )
    assert {name: set(failed) for name, failed in found.items()} == {
        f"TestWithout{suite.__name__}": {"test_every_part_has_its_suite"} for suite in DECLARED
    }
    for suite, why in DECLARED.items():
        text = found[f"TestWithout{suite.__name__}"]["test_every_part_has_its_suite"]
        assert why in text
        assert f"inherit from {suite.__name__}, too" in text


def test_a_suite_whose_subject_lacks_the_part_fails(pytester, monkeypatch):
    found = failures(
        pytester,
        monkeypatch,
        f"""
        from {__name__} import NEEDED, without_part

        for part in NEEDED:
            globals()[f"Test_{{part}}"] = without_part(part)
        """,
    )
    for part, suite in NEEDED.items():
        failed = found[f"Test_{part}"]
        assert failed
        assert failed.keys() <= own_tests(suite)
        assert all(f"this test needs a subject with `{part}`" in text for text in failed.values())


def test_a_suite_whose_part_the_connector_lacks_fails(pytester, monkeypatch):
    found = failures(
        pytester,
        monkeypatch,
        f"""
        from {__name__} import AllSuites

        class TestHttp(AllSuites): ...
        """,
    )
    text = found["TestHttp"]["test_every_part_has_its_suite"]
    for suite in DECLARED.keys() - {WebhooksSuite}:
        assert f"so don't inherit from {suite.__name__}" in text
    assert own_tests(WebhooksSuite) <= found["TestHttp"].keys()
