"""The suite: what any host must get right with any connector. A host's author inherits it."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from ..contract import ActionInfo
from .host import FormHost, Host, TriggerHost
from .subject import Call, Refusal, Subject, calendly

_NAME = "conformance"


class HostSuite:
    """Override `host`, and `subject` for another connector than Calendly's.

    A host that takes long to start is started once, by a class method that is a fixture of `scope="class"`.
    """

    @pytest.fixture(scope="class")
    @classmethod
    def subject(cls) -> Iterator[Subject]:
        """Give the connector under test and its server, one for all tests."""
        with calendly() as made:
            yield made

    @pytest.fixture
    def host(self, subject: Subject) -> Host:
        """Give the host; whoever inherits says how."""
        raise NotImplementedError("say how your host is started")

    @pytest.fixture
    def ready(self, host: Host, subject: Subject) -> Host:
        """Give the host, with the good credential stored."""
        host.store(_NAME, subject.credential)
        return host

    # Loading

    def test_every_action_is_offered_with_all_inputs_but_secrets(self, host: Host, subject: Subject) -> None:
        offered = host.catalog()
        actions = subject.connector.actions()
        assert set(offered) == set(actions)
        for name, action in actions.items():
            wanted = set(_inputs(action)) - _secrets(action) - {"page_token"}
            assert wanted <= set(offered[name]), name

    def test_no_input_of_an_action_is_a_secret(self, host: Host, subject: Subject) -> None:
        offered = host.catalog()
        for name, action in subject.connector.actions().items():
            assert not set(offered[name]) & _secrets(action), name

    # Signing in

    def test_a_good_credential_is_told_to_be_somebodys(self, ready: Host, subject: Subject) -> None:
        checked = ready.check(_NAME)
        assert checked.ok, checked.words
        assert subject.who in checked.words

    def test_a_wrong_credential_is_told_in_the_connectors_words(self, host: Host, subject: Subject) -> None:
        for number, (credential, words) in enumerate(subject.wrong):
            host.store(f"{_NAME}_{number}", credential)
            checked = host.check(f"{_NAME}_{number}")
            assert not checked.ok
            assert words in checked.words

    # Running

    def test_one_record_comes_as_it_is(self, ready: Host, subject: Subject) -> None:
        ran = ready.run(_NAME, subject.one.action, subject.one.inputs)
        assert ran.failure is None, ran.failure
        assert ran.record is not None
        assert {key: ran.record.get(key) for key in subject.one.record} == subject.one.record

    def test_a_page_says_that_there_is_more(self, ready: Host, subject: Subject) -> None:
        ran = ready.run(_NAME, subject.many.action, subject.many.inputs)
        assert ran.failure is None, ran.failure
        assert 0 < len(ran.records) < subject.many.total
        assert not ran.complete

    def test_a_whole_list_is_whole_and_holds_nothing_twice(self, ready: Host, subject: Subject) -> None:
        ran = ready.run(_NAME, subject.many.action, subject.many.inputs, all_pages=True)
        assert ran.failure is None, ran.failure
        assert ran.complete
        assert len(ran.records) == len({str(record["uri"]) for record in ran.records}) == subject.many.total

    # What goes wrong

    def test_what_was_called_wrongly_is_refused_in_the_connectors_words(
        self, ready: Host, subject: Subject
    ) -> None:
        for misuse in subject.misuses:
            said = ready.load(misuse.call.action, misuse.call.inputs)
            failed = said or _words(ready, misuse)
            assert all(word in failed for word in misuse.words), (misuse.name, failed)

    def test_an_action_that_there_is_not_is_refused(self, ready: Host) -> None:
        call = Call("no_such.action")
        said = ready.load(call.action, call.inputs)
        assert said or _words(ready, Refusal("unknown_action", call, (), retryable=False))

    def test_what_the_application_refuses_keeps_its_words_and_whether_to_try_again(
        self, ready: Host, subject: Subject
    ) -> None:
        for refusal in subject.refusals:
            refusal.arrange()
            ran = ready.run(_NAME, refusal.call.action, refusal.call.inputs)
            subject.calm()
            assert ran.failure is not None, refusal.name
            assert all(word in ran.failure.words for word in refusal.words), (refusal.name, ran.failure.words)
            assert ran.failure.retryable in {None, refusal.retryable}, refusal.name

    # Secrets

    def test_nothing_that_was_written_holds_a_secret(self, ready: Host, subject: Subject) -> None:
        ready.check(_NAME)
        ready.run(_NAME, subject.one.action, subject.one.inputs)
        for number, (credential, _) in enumerate(subject.wrong):
            ready.store(f"{_NAME}_{number}", credential)
            ready.check(f"{_NAME}_{number}")
            ready.run(f"{_NAME}_{number}", subject.one.action, subject.one.inputs)
        for refusal in (*subject.misuses, *subject.refusals):
            refusal.arrange()
            ready.run(_NAME, refusal.call.action, refusal.call.inputs)
            subject.calm()
        told = ready.written()
        written = [told] if isinstance(told, bytes) else list(told)
        assert any(written), "the host wrote nothing down: then nothing was looked at"
        for secret in subject.secrets:
            assert not any(secret in text for text in written)


class FormSuite(HostSuite):
    """And what a host with forms must get right."""

    def test_the_form_asks_for_what_the_connector_does(self, host: FormHost, subject: Subject) -> None:
        kind = subject.credential["kind"]
        form = host.form(kind)
        for name, field in subject.connector.manifest.credentials[kind].fields.items():
            if getattr(field, "filled_by", "person") == "person":
                assert form[name].secret == field.secret, name
                assert form[name].required in {None, field.required}, name


class TriggerSuite(HostSuite):
    """And what a host with triggers must get right."""

    def test_an_event_is_told_once(self, ready: TriggerHost, subject: Subject) -> None:
        assert not ready.events(_NAME, subject.event)
        happened = subject.happen()
        assert _until_told(ready, subject.event) == [happened]
        again = subject.happen()
        assert _until_told(ready, subject.event) == [again]


def _inputs(action: ActionInfo) -> Mapping[str, Any]:
    rules: Mapping[str, Any] = action.input.get("properties", {})
    return rules


def _secrets(action: ActionInfo) -> set[str]:
    return {name for name, rule in _inputs(action).items() if rule.get("writeOnly")}


def _words(host: Host, refusal: Refusal) -> str:
    failure = host.run(_NAME, refusal.call.action, refusal.call.inputs).failure
    assert failure is not None, refusal.name
    return failure.words


def _until_told(host: TriggerHost, event: str, looks: int = 100) -> list[Any]:
    """Give what is told next; a host may need some looks until it sees it."""
    for _ in range(looks):
        if told := host.events(_NAME, event):
            return list(told)
    return []
