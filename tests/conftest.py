"""What all tests share: no network beyond this machine, no credentials of this machine, a sandbox."""

import gc
import os
import shutil
import signal
import socket
import sys
from contextlib import closing
from datetime import UTC, date, datetime

import pytest
from calendly_connector.plugin import connector
from hypothesis import settings

settings.register_profile("house", deadline=None)  # a busy machine is no failure
settings.load_profile("house")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # in a background job; commands inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)

KIND = "personal_access_token"
OWNER_TOKEN = "sandbox-owner"
ANCHOR = date(2026, 11, 17)  # the day that the examples in schemas/ are about
NOW_S = 1_795_000_000.0  # what time it is in the tests, on the day after
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
    """Refuse whatever would leave this machine, whoever asks for it and however deep inside a library."""
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
        raise PermissionError(f"a test wanted to leave this machine: {event} {host}")


sys.addaudithook(_guard)


def pytest_sessionfinish(session):
    """Fail the run where a secret of a sandbox is in any file, log or database that it leaves behind."""
    if hasattr(session.config, "workerinput"):
        return  # the folder of all workers is looked through once
    from calendly_connector.sandbox.app import SECRET_MARK
    from calendly_connector.sandbox.authorization.apps import WEB

    secrets = (SECRET_MARK.encode(), WEB.secret.encode(), WEB.webhook_key.encode())
    left = session.config._tmp_path_factory.getbasetemp().rglob("*")
    files = (path for path in left if path.is_file() and not path.is_symlink())
    found = [str(path) for path in files if any(secret in path.read_bytes() for secret in secrets)]
    if found:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        raise pytest.UsageError(f"secrets were left behind in: {', '.join(found)}")


def pytest_collection_finish():
    """Let no garbage collection look through thousands of tests again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _stays_on_this_machine():
    """Fail a test that wanted to leave this machine, even where the code under test took it for an outage."""
    yield
    tried = _left_this_machine.copy()
    _left_this_machine.clear()
    assert not tried


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch, tmp_path_factory):
    """Take away the tokens, proxies, certificates and terminal settings of whoever runs the tests."""
    for name in list(os.environ):
        upper = name.upper()
        if upper.startswith(_MACHINES_OWN) or upper.endswith("_PROXY") or upper in _TERMINALS_OWN:
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path_factory.getbasetemp()))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")


@pytest.fixture(autouse=True)
def _no_budgets_of_other_tests():
    """Begin without what other tests left of an account's requests: their clocks are not ours."""
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
    """Give a sandbox for tests that only read. Its world is the same in every test."""
    with _make_sandbox() as running:
        yield running


@pytest.fixture(scope="session", autouse=True)
def _brief_sandboxes_end_well():
    """Fail the run where a sandbox did not end, or not well."""
    from brief import wait

    yield
    wait()


@pytest.fixture
def fresh_sandbox():
    """Give a sandbox of the test's own, to change its world."""
    with _make_sandbox() as running:
        yield running


@pytest.fixture
def make_sandbox():
    """Give what makes a sandbox with other options; enter it with `with`."""
    return _make_sandbox


@pytest.fixture
def frozen_sandbox():
    """Return a sandbox of the test's own whose clock stands still."""
    from sandbox_client import Clock

    with _make_sandbox(clock=Clock()) as running:
        yield running


@pytest.fixture
def serve(connect):
    """Return what connects an MCP agent to a server over a sandbox."""
    from agents import serving

    return serving(connect)


@pytest.fixture(scope="session")
def _troubled():
    with _make_sandbox() as running:
        yield running


@pytest.fixture
def troubled(_troubled):
    """Give a sandbox to declare faults in. Its journal starts empty, and its world may not be changed."""
    _troubled.control("DELETE", "/faults")
    _troubled.control("DELETE", "/requests")
    return _troubled


class Timer:
    """A clock that advances only when something sleeps, and by `tick_s` whenever it is read."""

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


@pytest.fixture
def timer():
    return Timer()


@pytest.fixture
def connect(timer):
    """Give what makes a connection to an origin (or a server with a `url`); none of them ever sleeps."""
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
    """Give an empty inbox in a file."""
    from calendly_connector.events.inbox import open_inbox

    opened = open_inbox(tmp_path / "inbox.db")
    yield opened
    opened.close()


class Unvisited:
    """A port that takes connections, and on which none may arrive."""

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
    """Give an address that fails the test if anything connects to it: for what must use no network."""
    with closing(Unvisited()) as port:
        yield port
        assert not port.was_visited(), "the network was used"


@pytest.fixture
def closed_port():
    """Give a port of this machine on which nothing listens: bound, so that nobody else takes it."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.fixture(scope="session")
def chromium():
    """Give the browser in which tests do what a person does."""
    program = shutil.which("chromium")
    if program is None:
        assert os.environ.get("CI") != "true", "Chromium is not installed: sh .ci/have chromium"
        pytest.skip("Chromium is not installed: sh .ci/have chromium")
    return program


@pytest.fixture(scope="session")
def postgres_server():
    """Give the URL of a PostgreSQL of this session's own, without a database's name."""
    import postgres

    binaries = postgres.programs()
    if binaries is None:
        assert os.environ.get("CI") != "true", "PostgreSQL is not installed: sh .ci/have postgres"
        pytest.skip("PostgreSQL is not installed: sh .ci/have postgres")
    with postgres.cluster(binaries) as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server):
    """Give the URL of an empty database."""
    import postgres

    return postgres.new_database(postgres_server, "copy")
