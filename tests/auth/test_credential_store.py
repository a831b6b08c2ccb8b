"""Credentials in a host's own store: read from it, refreshed once under its lock, and named in errors."""

import json
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from calendly_connector.auth.vault import open_vault
from calendly_connector.errors import (
    InvalidCredential,
    PermissionDenied,
    SignInRequired,
    Unauthenticated,
    UnknownCredential,
    VaultError,
)
from calendly_connector.examples.web_sign_in import SqliteStore
from calendly_connector.plugin import connector
from calendly_connector.sandbox.world import fixtures
from endurance import rounds
from oauth_workers import PROCESSES, Workers
from signing_in import WEB, answer, app_server, sign_in, stale, token_calls

NAME = "ada's account"
STORED = {"kind": "stored", "name": NAME}
TOKEN = {"kind": "personal_access_token", "token": "sandbox-owner"}
ME = f"https://api.calendly.com/users/{fixtures.OWNER}"
SECRET = "made-up-token-in-an-error"


class Memory:
    """A store in memory that remembers what was called."""

    def __init__(self, credential=None):
        self.credentials = {NAME: credential} if credential else {}
        self.calls = []
        self._lock = threading.Lock()

    def get(self, name):
        self.calls.append("get")
        if name not in self.credentials:
            raise UnknownCredential("Ada isn't connected.", fix="Connect Ada.")
        return self.credentials[name]

    def put(self, name, credential):
        self.calls.append("put")
        self.credentials[name] = dict(credential)

    @contextmanager
    def lock(self, _name, *, timeout_s=60.0):
        assert self._lock.acquire(timeout=timeout_s)
        self.calls.append("lock")
        try:
            yield
        finally:
            self.calls.append("unlock")
            self._lock.release()


class Broken(Memory):
    """A store in which one method fails with an error of its own."""

    def __init__(self, credential, method, error):
        super().__init__(credential)
        self.method, self.error = method, error

    def fail(self, method):
        if method == self.method:
            raise self.error

    def get(self, name):
        self.fail("get")
        return super().get(name)

    def put(self, name, credential):
        self.fail("put")
        super().put(name, credential)

    @contextmanager
    def lock(self, name, *, timeout_s=60.0):
        self.fail("lock")
        with super().lock(name, timeout_s=timeout_s):
            yield
        self.fail("unlock")


@pytest.fixture(scope="module")
def _running():
    from conftest import _make_sandbox

    with _make_sandbox() as running:
        yield running


@pytest.fixture
def sandbox(_running, monkeypatch, tmp_path):
    """Return a sandbox in which no app has access, and a vault that must not be used."""
    _running.control("POST", "/apps/revoke", {"client_id": "sandbox-web"})
    for path in ("/faults", "/requests"):
        _running.control("DELETE", path)
    monkeypatch.setenv("CALENDLY_API_URL", _running.url)
    monkeypatch.setenv("CALENDLY_AUTH_URL", _running.url)
    monkeypatch.setenv("CALENDLY_CONNECTOR_VAULT", str(tmp_path / "vault.json"))
    yield _running
    assert not (tmp_path / "vault.json").exists()


def signed_in(sandbox, scopes=("users:read",)):
    credential = sign_in(sandbox, WEB, scopes)
    sandbox.control("DELETE", "/requests")
    return credential


# Reading


def test_a_stored_credential_is_read_from_the_hosts_store(sandbox):  # noqa: ARG001 - it checks the vault
    with connector.connect(STORED, store=Memory(TOKEN)) as connection:
        assert connection.run("users.me").record["uri"] == ME


def test_the_vault_is_a_store(monkeypatch, tmp_path, sandbox_url):
    monkeypatch.setenv("CALENDLY_CONNECTOR_VAULT", str(tmp_path / "vault.json"))
    open_vault().put("work", TOKEN)
    with connector.connect(
        {"kind": "stored", "name": "work"}, origin=sandbox_url, store=open_vault()
    ) as connection:
        assert connection.run("users.me").record["uri"] == ME


@pytest.fixture
def sandbox_url(_running):
    return _running.url


def test_a_passed_credential_ignores_the_store(sandbox):  # noqa: ARG001
    store = Memory()
    with connector.connect(TOKEN, store=store) as connection:
        connection.run("users.me")
    assert store.calls == []


def test_an_unknown_name_raises_the_stores_own_error():
    with pytest.raises(UnknownCredential, match=r"^Ada isn't connected\. Connect Ada\.$"):
        connector.connect(STORED, store=Memory())


@pytest.mark.parametrize(
    "credential",
    [
        "a text",
        {"kind": "oauth", "expires_at": 5.0},
        {"kind": "stored", "name": "x"},
        {5: "x"},
        {"token": "x"},
    ],
)
def test_a_store_that_returns_something_else_is_reported(credential):
    with pytest.raises(InvalidCredential):
        connector.connect(STORED, store=Memory(credential))


# Refreshing


def test_new_tokens_are_put_under_the_lock_before_they_are_used(sandbox):
    before = stale(signed_in(sandbox))
    store = Memory(before)
    with connector.connect(STORED, store=store) as connection:
        store.calls.clear()
        connection.run("users.me")
        assert store.calls == ["lock", "get", "put", "unlock"]
        connection.run("users.me")
    assert token_calls(sandbox) == 1
    after = store.credentials[NAME]
    assert after["refresh_token"] != before["refresh_token"]
    assert {name: after[name] for name in WEB} == WEB


def test_tokens_that_cannot_be_stored_are_not_used(sandbox):
    store = Broken(stale(signed_in(sandbox)), "put", OSError(SECRET))
    with connector.connect(STORED, store=store) as connection, pytest.raises(VaultError):
        connection.run("users.me")
    assert sandbox.requests()["counts"] == {"POST /oauth/token": 1}


def test_threads_of_several_connections_refresh_once(sandbox):
    store = Memory(stale(signed_in(sandbox)))
    connections = [connector.connect(STORED, store=store) for _ in range(8)]
    start = threading.Barrier(len(connections))

    def use(connection):
        start.wait()
        with connection:
            return connection.run("users.me").record["uri"]

    with ThreadPoolExecutor(len(connections)) as pool:
        assert set(pool.map(use, connections)) == {ME}
    assert token_calls(sandbox) == 1
    assert store.calls.count("put") == 1


def test_an_ended_sign_in_is_remembered_even_if_the_lock_is_a_transaction(sandbox):
    class Transaction(Memory):
        @contextmanager
        def lock(self, name, *, timeout_s=60.0):
            before = dict(self.credentials)
            with super().lock(name, timeout_s=timeout_s):
                try:
                    yield
                except BaseException:
                    self.credentials = before
                    raise

    store = Transaction(signed_in(sandbox))
    sandbox.control("POST", "/apps/revoke", {"client_id": "sandbox-web"})
    with connector.connect(STORED, store=store) as connection:
        for _ in range(3):
            with pytest.raises(SignInRequired, match="access was revoked in Calendly") as caught:
                connection.run("users.me")
    assert caught.value.credential == NAME
    assert store.credentials[NAME]["signed_out"] == "revoked"
    assert token_calls(sandbox) == 1


@pytest.fixture
def host_store(sandbox, monkeypatch, tmp_path):
    """Return the example's store, which the worker processes use, too. Its tokens aren't encrypted."""
    path = tmp_path / "credentials.db"
    monkeypatch.setenv("HOST_STORE", str(path))
    yield SqliteStore(path)
    path.unlink()
    assert sandbox


def race(sandbox, store, times):
    store.put(NAME, signed_in(sandbox))
    with Workers(NAME) as workers:
        for _ in range(times):
            store.put(NAME, stale(store.get(NAME)))
            sandbox.control("DELETE", "/requests")
            assert workers.round() == [fixtures.OWNER_NAME] * PROCESSES
            assert token_calls(sandbox) == 1


@pytest.mark.long
def test_processes_that_share_a_hosts_store_refresh_once(sandbox, host_store):
    race(sandbox, host_store, rounds(3, 100))


@pytest.mark.long
def test_if_the_refreshing_process_dies_before_it_stores_the_tokens_all_others_say_so(sandbox, host_store):
    with Workers(NAME, "kill") as workers:
        for _ in range(rounds(3, 100)):
            host_store.put(NAME, stale(signed_in(sandbox)))
            assert workers.round() == ["killed"] + ["sign_in_required used"] * (PROCESSES - 1)
            assert sandbox.requests()["counts"] == {"POST /oauth/token": 2}


# Errors of the store


def assert_no_secret(error):
    for text in (str(error), repr(error), json.dumps(error.to_dict()), repr(pickle.dumps(error))):
        assert SECRET not in text


@pytest.mark.parametrize("method", ["lock", "get", "put", "unlock"])
def test_an_error_of_the_store_is_reported_without_its_text(method, sandbox):
    store = Broken(stale(signed_in(sandbox)), "", ValueError(f"a row with {SECRET}"))
    with connector.connect(STORED, store=store) as connection:
        store.method = method
        with pytest.raises(VaultError, match=r"store failed for the credential .*: ValueError") as caught:
            connection.run("users.me")
        assert_no_secret(caught.value)
        assert caught.value.__suppress_context__
        report = connection.check()
    assert (report.outcome, report.message) == ("unexpected", caught.value.message)


def test_an_error_of_the_store_while_it_opens_is_reported_without_its_text():
    with pytest.raises(VaultError, match="KeyError") as caught:
        connector.connect(STORED, store=Broken(TOKEN, "get", KeyError(SECRET)))
    assert_no_secret(caught.value)


def test_a_lock_that_times_out_can_be_tried_again(sandbox):
    store = Broken(stale(signed_in(sandbox)), "lock", TimeoutError())
    with connector.connect(STORED, store=store) as connection, pytest.raises(VaultError) as caught:
        connection.run("users.me")
    assert (caught.value.reason, caught.value.retryable) == ("busy", True)
    assert token_calls(sandbox) == 0


def test_an_interrupt_passes_through():
    with pytest.raises(KeyboardInterrupt):
        connector.connect(STORED, store=Broken(TOKEN, "get", KeyboardInterrupt()))


# Errors that name the place


PLACES = [("", 'the credential "ada\'s account"'), ("the connection 'calendly'", "the connection 'calendly'")]


@pytest.mark.parametrize(("source", "place"), PLACES)
def test_a_refused_token_is_to_be_replaced_where_the_host_keeps_it(source, place, sandbox):  # noqa: ARG001
    store = Memory({**TOKEN, "token": "sandbox-revoked"})
    with connector.connect(STORED, store=store, source=source) as connection:
        with pytest.raises(Unauthenticated) as caught:
            connection.run("users.me")
        assert caught.value.fix == f"Create a new token in Calendly and put it in {place}."
        assert connection.check().fix == caught.value.fix


@pytest.mark.parametrize(("source", "place"), PLACES)
def test_an_ended_sign_in_is_to_be_repeated_in_the_host(source, place, sandbox):
    store = Memory(stale(signed_in(sandbox)))
    sandbox.control("POST", "/apps/revoke", {"client_id": "sandbox-web"})
    with connector.connect(STORED, store=store, source=source) as connection:
        with pytest.raises(SignInRequired) as caught:
            connection.run("users.me")
        assert caught.value.fix == f"Sign in again for {place}."
        assert connection.check().fix == caught.value.fix


@pytest.mark.parametrize(("source", "place"), PLACES)
def test_a_missing_scope_is_to_be_granted_in_the_host(source, place, sandbox):
    store = Memory(signed_in(sandbox))
    with (
        connector.connect(STORED, store=store, source=source) as connection,
        pytest.raises(PermissionDenied) as caught,
    ):
        connection.run("scheduled_events.list")
    assert caught.value.fix == f"Sign in again for {place}, with scheduled_events:read."


def test_a_passed_sign_in_that_expired_is_to_be_repeated_in_the_host(sandbox):
    credential = stale(signed_in(sandbox))
    with (
        connector.connect(credential, source="the connection 'calendly'") as connection,
        pytest.raises(SignInRequired) as caught,
    ):
        connection.run("users.me")
    assert caught.value.fix == "Sign in again for the connection 'calendly'."


def test_a_refused_access_token_is_refreshed_in_the_store(sandbox):
    answer(sandbox, "allow")
    store = Memory(signed_in(sandbox))
    app_server(sandbox.url, WEB).revoke(store.credentials[NAME]["access_token"])
    with connector.connect(STORED, store=store) as connection:
        assert connection.run("users.me").record["uri"] == ME
    assert store.calls.count("put") == 1
