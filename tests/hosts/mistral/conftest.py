"""Mistral as its users run it, against a sandbox. At the end, its files are searched for tokens."""

import os
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
import rest
from brief import brief_sandbox
from calendly_connector.auth.vault import open_vault
from calendly_connector.sandbox.app import SECRET_MARK

HERE = Path(__file__).parent
TOKEN = f"{SECRET_MARK}of-mistral"  # the session fails if any file contains it
CONFIG = """
[DEFAULT]
transport_url = {transport}
log_file = {folder}/{name}.log
debug = true
[database]
connection = {database}
[pecan]
auth_enable = false
[api]
host = 127.0.0.1
port = {port}
api_workers = 1
[executor]
type = remote
host = {name}
[cron_trigger]
# Otherwise a thread reads the database while the server forks, and its locks stay locked in the engine.
run_in_api = false
[engine]
execution_field_size_limit_kb = {result_kb}
[action_heartbeat]
check_interval = 1
max_missed_heartbeats = 4
first_heartbeat_timeout = 20
[scheduler]
fixed_delay = 0.2
random_delay = 0.2
[oslo_policy]
policy_file = {folder}/policy.yaml
"""


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def configure(folder, name, *, result_kb=64, **settings):
    path = folder / f"{name}.conf"
    path.write_text(CONFIG.format(folder=folder, name=name, result_kb=result_kb, **settings))
    return path


@contextmanager
def process(folder, name, environment, *command):
    """Run a command until the block ends; its output goes to a file."""
    with (folder / f"{name}.out").open("wb") as output:
        running = subprocess.Popen(
            command, env=environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
        try:
            yield running
        finally:
            running.terminate()
            try:
                running.wait(rest.WAIT_S)
            except subprocess.TimeoutExpired:
                running.kill()
                running.wait()


@pytest.fixture(scope="session")
def world():
    """Yield the shared sandbox; tests may add to it but not remove anything."""
    with brief_sandbox(rate_limit=0) as sandbox:
        all_scopes = max((token["scopes"] for token in sandbox.control("GET", "/tokens")["tokens"]), key=len)
        sandbox.control("POST", "/tokens", {"name": TOKEN, "scopes": all_scopes})
        sandbox.control("POST", "/tokens", {"name": f"{TOKEN}-without", "scopes": []})
        yield sandbox


def own_environment(folder):
    """Return the environment of a host's processes, with a vault in the folder and no settings of ours."""
    return {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "PYTHONWARNINGS": "ignore",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        "CALENDLY_CONNECTOR_VAULT": str(folder / "vault.json"),
    }


@pytest.fixture(scope="session")
def environment(world, tmp_path_factory):
    """Return the environment of the hosts, with a few credentials in its vault."""
    variables = {
        **own_environment(tmp_path_factory.mktemp("vault")),
        "CALENDLY_API_URL": world.url,
        "CALENDLY_CREDENTIAL": "work",
    }
    vault = open_vault(variables)
    for name, token in (("work", TOKEN), ("without", f"{TOKEN}-without"), ("revoked", f"{TOKEN}-unknown")):
        vault.put(name, {"kind": "personal_access_token", "token": token})
    hooks = {
        "kind": "personal_access_token",
        "token": TOKEN,
        "signing_key": f"{SECRET_MARK}key-of-mistral",
    }
    vault.put("hooks", hooks)
    return variables


@contextmanager
def one_process(folder, environment, **settings):
    """Run a single-process Mistral until the block ends; its files are in the folder."""
    port = free_port()
    settings |= {"transport": "fake:/", "database": f"sqlite:///{folder}/mistral.sqlite", "port": port}
    config = configure(folder, "one", **settings)
    command = (sys.executable, str(HERE / "one_process.py"), str(config), str(port))
    with process(folder, "one", environment, *command) as running:
        rest.wait_for(lambda: running.poll() is not None or b"listening" in (folder / "one.out").read_bytes())
        assert running.poll() is None, (folder / "one.out").read_text()
        with rest.Rest(f"http://127.0.0.1:{port}") as host:
            yield host


@pytest.fixture(scope="session")
def mistral(environment, tmp_path_factory):
    """Yield a single-process Mistral."""
    folder = tmp_path_factory.mktemp("one-process")
    with one_process(folder, environment) as host:
        host.write_marker()
        yield host
    assert_marker_and_no_token(folder / "one.log", folder / "mistral.sqlite")


@pytest.fixture(scope="session")
def server(environment, postgres_server, tmp_path_factory):
    """Yield a full server with two executors, `first` and `second`."""
    import postgres
    import rabbitmq
    from full_server import full_server

    binaries = rabbitmq.programs()
    if binaries is None:
        assert os.environ.get("CI") != "true", "RabbitMQ is not installed: sh .ci/have rabbitmq"
        pytest.skip("RabbitMQ is not installed: sh .ci/have rabbitmq")
    folder = tmp_path_factory.mktemp("full-server")
    port = free_port()
    database = postgres.new_database(postgres_server.replace("+psycopg:", "+psycopg2:"), "mistral")
    with rabbitmq.broker(binaries, [free_port() for _ in range(3)]) as transport:
        settings = {"transport": transport, "database": database, "port": port}
        with full_server(
            folder, environment, lambda name: configure(folder, name, **settings), port
        ) as running:
            running.api.write_marker()
            yield running
    dump = folder / "database.sql"
    postgres.dump(database, dump)
    assert_marker_and_no_token(folder / "controller.log", dump)


def assert_marker_and_no_token(log, database):
    """Search a host's files for tokens, and for a marker that proves the search works."""
    assert rest.MARKER.encode() in log.read_bytes()
    assert rest.MARKER.encode() in database.read_bytes()
    files = [path for path in log.parent.rglob("*") if path.is_file()]
    assert [path for path in files if SECRET_MARK.encode() in path.read_bytes()] == []
