"""The suite: what every host must do with every connector. A host's author inherits from it."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from ..contract import ActionInfo
from .host import FormHost, Host, TriggerHost
from .parts import needed
from .subject import FailingCall, Subject, calendly

_NAME = "conformance"


class HostSuite:
    """Override `host`, and `subject` to test with another connector.

    To start a slow host only once, make `host` a class method and a fixture with `scope="class"`.
    """

    @pytest.fixture(scope="class")
    @classmethod
    def subject(cls) -> Iterator[Subject]:
        """Yield the connector under test with its server, the same for all tests."""
        with calendly() as subject:
            yield subject

    @pytest.fixture
    def host(self, subject: Subject) -> Host:
        """Yield the running host."""
        raise NotImplementedError("override the fixture `host` to start your host")

    @pytest.fixture
    def ready(self, host: Host, subject: Subject) -> Host:
        """Return the host with the good credential stored."""
        host.store(_NAME, subject.credential)
        return host

    # Loading

    def test_every_action_has_all_its_inputs_except_secrets(self, host: Host, subject: Subject) -> None:
        catalog = host.catalog()
        actions = subject.connector.actions()
        assert set(catalog) == set(actions)
        for name, action in actions.items():
            expected = set(_inputs(action)) - _secrets(action) - {"page_token"}
            assert expected <= set(catalog[name]), name

    def test_no_secret_is_an_input(self, host: Host, subject: Subject) -> None:
        catalog = host.catalog()
        for name, action in subject.connector.actions().items():
            assert not set(catalog[name]) & _secrets(action), name

    # Checking a credential

    def test_checking_a_good_credential_shows_its_user(self, ready: Host, subject: Subject) -> None:
        checked = ready.check(_NAME)
        assert checked.ok, checked.text
        assert subject.user_name in checked.text

    def test_checking_a_bad_credential_shows_the_connectors_message(
        self, host: Host, subject: Subject
    ) -> None:
        for number, (credential, text) in enumerate(subject.bad_credentials):
            host.store(f"{_NAME}_{number}", credential)
            checked = host.check(f"{_NAME}_{number}")
            assert not checked.ok
            assert text in checked.text

    # Running

    def test_a_single_record_is_returned_unchanged(self, ready: Host, subject: Subject) -> None:
        ran = ready.run(_NAME, subject.single.action, subject.single.inputs)
        assert ran.failure is None, ran.failure
        assert ran.record is not None
        assert {key: ran.record.get(key) for key in subject.single.record} == subject.single.record

    def test_a_page_says_that_there_are_more_records(self, ready: Host, subject: Subject) -> None:
        listing = needed(subject.listing, "listing")
        ran = ready.run(_NAME, listing.action, listing.inputs)
        assert ran.failure is None, ran.failure
        assert 0 < len(ran.records) < listing.total
        assert not ran.complete

    def test_all_pages_are_complete_without_duplicates(self, ready: Host, subject: Subject) -> None:
        listing = needed(subject.listing, "listing")
        ran = ready.run(_NAME, listing.action, listing.inputs, all_pages=True)
        assert ran.failure is None, ran.failure
        assert ran.complete
        assert len(ran.records) == len({str(record["uri"]) for record in ran.records}) == listing.total

    # Errors

    def test_an_invalid_call_shows_the_connectors_message(self, ready: Host, subject: Subject) -> None:
        for call in subject.invalid_calls:
            message = _load_or_run(ready, call)
            assert all(text in message for text in call.texts), (call.name, message)

    def test_an_unknown_action_is_rejected(self, ready: Host) -> None:
        assert _load_or_run(ready, FailingCall("unknown_action", "no_such.action", {}, ()))

    def test_a_failed_call_keeps_its_message_and_whether_to_retry(
        self, ready: Host, subject: Subject
    ) -> None:
        for call in subject.failing_calls:
            call.arrange()
            ran = ready.run(_NAME, call.action, call.inputs)
            subject.reset()
            assert ran.failure is not None, call.name
            assert all(text in ran.failure.text for text in call.texts), (call.name, ran.failure.text)
            assert ran.failure.retryable in {None, call.retryable}, call.name

    # Secrets

    def test_no_secret_is_written(self, ready: Host, subject: Subject) -> None:
        ready.check(_NAME)
        ready.run(_NAME, subject.single.action, subject.single.inputs)
        for number, (credential, _) in enumerate(subject.bad_credentials):
            ready.store(f"{_NAME}_{number}", credential)
            ready.check(f"{_NAME}_{number}")
            ready.run(f"{_NAME}_{number}", subject.single.action, subject.single.inputs)
        for call in (*subject.invalid_calls, *subject.failing_calls):
            call.arrange()
            ready.run(_NAME, call.action, call.inputs)
            subject.reset()
        written = ready.written()
        contents = [written] if isinstance(written, bytes) else list(written)
        assert any(contents), "the host wrote nothing, so there was nothing to search"
        for secret in subject.secrets:
            assert not any(secret in content for content in contents)


class FormSuite(HostSuite):
    """The suite for a host with forms."""

    def test_the_form_has_the_connectors_fields(self, host: FormHost, subject: Subject) -> None:
        kind = subject.connector.manifest.credentials[subject.credential["kind"]]
        form = host.form(subject.credential["kind"])
        for field in kind.fields:
            # A form for several kinds may call a required field by the kind's title.
            titles = {field.title, kind.title} if field.required else {field.title}
            assert form[field.name].title in titles, field.name
            assert form[field.name].secret == field.secret, field.name
            assert form[field.name].required in {None, field.required}, field.name


class TriggerSuite(HostSuite):
    """The suite for a host with triggers."""

    def test_an_event_is_returned_once(self, ready: TriggerHost, subject: Subject) -> None:
        cause_event = needed(subject.cause_event, "cause_event")
        assert not ready.events(_NAME, subject.event_kind)
        for _ in range(2):
            event_id = cause_event()
            assert _next_events(ready, subject.event_kind) == [event_id]


def _inputs(action: ActionInfo) -> Mapping[str, Any]:
    rules: Mapping[str, Any] = action.input.get("properties", {})
    return rules


def _secrets(action: ActionInfo) -> set[str]:
    return {name for name, rule in _inputs(action).items() if rule.get("writeOnly")}


def _load_or_run(host: Host, call: FailingCall) -> str:
    """Return the error text of an invalid call, from loading it or, if that accepts it, from running it."""
    if message := host.load(call.action, call.inputs):
        return message
    failure = host.run(_NAME, call.action, call.inputs).failure
    assert failure is not None, call.name
    return failure.text


def _next_events(host: TriggerHost, event_kind: str, attempts: int = 100) -> list[Any]:
    """Return the next events; a host may need several attempts to find them."""
    for _ in range(attempts):
        if events := host.events(_NAME, event_kind):
            return list(events)
    return []
