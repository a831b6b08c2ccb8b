"""Shared fixtures: no network beyond this machine, none of its credentials, sandboxes, connections."""

import gc
import os
import shutil
import signal
import socket
import sys
import time
from contextlib import closing
from datetime import UTC, date, datetime
from uuid import uuid4

import pytest
from calendly_connector.http.rate_limit import RECHECK_S
from calendly_connector.plugin import connector
from hypothesis import settings

settings.register_profile("tests", deadline=None)  # a busy machine must not fail tests
settings.load_profile("tests")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # in a background job; commands inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)

KIND = "personal_access_token"
OWNER_TOKEN = "sandbox-owner"
ANCHOR = date(2026, 11, 17)  # the date of the examples in schemas/
NOW_S = 1_795_000_000.0  # the time of the tests, on the next day
_LOOPBACK = {"127.0.0.1", "::1", "localhost", "", None}
_MACHINES_OWN = (
    "CALENDLY_",
    "GIT_",
    "PG",
    "LIVE",
    "NETRC",
    "PYTHON_KEYRING",
    "XDG_",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "SSL_CERT_",
)
_TERMINALS_OWN = ("COLUMNS", "LINES", "FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE")
_left_this_machine = []


def _guard(event, arguments):
    """Raise an error for any network use beyond this machine, even deep inside a library."""
    if event in {"socket.connect", "socket.sendto", "socket.sendmsg"}:
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else None
    elif event in {"socket.getaddrinfo", "socket.gethostbyname"}:
        host = arguments[0]
    else:
        return
    host = host.decode() if isinstance(host, bytes) else host
    if host not in _LOOPBACK and not str(host).startswith("127."):
        _left_this_machine.append(f"{event} {host}")
        raise PermissionError(f"a test tried to leave this machine: {event} {host}")


sys.addaudithook(_guard)


@pytest.hookimpl(optionalhook=True)  # hosts are tested without xdist
def pytest_xdist_auto_num_workers():
    """Start more workers than there are processors, because tests also wait."""
    return max(2, 3 * (os.cpu_count() or 1) // 2)


def pytest_sessionfinish(session):
    """Fail the run if any file, log or database that it leaves behind contains a secret of a sandbox."""
    if hasattr(session.config, "workerinput"):
        return  # the common folder of all workers is searched once
    from calendly_connector.sandbox.app import SECRET_MARK
    from calendly_connector.sandbox.authorization.apps import WEB

    secrets = (SECRET_MARK.encode(), WEB.secret.encode(), WEB.webhook_key.encode())
    paths = session.config._tmp_path_factory.getbasetemp().rglob("*")
    files = (path for path in paths if path.is_file() and not path.is_symlink())
    found = [str(path) for path in files if any(secret in path.read_bytes() for secret in secrets)]
    if found:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        raise pytest.UsageError(f"secrets were left behind in: {', '.join(found)}")


def pytest_collection_finish():
    """Exclude the collected tests from garbage collection, which saves time."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _stays_on_this_machine():
    """Fail a test that tried to leave this machine, even if the tested code handled the error."""
    yield
    attempts = _left_this_machine.copy()
    _left_this_machine.clear()
    assert not attempts


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch, tmp_path_factory):
    """Remove the tokens, proxies, certificates and terminal settings of this machine."""
    for name in list(os.environ):
        upper = name.upper()
        if upper.startswith(_MACHINES_OWN) or upper.endswith("_PROXY") or upper in _TERMINALS_OWN:
            monkeypatch.delenv(name)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    home = tmp_path_factory.getbasetemp() / "home"
    monkeypatch.setenv("HOME", str(home))
    yield
    if home.exists():  # kept, because the run ends with a search for secrets
        home.rename(home.with_name(f"home-{uuid4()}"))


@pytest.fixture(autouse=True)
def _no_budgets_of_other_tests():
    """Reset the rate limits, because other tests have other clocks."""
    yield
    from calendly_connector.http import rate_limit

    rate_limit.reset()


def _make_sandbox(**options):
    from brief import brief_sandbox

    settings = {"anchor": ANCHOR, "public_origin": True, "check_replies": True, "rate_limit": 0}
    if "clock" not in options:
        settings["now"] = datetime.fromtimestamp(NOW_S, UTC)
    return brief_sandbox(**settings | options)


@pytest.fixture(scope="session")
def sandbox():
    """Return a shared sandbox for tests that only read."""
    with _make_sandbox() as running:
        yield running


@pytest.fixture(scope="session", autouse=True)
def _brief_sandboxes_end_well():
    """Fail the run if a sandbox didn't stop cleanly."""
    from brief import wait

    yield
    wait()


@pytest.fixture
def fresh_sandbox():
    """Return the test's own sandbox, which it may change."""
    with _make_sandbox() as running:
        yield running


@pytest.fixture
def make_sandbox():
    """Return a context manager that runs a sandbox with other options."""
    return _make_sandbox


@pytest.fixture
def frozen_sandbox():
    """Return the test's own sandbox with a frozen clock."""
    from sandbox_client import Clock

    with _make_sandbox(clock=Clock()) as running:
        yield running


@pytest.fixture
def serve(connect):
    """Return a function that connects an MCP agent to a server over a sandbox."""
    from agents import serving

    return serving(connect)


@pytest.fixture(scope="session")
def _shared_faulty_sandbox():
    with _make_sandbox() as running:
        yield running


@pytest.fixture
def faulty_sandbox(_shared_faulty_sandbox):
    """Return a shared sandbox for faults, with an empty request log. Tests must not change its data."""
    _shared_faulty_sandbox.control("DELETE", "/faults")
    _shared_faulty_sandbox.control("DELETE", "/requests")
    return _shared_faulty_sandbox


class Timer:
    """A clock that advances only by sleeps, and by `tick_s` at each reading."""

    def __init__(self, now=NOW_S):
        self.now = now
        self.tick_s = 0.0
        self.sleeps = []

    def __call__(self):
        self.now += self.tick_s
        return self.now

    def sleep(self, seconds):
        self.sleeps.append(seconds)
        self.now += seconds
        if seconds <= RECHECK_S:  # a thread polls for the reply to another thread's request
            time.sleep(0.001)


@pytest.fixture
def timer():
    return Timer()


@pytest.fixture
def connect(timer):
    """Return a function that connects to an origin or a server with a `url`, without real sleeps."""
    opened = []

    def make(server, token=OWNER_TOKEN, *, clock=None, timeouts=None, **more):
        origin = server if isinstance(server, str) else server.url
        credential = {"kind": KIND, "token": token, **more}
        connection = connector.connect(
            credential,
            origin=origin,
            timeouts=timeouts,
            clock=clock or timer,
            monotonic=timer,
            sleep=timer.sleep,
        )
        opened.append(connection)
        return connection

    yield make
    for connection in opened:
        connection.close()


@pytest.fixture
def inbox(tmp_path):
    """Return an empty inbox in a file."""
    from calendly_connector.events.inbox import open_inbox

    opened = open_inbox(tmp_path / "inbox.db")
    yield opened
    opened.close()


class Unvisited:
    """A listening port that must not receive a connection."""

    def __init__(self):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def was_visited(self):
        try:
            visitor, _ = self._listener.accept()
        except BlockingIOError:
            return False
        visitor.close()
        return True

    def close(self):
        self._listener.close()


@pytest.fixture
def unvisited():
    """Return an address that fails the test if anything connects to it."""
    with closing(Unvisited()) as port:
        yield port
        assert not port.was_visited(), "the network was used"


@pytest.fixture
def closed_port():
    """Return a port that refuses connections; it stays bound, so no other process can use it."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@pytest.fixture(scope="session")
def chromium():
    """Return the path of Chromium."""
    program = shutil.which("chromium")
    if program is None:
        assert os.environ.get("CI") != "true", "Chromium is not installed: sh .ci/have chromium"
        pytest.skip("Chromium is not installed: sh .ci/have chromium")
    return program


@pytest.fixture(scope="session")
def postgres_server():
    """Return the URL of this session's PostgreSQL, without a database name."""
    import postgres

    binaries = postgres.programs()
    if binaries is None:
        assert os.environ.get("CI") != "true", "PostgreSQL is not installed: sh .ci/have postgres"
        pytest.skip("PostgreSQL is not installed: sh .ci/have postgres")
    with postgres.cluster(binaries) as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server):
    """Return the URL of an empty PostgreSQL database."""
    import postgres

    return postgres.new_database(postgres_server, "copy")
