import json
import subprocess
import sys
from typing import Any

import calendly_connector
import pytest
from calendly_connector import contract, errors
from calendly_connector.connection import CalendlyConnection
from calendly_connector.errors import (
    InvalidCredential,
    InvalidParams,
    SignatureError,
    UnexpectedAnswer,
    UsageError,
)
from calendly_connector.events.webhooks.signature import sign
from calendly_connector.plugin import CalendlyConnector, connector
from stevedore import DriverManager

KIND = "personal_access_token"
TOKEN = "made-up.token_1"
KEY = "made-up-signing-key"
NOW = 1_795_015_301.0
BODY = json.dumps(
    {
        "event": "invitee.created",
        "created_at": "2026-11-17T15:21:41Z",
        "payload": {"uri": "https://x.example/a"},
    }
).encode()
HOOK = [
    ("url", "https://hooks.acme.example/calendly"),
    ("events[]", "invitee.created"),
    ("events[]", "invitee.canceled"),
    ("scope", "organization"),
]
HEAVY = [
    "cryptography",
    "filelock",
    "keyring",
    "sqlalchemy",
    "requests",
    "urllib3",
    "pydantic",
    "jsonschema",
    "jsonschema_rs",
    "rich",
    "click",
    "orjson",
    "stevedore",
]


def texts_of(error: BaseException) -> str:
    details = error.to_dict() if hasattr(error, "to_dict") else {}
    return f"{error!r} {error} {error.args} {details}"


def connect(origin: str | None = None, **more: Any) -> CalendlyConnection:
    fields = {"kind": KIND, "token": TOKEN, "signing_key": KEY, **more}
    return connector.connect(fields, origin=origin, clock=lambda: NOW)


def fresh(code: str) -> str:
    """Run code in a new interpreter."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


# --- loading


def test_the_connector_is_truthy_for_stevedore():
    assert not hasattr(CalendlyConnector, "__len__")
    assert not hasattr(CalendlyConnector, "__bool__")
    assert bool(connector) is True


def test_a_host_loads_the_object_by_its_entry_point():
    assert DriverManager("integration_platform.connectors", "calendly").driver is connector


def test_every_member_of_the_contract_exists():
    manifest = connector.manifest
    members = [
        (connector, contract.Connector),
        (connect(), contract.Connection),
        (connect().prepare("users.me"), contract.PreparedCall),
        (connect().prepare("meetings.list"), contract.PreparedCall),
        (connect().iterate("contacts.list"), contract.Records),
        (connect().trigger(["invitee.created"]), contract.Trigger),
        (connector.actions()["users.me"], contract.ActionInfo),
        (manifest, contract.ManifestInfo),
        (manifest.icon, contract.Icon),
        (manifest.credentials["oauth"], contract.CredentialKind),
        (manifest.functions["Now"], contract.FunctionInfo),
        (manifest.triggers["invitee.created"], contract.TriggerInfo),
    ]
    for member, protocol in members:
        names = {name for name in vars(protocol) if not name.startswith("_")}
        assert names
        assert names <= set(dir(member))


@pytest.mark.parametrize(
    "use",
    [
        "pass",
        "connector.manifest, connector.actions()",
        "connector.manifest.credentials, connector.actions()['users.me'].input",
        f"connector.connect({{'kind': {KIND!r}, 'token': 'x'}})",
    ],
    ids=["load", "catalog", "schemas", "connect"],
)
def test_a_load_is_cheap(use):
    load = "import sys; from calendly_connector.plugin import connector"
    assert fresh(f"{load}; {use}; print(sorted(set({HEAVY}) & sys.modules.keys()))") == "[]"


def test_an_import_does_not_load_yaml_or_the_plugin():
    modules = "[name for name in sorted(sys.modules) if name.startswith(('yaml', 'calendly_'))]"
    code = f"import sys, calendly_connector; print({modules})"
    assert fresh(code) == "['calendly_connector', 'calendly_connector.version']"


def test_a_host_that_reads_the_catalog_loads_no_results_and_no_forms():
    unused = [
        f"calendly_connector.{name}" for name in ("contract.fields", "contract.results", "support.redaction")
    ]
    code = (
        "import sys; from calendly_connector import connector; connector.actions(); connector.manifest.name"
    )
    assert fresh(f"{code}; print(sorted(set({unused}) & sys.modules.keys()))") == "[]"


def test_every_public_name_can_be_imported_and_the_list_is_sorted():
    names = calendly_connector.__all__
    assert names == sorted(names)
    assert set(names) <= set(dir(calendly_connector))
    for name in names:
        assert getattr(calendly_connector, name)
    classes = [value for value in vars(errors).values() if isinstance(value, type)]
    assert {one.__name__ for one in classes if issubclass(one, errors.ConnectorError)} <= set(names)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        calendly_connector.nothing  # noqa: B018 - tests the access


def test_every_name_of_the_contract_can_be_imported_from_it_and_from_the_package():
    assert contract.__all__ == sorted(contract.__all__)
    assert set(contract.__all__) <= set(dir(contract))
    for name in contract.__all__:
        assert getattr(contract, name)
    types = {"Filter", "Params", "Record", "Ability", "Effect", "FieldType", "Outcome", "Returns"}
    classes = set(contract.__all__) - types
    assert {
        name for name in classes if getattr(calendly_connector, name, None) is not getattr(contract, name)
    } == set()
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        contract.nothing  # noqa: B018 - tests the access


# --- connect


@pytest.mark.parametrize(
    ("credential", "message"),
    [
        ({}, "has no kind"),
        ({"token": TOKEN}, "has no kind"),
        ({"kind": "", "token": TOKEN}, "has no kind"),
        ({"kind": "password", "token": TOKEN}, "Unknown credential kind 'password'"),
        ({"kind": KIND, "tokn": TOKEN}, "Unknown field for kind personal_access_token: tokn"),
        ({"kind": KIND, "token": TOKEN, "plan": "foo"}, "plan is 'foo'. Set it to trial or enterprise"),
        ({"kind": KIND, "token": TOKEN, "plan": "Trial"}, "plan is 'Trial'"),
        (
            {"kind": KIND, "token": TOKEN, "b": "", "a": ""},
            "Unknown field for kind personal_access_token: a, b",
        ),
        ({"kind": KIND, "token": None}, "must be strings: token"),
        ({"kind": KIND, "token": TOKEN.encode()}, "must be strings: token"),
        ({"kind": KIND, "token": [TOKEN]}, "must be strings: token"),
        ({"kind": [KIND], "token": TOKEN}, "must be strings: kind"),
        ({"kind": None, "token": TOKEN}, "must be strings: kind"),
        ({"kind": KIND, 5: TOKEN}, "must be an object of strings"),
        (None, "must be an object of strings"),
        (TOKEN, "must be an object of strings"),
        ([KIND, TOKEN], "must be an object of strings"),
    ],
)
def test_an_invalid_credential_is_rejected_without_being_repeated(credential, message):
    with pytest.raises(InvalidCredential, match=message) as caught:
        connector.connect(credential)
    assert TOKEN not in texts_of(caught.value)


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "https://u:p@evil.example", "rubbish", "https://a.example/v2"]
)
def test_an_unsafe_origin_is_rejected(origin, monkeypatch):
    with pytest.raises(UsageError, match="The API origin must be https"):
        connect(origin)
    monkeypatch.setenv("CALENDLY_API_URL", origin)
    with pytest.raises(UsageError, match="The API origin must be https"):
        connect()


def test_the_origin_comes_from_the_argument_the_environment_or_the_default(monkeypatch):
    assert "at https://api.calendly.com>" in repr(connect())
    monkeypatch.setenv("CALENDLY_API_URL", "https://second.example")
    assert "at https://second.example>" in repr(connect())
    assert "at https://first.example>" in repr(connect("https://first.example"))


def test_changing_a_credential_does_not_change_open_connections():
    fields = {"kind": KIND, "token": TOKEN, "signing_key": KEY}
    connection = connector.connect(fields, clock=lambda: NOW)
    fields["signing_key"] = "another"
    assert connection.receive({"Calendly-Webhook-Signature": sign(BODY, KEY, int(NOW))}, BODY)


def test_the_repr_of_a_connection_contains_no_secrets(unvisited):
    with connect(unvisited.url) as connection:
        connection.preview("users.me")
        shown = f"{connection!r} {connection} {[connection]!r} {vars(connection).get('_runner')!r}"
    assert TOKEN not in shown
    assert KEY not in shown


def test_a_connection_can_be_closed_at_any_time(unvisited):
    connection = connect(unvisited.url)
    connection.close()
    connection.close()
    with connection as same:
        assert same is connection
        connection.preview("users.me")
    connection.close()


# --- a bad token


@pytest.mark.parametrize(
    ("fields", "outcome"),
    [
        ({}, "missing_token"),
        ({"token": ""}, "missing_token"),
        ({"token": " \n"}, "missing_token"),
        ({"token": "Bearer "}, "missing_token"),
        ({"token": "hidden hidden"}, "malformed_token"),
        ({"token": "hidd\u00e9n"}, "malformed_token"),
        ({"token": "hidden\x00"}, "malformed_token"),
        ({"token": "hidden\ud800"}, "malformed_token"),
    ],
    ids=ascii,
)
def test_a_bad_token_is_reported_without_network(fields, outcome, unvisited):
    with connector.connect({"kind": KIND, **fields}, origin=unvisited.url) as connection:
        for deep in (False, True):
            report = connection.check(deep=deep)
            assert (report.outcome, report.ok, report.calls, report.kind) == (outcome, False, 0, KIND)
            assert report.message
            assert report.fix
            assert {verdict.ability for verdict in report.actions.values()} == {"cannot"}
            assert report.actions.keys() == connector.actions().keys()
            assert "hidd" not in repr(report)


def test_a_run_with_a_bad_token_fails_without_network(unvisited):
    with connect(unvisited.url, token="hidden hidden") as connection:
        for call in (connection.run, lambda name: list(connection.iterate(name))):
            with pytest.raises(InvalidCredential) as caught:
                call("scheduled_events.list")
            assert "hidden" not in texts_of(caught.value)


def test_an_invalid_call_is_rejected_without_network(unvisited):
    with connect(unvisited.url) as connection:
        for call in (connection.run, connection.iterate, connection.preview):
            with pytest.raises(InvalidParams):
                call("scheduled_events.list", {"statu": "active"})


@pytest.mark.parametrize("method", ["prepare", "run", "iterate", "preview"])
def test_an_unknown_option_of_a_call_is_named(method, unvisited):
    with connect(unvisited.url) as connection, pytest.raises(TypeError, match="'limits'"):
        getattr(connection, method)("scheduled_events.list", limits=3)


# --- preview


def test_preview_shows_the_request_without_network(unvisited):
    with connect(unvisited.url) as connection:
        shown = connection.preview(
            "scheduled_events", {"status": "active"}, filter=[("min_start_time", "~{Now+7d}~")]
        )
    assert shown == {
        "action": "scheduled_events.list",
        "method": "GET",
        "url": f"{unvisited.url}/scheduled_events",
        "query": [
            ["status", "active"],
            ["min_start_time", "~{Now+7d}~"],
            ["user", "~{GetUserUrl}~"],
            ["sort", "start_time:asc"],
            ["count", "100"],
        ],
        "body": None,
    }


def test_preview_works_without_a_usable_token(unvisited):
    with connect(unvisited.url, token="") as connection:
        assert connection.preview("users.me")["url"] == f"{unvisited.url}/users/me"


@pytest.mark.parametrize(
    ("params", "rows"),
    [
        ({}, HOOK),
        ({"signing_key": KEY}, HOOK),
        ({}, [*HOOK, ("signing_key", KEY)]),
        ({}, [*HOOK, ("signing_key", "~{GetSigningKey}~")]),
        ({}, [*HOOK, ("signing_key", f"{KEY}-~{{Now}}~")]),
    ],
    ids=["default", "params", "filter", "function", "mixed"],
)
def test_preview_masks_secrets(params, rows, unvisited):
    with connect(unvisited.url) as connection:
        shown = connection.preview("Create Webhook Subscription", params, filter=rows)
    assert shown["body"]["signing_key"] == "[redacted]"
    assert shown["body"]["events"] == ["invitee.created", "invitee.canceled"]
    assert KEY not in json.dumps(shown)


def test_preview_without_a_signing_key_says_how_to_get_one(unvisited):
    with connect(unvisited.url, signing_key="") as connection, pytest.raises(InvalidParams) as caught:
        connection.preview("webhook_subscriptions.create", filter=HOOK)
    assert [problem.path for problem in caught.value.problems] == ["signing_key"]
    assert "CALENDLY_WEBHOOK_SECRET" in str(caught.value)


@pytest.mark.parametrize(
    "params",
    [
        {"user": "https://api.calendly.com.evil.example/users/x"},
        {"user": "https://api.calendly.com@evil.example/users/x"},
        {"user": "https://api.calendly.com/groups/x"},
        {"user": "https://api.calendly.com/users/x?y"},
        {"page_token": "\ud800"},
        {"page_token": b"x"},
        {"page_token": []},
        {5: "x"},
    ],
    ids=ascii,
)
def test_no_input_gets_past_the_checks(params, unvisited):
    with connect(unvisited.url) as connection, pytest.raises(InvalidParams):
        connection.run("scheduled_events.list", params)


# --- receive


def test_receive_reads_a_valid_post():
    event = connect().receive({"Calendly-Webhook-Signature": sign(BODY, KEY, int(NOW))}, BODY)
    assert event == contract.Event(
        id="invitee.created:a",
        kind="invitee.created",
        created_at="2026-11-17T15:21:41Z",
        created_by=None,
        payload={"uri": "https://x.example/a"},
    )


def test_receive_warns_about_a_payload_that_does_not_match_its_schema(caplog):
    event = connect().receive({"Calendly-Webhook-Signature": sign(BODY, KEY, int(NOW))}, BODY)
    assert "Doesn't match the schema of invitee.created: email: is missing [kept unchanged]" in event.warnings
    assert "payload doesn't match its schema, kept unchanged: invitee.created:a: " in caplog.text


@pytest.mark.parametrize("name", ["calendly-webhook-signature", "CALENDLY-WEBHOOK-SIGNATURE"])
def test_receive_finds_the_header_in_any_case(name):
    assert connect().receive({"Host": "x", name: sign(BODY, KEY, int(NOW))}, BODY).kind == "invitee.created"


@pytest.mark.parametrize(
    ("headers", "body", "key", "reason"),
    [
        ({}, BODY, KEY, "no_header"),
        ({"X-Signature": sign(BODY, KEY, int(NOW))}, BODY, KEY, "no_header"),
        ({"Calendly-Webhook-Signature": ""}, BODY, KEY, "malformed"),
        ({"Calendly-Webhook-Signature": sign(BODY, "forged", int(NOW))}, BODY, KEY, "mismatch"),
        ({"Calendly-Webhook-Signature": sign(BODY, KEY[0], int(NOW))}, BODY, KEY, "mismatch"),
        ({"Calendly-Webhook-Signature": sign(BODY, KEY, int(NOW))}, BODY + b" ", KEY, "mismatch"),
        ({"Calendly-Webhook-Signature": sign(BODY, KEY, int(NOW) - 181)}, BODY, KEY, "old"),
        ({"Calendly-Webhook-Signature": sign(BODY, KEY, int(NOW) + 181)}, BODY, KEY, "future"),
        ({"Calendly-Webhook-Signature": sign(BODY, "", int(NOW))}, BODY, "", "no_key"),
        ({"Calendly-Webhook-Signature": sign(BODY, " ", int(NOW))}, BODY, " ", "no_key"),
    ],
)
def test_receive_rejects_posts_without_a_valid_signature(headers, body, key, reason):
    with pytest.raises(SignatureError) as caught:
        connect(signing_key=key).receive(headers, body)
    assert caught.value.reason == reason
    assert KEY not in texts_of(caught.value)


def test_receive_without_a_key_rejects_every_post():
    connection = connector.connect({"kind": KIND, "token": TOKEN}, clock=lambda: NOW)
    with pytest.raises(SignatureError) as caught:
        connection.receive({"Calendly-Webhook-Signature": sign(BODY, KEY, int(NOW))}, BODY)
    assert caught.value.reason == "no_key"


def test_receive_parses_a_body_only_after_checking_its_signature():
    with pytest.raises(SignatureError):
        connect().receive({"Calendly-Webhook-Signature": sign(b"x", KEY, int(NOW))}, b"[" * 200_000)


def test_receive_rejects_a_signed_body_that_is_not_an_event():
    with pytest.raises(UnexpectedAnswer, match="isn't a Calendly event"):
        connect().receive({"Calendly-Webhook-Signature": sign(b"[]", KEY, int(NOW))}, b"[]")


def test_receive_needs_no_token():
    connection = connector.connect({"kind": KIND, "signing_key": KEY}, clock=lambda: NOW)
    assert connection.receive({"Calendly-Webhook-Signature": sign(BODY, KEY, int(NOW))}, BODY).kind


# --- cost of calls and webhooks


def test_a_webhook_without_filters_creates_no_http_client():
    code = f"""
import sys
from calendly_connector.plugin import connector
from calendly_connector.events.webhooks.signature import HEADER, sign

connection = connector.connect({{"kind": {KIND!r}, "token": "x", "signing_key": {KEY!r}}})
import time
event = connection.receive({{HEADER: sign({BODY!r}, {KEY!r}, int(time.time()))}}, {BODY!r})
assert connection.trigger([event.kind]).match(event) == (event,)
unneeded = ("calendly_connector.http.client", "calendly_connector.pagination", "calendly_connector.calls")
parts = [name for name in sys.modules if name.startswith(unneeded) or name == "requests"]
assert not parts, parts
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_prepared_call_is_checked_once(unvisited, monkeypatch):
    from calendly_connector.calls.inputs import Inputs

    checked = []
    check = Inputs.check

    def count(self, *inputs, **options):
        checked.append(inputs)
        return check(self, *inputs, **options)

    monkeypatch.setattr(Inputs, "check", count)
    with connect(unvisited.url) as connection:
        call = connection.prepare("contacts.list", limit=5)
        assert call.action.id == "contacts.list"
        assert call.preview()["query"] == [["count", "5"]]
        call.iterate()
    assert len(checked) == 1
