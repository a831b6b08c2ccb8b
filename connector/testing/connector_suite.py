"""The suite for a connector: what it declares, and what its connections do. Its author inherits from it."""

import json
import pickle
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict
from typing import Any, NamedTuple, TypeVar
from urllib.parse import parse_qs, urlsplit

import pytest

from ..contract import Connection, Connector, Field, OptionPage
from ..errors import (
    ConnectorError,
    InvalidParams,
    SignatureError,
    SignInFailed,
    UnknownAction,
    UnknownCredential,
    UsageError,
)
from .catalog_suite import CatalogSuite, misfits
from .form_check import walk
from .offline import no_network
from .subject import Delivery, SignIn, Subject

Connect = Callable[..., Connection]
_Given = TypeVar("_Given")

_MOST_OPTIONS = 100  # of a page
_MOST_PAGES = 200
_LONG_AGO_S = 3600.0  # a write of that age isn't under way any more
_UNKNOWN = "no.such.thing"


class ConnectorSuite(CatalogSuite):
    """Override `subject`. To pass a clock or other options to `connect`, override that as well."""

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
        for kind in connector.manifest.credentials:
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
                call(_UNKNOWN)

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

    def test_a_page_says_that_there_are_more_records(self, connection: Connection, subject: Subject) -> None:
        result = connection.run(subject.listing.action, subject.listing.inputs)
        assert 0 < len(result.records) < subject.listing.total
        assert not result.complete, "a page of a longer list says that it is complete"

    def test_all_pages_have_every_record_once(self, connection: Connection, subject: Subject) -> None:
        listing = subject.listing
        result = connection.run(listing.action, listing.inputs, all_pages=True)
        assert result.complete, "all pages were read, but the result says that there are more"
        assert len({json.dumps(record) for record in result.records}) == len(result.records) == listing.total

    def test_a_stream_has_the_records_of_all_pages(self, connection: Connection, subject: Subject) -> None:
        listing = subject.listing
        records = connection.iterate(listing.action, listing.inputs)
        found = [record for page in records.pages() for record in page]
        assert records.complete
        assert found == connection.run(listing.action, listing.inputs, all_pages=True).records

    def test_a_limit_ends_a_list(self, connection: Connection, subject: Subject) -> None:
        listing = subject.listing
        limit = listing.total - 1
        result = connection.run(listing.action, listing.inputs, all_pages=True, limit=limit)
        assert len(result.records) == limit
        assert not result.complete, "a list that a limit ended says that it is complete"

    def test_closing_twice_is_harmless(self, connect: Connect, subject: Subject) -> None:
        with connect(subject.credential) as connection:
            connection.close()
        connection.close()

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

    # Options

    def test_options_come_in_pages_or_with_a_reason(
        self, connection: Connection, connector: Connector
    ) -> None:
        for of, field, _, page in _listed(connection, connector):
            assert len(page.options) <= _MOST_OPTIONS, (
                f"{of}, {field.path}: {len(page.options)} options in a page"
            )
            assert not (page.reason and page.options), f"{of}, {field.path}: both options and a reason"
            assert all(option.label and option.value for option in page.options), (
                f"{of}, {field.path}: no label"
            )

    def test_pages_of_options_have_each_option_once(
        self, connection: Connection, connector: Connector
    ) -> None:
        for of, field, values, page in _listed(connection, connector):
            seen: set[str] = set()
            for one in _pages(connection, of, field.path, values, page):
                found = [option.value for option in one.options]
                assert len(set(found)) == len(found), f"{of}, {field.path}: a page has an option twice"
                assert not seen & set(found), f"{of}, {field.path}: an option is on two pages"
                seen |= set(found)

    def test_a_search_narrows_options(self, connection: Connection, connector: Connector) -> None:
        for of, field, values, page in _listed(connection, connector):
            for option in page.options[-1:]:
                found = connection.options(of, field.path, values, search=option.label).options
                where = f"{of}, {field.path}: searching {option.label!r}"
                assert option in found, f"{where} doesn't find it"
                text = option.label.casefold()
                assert all(text in one.label.casefold() for one in found), f"{where} finds others, too"
                nothing = connection.options(of, field.path, values, search=_UNKNOWN)
                assert not nothing.options, f"{of}, {field.path}: a search for nonsense finds something"

    def test_dependent_options_say_what_they_need(self, connection: Connection, connector: Connector) -> None:
        for of, field in _fields(connector):
            if field.has_options and field.depends_on:
                page = connection.options(of, field.path)
                where = f"{of}, {field.path}, without other values"
                assert page.options or page.reason, f"{where}: neither options nor a reason"
                needed = set(page.needs)
                assert page.options or needed, f"{where}: it doesn't say which field it needs"
                assert needed <= set(field.depends_on), f"{where}: it needs {', '.join(needed)}, undeclared"

    def test_options_that_cant_be_read_are_no_empty_list(
        self, connect: Connect, connector: Connector, subject: Subject
    ) -> None:
        credential, _ = subject.bad_credentials[0]
        with connect(credential) as connection:
            for of, field in _fields(connector):
                if field.has_options:
                    try:
                        page = connection.options(of, field.path, _example_input(connector, of))
                    except ConnectorError:
                        continue  # it says why
                    assert page.options or page.reason, f"{of}, {field.path}: an empty list hides a failure"

    def test_choices_can_be_listed_and_other_fields_say_why_not(
        self, connection: Connection, connector: Connector
    ) -> None:
        for of, field in _fields(connector):
            if field.has_options:
                continue
            page = connection.options(of, field.path)
            where = f"{of}, {field.path}"
            assert page.options or page.reason, f"{where}: an empty list in place of a reason"
            if field.choices:
                assert page.options == field.choices[:_MOST_OPTIONS], (
                    f"{where}: the options aren't its choices"
                )

    def test_options_of_something_unknown_are_an_error(
        self, connection: Connection, connector: Connector
    ) -> None:
        of, field = next(iter(_fields(connector)))
        for unknown in ((_UNKNOWN, field.path), (of, _UNKNOWN)):
            with pytest.raises(UnknownAction):
                connection.options(*unknown)

    # Writes whose reply was lost

    def test_a_write_that_happened_is_found_and_never_repeated(
        self, connection: Connection, subject: Subject
    ) -> None:
        write = _given(subject.lost_reply, "lost_reply")
        sent_at, inputs, before = time.time(), write.inputs(), write.writes()
        write.lose()
        with pytest.raises(ConnectorError) as caught:
            connection.run(write.action, inputs)
        assert getattr(caught.value, "may_have_happened", False), (
            "the error doesn't say that it may have happened"
        )
        assert write.writes() == before + 1
        settled = connection.settle(write.action, inputs, sent_at=sent_at)
        assert write.writes() == before + 1, "settling repeated the write"
        assert settled.state == "done", settled.message
        assert settled.record

    def test_a_write_that_did_not_happen_is_not_found(self, connection: Connection, subject: Subject) -> None:
        write = _given(subject.lost_reply, "lost_reply")
        before, sent_at = write.writes(), time.time() - _LONG_AGO_S
        settled = connection.settle(write.action, write.inputs(), sent_at=sent_at)
        assert write.writes() == before, "settling carried out the write"
        assert settled.state == "not_done", settled.message

    def test_a_look_up_that_fails_leaves_it_unknown(self, connect: Connect, subject: Subject) -> None:
        write = _given(subject.lost_reply, "lost_reply")
        credential, _ = subject.bad_credentials[0]
        with connect(credential) as connection:
            settled = connection.settle(write.action, write.inputs(), sent_at=time.time())
        assert settled.state == "unknown", settled.message
        assert settled.fix, "it doesn't say what a person can do"

    # Events

    def test_a_sample_fits_the_payloads_schema(self, connection: Connection, connector: Connector) -> None:
        for name, trigger in connector.manifest.triggers.items():
            event = connection.trigger([name]).sample()
            assert event.kind == name
            problems = list(misfits(event.payload, trigger.payload))
            assert not problems, f"{name}: its sample {problems[0]}"

    def test_an_unknown_event_or_filter_is_an_error(
        self, connection: Connection, connector: Connector
    ) -> None:
        with pytest.raises(InvalidParams):
            connection.trigger([_UNKNOWN])
        for name in connector.manifest.triggers:
            with pytest.raises(InvalidParams):
                connection.trigger([name], {"no_such_filter": "x"})

    def test_polling_returns_each_event_once(self, connection: Connection, subject: Subject) -> None:
        trigger = connection.trigger([subject.event_kind])
        first = trigger.poll()
        assert not first.events, "the first poll returned events, but it only sets the baseline"
        event_id = subject.cause_event()
        second = trigger.poll(first.cursor)
        assert [event.id for event in second.events] == [event_id]
        assert not trigger.poll(second.cursor).events, "an event was returned twice"

    def test_a_signed_webhook_is_received(self, connect: Connect, subject: Subject) -> None:
        delivery: Delivery = _given(subject.deliver, "deliver")()
        with connect(delivery.credential) as connection:
            event = connection.receive(delivery.headers, delivery.body)
            assert event.id == delivery.event_id
            assert connection.trigger([event.kind]).match(event) == (event,)

    def test_an_unsigned_or_changed_webhook_is_rejected(self, connect: Connect, subject: Subject) -> None:
        delivery: Delivery = _given(subject.deliver, "deliver")()
        with connect(delivery.credential) as connection:
            for headers, body in (({}, delivery.body), (delivery.headers, delivery.body + b" ")):
                with pytest.raises(SignatureError):
                    connection.receive(headers, body)

    def test_unsubscribing_something_unknown_is_harmless(self, connection: Connection) -> None:
        assert connection.unsubscribe(_UNKNOWN) is False

    # Signing in

    def test_only_kinds_that_need_it_have_a_sign_in(self, connector: Connector) -> None:
        for name, kind in connector.manifest.credentials.items():
            if kind.needs_sign_in:
                assert connector.oauth(name), name
            else:
                with pytest.raises(UsageError):
                    connector.oauth(name)

    def test_a_sign_in_asks_for_what_its_uses_need(self, connector: Connector, subject: Subject) -> None:
        sign_in = _given(subject.sign_in, "sign_in")
        oauth = connector.oauth(sign_in.credential["kind"])
        uses = [*connector.actions(), *connector.manifest.triggers]
        request = oauth.authorize(sign_in.credential, uses=uses)
        query = parse_qs(urlsplit(request.url).query)
        assert request.state, "the sign-in has no state"
        assert query.get("state") == [request.state], "the address doesn't carry the state"
        assert query.get("code_challenge_method") == ["S256"], "the address has no PKCE challenge (S256)"
        assert query.get("redirect_uri") == [request.redirect_uri]
        asked = " ".join(query.get("scope", [])).split()
        assert set(oauth.required_scopes(uses)) <= set(asked), (
            "it doesn't ask for the scopes that the uses need"
        )
        assert oauth.authorize(sign_in.credential, uses=uses).state != request.state, (
            "two sign-ins share a state"
        )
        with pytest.raises(UnknownAction):
            oauth.required_scopes([_UNKNOWN])

    def test_a_sign_in_keeps_its_secrets(self, connector: Connector, subject: Subject) -> None:
        sign_in = _given(subject.sign_in, "sign_in")
        request = connector.oauth(sign_in.credential["kind"]).authorize(sign_in.credential)
        assert request.verifier
        assert request.verifier not in request.url, "the address has the PKCE verifier"
        assert request.verifier not in repr(request), "the request shows its verifier"
        assert json.loads(json.dumps(asdict(request))), "a web session can't keep the request"

    def test_signing_in_leads_to_a_credential_that_works(
        self, connect: Connect, connector: Connector, subject: Subject
    ) -> None:
        sign_in = _given(subject.sign_in, "sign_in")
        signed_in = _signed_in(connector, sign_in)
        with connect(signed_in) as connection:
            report = connection.check()
            shown = f"{connection!r} {report!r}"
        assert report.ok, report.message
        added = signed_in.keys() - sign_in.credential.keys()
        drawn = {field.path for field in connector.manifest.credentials[signed_in["kind"]].fields}
        assert not added & drawn, f"the form asks for what the sign-in fills in: {', '.join(added & drawn)}"
        tokens = [signed_in[name] for name in added if name.endswith("token")]
        assert not any(token in shown for token in tokens), "a report or repr has a token"

    def test_a_redirect_of_another_sign_in_is_rejected(self, connector: Connector, subject: Subject) -> None:
        sign_in = _given(subject.sign_in, "sign_in")
        oauth = connector.oauth(sign_in.credential["kind"])
        uses = list(connector.actions())
        mine, other = (oauth.authorize(sign_in.credential, uses=uses) for _ in range(2))
        with pytest.raises(SignInFailed):
            oauth.exchange(sign_in.credential, mine, sign_in.consent(other.url))

    def test_refreshing_and_revoking_replace_the_tokens(
        self, connect: Connect, connector: Connector, subject: Subject
    ) -> None:
        sign_in = _given(subject.sign_in, "sign_in")
        oauth = connector.oauth(sign_in.credential["kind"])
        signed_in = _signed_in(connector, sign_in)
        refreshed = oauth.refresh(signed_in)
        assert refreshed != signed_in
        with connect(refreshed) as connection:
            assert connection.check().ok
        revoked = oauth.revoke(refreshed)
        gone = {name for name in refreshed.keys() - revoked.keys() if name.endswith("token")}
        assert gone, "the credential still has its tokens"
        with connect(revoked) as connection:
            assert not connection.check().ok

    # Credentials that the host keeps

    def test_a_stored_credential_is_read_from_the_hosts_store(
        self, connect: Connect, subject: Subject
    ) -> None:
        store = _Store({"good": subject.credential})
        with connect({"kind": "stored", "name": "good"}, store=store) as connection:
            assert connection.check().ok
        with pytest.raises(UnknownCredential):
            connect({"kind": "stored", "name": "other"}, store=store)

    def test_refreshed_tokens_are_stored_under_the_lock(
        self, connect: Connect, connector: Connector, subject: Subject
    ) -> None:
        sign_in = _given(subject.sign_in, "sign_in")
        expired = dict(sign_in.expire(_signed_in(connector, sign_in)))
        store = _Store({"app": expired})
        with connect({"kind": "stored", "name": "app"}, store=store) as connection:
            assert connection.check().ok
        assert store.get("app") != expired, "the new tokens weren't stored"
        assert store.put_without_lock == [], "the tokens were stored without the lock"


class _Store:
    """A host's store of credentials, which notices changes that the lock doesn't protect."""

    def __init__(self, credentials: Mapping[str, Mapping[str, str]]) -> None:
        self._credentials = {name: dict(credential) for name, credential in credentials.items()}
        self._locked: set[str] = set()
        self.put_without_lock: list[str] = []

    def get(self, name: str) -> dict[str, str]:
        if name not in self._credentials:
            raise UnknownCredential(f"No credential named {name!r}.")
        return dict(self._credentials[name])

    def put(self, name: str, credential: Mapping[str, str]) -> None:
        if name not in self._locked:
            self.put_without_lock.append(name)
        self._credentials[name] = dict(credential)

    def lock(self, name: str, *, timeout_s: float = 60.0) -> AbstractContextManager[None]:
        del timeout_s  # one thread uses it
        return self._held(name)

    @contextmanager
    def _held(self, name: str) -> Iterator[None]:
        self._locked.add(name)
        yield
        self._locked.discard(name)


class _Listed(NamedTuple):
    """The first page of a field's options, with the values that the form had by then."""

    of: str
    field: Field
    values: Mapping[str, Any]
    page: OptionPage


def _fields(connector: Connector) -> Iterator[tuple[str, Field]]:
    """Yield every field of every form of inputs, with its action or trigger."""
    for name, action in connector.actions().items():
        yield from ((name, field) for field in walk(action.fields))
    for name, trigger in connector.manifest.triggers.items():
        yield from ((name, field) for field in walk(trigger.fields))


def _listed(connection: Connection, connector: Connector) -> Iterator[_Listed]:
    """Fill in each form from above, with the first option of each field, as a person would."""
    values: dict[str, dict[str, Any]] = {}
    for of, field in _fields(connector):
        if field.has_options:
            form = values.setdefault(of, {})
            page = connection.options(of, field.path, form)
            yield _Listed(of, field, dict(form), page)
            if page.options and "." not in field.path:
                value = page.options[0].value
                form[field.name] = [value] if field.is_list else value


def _pages(
    connection: Connection, of: str, path: str, values: Mapping[str, Any], page: OptionPage
) -> Iterator[OptionPage]:
    yield page
    for _ in range(_MOST_PAGES):
        if page.next_page is None:
            return
        page = connection.options(of, path, values, page=page.next_page)
        yield page
    raise AssertionError(f"{of}, {path}: more than {_MOST_PAGES} pages of options")


def _example_input(connector: Connector, of: str) -> Mapping[str, Any]:
    action = connector.actions().get(of)
    example: Mapping[str, Any] = action.examples[0]["input"] if action else {}
    return example


def _uses(connection: Connection, connector: Connector, text: str) -> Iterator[tuple[bool, bool]]:
    """Try a text in every input; yield whether the input is secret, and whether it accepts the text."""
    for name, action in connector.actions().items():
        example = action.examples[0]["input"]
        for field, rule in action.input.get("properties", {}).items():
            others = {key: value for key, value in example.items() if key != field}
            try:
                connection.prepare(name, others, filter={field: text})
            except UsageError:
                yield bool(rule.get("writeOnly")), False
            else:
                yield bool(rule.get("writeOnly")), True


def _signed_in(connector: Connector, sign_in: SignIn) -> dict[str, str]:
    """Return a credential with the tokens of a new sign-in for everything."""
    oauth = connector.oauth(sign_in.credential["kind"])
    request = oauth.authorize(sign_in.credential, uses=list(connector.actions()))
    return oauth.exchange(sign_in.credential, request, sign_in.consent(request.url))


def _given(what: _Given | None, name: str) -> _Given:
    if what is None:
        pytest.skip(f"the subject has no `{name}`")
    return what
