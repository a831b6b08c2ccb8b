"""The conformance kit on a minimal host, and on hosts with one defect each."""

import json
from dataclasses import replace
from inspect import signature

import pytest
from calendly_connector.contract import Result
from calendly_connector.errors import ConnectorError
from calendly_connector.testing import (
    CheckOutcome,
    Failure,
    FormField,
    FormSuite,
    HostSuite,
    RunOutcome,
    TriggerSuite,
    calendly,
)
from shelf_subject import shelf


class PlainHost:
    """A host that keeps credentials and cursors in memory and writes results to a file."""

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
        return {field.name: FormField(field.title, field.secret, field.required) for field in fields}

    def store(self, name, credential):
        self.credentials[name] = dict(credential)

    def check(self, name):
        with self._connect(name) as connection:
            report = connection.check()
        self._write(report.outcome, report.message, report.fix)
        return CheckOutcome(report.ok, f"{report.message} {report.fix}")

    def run(self, name, action, inputs, *, all_pages=False):
        try:
            with self._connect(name) as connection:
                result = connection.run(action, inputs, all_pages=all_pages)
        except ConnectorError as error:
            self._write(error.to_dict())
            return RunOutcome(failure=Failure(f"{getattr(error, 'status', '')} {error}", error.retryable))
        return self.ran(result)

    def ran(self, result: Result):
        self._write(result.record, result.records)
        return RunOutcome(result.record, result.records, result.complete)

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

    def _write(self, *values):
        with self.journal.open("a") as journal:
            journal.write(json.dumps(values, default=str) + "\n")


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


# Hosts with one defect, which the suite must find.


class WritingSecrets(PlainHost):
    def store(self, name, credential):
        super().store(name, credential)
        self._write(credential)


class LosingCursors(PlainHost):
    def events(self, name, event):
        events = super().events(name, event)
        if events:
            self.cursors.pop(event)
        return events


class RepeatingEvents(PlainHost):
    def events(self, name, event):
        return super().events(name, event) * 2


class TruncatingLists(PlainHost):
    def ran(self, result):
        super().ran(result)
        return RunOutcome(result.record, result.records[:100], complete=True)


class WithoutMessages(PlainHost):
    def run(self, name, action, inputs, *, all_pages=False):
        ran = super().run(name, action, inputs, all_pages=all_pages)
        return RunOutcome(failure=Failure("it failed")) if ran.failure else ran

    def load(self, _action, _inputs):
        return None


class AcceptingAnyCredential(PlainHost):
    def check(self, _name):
        return CheckOutcome(True, "fine")


class OfferingSecretInputs(PlainHost):
    def catalog(self):
        return {name: set(action.input["properties"]) for name, action in self.connector.actions().items()}


class ShowingSecretFields(PlainHost):
    def form(self, kind):
        return {name: replace(field, secret=False) for name, field in super().form(kind).items()}


class RequiringAllFields(PlainHost):
    def form(self, kind):
        return {name: replace(field, required=True) for name, field in super().form(kind).items()}


class ShowingNamesOfFields(PlainHost):
    def form(self, kind):
        return {name: replace(field, title=name) for name, field in super().form(kind).items()}


class NamingAllFieldsAfterTheKind(PlainHost):
    def form(self, kind):
        title = self.connector.manifest.credentials[kind].title
        return {name: replace(field, title=title) for name, field in super().form(kind).items()}


class InvertingRetryable(PlainHost):
    def run(self, name, action, inputs, *, all_pages=False):
        ran = super().run(name, action, inputs, all_pages=all_pages)
        if ran.failure:
            return RunOutcome(failure=Failure(ran.failure.text, not ran.failure.retryable))
        return ran


@pytest.mark.parametrize(
    ("host_class", "test"),
    [
        (WritingSecrets, HostSuite.test_no_secret_is_written),
        (RepeatingEvents, TriggerSuite.test_an_event_is_returned_once),
        (LosingCursors, TriggerSuite.test_an_event_is_returned_once),
        (TruncatingLists, HostSuite.test_a_page_says_that_there_are_more_records),
        (TruncatingLists, HostSuite.test_all_pages_are_complete_without_duplicates),
        (WithoutMessages, HostSuite.test_an_invalid_call_shows_the_connectors_message),
        (WithoutMessages, HostSuite.test_a_failed_call_keeps_its_message_and_whether_to_retry),
        (InvertingRetryable, HostSuite.test_a_failed_call_keeps_its_message_and_whether_to_retry),
        (AcceptingAnyCredential, HostSuite.test_checking_a_good_credential_shows_its_user),
        (AcceptingAnyCredential, HostSuite.test_checking_a_bad_credential_shows_the_connectors_message),
        (ShowingSecretFields, FormSuite.test_the_form_has_the_connectors_fields),
        (RequiringAllFields, FormSuite.test_the_form_has_the_connectors_fields),
        (ShowingNamesOfFields, FormSuite.test_the_form_has_the_connectors_fields),
        (NamingAllFieldsAfterTheKind, FormSuite.test_the_form_has_the_connectors_fields),
        (OfferingSecretInputs, HostSuite.test_no_secret_is_an_input),
    ],
)
def test_the_suite_fails_a_host_that_does_something_wrong(host_class, test, tmp_path, monkeypatch, timer):
    with calendly() as subject:
        for name, value in subject.environment.items():
            monkeypatch.setenv(name, value)
        host = host_class(subject, tmp_path, monotonic=timer, sleep=timer.sleep)
        host.store("conformance", subject.credential)
        fixtures = {"ready": host, "host": host, "subject": subject}
        arguments = {name: fixtures[name] for name in signature(test).parameters if name != "self"}
        with pytest.raises(AssertionError):
            test(HostSuite(), **arguments)
