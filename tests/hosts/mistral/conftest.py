"""Mistral as its users run it, against a sandbox. What it writes is searched for tokens in the end."""

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
TOKEN = f"{SECRET_MARK}of-mistral"  # the session fails where it is found in what it leaves behind
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
# Else a thread looks into the database while the server forks, and what it has locked stays so in the engine.
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
    """Run a command to the end of the block; what it says is kept."""
    with (folder / f"{name}.out").open("wb") as said:
        running = subprocess.Popen(
            command, env=environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=said, stderr=said
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
    """Give the sandbox of the hosts; tests may book in it, and add to it, but not take away."""
    with brief_sandbox(rate_limit=0) as sandbox:
        every = max((token["scopes"] for token in sandbox.control("GET", "/tokens")["tokens"]), key=len)
        sandbox.control("POST", "/tokens", {"name": TOKEN, "scopes": every})
        sandbox.control("POST", "/tokens", {"name": f"{TOKEN}-without", "scopes": []})
        yield sandbox


def own_environment(folder):
    """Give the environment of a host's processes: a vault of their own in a folder, and nothing of ours."""
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
    """Give the environment of the hosts, with a few credentials in its vault."""
    ours = {
        **own_environment(tmp_path_factory.mktemp("vault")),
        "CALENDLY_API_URL": world.url,
        "CALENDLY_CREDENTIAL": "work",
    }
    vault = open_vault(ours)
    for name, token in (("work", TOKEN), ("without", f"{TOKEN}-without"), ("revoked", f"{TOKEN}-unknown")):
        vault.put(name, {"kind": "personal_access_token", "token": token})
    signs = {"kind": "personal_access_token", "token": TOKEN, "signing_key": f"{SECRET_MARK}key-of-mistral"}
    vault.put("hooks", signs)
    return ours


@contextmanager
def one_process(folder, environment, **settings):
    """Run a Mistral in one process to the end of the block; what it writes is in the folder."""
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
    """Give a Mistral in one process."""
    folder = tmp_path_factory.mktemp("one-process")
    with one_process(folder, environment) as host:
        host.leave_a_mark()
        yield host
    find_marks_and_no_token(folder / "one.log", folder / "mistral.sqlite")


@pytest.fixture(scope="session")
def server(environment, postgres_server, tmp_path_factory):
    """Give a full server with two executors, `first` and `second`."""
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
            running.api.leave_a_mark()
            yield running
    dump = folder / "database.sql"
    postgres.dump(database, dump)
    find_marks_and_no_token(folder / "controller.log", dump)


def find_marks_and_no_token(log, database):
    """Search what a host wrote: for what must be there, so that the search is one, and for the tokens."""
    assert rest.MARK.encode() in log.read_bytes()
    assert rest.MARK.encode() in database.read_bytes()
    files = [path for path in log.parent.rglob("*") if path.is_file()]
    assert [path for path in files if SECRET_MARK.encode() in path.read_bytes()] == []
