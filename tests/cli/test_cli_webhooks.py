"""`calendly-connector webhooks`: subscriptions from the command line."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from calendly_connector import cli
from calendly_connector.auth.vault import open_vault
from calendly_connector.events.subscriptions import VaultStore
from hostile import Hostile, reply
from subscribing import EVENTS, assert_subscribed_once, at_calendly, change, lose
from terminal import STYLES, screen

SCRIPT = str(Path(sys.executable).parent / "calendly-connector")
TOKEN = "sandbox-owner"
CALLBACK = "https://hooks.acme.example/calendly"
ID = "0123456789abcdef" * 2


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("CALENDLY_CONNECTOR_VAULT", str(tmp_path / "vault.json"))
    return VaultStore(open_vault())


@pytest.fixture
def call(capsys, monkeypatch, fresh_sandbox, store):
    """Return a function that runs a command of the group, and checks that it prints no key."""
    monkeypatch.setenv("CALENDLY_API_URL", fresh_sandbox.url)
    monkeypatch.setenv("CALENDLY_API_TOKEN", TOKEN)
    known = set()

    def run(*arguments, terminal=False):
        known.update(subscription.signing_key for subscription in store.all())
        monkeypatch.setattr("sys.stdin", Stdin(terminal))
        code = cli.main(["webhooks", *arguments])
        captured = capsys.readouterr()
        known.update(subscription.signing_key for subscription in store.all())
        assert not any(secret in captured.out + captured.err for secret in {*known, TOKEN})
        return code, captured.out, captured.err

    return run


class Stdin:
    def __init__(self, terminal):
        self._terminal = terminal

    def isatty(self):
        return self._terminal


def subscribe(call, *more):
    code, out, _ = call("subscribe", *EVENTS, "--to", CALLBACK, "--json", *more)
    assert code == 0
    (subscription,) = json.loads(out)["subscriptions"]
    return subscription


def test_the_free_plan_has_webhooks_except_for_events_of_paid_plans(call, monkeypatch):
    monkeypatch.setenv("CALENDLY_API_TOKEN", "sandbox-free")
    assert call("subscribe", "invitee.created", "--to", CALLBACK)[0] == 0
    code, _, error = call("subscribe", "routing_form_submission.created", "--to", CALLBACK)
    assert code == 1
    assert "Please upgrade" in error


def test_a_subscription_is_created_listed_rotated_and_deleted(call, store, fresh_sandbox):
    code, out, err = call("subscribe", *EVENTS, "--to", CALLBACK)
    (stored,) = store.all()
    assert code == 0
    assert [line.split() for line in out.splitlines()] == [
        ["ID", "STATUS", "SCOPE", "EVENTS"],
        [stored.id, "created", "organization", *EVENTS],
    ]
    assert err == "note: scope organization: the token's user is owner of the organization.\n"
    assert call("subscribe", *EVENTS, "--to", CALLBACK)[1].splitlines()[1].split()[1] == "exists"
    code, out, err = call("list")
    assert code == 0
    assert out.splitlines()[1].split() == ["healthy", stored.id, "organization", CALLBACK, *EVENTS]
    assert err == ""
    assert call("rotate", stored.id)[0] == 0
    assert_subscribed_once(fresh_sandbox, store)
    (stored,) = store.all()
    assert call("unsubscribe", stored.id) == (0, f"Deleted {stored.id} and its key.\n", "")
    assert at_calendly(fresh_sandbox) == {}
    assert call("unsubscribe", stored.id)[0] == 2


@pytest.mark.parametrize("width", [80, 120, 200])
def test_every_line_of_the_list_fits_the_terminal(width, call):
    subscribe(call)
    code, shown = screen("webhooks", "list", width=width)
    lines = STYLES.sub("", shown).splitlines()
    assert code == 0
    assert max(map(len, lines)) <= width
    assert any(CALLBACK in line for line in lines)


def test_every_command_prints_json(call, store):
    subscription = subscribe(call, "--scope", "user")
    assert (subscription["scope"], subscription["created"]) == ("user", True)
    code, out, _ = call("list", "--json")
    listed = json.loads(out)["subscriptions"]
    assert code == 0
    assert [(one["kind"], one["id"], one["repair"]) for one in listed][:1] == [
        ("healthy", subscription["id"], "")
    ]
    rotated = json.loads(call("rotate", subscription["id"], "--json")[1])
    assert rotated["ended"] == subscription["id"]
    assert [stored.id for stored in store.all()] == [rotated["subscription"]["id"]]
    assert json.loads(call("unsubscribe", rotated["subscription"]["id"], "--json")[1]) == {
        "ended": rotated["subscription"]["id"]
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["subscribe", "--to", CALLBACK], "EVENT"),
        (["subscribe", "invitee.created"], "--to"),
        (["subscribe", "invitee.moved", "--to", CALLBACK], "invitee.rescheduled"),
        (["subscribe", "invitee.created", "--to", "http://hooks.acme.example/"], "must be https"),
        (["subscribe", "invitee.created", "--to", CALLBACK, "--scope", "all"], "--scope"),
        (["unsubscribe", ID], "webhooks list"),
        (["rotate", ID], "webhooks list"),
        (["doctor", "hooks.acme.example"], "must start with https://"),
        (["prune", "--to", "hooks.acme.example"], "must start with https://"),
        (["mend"], "mend"),
    ],
)
def test_wrong_usage_exits_with_2(arguments, message, call):
    code, out, err = call(*arguments)
    assert (code, out) == (2, "")
    assert message in err


def test_an_api_error_exits_with_1(call, monkeypatch):
    monkeypatch.setenv("CALENDLY_API_TOKEN", "made-up-bad-token")
    code, out, err = call("subscribe", *EVENTS, "--to", CALLBACK)
    assert (code, out) == (1, "")
    assert "token" in err


def test_nothing_is_repaired_without_consent(call, fresh_sandbox):
    subscription = subscribe(call)
    change(fresh_sandbox, subscription["url"], state="disabled")
    before = dict(at_calendly(fresh_sandbox))
    for arguments in (["prune"], ["prune", "--json"]):
        assert call(*arguments)[0] == 1
        assert at_calendly(fresh_sandbox) == before
    assert "not repaired" in call("prune")[1]
    code, out, err = call("list")
    assert code == 0
    assert f"disabled {subscription['id']}: " in out
    assert "webhooks prune" in err


def test_prune_asks_before_each_repair_at_a_terminal(call, store, fresh_sandbox, monkeypatch):
    subscription = subscribe(call)
    lose(fresh_sandbox, subscription["url"])
    questions = []
    monkeypatch.setattr("click.confirm", lambda question: questions.append(question) or len(questions) > 1)
    assert call("prune", terminal=True)[0] == 1
    assert len(store.all()) == 1
    assert call("prune", terminal=True)[0] == 0
    assert store.all() == []
    assert subscription["id"] in questions[0]
    assert "delete its key" in questions[0]
    assert call("prune") == (0, "Nothing to repair.\n", "")


def test_yes_repairs_own_subscriptions(call, store, fresh_sandbox):
    subscription = subscribe(call)
    change(fresh_sandbox, subscription["url"], state="disabled")
    code, out, _ = call("prune", "--yes", "--json")
    (repair,) = json.loads(out)["repairs"]
    assert (code, repair["kind"], repair["outcome"], repair["error"]) == (0, "disabled", "done", "")
    assert_subscribed_once(fresh_sandbox, store)


def test_yes_skips_orphans_that_may_belong_to_another_installation(call, store, fresh_sandbox):
    orphan = subscribe(call)
    store.delete(orphan["id"])
    code, out, _ = call("prune", "--yes")
    assert code == 1
    assert f"--to {CALLBACK}" in out
    assert list(at_calendly(fresh_sandbox)) == [orphan["url"]]
    assert call("prune", "--yes", "--to", CALLBACK)[0] == 0
    assert at_calendly(fresh_sandbox) == {}


def test_yes_deletes_orphans_at_an_own_url(call, store, fresh_sandbox):
    orphan = subscribe(call)
    store.delete(orphan["id"])
    subscribe(call)
    assert call("prune", "--yes")[0] == 0
    assert_subscribed_once(fresh_sandbox, store)


def test_a_failed_repair_exits_with_1(call, store, fresh_sandbox):
    subscription = subscribe(call)
    change(fresh_sandbox, subscription["url"], state="disabled")
    fresh_sandbox.control("POST", "/faults", {"kind": "status", "status": 403, "method": "POST"})
    code, out, _ = call("prune", "--yes")
    assert code == 1
    assert "failed (create it again" in out
    assert [stored.id for stored in store.all()] == [subscription["id"]]


def test_the_doctor_checks_a_url_without_a_credential(call, monkeypatch, unvisited):
    monkeypatch.setenv("CALENDLY_API_URL", unvisited.url)
    with Hostile(reply(401), reply(200)) as server:
        code, out, err = call("doctor", f"{server.url}/calendly")
        assert (code, err) == (0, "")
        assert "as it should be" in out
        code, out, _ = call("doctor", f"{server.url}/calendly", "--json")
    assert code == 1
    (diagnoses,) = json.loads(out)["addresses"].values()
    assert [one["code"] for one in diagnoses] == ["loopback", "unverified"]


def test_the_doctor_checks_every_own_subscription(call, store, fresh_sandbox):
    with Hostile(reply(401)) as server:
        callback = f"{server.url}/calendly"
        assert call("subscribe", "invitee.created", "meeting_recap.created", "--to", callback)[0] == 0
        code, out, _ = call("doctor")
        assert code == 0
        assert sorted(request.target for request in server.asked) == sorted(
            f"/calendly?subscription={stored.id}" for stored in store.all()
        )
        assert out.count("as it should be") == 2
        stored, _ = store.all()
        change(fresh_sandbox, stored.url, state="disabled")
        assert call("doctor")[0] == 1


def test_unreadable_lists_are_reported(call, monkeypatch):
    subscribe(call)
    monkeypatch.setenv("CALENDLY_API_TOKEN", "sandbox-member")
    code, out, err = call("list")
    assert code == 0
    assert "unseen" in out
    assert (
        "note: Couldn't list subscriptions of scope organization: only admins and owners may list it" in err
    )


def test_an_empty_list_is_reported(call, fresh_sandbox):
    fresh_sandbox.world.subscriptions.clear()
    assert call("list") == (0, "no subscriptions\n", "")


def test_the_vault_counts_subscriptions_separately_and_masks_their_keys(call, capsys):
    subscription = subscribe(call)
    name = f"webhook {subscription['id']}"
    assert cli.main(["vault", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["webhooks"] == [name]
    assert cli.main(["vault", "list"]) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "1 webhook subscription" in captured.err
    assert cli.main(["vault", "show", name, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["url"], shown["signing_key"]) == (subscription["url"], "[redacted]")
    assert cli.main(["check", "--credential", name]) == 2
    assert "it can't sign in" in capsys.readouterr().err


def test_no_key_is_in_the_debug_log(call, capsys, store):
    assert cli.main(["--debug", "webhooks", "subscribe", "invitee.created", "--to", CALLBACK]) == 0
    captured = capsys.readouterr()
    (stored,) = store.all()
    assert "POST /webhook_subscriptions" in captured.err
    assert stored.signing_key not in captured.out + captured.err
    assert call("list")[0] == 0


def test_the_help_of_the_group_loads_no_heavy_libraries():
    code = (
        "import sys; from calendly_connector import cli; cli.main(['webhooks', '--help']);"
        "print(sorted({'requests', 'cryptography', 'rich'} & sys.modules.keys()))"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CALENDLY_")}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.endswith("[]\n")
    for name in ("subscribe", "list", "unsubscribe", "rotate", "prune", "doctor"):
        assert f"\n  {name} " in done.stdout
