"""`calendly-connector flow deploy`, `list`, `show`, `pause`, `resume` and `export`."""

import base64
import json
import stat

import pytest
from calendly_connector import cli
from calendly_connector.agent import templates
from calendly_connector.auth.vault import open_vault
from terminal import caller, screen

TOKEN = "sandbox-owner"
DAILY = """\
name: daily
title: Look every day
connections: {calendly: {connector: calendly, credential: work}}
trigger: {type: polling, cron: 0 8 * * *, time_zone: Europe/Berlin}
steps:
  - {id: me, connection: calendly, action: users.me}
"""
BOOKED = """\
name: booked
connections: {calendly: {connector: calendly, credential: work}}
trigger: {type: triggered, connection: calendly, events: [invitee.created], subscribe: true}
steps:
  - {id: me, connection: calendly, action: users.me}
"""


@pytest.fixture
def call(capsys, monkeypatch):
    return caller(capsys, monkeypatch)


@pytest.fixture(autouse=True)
def account(frozen_sandbox, tmp_path, monkeypatch):
    """Return a sandbox whose token is in the vault as `work`. The agent's database is a new file."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CALENDLY_API_URL", frozen_sandbox.url)
    monkeypatch.setenv("CALENDLY_CONNECTOR_VAULT", str(tmp_path / "vault.json"))
    monkeypatch.setenv("CALENDLY_CONNECTOR_KEY", base64.b64encode(bytes(32)).decode())
    monkeypatch.setenv("CALENDLY_AGENT_DATABASE", str(tmp_path / "agent.db"))
    open_vault().put("work", {"kind": "personal_access_token", "token": TOKEN})
    return frozen_sandbox


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a flow into a file."""

    def write(text, name="flow.yaml"):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return name

    return write


def base_url(url="https://flows.acme.example"):
    """Set the agent's address, as starting it with --public-url does."""
    from calendly_connector.cli.agent_options import make_engine

    engine = make_engine("sqlite:///agent.db", base_url=url)
    engine.start(works=False)
    engine.stop()


def test_a_flow_is_deployed_listed_shown_and_exported(call, write):
    assert call("flow", "deploy", write(DAILY)) == (0, "daily is deployed, version 1.\n", "")
    code, out, err = call("flow", "list")
    assert (code, err) == (0, "")
    assert out.splitlines()[1].startswith("daily  1        polling  active, next poll ")
    _, out, _ = call("flow", "show", "daily")
    assert out.startswith("daily: Look every day\n  state       active\n  version     1, deployed ")
    assert call("flow", "export", "daily") == (0, DAILY, "")


def test_the_same_text_again_is_no_new_version(call, write):
    call("flow", "deploy", write(DAILY))
    assert call("flow", "deploy", write(DAILY))[1] == "daily is unchanged, version 1.\n"
    assert call("flow", "deploy", write(DAILY.replace("0 8", "0 9")))[1] == "daily is deployed, version 2.\n"
    assert call("flow", "export", "daily", "--version", "1")[1] == DAILY
    versions = json.loads(call("flow", "show", "daily", "--json")[1])["versions"]
    assert [one["version"] for one in versions] == [2, 1]


def test_an_invalid_flow_is_not_deployed_nor_one_beside_it(call, write):
    wrong = write(DAILY.replace("users.me", "users.my").replace("daily", "wrong"), "wrong.yaml")
    code, out, err = call("flow", "deploy", write(DAILY), wrong)
    assert (code, out) == (2, "")
    assert "wrong.yaml:6:44: error: calendly has no action 'users.my'. Did you mean 'users.me'?" in err
    assert err.endswith("calendly-connector: Nothing was deployed, because of 1 error.\n")
    assert call("flow", "list")[2] == "note: no flows. Run: calendly-connector flow deploy FILE\n"


def test_a_flow_with_an_unknown_credential_or_too_few_permissions_is_not_deployed(call, write):
    unknown = write(DAILY.replace("credential: work", "credential: wrok"))
    assert "unknown credential 'wrok'. Did you mean 'work'?" in call("flow", "deploy", unknown)[2]
    open_vault().put("work", {"kind": "personal_access_token", "token": "sandbox-no-scopes"})
    code, _, err = call("flow", "deploy", write(DAILY))
    assert code == 2
    assert "users:read" in err


def test_two_files_with_the_same_flow_are_rejected(call, write):
    code, _, err = call("flow", "deploy", write(DAILY), write(DAILY, "other.yaml"))
    assert code == 2
    assert "Several files have the flow 'daily'." in err


def test_a_flow_that_subscribes_needs_the_agents_address(call, write):
    code, _, err = call("flow", "deploy", write(BOOKED))
    assert code == 2
    assert "Start it with --public-url" in err
    assert json.loads(call("flow", "list", "--json")[1]) == []


def test_deploying_subscribes_to_the_flows_own_url_once(call, write):
    base_url()
    for _ in range(2):
        code, out, err = call("flow", "deploy", write(BOOKED), "--json")
        assert (code, err) == (0, "")
    (deployed,) = json.loads(out)
    assert deployed["url"].startswith("https://flows.acme.example/flows/booked/")
    listed = json.loads(call("webhooks", "list", "--credential", "work", "--json")[1])
    addresses = [one["url"].partition("?")[0] for one in listed["subscriptions"]]
    assert addresses.count(deployed["url"]) == 1


def test_a_flow_whose_subscription_fails_is_deployed_and_says_so(call, write, account):
    base_url()
    account.fault("status", status=500, times=50, path="/webhook_subscriptions")
    code, out, err = call("flow", "deploy", write(BOOKED))
    assert code == 1
    assert "booked is deployed, version 1." in out
    assert "Subscribed" not in out
    assert "error: booked isn't subscribed to its events: " in err
    assert err.endswith("Then deploy it again.\n")


def test_a_paused_flow_says_so_until_it_is_resumed(call, write):
    call("flow", "deploy", write(DAILY))
    assert call("flow", "pause", "daily")[1] == "daily is paused. Its events wait.\n"
    assert call("flow", "list")[1].splitlines()[1].endswith("paused: Paused by a person.")
    code, _, err = call("flow", "deploy", write(DAILY))
    assert (code, err) == (0, "note: daily is paused. Run: calendly-connector flow resume daily\n")
    assert call("flow", "resume", "daily")[1] == "daily is active.\n"


def test_every_command_about_deployed_flows_prints_json(call, write):
    call("flow", "deploy", write(DAILY))
    assert json.loads(call("flow", "pause", "daily", "--json")[1]) == [{"name": "daily", "state": "paused"}]
    assert json.loads(call("flow", "resume", "daily", "--json")[1]) == [{"name": "daily", "state": "active"}]
    exported = json.loads(call("flow", "export", "daily", "--json")[1])
    assert exported == {"name": "daily", "version": 1, "flow": DAILY}


@pytest.mark.parametrize(
    "command", [["show"], ["pause"], ["resume"], ["export"], ["run"], ["runs"], ["replay"]], ids=" ".join
)
def test_an_unknown_flow_or_run_is_named(command, call):
    code, _, err = call("flow", *command, "nothing")
    assert code == 2
    assert "'nothing'" in err


def test_the_database_is_private(call, write, tmp_path):
    call("flow", "deploy", write(DAILY))
    assert stat.S_IMODE((tmp_path / "agent.db").stat().st_mode) == 0o600


def test_a_password_on_the_command_line_is_rejected(call):
    code, _, err = call("flow", "list", "--database", "postgresql+psycopg://agent:hunter2@db.acme.example/x")
    assert code == 2
    assert "CALENDLY_AGENT_DATABASE" in err
    assert "hunter2" not in err


def test_a_database_that_cannot_be_created_is_named(call, tmp_path):
    (tmp_path / "file").touch()
    code, _, err = call("flow", "list", "--database", str(tmp_path / "file" / "agent.db"))
    assert code == 2
    assert "Can't create" in err


def test_without_the_extra_it_says_what_to_install(monkeypatch, capsys):
    import sys

    for name in [name for name in sys.modules if name.startswith("calendly_connector.agent.engine")]:
        monkeypatch.delitem(sys.modules, name)
    with monkeypatch.context() as missing:
        missing.setitem(sys.modules, "dbos", None)
        assert cli.main(["flow", "list"]) == 2
    assert "pip install 'calendly-connector[agent]'" in capsys.readouterr().err
    monkeypatch.delitem(sys.modules, "calendly_connector.agent.server", raising=False)
    monkeypatch.setitem(sys.modules, "starlette.applications", None)
    assert cli.main(["agent"]) == 2
    assert "pip install 'calendly-connector[agent]'" in capsys.readouterr().err


@pytest.mark.parametrize("width", [80, 120])
def test_lists_fit_the_terminal(width, write):
    for name in templates.names():
        assert len(name) < 30
    assert screen("flow", "deploy", write(DAILY), width=width)[0] == 0
    code, shown = screen("flow", "list", width=width)
    assert code == 0
    assert all(len(line) <= width for line in shown.splitlines())
