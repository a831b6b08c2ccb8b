"""What a person does with credentials: problems beside the fields, names, flows that use them, repairs."""

import json
import logging
from dataclasses import replace

import pytest
from calendly_connector.agent.workspace import attention, credential_changes, credentials
from calendly_connector.agent.workspace.credential_changes import BadName
from calendly_connector.agent.workspace.credential_watch import EVERY_S, CredentialWatch
from calendly_connector.agent.workspace.credentials import Draft, drafted, page_of
from calendly_connector.errors import UnknownCredential, UsageError, VaultError
from small_workspace import TOKEN, Broken, small_workspace

GOOD = Draft("desk", "token", {"token": "good-1"})


@pytest.fixture
def clock():
    return [1000.0]


@pytest.fixture
def workspace(clock):
    return small_workspace(clock, broken=Broken())


def save(workspace, name="work", draft=GOOD):
    return credential_changes.save(workspace, "ada", name, draft, credentials.check(workspace, draft))


def banners(workspace):
    return [notice.message for notice in attention.notices(workspace)]


def test_a_checked_credential_is_saved_and_paused_flows_are_looked_at_at_once(workspace, caplog):
    caplog.set_level(logging.INFO, "calendly_connector.agent.audit")
    assert save(workspace, "  work ") == "work"
    assert workspace.vault["work"] == {"kind": "token", "token": "good-1"}
    assert workspace.engine.rechecks == 1
    assert credentials.find(workspace, "work").state == "ok"
    assert json.loads(caplog.messages[-1])["what"] == "credential.save"
    assert "good-1" not in caplog.text + repr(GOOD)


def test_what_is_empty_is_left_out_and_what_the_form_does_not_have_too():
    draft = drafted("desk", TOKEN, {"token": "x", "region": None, "kind": "other", "owner": "me"})
    assert draft.credential == {"kind": "token", "token": "x"}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "Token: This field is required."),
        ({"token": "good", "region": "EU"}, "Region: Type small letters."),
    ],
)
def test_a_form_with_problems_is_not_sent(workspace, fields, message):
    report = credentials.check(workspace, Draft("desk", "token", fields))
    assert (report.outcome, report.message) == ("malformed_token", message)
    assert workspace.connectors["desk"].checks == 0


def test_a_connector_that_raises_has_a_report_and_its_credentials_are_still_listed(workspace):
    assert credentials.check(workspace, Draft("desk", "token", {"token": "raise"})).outcome == "unexpected"
    workspace.vault["odd"] = {"kind": "token", "token": "raise"}
    credentials.check_stored(workspace, "odd")
    assert credentials.find(workspace, "odd").state == "unknown"
    assert not banners(workspace)


@pytest.mark.parametrize("name", ["", "  ", "new", "callback", "a\nb", "work"])
def test_a_name_that_is_taken_or_invalid_is_rejected(workspace, name):
    save(workspace)
    with pytest.raises(BadName):
        save(workspace, name)


def test_webhook_subscriptions_and_kinds_of_missing_apps(workspace):
    workspace.vault["webhook 1"] = {"kind": "webhook_subscription"}
    workspace.vault["old"] = {"kind": "left", "token": "x"}
    (old,) = credentials.list_all(workspace)
    assert (old.name, old.kind, old.apps) == ("old", "left", ())
    with pytest.raises(UnknownCredential):
        credential_changes.delete(workspace, "ada", "webhook 1")
    assert credentials.check_stored(workspace, "old").fix.startswith("Install")


def test_a_vault_that_cannot_be_read_is_shown_for_each_credential(workspace, monkeypatch):
    def damaged(_self, _name):
        raise VaultError("The vault's key is another one.", fix="Set the right key.")

    save(workspace)
    monkeypatch.setattr(type(workspace.vault), "get", damaged)
    (shown,) = credentials.list_all(workspace)
    assert (shown.state, shown.message) == ("broken", "The vault's key is another one.")


def test_a_used_name_is_kept_and_an_unused_one_renamed_with_its_outcome(workspace):
    save(workspace)
    workspace.engine.deploy("nightly", "work")
    with pytest.raises(UsageError, match="The flow nightly uses the name 'work'"):
        credential_changes.rename(workspace, "ada", "work", "main")
    assert list(workspace.vault) == ["work"]
    workspace.engine.deploy("nightly", "other")
    assert credential_changes.rename(workspace, "ada", "work", "main") == "main"
    assert list(workspace.vault) == ["main"]
    assert credentials.find(workspace, "main").state == "ok"


def test_deleting_says_which_flows_stop(workspace):
    save(workspace)
    assert credentials.consequence(credentials.find(workspace, "work")) == "No deployed flow uses it."
    workspace.engine.deploy("a", "work")
    workspace.engine.deploy("b", "work", "work")
    assert credentials.consequence(credentials.find(workspace, "work")) == (
        "The flows a, b use it. They stop until a credential has this name again."
    )
    gone = []
    credential_changes.delete(replace(workspace, forget=gone.append), "ada", "work")
    assert not workspace.vault
    assert gone == ["work"]


def test_a_credential_that_is_being_refreshed_is_not_replaced_meanwhile(workspace):
    save(workspace)
    workspace.vault.busy = True
    with pytest.raises(VaultError, match="Try again"):
        credential_changes.replace(workspace, "ada", "work", GOOD, None)


def test_an_unknown_credential_is_not_replaced(workspace):
    with pytest.raises(UnknownCredential):
        credential_changes.replace(workspace, "ada", "work", GOOD, None)


def test_a_revoked_credential_raises_a_banner_until_it_is_replaced(workspace, clock):
    workspace.vault["work"] = {"kind": "token", "token": "invalid_token"}
    workspace.engine.deploy("nightly", "work")
    watch = CredentialWatch(workspace)
    watch.tick()
    (notice,) = attention.notices(workspace)
    assert notice.page == "/credentials/work"
    assert notice.severity == "error"
    workspace.vault["work"]["token"] = "offline"
    clock[0] += EVERY_S
    watch.tick()
    assert banners(workspace)  # the network's outage doesn't repair it
    credential_changes.replace(workspace, "ada", "work", GOOD, credentials.check(workspace, GOOD))
    assert not banners(workspace)
    assert workspace.engine.rechecks == 1


def test_a_deleted_credential_has_no_banner(workspace, clock):
    workspace.vault["work"] = {"kind": "token", "token": "forbidden"}
    watch = CredentialWatch(workspace)
    watch.tick()
    assert [notice.severity for notice in attention.notices(workspace)] == ["warning"]  # no flow uses it
    del workspace.vault["work"]
    clock[0] += EVERY_S
    watch.tick()
    assert not banners(workspace)


def test_credentials_are_checked_every_ten_minutes_and_sooner_if_a_flow_is_paused_or_a_page_asks(
    workspace, clock
):
    save(workspace)
    app, watch = workspace.connectors["desk"], CredentialWatch(workspace)
    workspace.engine.deploy("nightly", "work")
    watch.tick()
    checks = app.checks
    watch.tick()
    assert app.checks == checks
    workspace.engine.paused.add("nightly")
    watch.tick()
    watch.tick()
    assert app.checks == checks + 1
    workspace.checks.ask()
    watch.tick()
    assert app.checks == checks + 1  # it was just checked
    clock[0] += 30
    workspace.checks.ask()
    watch.tick()
    assert app.checks == checks + 2
    clock[0] += EVERY_S
    watch.tick()
    assert app.checks == checks + 3


@pytest.mark.parametrize(
    ("name", "page"),
    [
        ("work", "/credentials/work"),
        ("Ada's key", "/credentials/_?name=Ada%27s%20key"),
        ("ada work", "/credentials/ada%20work"),
        ("new", "/credentials/_?name=new"),
        ("../..", "/credentials/_?name=..%2F.."),
        ("<b>", "/credentials/_?name=%3Cb%3E"),
    ],
)
def test_every_name_has_a_page(name, page):
    assert page_of(name) == page
