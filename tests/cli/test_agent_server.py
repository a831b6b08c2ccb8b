"""The agent as a server: its options, readiness, the audit log, and what how-to/agent-server.md shows."""

import configparser
import json
import logging
import re
import shlex
import shutil
import signal
import stat
import subprocess
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest
from agent_process import agent
from calendly_connector.agent.readiness import Readiness
from calendly_connector.agent.web.clients import Clients
from calendly_connector.agent.workspace import audit
from calendly_connector.cli.agent import command
from calendly_connector.cli.agent_serving import Serving, is_local
from calendly_connector.errors import AgentDatabaseError, UsageError
from doc_pages import commands, run_by
from listeners import SCRIPT
from locations import DOCS
from starlette.requests import HTTPConnection as Asked

TOKEN = "an-access-token-of-a-team"
ANYWHERE = "0.0.0.0"  # noqa: S104 - never opened
URL = "https://agent.acme.example"
SYSTEMD = shutil.which("systemd-analyze")
BLOCKS = run_by(__file__, DOCS / "how-to" / "agent-server.md")
OIDC = {
    "CALENDLY_AGENT_OIDC_ISSUER": "https://login.acme.example",
    "CALENDLY_AGENT_OIDC_CLIENT_ID": "agent",
}


def serving(environment=None, **options):
    return Serving(**{"host": "127.0.0.1", "environment": environment or {}} | options)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_on_this_machine_nothing_else_is_needed(host):
    assert serving(host=host).base_url == ""


@pytest.mark.parametrize(
    ("options", "environment", "message"),
    [
        ({"host": ANYWHERE}, {}, "only served on this machine"),
        ({"host": "agent.acme.example"}, {}, "only served on this machine"),
        ({"url": URL}, {}, "Nobody could sign in"),
        ({"url": "http://agent.acme.example"}, {"CALENDLY_AGENT_ACCESS_TOKEN": TOKEN}, "no TLS"),
        ({"url": f"{URL}/agent"}, {"CALENDLY_AGENT_ACCESS_TOKEN": TOKEN}, "has a path"),
        (
            {"url": "agent.acme.example"},
            {"CALENDLY_AGENT_ACCESS_TOKEN": TOKEN},
            "--url must start with https://",
        ),
        ({}, {"CALENDLY_AGENT_ACCESS_TOKEN": "short"}, "fewer than 16"),
        ({}, OIDC, "only with --url"),
        ({"oidc_allowed": ("acme.example",)}, {}, "needs an OpenID provider"),
        ({"webhook_host": ANYWHERE}, {}, "needs --webhook-port"),
        ({"trusted_proxies": ("proxy",)}, {}, "isn't an address"),
        ({"has_pages": False, "url": URL}, {}, "--no-pages"),
        ({"has_pages": False, "webhook_port": 1}, {}, "--no-pages"),
    ],
)
def test_options_that_do_not_fit_together_are_rejected_with_a_fix(options, environment, message):
    with pytest.raises(UsageError, match=re.escape(message)) as raised:
        serving(environment, **options)
    assert raised.value.fix or "--url must" in message


def test_webhooks_begin_with_the_address_of_the_pages_unless_they_have_their_own():
    token = {"CALENDLY_AGENT_ACCESS_TOKEN": TOKEN}
    assert serving(token, host=ANYWHERE, url=URL).base_url == URL
    assert serving(token, url=URL, webhook_port=0).base_url == ""
    assert serving(token, url=URL, public_url="https://flows.acme.example/").base_url == (
        "https://flows.acme.example"
    )
    assert serving(host=ANYWHERE, has_pages=False).base_url == ""
    assert [is_local(url) for url in ("", "http://[::1]:80", "https://flows.acme.example")] == [
        True,
        True,
        False,
    ]


def test_a_site_behind_a_proxy_has_one_origin_and_a_secure_cookie():
    site = serving({"CALENDLY_AGENT_ACCESS_TOKEN": TOKEN}, url=f"{URL}:443/").site(8080)
    assert (site.origins, site.is_secure) == (frozenset({URL}), True)


@pytest.mark.parametrize(
    ("trusted", "peer", "forwarded", "client"),
    [
        ((), "198.51.100.7", "203.0.113.1", "198.51.100.7"),
        (("10.0.0.0/8",), "10.0.0.5", "203.0.113.1", "203.0.113.1"),
        (("10.0.0.0/8",), "10.0.0.5", "192.0.2.1, 203.0.113.1", "203.0.113.1"),
        (("10.0.0.0/8",), "10.0.0.5", "203.0.113.1, 10.1.1.1", "203.0.113.1"),
        (("10.0.0.0/8",), "10.0.0.5", "garbage", "10.0.0.5"),
        (("10.0.0.0/8",), "10.0.0.5", "", "10.0.0.5"),
        (("::1",), "::1", "2001:db8::7", "2001:db8::7"),
        (("10.0.0.0/8",), "198.51.100.7", "203.0.113.1", "198.51.100.7"),
    ],
)
def test_only_a_trusted_proxy_names_the_client(trusted, peer, forwarded, client):
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    request = Asked({"type": "http", "client": (peer, 1), "headers": headers})
    assert Clients(trusted).of(request) == client


def test_a_process_is_ready_once_it_started_and_until_it_stops():
    reachable = True

    def reach():
        if not reachable:
            raise AgentDatabaseError("It can't be reached.")

    life = Readiness(reach)
    assert life.status() == "starting"
    life.has_started()
    assert life.status() == "ready"
    reachable = False
    assert life.status() == "database_unavailable"
    life.is_stopping()
    life.has_started()
    assert life.status() == "stopping"


def test_audit_entries_have_a_time_and_survive_the_rotation_of_the_file(tmp_path):
    file, old = tmp_path / "audit.jsonl", tmp_path / "audit.1.jsonl"
    with audit.to_file(file):
        audit.note("ada@acme.example", "flow.deploy", "a\nb", version=3)
        file.rename(old)
        audit.note("", "sign_in.reject")
    audit.note("ada@acme.example", "flow.deploy", "later")
    (first,) = map(json.loads, old.read_text("utf-8").splitlines())
    (second,) = map(json.loads, file.read_text("utf-8").splitlines())
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", first["time"])
    assert (first["by"], first["version"], second["what"]) == ("ada@acme.example", 3, "sign_in.reject")
    assert [stat.S_IMODE(one.stat().st_mode) for one in (file, old)] == [0o600, 0o600]
    assert logging.getLogger("calendly_connector.agent.audit").handlers == []


def test_it_tells_the_proxy_that_it_stops_before_it_does(tmp_path, monkeypatch):
    monkeypatch.setenv("CALENDLY_AGENT_ACCESS_TOKEN", TOKEN)
    monkeypatch.setenv("CALENDLY_CONNECTOR_VAULT", str(tmp_path / "vault.json"))
    monkeypatch.setenv("PYTHONUNBUFFERED", "1")
    with agent(tmp_path / "agent.db", "--no-pages", "--drain", "600") as running:
        place = urlsplit(running.url).netloc
        assert ready(place) == (200, "ready")
        assert ask(place, "/sign-in")[0] == 404
        running.process.send_signal(signal.SIGTERM)
        assert ready(place) == (503, "stopping")
        assert running.end() == (0, "", "")  # a second signal doesn't wait


def ready(place):
    status, text = ask(place, "/ready")
    return status, json.loads(text)["status"]


def ask(place, path):
    connection = HTTPConnection(place, timeout=30)
    try:
        connection.request("GET", path)
        reply = connection.getresponse()
        return reply.status, reply.read().decode()
    finally:
        connection.close()


# The page


def block(language):
    (found,) = [block.text for block in BLOCKS if block.language == language]
    return found


def command_line(start):
    """Return the page's command that begins so, as one line."""
    lines = [each.text for block in BLOCKS if block.language == "console" for each in commands(block)]
    (found,) = [line.replace("\\\n", " ") for line in lines if line.startswith(start)]
    return found


def unit():
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str
    parser.read_string(block("ini"))
    return parser["Service"]


def options_of(line):
    """Return the arguments of a documented `agent`, which must be valid."""
    arguments = shlex.split(line.partition(" agent ")[2])
    context = command.make_context("agent", list(arguments))
    return context.params


def test_the_unit_has_options_that_exist_and_is_hardened():
    service = unit()
    assert options_of(service["ExecStart"])["url"] == URL
    assert service["NoNewPrivileges"] == service["DynamicUser"] == service["PrivateTmp"] == "yes"
    assert (service["ProtectSystem"], service["CapabilityBoundingSet"]) == ("strict", "")


@pytest.mark.skipif(SYSTEMD is None, reason="systemd isn't installed.")
def test_systemd_understands_the_unit(tmp_path):
    file = tmp_path / "calendly-agent.service"
    file.write_text(block("ini").replace("/opt/calendly-connector/bin/calendly-connector", SCRIPT), "utf-8")
    done = subprocess.run(
        [SYSTEMD, "verify", "--man=no", str(file)], capture_output=True, text=True, check=False
    )
    assert "calendly-agent.service" not in done.stderr.replace(f"{file}: ", ""), done.stderr


def test_the_container_runs_without_root_and_with_options_that_exist():
    lines = block("dockerfile").splitlines()
    (entry,) = (line for line in lines if line.startswith("ENTRYPOINT"))
    arguments = json.loads(entry.partition(" ")[2])
    run = command_line("docker run ")
    more = shlex.split(run.partition(" calendly-agent ")[2])
    found = command.make_context("agent", [*arguments[2:], *more]).params
    assert (found["host"], found["webhook_port"], found["url"]) == (ANYWHERE, 8081, URL)
    assert "USER 10001" in lines
    assert {"--read-only", "no-new-privileges"} < set(shlex.split(run))


def test_the_documented_start_has_options_that_exist():
    assert options_of(command_line("calendly-connector agent "))["oidc_allowed"] == ("acme.example",)
