"""Actions, their inputs, results and errors, in a Mistral of one process."""

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
    told = mistral.act("calendly.scheduled_events.list", status="active", limit=1).result
    return told["records"][0]["uri"]


def test_the_list_shows_every_action_of_the_catalog_and_two_more(mistral):
    ours = {name for name in listed(mistral) if name.startswith("calendly.")}
    assert ours == {f"calendly.{action}" for action in connector.actions()} | OWN


def test_the_list_can_be_asked_for_some(mistral):
    assert set(listed(mistral, name="eq:calendly.users.me")) == {"calendly.users.me"}
    assert len(listed(mistral, limit=3)) == 3


def test_an_action_shows_its_inputs_and_what_they_mean(mistral):
    shown = mistral.get("/actions/calendly.users.get")
    assert shown["input"] == "uuid, credential=null"
    assert "uuid (required): " in shown["description"]
    assert "https://developer.calendly.com/" in shown["description"]


def test_only_lists_take_a_limit(mistral):
    for name, action in listed(mistral).items():
        if name.startswith("calendly.") and name not in OWN:
            is_list = connector.actions()[name.removeprefix("calendly.")].returns == "many"
            assert ("limit=null, all_pages=null" in action["input"]) == is_list


def test_no_action_takes_a_secret(mistral):
    secret = {
        (f"calendly.{action.id}", name)
        for action in connector.actions().values()
        for name, rule in action.input["properties"].items()
        if rule.get("writeOnly")
    }
    assert secret
    for name, field in secret:
        assert field not in [part.split("=")[0] for part in listed(mistral)[name]["input"].split(", ")]


def test_a_record(mistral):
    told = mistral.act("calendly.users.me")
    assert told.state == "SUCCESS"
    assert told.result["record"]["uri"].startswith("http")
    assert told.result["warnings"] == []


def test_a_list_gives_a_page_and_where_it_goes_on(mistral):
    first = mistral.act("calendly.scheduled_events.list", count=2).result
    assert len(first["records"]) == 2
    assert first["complete"] is False
    then = mistral.act("calendly.scheduled_events.list", count=2, page_token=first["next_page_token"]).result
    assert then["records"][0] not in first["records"]


def test_a_list_up_to_a_limit_and_a_whole_one(mistral):
    some = mistral.act("calendly.scheduled_events.list", limit=3).result
    assert (len(some["records"]), some["complete"]) == (3, False)
    everything = mistral.act("calendly.event_types.list", all_pages=True).result
    assert everything["complete"] is True
    assert everything["next_page_token"] is None


def test_what_gives_nothing_is_told_as_done(mistral):
    emails = [{"email": "for.a.moment@client.example", "is_primary": True}]
    made = mistral.act("calendly.contacts.create", emails=emails).result["record"]
    removed = mistral.act("calendly.contacts.delete", uuid=made["uri"])
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


def test_without_a_signing_key_a_subscription_is_refused(mistral, me):
    made = mistral.act("calendly.webhook_subscriptions.create", **subscription(me))
    assert (made.state, made.result["code"]) == ("ERROR", "invalid_params")
    assert "signing_key" in made.result["message"]


def test_null_is_not_given(mistral):
    told = mistral.act("calendly.scheduled_events.list", status=None, count=None, credential=None, limit=None)
    assert told.state == "SUCCESS"


def test_null_clears_where_the_schema_takes_it():
    from calendly_connector.hosts.mistral.descriptors import offered

    given = offered("calendly.user_meeting_limits.update").given({"user": None, "daily_limit": None})
    assert given == {"daily_limit": None}


def test_a_credential_is_chosen_by_its_name(mistral):
    told = mistral.act("calendly.users.me", credential="without")
    assert told.state == "ERROR"
    assert told.result["code"] == "permission_denied"
    assert told.result["reason"] == "scope"
    assert told.result["required_scopes"] == ["users:read"]
    assert told.result["retryable"] is False
    assert told.result["fix"]


@pytest.mark.parametrize("action", ["calendly.users.me", "calendly.check", "calendly.poll"])
def test_an_unknown_credential_is_refused_by_name(mistral, action):
    inputs = {"events": ["invitee.created"]} if action == "calendly.poll" else {}
    told = mistral.act(action, credential="nobody's", **inputs)
    assert told.state == "ERROR"
    assert told.result["code"] == "unknown_credential"
    assert "vault" in told.result["fix"]


def test_a_check_says_who_it_is(mistral, me):
    told = mistral.act("calendly.check")
    assert told.state == "SUCCESS"
    assert told.result["outcome"] == "ok"
    assert told.result["user"]["uri"] == me["uri"]


@pytest.mark.parametrize(("credential", "code"), [("revoked", "invalid_token"), ("without", "missing_scope")])
def test_a_check_says_what_is_wrong(mistral, credential, code):
    told = mistral.act("calendly.check", credential=credential)
    assert told.state == "ERROR"
    assert told.result["code"] == code
    assert told.result["retryable"] is False
    assert told.result["message"]
    assert told.result["fix"]


def test_a_check_in_an_outage_may_be_repeated(mistral, world):
    world.fault("status", status=503, path="/users/me", times=50)
    told = mistral.act("calendly.check")
    assert (told.state, told.result["code"], told.result["retryable"]) == ("ERROR", "calendly_down", True)


@pytest.mark.parametrize(
    ("action", "inputs", "says"),
    [
        ("users.get", {}, "uuid: is missing"),
        ("users.get", {"uuid": "me", "uid": 1}, "uid: is not an input of this action (did you mean 'uuid'?)"),
        ("check", {"limit": 3}, "limit: is not an input"),
        ("users.me", {"all_pages": True}, "all_pages: is not an input"),
        ("webhook_subscriptions.create", {"signing_key": "made-up"}, "signing_key: is a secret"),
    ],
)
def test_a_wrong_name_is_refused_before_an_executor_sees_it(mistral, action, inputs, says):
    answer = mistral.call(f"calendly.{action}", **inputs)
    assert answer.status_code == 400
    assert says in answer.json()["faultstring"]
    assert f"`mistral action-get calendly.{action}`" in answer.json()["faultstring"]
    assert "made-up" not in answer.text


@pytest.mark.parametrize(
    ("action", "inputs", "says"),
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
def test_a_wrong_value_ends_in_an_error_for_the_rules_of_a_flow(mistral, action, inputs, says):
    told = mistral.act(f"calendly.{action}", **inputs)
    assert told.state == "ERROR"
    assert says in told.result["message"] + told.result["fix"]
    assert told.result["retryable"] is False


def test_a_token_in_the_place_of_a_name_is_not_repeated(mistral):
    told = mistral.act("calendly.users.me", credential="made-up." * 40)
    assert told.state == "ERROR"
    assert "never the credential itself" in told.result["message"]
    assert "made-up." not in str(told.result)


def test_a_write_that_may_have_happened_is_not_for_repeating(mistral, world):
    world.fault("status", status=503, method="POST", path="/contacts")
    told = mistral.act("calendly.contacts.create", emails=[{"email": "ada@acme.example", "is_primary": True}])
    assert told.state == "ERROR"
    assert told.result["may_have_happened"] is True
    assert told.result["retryable"] is False


def test_what_looks_like_a_function_is_a_value(mistral):
    told = mistral.act("calendly.scheduled_events.list", user="~{GetUserUrl}~")
    assert told.state == "ERROR"


def test_a_result_that_mistral_cannot_keep_is_refused_with_what_to_do(mistral, me):
    organization = me["current_organization"]
    for how in ({"count": 100}, {"all_pages": True}, {"limit": 200}):
        told = mistral.act("calendly.scheduled_events.list", organization=organization, **how)
        assert told.state == "ERROR"
        assert told.result["code"] == "result_too_large"
        assert "64 KB" in told.result["message"]
        assert "limit" in told.result["fix"]


def test_a_list_is_not_read_on_once_it_is_too_large(mistral, world, me):
    world.control("DELETE", "/requests")
    mistral.act(
        "calendly.scheduled_events.list", organization=me["current_organization"], all_pages=True, count=100
    )
    assert len(world.requests()["requests"]) == 1


def test_an_unknown_action_is_found_when_it_is_started(mistral):
    answer = mistral.call("calendly.users.mee")
    assert answer.status_code == 400
    assert "calendly.users.mee" in answer.json()["faultstring"]


def define(mistral, name, task):
    text = (
        f"version: '2.0'\n{name}:\n  tasks:\n    one: {json.dumps(task)}\n    after: {{action: std.noop}}\n"
    )
    answer = mistral.define("workflows", text)
    assert answer.is_success, answer.text


def test_a_wrong_name_in_a_flow_is_an_error_that_the_flow_may_handle(mistral):
    define(mistral, "wrong", {"action": "calendly.users.get uid=1"})
    assert "did you mean 'uuid'?" in mistral.run("wrong").state_info
    define(mistral, "handled", {"action": "calendly.users.get uid=1", "on-error": "after"})
    assert mistral.run("handled").state == "SUCCESS"
    define(mistral, "delayed", {"action": "calendly.users.get uid=1", "wait-before": 1, "on-error": "after"})
    assert mistral.run("delayed").state == "SUCCESS"


def test_an_unknown_action_in_a_flow_ends_it(mistral):
    define(mistral, "unknown", {"action": "calendly.users.mee", "on-error": "after"})
    ended = mistral.run("unknown")
    assert ended.state == "ERROR"
    assert "calendly.users.mee" in ended.state_info


def test_a_result_too_large_is_an_error_that_the_flow_may_handle(mistral, me):
    task = {
        "action": "calendly.scheduled_events.list",
        "input": {"organization": me["current_organization"], "all_pages": True},
        "on-error": "after",
    }
    define(mistral, "large", task)
    execution = mistral.run("large")
    assert execution.state == "SUCCESS"
    assert mistral.tasks(execution.id)["one"].result["code"] == "result_too_large"


def test_what_fits_by_our_measure_fits_by_mistrals(mistral, me):
    items = {
        "with-items": "n in <% range(50, 80) %>",
        "action": "calendly.scheduled_events.list",
        "input": {"organization": me["current_organization"], "count": "<% $.n %>"},
        "on-error": "after",
    }
    define(mistral, "sizes", items)
    execution = mistral.run("sizes")
    task = mistral.tasks(execution.id)["one"]
    refused = [result.get("code") == "result_too_large" for result in task.result]
    assert True in refused
    assert sorted(refused) == refused[: refused.count(False)] + [True] * refused.count(True)
    assert execution.state == "SUCCESS"


def test_an_action_of_ones_own_is_built_on_ours(mistral):
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


def test_what_is_tried_again_is_only_what_may_be(mistral, world, meeting):
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
