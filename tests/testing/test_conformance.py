"""The conformance kit, run on the plainest host there is, and on hosts that get something wrong."""

import json
from inspect import signature

import pytest
from another_connector import shelf
from calendly_connector.contract import Result
from calendly_connector.errors import ConnectorError
from calendly_connector.testing import (
    Checked,
    Failure,
    FormField,
    FormSuite,
    HostSuite,
    Ran,
    TriggerSuite,
    calendly,
)


class PlainHost:
    """A host that keeps credentials in memory, results in a file, and a cursor for each trigger."""

    def __init__(self, subject, folder, **timing):
        self.connector = subject.connector
        self.kind = subject.credential["kind"]
        self.journal = folder / "journal.jsonl"
        self.timing = timing
        self.credentials = {}
        self.cursors = {}

    def catalog(self):
        inputs = {name: action.input["properties"] for name, action in self.connector.actions().items()}
        return {
            name: {key for key, rule in rules.items() if not rule.get("writeOnly")}
            for name, rules in inputs.items()
        }

    def form(self, kind):
        fields = self.connector.manifest.credentials[kind].fields
        return {name: FormField(field.secret, field.required) for name, field in fields.items()}

    def store(self, name, credential):
        self.credentials[name] = dict(credential)

    def check(self, name):
        with self._connect(name) as connection:
            report = connection.check()
        self._write(report.outcome, report.message, report.fix)
        return Checked(report.ok, f"{report.message} {report.fix}")

    def run(self, name, action, inputs, *, all_pages=False):
        try:
            with self._connect(name) as connection:
                result = connection.run(action, inputs, all_pages=all_pages)
        except ConnectorError as error:
            self._write(error.to_dict())
            return Ran(failure=Failure(f"{getattr(error, 'status', '')} {error}", error.retryable))
        return self.ran(result)

    def ran(self, result: Result):
        self._write(result.record, result.records)
        return Ran(result.record, result.records, result.complete)

    def load(self, action, inputs):
        try:
            with self.connector.connect({"kind": self.kind}) as connection:
                connection.preview(action, inputs)
        except ConnectorError as error:
            return str(error)
        return ""

    def events(self, name, event):
        with self._connect(name) as connection:
            polled = connection.trigger([event]).poll(self.cursors.get(event, ""))
        self.cursors[event] = polled.cursor
        self._write(polled.cursor)
        return [one.id for one in polled.events]

    def written(self):
        return self.journal.read_bytes()

    def _connect(self, name):
        return self.connector.connect(self.credentials[name], **self.timing)

    def _write(self, *told):
        with self.journal.open("a") as journal:
            journal.write(json.dumps(told, default=str) + "\n")


class TestPlainHost(FormSuite, TriggerSuite):
    @pytest.fixture
    def host(self, subject, tmp_path, monkeypatch, timer):
        for name, value in subject.environment.items():
            monkeypatch.setenv(name, value)
        return PlainHost(subject, tmp_path, monotonic=timer, sleep=timer.sleep)


class TestPlainHostWithAnotherConnector(FormSuite, TriggerSuite):
    @pytest.fixture
    def subject(self):
        with shelf() as subject:
            yield subject

    @pytest.fixture
    def host(self, subject, tmp_path):
        return PlainHost(subject, tmp_path)


# Hosts that get something wrong: the suite must not let them pass.


class Leaky(PlainHost):
    def store(self, name, credential):
        super().store(name, credential)
        self._write(credential)


class Forgetful(PlainHost):
    def events(self, name, event):
        told = super().events(name, event)
        if told:
            self.cursors.pop(event)
        return told


class Repeating(PlainHost):
    def events(self, name, event):
        return super().events(name, event) * 2


class Cutting(PlainHost):
    def ran(self, result):
        super().ran(result)
        return Ran(result.record, result.records[:100], complete=True)


class Wordless(PlainHost):
    def run(self, name, action, inputs, *, all_pages=False):
        ran = super().run(name, action, inputs, all_pages=all_pages)
        return Ran(failure=Failure("it failed")) if ran.failure else ran

    def load(self, _action, _inputs):
        return None


class Trusting(PlainHost):
    def check(self, _name):
        return Checked(True, "fine")


class Revealing(PlainHost):
    def catalog(self):
        return {name: set(action.input["properties"]) for name, action in self.connector.actions().items()}


class Showing(PlainHost):
    def form(self, kind):
        return {name: FormField(False, field.required) for name, field in super().form(kind).items()}


class Demanding(PlainHost):
    def form(self, kind):
        return {name: FormField(field.secret, True) for name, field in super().form(kind).items()}


class Meddling(PlainHost):
    def run(self, name, action, inputs, *, all_pages=False):
        ran = super().run(name, action, inputs, all_pages=all_pages)
        if ran.failure:
            return Ran(failure=Failure(ran.failure.words, not ran.failure.retryable))
        return ran


@pytest.mark.parametrize(
    ("host_class", "test"),
    [
        (Leaky, HostSuite.test_nothing_that_was_written_holds_a_secret),
        (Repeating, TriggerSuite.test_an_event_is_told_once),
        (Forgetful, TriggerSuite.test_an_event_is_told_once),
        (Cutting, HostSuite.test_a_page_says_that_there_is_more),
        (Cutting, HostSuite.test_a_whole_list_is_whole_and_holds_nothing_twice),
        (Wordless, HostSuite.test_what_was_called_wrongly_is_refused_in_the_connectors_words),
        (Wordless, HostSuite.test_what_the_application_refuses_keeps_its_words_and_whether_to_try_again),
        (Meddling, HostSuite.test_what_the_application_refuses_keeps_its_words_and_whether_to_try_again),
        (Trusting, HostSuite.test_a_good_credential_is_told_to_be_somebodys),
        (Trusting, HostSuite.test_a_wrong_credential_is_told_in_the_connectors_words),
        (Showing, FormSuite.test_the_form_asks_for_what_the_connector_does),
        (Demanding, FormSuite.test_the_form_asks_for_what_the_connector_does),
        (Revealing, HostSuite.test_no_input_of_an_action_is_a_secret),
    ],
)
def test_a_host_that_gets_it_wrong_does_not_pass(host_class, test, tmp_path, monkeypatch, timer):
    with calendly() as subject:
        for name, value in subject.environment.items():
            monkeypatch.setenv(name, value)
        host = host_class(subject, tmp_path, monotonic=timer, sleep=timer.sleep)
        host.store("conformance", subject.credential)
        fixtures = {"ready": host, "host": host, "subject": subject}
        given = {name: fixtures[name] for name in signature(test).parameters if name != "self"}
        with pytest.raises(AssertionError):
            test(HostSuite(), **given)
