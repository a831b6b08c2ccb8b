"""Actions, their inputs, results and errors, in a single-process Mistral."""

import json

import pytest
from calendly_connector.plugin import connector

OWN = {"calendly.check", "calendly.poll"}


@pytest.fixture(autouse=True)
def _no_faults(world):
    yield
    world.control("DELETE", "/faults")


def listed(mistral, **query):
    return {action["name"]: action for action in mistral.get("/actions", **query)["actions"]}


@pytest.fixture(scope="module")
def me(mistral):
    return mistral.act("calendly.users.me").result["record"]


@pytest.fixture(scope="module")
def meeting(mistral):
    result = mistral.act("calendly.scheduled_events.list", status="active", limit=1).result
    return result["records"][0]["uri"]


def test_the_list_has_every_action_of_the_catalog_and_two_more(mistral):
    ours = {name for name in listed(mistral) if name.startswith("calendly.")}
    assert ours == {f"calendly.{action}" for action in connector.actions()} | OWN


def test_the_list_can_be_filtered_and_limited(mistral):
    assert set(listed(mistral, name="eq:calendly.users.me")) == {"calendly.users.me"}
    assert len(listed(mistral, limit=3)) == 3


def test_an_action_shows_its_inputs_with_descriptions(mistral):
    shown = mistral.get("/actions/calendly.users.get")
    assert shown["input"] == "uuid, credential=null"
    assert "uuid (required): " in shown["description"]
    assert "https://developer.calendly.com/" in shown["description"]


def test_only_lists_accept_a_limit(mistral):
    for name, action in listed(mistral).items():
        if name.startswith("calendly.") and name not in OWN:
            is_list = connector.actions()[name.removeprefix("calendly.")].returns == "many"
            assert ("limit=null, all_pages=null" in action["input"]) == is_list


def test_no_action_has_a_secret_input(mistral):
    secret = {
        (f"calendly.{action.id}", name)
        for action in connector.actions().values()
        for name, rule in action.input["properties"].items()
        if rule.get("writeOnly")
    }
    assert secret
    for name, field in secret:
        assert field not in [part.split("=")[0] for part in listed(mistral)[name]["input"].split(", ")]


def test_an_action_returns_a_record(mistral):
    done = mistral.act("calendly.users.me")
    assert done.state == "SUCCESS"
    assert done.result["record"]["uri"].startswith("http")
    assert done.result["warnings"] == []


def test_a_list_returns_a_page_and_the_token_of_the_next(mistral):
    first = mistral.act("calendly.scheduled_events.list", count=2).result
    assert len(first["records"]) == 2
    assert first["complete"] is False
    then = mistral.act("calendly.scheduled_events.list", count=2, page_token=first["next_page_token"]).result
    assert then["records"][0] not in first["records"]


def test_a_list_can_be_read_up_to_a_limit_or_completely(mistral):
    some = mistral.act("calendly.scheduled_events.list", limit=3).result
    assert (len(some["records"]), some["complete"]) == (3, False)
    everything = mistral.act("calendly.event_types.list", all_pages=True).result
    assert everything["complete"] is True
    assert everything["next_page_token"] is None


def test_an_action_without_a_result_returns_done(mistral):
    emails = [{"email": "for.a.moment@client.example", "is_primary": True}]
    created = mistral.act("calendly.contacts.create", emails=emails).result["record"]
    removed = mistral.act("calendly.contacts.delete", uuid=created["uri"])
    assert (removed.state, removed.result) == ("SUCCESS", {"done": True, "warnings": []})


def subscription(me):
    url = "https://hooks.acme.example/of-mistral"
    return {"url": url, "events": ["invitee.created"], "scope": "user", "user": me["uri"]}


def test_a_signing_key_comes_from_the_credential(mistral, world, me):
    world.control("DELETE", "/requests")
    task = {
        "action": "calendly.webhook_subscriptions.create",
        "input": {"credential": "hooks", **subscription(me)},
    }
    define(mistral, "hook", task)
    execution = mistral.run("hook")
    assert execution.state == "SUCCESS", execution.state_info
    [request] = [one for one in world.requests()["requests"] if one["path"] == "/webhook_subscriptions"]
    assert request["status"] == 201


def test_a_subscription_without_a_signing_key_is_rejected(mistral, me):
    created = mistral.act("calendly.webhook_subscriptions.create", **subscription(me))
    assert (created.state, created.result["code"]) == ("ERROR", "invalid_params")
    assert "signing_key" in created.result["message"]


def test_null_counts_as_missing(mistral):
    done = mistral.act("calendly.scheduled_events.list", status=None, count=None, credential=None, limit=None)
    assert done.state == "SUCCESS"


def test_null_is_sent_if_the_schema_accepts_it():
    from calendly_connector.hosts.mistral.descriptors import find_action

    action = find_action("calendly.user_meeting_limits.update")
    assert action.without_nulls({"user": None, "daily_limit": None}) == {"daily_limit": None}


def test_a_credential_is_selected_by_name(mistral):
    done = mistral.act("calendly.users.me", credential="without")
    assert done.state == "ERROR"
    assert done.result["code"] == "permission_denied"
    assert done.result["reason"] == "scope"
    assert done.result["required_scopes"] == ["users:read"]
    assert done.result["retryable"] is False
    assert done.result["fix"]


@pytest.mark.parametrize("action", ["calendly.users.me", "calendly.check", "calendly.poll"])
def test_an_unknown_credential_is_rejected(mistral, action):
    inputs = {"events": ["invitee.created"]} if action == "calendly.poll" else {}
    done = mistral.act(action, credential="nobody's", **inputs)
    assert done.state == "ERROR"
    assert done.result["code"] == "unknown_credential"
    assert "vault" in done.result["fix"]


def test_a_check_returns_the_user(mistral, me):
    done = mistral.act("calendly.check")
    assert done.state == "SUCCESS"
    assert done.result["outcome"] == "ok"
    assert done.result["user"]["uri"] == me["uri"]


@pytest.mark.parametrize(("credential", "code"), [("revoked", "invalid_token"), ("without", "missing_scope")])
def test_a_check_says_what_is_wrong(mistral, credential, code):
    done = mistral.act("calendly.check", credential=credential)
    assert done.state == "ERROR"
    assert done.result["code"] == code
    assert done.result["retryable"] is False
    assert done.result["message"]
    assert done.result["fix"]


def test_a_check_in_an_outage_is_retryable(mistral, world):
    world.fault("status", status=503, path="/users/me", times=50)
    done = mistral.act("calendly.check")
    assert (done.state, done.result["code"], done.result["retryable"]) == ("ERROR", "calendly_down", True)


@pytest.mark.parametrize(
    ("action", "inputs", "message"),
    [
        ("users.get", {}, "uuid: is missing"),
        ("users.get", {"uuid": "me", "uid": 1}, "uid: is not an input of this action (did you mean 'uuid'?)"),
        ("check", {"limit": 3}, "limit: is not an input"),
        ("users.me", {"all_pages": True}, "all_pages: is not an input"),
        ("webhook_subscriptions.create", {"signing_key": "made-up"}, "signing_key: is a secret"),
    ],
)
def test_an_unknown_or_missing_input_is_rejected_by_the_engine(mistral, action, inputs, message):
    answer = mistral.call(f"calendly.{action}", **inputs)
    assert answer.status_code == 400
    assert message in answer.json()["faultstring"]
    assert f"`mistral action-get calendly.{action}`" in answer.json()["faultstring"]
    assert "made-up" not in answer.text


@pytest.mark.parametrize(
    ("action", "inputs", "message"),
    [
        ("scheduled_events.list", {"limit": 0}, "limit: must be at least 1"),
        ("scheduled_events.list", {"limit": "3"}, "limit: must be a whole number"),
        ("scheduled_events.list", {"limit": 3, "all_pages": True}, "limit: "),
        ("scheduled_events.list", {"status": "activ"}, "did you mean 'active'?"),
        ("scheduled_events.list", {"credential": ["work"]}, "credential: must be text"),
        ("scheduled_events.list", {"credential": ""}, "credential: "),
        ("users.get", {"uuid": None}, "uuid: is missing"),
        ("poll", {"events": "invitee.created"}, "events: must be a list"),
        ("poll", {"events": ["invitee.creatd"]}, "invitee.created"),
        ("poll", {"events": ["invitee.created"], "cursor": "made up"}, "cursor"),
        ("poll", {"events": ["invitee.created"], "filters": {"colour": "red"}}, "colour"),
        ("poll", {"events": ["invitee.created"], "scope": "planet"}, "scope: must be one of"),
        ("check", {"deep": "yes"}, "deep: must be true or false"),
    ],
)
def test_an_invalid_value_ends_in_an_error_object(mistral, action, inputs, message):
    done = mistral.act(f"calendly.{action}", **inputs)
    assert done.state == "ERROR"
    assert message in done.result["message"] + done.result["fix"]
    assert done.result["retryable"] is False


def test_a_token_passed_as_a_name_is_not_echoed(mistral):
    done = mistral.act("calendly.users.me", credential="made-up." * 40)
    assert done.state == "ERROR"
    assert "never the credential itself" in done.result["message"]
    assert "made-up." not in str(done.result)


def test_a_write_that_may_have_happened_is_not_retryable(mistral, world):
    world.fault("status", status=503, method="POST", path="/contacts")
    done = mistral.act("calendly.contacts.create", emails=[{"email": "ada@acme.example", "is_primary": True}])
    assert done.state == "ERROR"
    assert done.result["may_have_happened"] is True
    assert done.result["retryable"] is False
    assert "it may still be under way" in done.result["message"]


def test_a_write_whose_reply_is_lost_is_looked_up(mistral, world):
    world.fault("reset", method="POST", path="/contacts")
    person = {"email": "lost.reply@client.example", "is_primary": True}
    done = mistral.act("calendly.contacts.create", emails=[person])
    assert done.state == "SUCCESS"
    assert done.result["record"]["emails"][0]["email"] == person["email"]
    [warning] = done.result["warnings"]
    assert warning.startswith("The reply was lost. contacts.create was done: ")


def test_function_syntax_is_plain_text(mistral):
    done = mistral.act("calendly.scheduled_events.list", user="~{GetUserUrl}~")
    assert done.state == "ERROR"


def test_a_result_too_large_is_an_error_with_what_to_do(mistral, me):
    organization = me["current_organization"]
    for inputs in ({"count": 100}, {"all_pages": True}, {"limit": 200}):
        done = mistral.act("calendly.scheduled_events.list", organization=organization, **inputs)
        assert done.state == "ERROR"
        assert done.result["code"] == "result_too_large"
        assert "64 KB" in done.result["message"]
        assert "limit" in done.result["fix"]


def test_reading_a_list_stops_once_it_is_too_large(mistral, world, me):
    world.control("DELETE", "/requests")
    mistral.act(
        "calendly.scheduled_events.list", organization=me["current_organization"], all_pages=True, count=100
    )
    assert len(world.requests()["requests"]) == 1


def test_an_unknown_action_is_rejected_when_it_is_started(mistral):
    answer = mistral.call("calendly.users.mee")
    assert answer.status_code == 400
    assert "calendly.users.mee" in answer.json()["faultstring"]


def define(mistral, name, task):
    text = (
        f"version: '2.0'\n{name}:\n  tasks:\n    one: {json.dumps(task)}\n    after: {{action: std.noop}}\n"
    )
    answer = mistral.define("workflows", text)
    assert answer.is_success, answer.text


def test_a_workflow_can_handle_an_unknown_input(mistral):
    define(mistral, "wrong", {"action": "calendly.users.get uid=1"})
    assert "did you mean 'uuid'?" in mistral.run("wrong").state_info
    define(mistral, "handled", {"action": "calendly.users.get uid=1", "on-error": "after"})
    assert mistral.run("handled").state == "SUCCESS"
    define(mistral, "delayed", {"action": "calendly.users.get uid=1", "wait-before": 1, "on-error": "after"})
    assert mistral.run("delayed").state == "SUCCESS"


def test_an_unknown_action_ends_the_workflow(mistral):
    define(mistral, "unknown", {"action": "calendly.users.mee", "on-error": "after"})
    done = mistral.run("unknown")
    assert done.state == "ERROR"
    assert "calendly.users.mee" in done.state_info


def test_a_workflow_can_handle_a_result_too_large(mistral, me):
    task = {
        "action": "calendly.scheduled_events.list",
        "input": {"organization": me["current_organization"], "all_pages": True},
        "on-error": "after",
    }
    define(mistral, "large", task)
    execution = mistral.run("large")
    assert execution.state == "SUCCESS"
    assert mistral.tasks(execution.id)["one"].result["code"] == "result_too_large"


def test_our_size_limit_matches_mistrals(mistral, me):
    items = {
        "with-items": "n in <% range(50, 80) %>",
        "action": "calendly.scheduled_events.list",
        "input": {"organization": me["current_organization"], "count": "<% $.n %>"},
        "on-error": "after",
    }
    define(mistral, "sizes", items)
    execution = mistral.run("sizes")
    task = mistral.tasks(execution.id)["one"]
    rejected = [result.get("code") == "result_too_large" for result in task.result]
    assert True in rejected
    assert sorted(rejected) == rejected[: rejected.count(False)] + [True] * rejected.count(True)
    assert execution.state == "SUCCESS"


def test_an_ad_hoc_action_can_be_based_on_ours(mistral):
    text = """
        version: '2.0'
        my_meetings:
          base: calendly.scheduled_events.list
          base-input: {status: active, limit: 1}
          output: <% $.records.uri %>
    """
    answer = mistral.define("actions", text)
    assert answer.is_success, answer.text
    define(mistral, "mine", {"action": "my_meetings"})
    execution = mistral.run("mine")
    assert [type(uri) for uri in mistral.tasks(execution.id)["one"].result] == [str]


def test_break_on_retries_only_retryable_errors(mistral, world, meeting):
    task = {
        "action": "calendly.scheduled_events.get",
        "input": {"uuid": meeting},
        "retry": {
            "count": 1,
            "delay": 0,
            "break-on": "<% not (isDict(task().result) and task().result.get(retryable, false)) %>",
        },
    }
    define(mistral, "again", task)
    world.fault("status", status=503, path=f"/scheduled_events/{meeting.rpartition('/')[2]}", times=6)
    assert mistral.run("again").state == "SUCCESS"
    world.control("DELETE", "/faults")
    world.control("DELETE", "/requests")
    task["input"]["credential"] = "without"
    define(mistral, "again", task)
    assert mistral.run("again").state == "ERROR"
    assert len(world.requests()["requests"]) == 1
