"""The suite for every connection: checking a credential, calling actions, listing choices."""

import json
import pickle
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

import pytest

from ..contract import Connection, Connector, Plain
from ..errors import ConnectorError, InvalidParams, UnknownAction, UnknownCredential, UsageError
from .catalog_suite import CatalogSuite
from .form_check import form_fields
from .kept_credentials import KeptCredentials
from .offline import no_network
from .parts import suite_problems
from .subject import Subject

UNKNOWN = "no.such.thing"
MOST_OPTIONS = 100  # of a page

Connect = Callable[..., Connection]


class ConnectionSuite(CatalogSuite):
    """What every connector does. Inherit from the suites of the parts that yours has, too.

    Override `subject`. To pass a clock or other options to `connect`, override that as well.
    """

    @pytest.fixture
    def subject(self) -> Subject:
        """Yield the connector under test with its server."""
        raise NotImplementedError("override the fixture `subject` to start your application's server")

    @pytest.fixture
    def connector(self, subject: Subject) -> Connector:
        connector: Connector = subject.connector
        return connector

    @pytest.fixture(autouse=True)
    def _pointed_to_the_server(self, subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in subject.environment.items():
            monkeypatch.setenv(name, value)

    @pytest.fixture
    def connect(self, connector: Connector) -> Connect:
        """Return the connector's `connect`."""
        return connector.connect

    @pytest.fixture
    def connection(self, connect: Connect, subject: Subject) -> Iterator[Connection]:
        """Yield a connection with the good credential."""
        with connect(subject.credential) as connection:
            yield connection

    def test_every_part_has_its_suite(
        self, connector: Connector, connection: Connection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        no_network(monkeypatch)
        inherited = {suite.__name__ for suite in type(self).__mro__}
        problems = list(suite_problems(connector, connection, inherited))
        assert not problems, "\n".join(problems)

    # Checking a credential

    def test_checking_a_good_credential_names_its_user(
        self, connection: Connection, subject: Subject
    ) -> None:
        report = connection.check()
        assert report.ok, f"{report.message} {report.fix}"
        assert subject.user_name in report.message, f"{report.message!r} doesn't name {subject.user_name!r}"
        json.dumps(asdict(report))

    def test_checking_a_bad_credential_reports_it(self, connect: Connect, subject: Subject) -> None:
        for credential, text in subject.bad_credentials:
            with connect(credential) as connection:
                report = connection.check()
            assert not report.ok, f"a bad credential passed the check: {report.message}"
            assert text in f"{report.message} {report.fix}", f"{report.message!r} doesn't say {text!r}"

    def test_checking_an_empty_credential_reports_it(self, connect: Connect, connector: Connector) -> None:
        for kind, form in connector.manifest.credentials.items():
            if not form.fields:
                continue  # empty is complete
            try:
                connection = connect({"kind": kind})
            except UsageError:
                continue  # it can't even be opened
            with connection:
                assert not connection.check().ok, f"an empty credential of the kind {kind!r} passed the check"

    def test_no_secret_is_in_a_report(self, connect: Connect, subject: Subject) -> None:
        for credential in (subject.credential, *(bad for bad, _ in subject.bad_credentials)):
            with connect(credential) as connection:
                shown = f"{connection!r} {connection.check()!r}".encode()
            assert not any(secret in shown for secret in subject.secrets), "a report or repr has a secret"

    def test_a_stored_credential_is_read_from_the_hosts_store(
        self, connect: Connect, subject: Subject
    ) -> None:
        store = KeptCredentials({"good": subject.credential})
        with connect({"kind": "stored", "name": "good"}, store=store) as connection:
            assert connection.check().ok
        with pytest.raises(UnknownCredential):
            connect({"kind": "stored", "name": "other"}, store=store)

    # Calling

    def test_every_example_can_be_previewed_without_network(
        self, connection: Connection, connector: Connector, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        no_network(monkeypatch)
        for name, action in connector.actions().items():
            for example in action.examples:
                preview = connection.preview(name, example["input"])
                assert json.loads(json.dumps(preview)) == preview, f"{name}: the preview isn't JSON"

    def test_a_preview_masks_secrets(
        self, connection: Connection, connector: Connector, subject: Subject
    ) -> None:
        for name, action in connector.actions().items():
            for example in action.examples:
                shown = repr(connection.preview(name, example["input"])).encode()
                assert not any(secret in shown for secret in subject.secrets), (
                    f"{name}: the preview has a secret"
                )

    def test_an_unknown_action_is_an_error(self, connection: Connection) -> None:
        for call in (connection.prepare, connection.run, connection.iterate, connection.preview):
            with pytest.raises(UnknownAction):
                call(UNKNOWN)

    def test_an_unknown_option_of_a_call_is_an_error(self, connection: Connection, subject: Subject) -> None:
        single = subject.single
        mistyped: dict[str, Any] = {"limt": 1}
        for call in (connection.prepare, connection.preview):
            with pytest.raises(TypeError):
                call(single.action, single.inputs, **mistyped)

    def test_an_invalid_call_is_rejected_without_network(
        self, connection: Connection, subject: Subject, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        no_network(monkeypatch)
        for call in subject.invalid_calls:
            with pytest.raises(InvalidParams) as caught:
                connection.run(call.action, call.inputs)
            assert all(text in str(caught.value) for text in call.texts), (call.name, str(caught.value))

    def test_a_failed_call_says_why_and_whether_to_retry(
        self, connection: Connection, subject: Subject
    ) -> None:
        for call in subject.failing_calls:
            call.arrange()
            with pytest.raises(ConnectorError) as caught:
                connection.run(call.action, call.inputs)
            subject.reset()
            assert all(text in str(caught.value) for text in call.texts), (call.name, str(caught.value))
            assert caught.value.retryable == call.retryable, (
                f"{call.name}: retryable is {caught.value.retryable}"
            )

    def test_errors_are_json_and_pickle(self, connection: Connection, subject: Subject) -> None:
        for call in subject.invalid_calls:
            with pytest.raises(ConnectorError) as caught:
                connection.run(call.action, call.inputs)
            error = caught.value
            copied = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
            assert type(copied) is type(error)
            assert copied.to_dict() == error.to_dict()
            json.dumps(error.to_dict())

    def test_a_record_is_json(self, connection: Connection, subject: Subject) -> None:
        result = connection.run(subject.single.action, subject.single.inputs)
        assert result.record is not None, f"{subject.single.action} returned no record"
        assert subject.single.record.items() <= result.record.items(), result.record
        assert json.loads(json.dumps(result.record)) == result.record

    def test_closing_twice_is_harmless(self, connect: Connect, subject: Subject) -> None:
        with connect(subject.credential) as connection:
            connection.close()
        connection.close()

    def test_an_unknown_event_is_an_error(self, connection: Connection) -> None:
        with pytest.raises(InvalidParams):
            connection.trigger([UNKNOWN])

    def test_unsubscribing_something_unknown_is_harmless(self, connection: Connection) -> None:
        assert connection.unsubscribe(UNKNOWN) is False

    def test_subscriptions_are_listed_as_plain_data_without_secrets(
        self, connection: Connection, subject: Subject
    ) -> None:
        listed = [asdict(one) for one in connection.subscription_states()]
        shown = json.dumps(listed).encode()
        assert not any(secret in shown for secret in subject.secrets), "the list has a secret"
        assert len({(one["id"], one["uri"], one["url"]) for one in listed}) == len(listed), (
            "one is listed twice"
        )

    # Choices of fields

    def test_choices_can_be_listed_and_other_fields_say_why_not(
        self, connection: Connection, connector: Connector
    ) -> None:
        for of, field in form_fields(connector):
            if field.has_options:
                continue
            page = connection.options(of, field.path)
            where = f"{of}, {field.path}"
            assert page.options or page.reason, f"{where}: an empty list in place of a reason"
            if field.choices:
                assert page.options == field.choices[:MOST_OPTIONS], (
                    f"{where}: the options aren't its choices"
                )

    def test_options_of_something_unknown_are_an_error(
        self, connection: Connection, connector: Connector
    ) -> None:
        for of, field in form_fields(connector):
            for unknown in ((UNKNOWN, field.path), (of, UNKNOWN)):
                with pytest.raises(UnknownAction):
                    connection.options(*unknown)

    # Functions in filters

    def test_a_filter_accepts_every_function(self, connection: Connection, connector: Connector) -> None:
        for name, function in connector.manifest.functions.items():
            uses = _uses(connection, connector, function.example)
            accepted = (accepts for is_secret, accepts in uses if is_secret == function.secret)
            assert function.secret or any(accepted), f"{name}: no input accepts {function.example}"

    def test_only_secret_inputs_accept_a_secret(self, connection: Connection, connector: Connector) -> None:
        for name, function in connector.manifest.functions.items():
            if function.secret:
                for is_secret, accepts in _uses(connection, connector, function.example):
                    assert is_secret or not accepts, f"{name}: an input that isn't secret accepts it"

    def test_a_plain_value_in_a_filter_is_not_evaluated(
        self, connection: Connection, connector: Connector
    ) -> None:
        text = "~{NoSuchFunction}~"
        for name, field, others in _inputs(connector):
            try:
                connection.prepare(name, {**others, field: text})
            except UsageError:
                continue  # it accepts no such text
            try:
                connection.prepare(name, others, filter={field: Plain(text)})
            except UsageError as error:
                pytest.fail(f"{name}: {field} evaluates what is plain: {error}")


def _uses(connection: Connection, connector: Connector, text: str) -> Iterator[tuple[bool, bool]]:
    """Try a text in every input; yield whether the input is secret, and whether it accepts the text."""
    actions = connector.actions()
    for name, field, others in _inputs(connector):
        is_secret = bool(actions[name].input["properties"][field].get("writeOnly"))
        try:
            connection.prepare(name, others, filter={field: text})
        except UsageError:
            yield is_secret, False
        else:
            yield is_secret, True


def _inputs(connector: Connector) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield every input of every action, with an example of the action's other inputs."""
    for name, action in connector.actions().items():
        example = action.examples[0]["input"]
        for field in action.input.get("properties", {}):
            yield name, field, {key: value for key, value in example.items() if key != field}
