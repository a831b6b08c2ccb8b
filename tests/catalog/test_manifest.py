import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from calendly_connector import __version__
from calendly_connector.catalog.json_schema import bundle
from calendly_connector.catalog.manifest import catalog, find, manifest, named
from calendly_connector.contract import Field, Option
from calendly_connector.errors import UnknownAction
from jsonschema import Draft202012Validator

CREATE = "webhook_subscriptions.create"


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from nodes(item)


@pytest.mark.parametrize("action", list(catalog()))
def test_an_id_finds_its_action_with_any_inputs(action):
    assert find(action) is catalog()[action]
    assert find(action, frozenset({"uuid", "rubbish"})) is catalog()[action]
    assert named(action) == (catalog()[action],)


@pytest.mark.parametrize(
    ("name", "inputs", "action"),
    [
        # Names from older flows.
        ("scheduled_events", set(), "scheduled_events.list"),
        ("scheduled_events", {"uuid"}, "scheduled_events.get"),
        ("scheduled_events", {"user", "status"}, "scheduled_events.list"),
        ("users", set(), "users.me"),
        ("users", {"uuid"}, "users.get"),
        ("users/me", set(), "users.me"),
        ("users/me", {"uuid"}, "users.me"),
        ("event_types", set(), "event_types.list"),
        ("event_types", {"uuid"}, "event_types.get"),
        ("event_types", {"uuid", "count"}, "event_types.get"),
        ("Create Webhook Subscription", set(), CREATE),
        ("create webhook subscription", {"url"}, CREATE),
        # Case and surrounding spaces are ignored.
        ("USERS", {"uuid"}, "users.get"),
        ("Users.Me", set(), "users.me"),
        ("  users.me\n", set(), "users.me"),
    ],
)
def test_an_alias_finds_the_action_that_fits_the_inputs(name, inputs, action):
    assert find(name, frozenset(inputs)).id == action


@pytest.mark.parametrize(
    ("name", "actions"),
    [
        ("users", {"users.me", "users.get"}),
        ("scheduled_events", {"scheduled_events.list", "scheduled_events.get"}),
        ("EVENT_TYPES", {"event_types.list", "event_types.get"}),
        ("users/me", {"users.me"}),
        ("nothing", set()),
        ("", set()),
    ],
)
def test_all_actions_with_a_name(name, actions):
    assert {action.id for action in named(name)} == actions


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("sheduled_events.list", "scheduled_events.list"),
        ("scheduled_event", "scheduled_events"),
        ("user.me", "users.me"),
        ("Create Webhook", "Create Webhook Subscription"),
        ("webhook_subscriptions.remove", "webhook_subscriptions.create"),
        ("EVENTTYPES", "event_types"),
    ],
)
def test_an_unknown_action_suggests_the_nearest_names(name, nearest):
    with pytest.raises(UnknownAction, match=f"Unknown action '{name}'") as caught:
        find(name)
    assert nearest in caught.value.fix.partition("Did you mean ")[2]


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        ".",
        "..",
        ".list",
        "users.",
        "zzzz",
        "../credentials/x.y",
        "__init__.x",
        "\x00",
        "\ud800",
        "é" * 9_999,
    ],
)
def test_an_unknown_name_without_similar_ones_points_to_the_list(name):
    with pytest.raises(UnknownAction) as caught:
        find(name)
    assert caught.value.fix.endswith("Run `calendly-connector actions` for a list.")
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("action", "path_ids"),
    [("users.me", ()), ("users.get", ("uuid",)), ("webhook_subscriptions.delete", ("uuid",)), (CREATE, ())],
)
def test_parts_of_a_request_line(action, path_ids):
    found = catalog()[action]
    assert found.path_ids == path_ids
    assert f"{found.method} {found.path}" == found.request


@pytest.mark.parametrize(
    ("action", "required"),
    [
        ("users.me", None),
        ("users.get", ["uuid"]),
        ("webhook_subscriptions.list", ["scope"]),
        (CREATE, ["url", "events", "scope"]),
        ("scheduled_events.list", None),
    ],
)
def test_inputs_with_a_default_are_not_required(action, required):
    assert catalog()[action].input.get("required") == required


@pytest.mark.parametrize(
    "action", ["scheduled_events.list", "event_types.list", "organization_memberships.list"]
)
def test_a_choice_that_a_default_makes_is_not_required(action):
    found = catalog()[action]
    assert "anyOf" in found.sent
    assert "anyOf" not in found.input
    assert Draft202012Validator(found.input).is_valid({})
    assert not Draft202012Validator(found.sent).is_valid({})


def test_relaxing_changes_only_the_required_inputs():
    found = catalog()[CREATE]
    assert {**found.input, "required": found.sent["required"]} == found.sent
    user = {"url": "https://hooks.acme.example/x", "events": ["invitee.created"], "scope": "user"}
    assert not Draft202012Validator(found.input).is_valid(user)


@pytest.mark.parametrize(
    ("action", "name", "others"),
    [
        ("scheduled_events.list", "user", {"user", "organization", "group"}),
        ("scheduled_events.list", "status", set()),
        ("event_types.list", "organization", {"user", "organization"}),
        (CREATE, "organization", set()),
        ("users.me", "user", set()),
    ],
)
def test_alternative_inputs(action, name, others):
    assert catalog()[action].alternatives(name) == others


@pytest.mark.parametrize(
    ("action", "name", "types"),
    [
        ("scheduled_events.list", "count", {"integer"}),
        ("event_types.list", "active", {"boolean"}),
        (CREATE, "events", {"array"}),
        (CREATE, "signing_key", {"string"}),
    ],
)
def test_types_of_inputs(action, name, types):
    assert catalog()[action].input_types[name] == types


@pytest.mark.parametrize("part", ["sent", "input", "output"])
@pytest.mark.parametrize("action", list(catalog()))
def test_a_schema_is_self_contained(action, part):
    schema = getattr(catalog()[action], part)
    for node in nodes(json.loads(json.dumps(schema))):
        if "$ref" in node:
            assert node["$ref"].startswith("#/$defs/")
            assert schema["$defs"][node["$ref"].removeprefix("#/$defs/")]
    assert not any("$schema" in definition for definition in schema.get("$defs", {}).values())


def test_a_shape_that_is_referenced_twice_is_included_once():
    whole = bundle({"a": {"$ref": "shapes/user.json"}, "b": [{"$ref": "shapes/user.json"}]})
    assert list(whole["$defs"]) == ["user"]
    assert whole["b"] == [{"$ref": "#/$defs/user"}]


def test_keywords_beside_a_reference_are_kept():
    assert bundle({"$ref": "shapes/user.json", "description": "x"})["description"] == "x"


def test_a_schema_without_shapes_is_unchanged():
    schema = {"type": "object", "properties": {"a": {"type": "null"}}}
    assert bundle(schema) == schema


def test_bundling_does_not_change_its_argument():
    schema = {"a": {"$ref": "shapes/scheduled_event.json"}}
    first = bundle(schema)
    assert schema == {"a": {"$ref": "shapes/scheduled_event.json"}}
    assert bundle(schema) == first


def test_manifest_is_read_once():
    assert manifest() is manifest()
    assert catalog() is catalog()


def test_the_manifest_identifies_the_connector():
    card = manifest()
    assert (card.id, card.name, card.version) == ("calendly", "Calendly", __version__)
    assert card.origin == "https://api.calendly.com"


PLANS = (Option("Any other plan", ""), Option("Trial", "trial"), Option("Enterprise", "enterprise"))
FORMS = {
    "personal_access_token": [
        {
            "path": "token",
            "title": "Token",
            "required": True,
            "secret": True,
            "placeholder": "eyJ…",
            "environment": ("CALENDLY_API_TOKEN", "CALENDLY_API_KEY", "calendly_api_token"),
        },
        {
            "path": "signing_key",
            "title": "Webhook signing key",
            "group": "advanced",
            "secret": True,
            "environment": ("CALENDLY_WEBHOOK_SECRET",),
        },
        {
            "path": "plan",
            "title": "Plan",
            "group": "advanced",
            "choices": PLANS,
            "environment": ("CALENDLY_PLAN",),
        },
    ],
    "oauth": [
        {
            "path": "client_id",
            "title": "Client ID",
            "required": True,
            "environment": ("CALENDLY_CLIENT_ID",),
        },
        {
            "path": "client_secret",
            "title": "Client secret",
            "secret": True,
            "environment": ("CALENDLY_CLIENT_SECRET",),
        },
        {
            "path": "redirect_uri",
            "title": "Redirect URI",
            "type": "uri",
            "placeholder": "https://app.example/callback",
            "pattern": r"^[Hh][Tt][Tt][Pp][Ss]?://[^\s#]+$",
            "expected": "a URL that begins with https:// or http://, without spaces or a fragment",
            "environment": ("CALENDLY_REDIRECT_URI",),
        },
        {
            "path": "signing_key",
            "title": "Webhook signing key",
            "group": "advanced",
            "secret": True,
            "environment": ("CALENDLY_WEBHOOK_SECRET",),
        },
        {
            "path": "plan",
            "title": "Plan",
            "group": "advanced",
            "choices": PLANS,
            "environment": ("CALENDLY_PLAN",),
        },
    ],
    "stored": [
        {
            "path": "name",
            "title": "Name",
            "required": True,
            "placeholder": "work",
            "environment": ("CALENDLY_CREDENTIAL",),
        }
    ],
}


@pytest.mark.parametrize("kind", FORMS)
def test_each_kind_of_credential_has_its_form(kind):
    fields = manifest().credentials[kind].fields
    assert [replace(field, description="") for field in fields] == [Field(**field) for field in FORMS[kind]]


def test_the_kinds_of_credentials_have_titles_in_the_order_of_preference():
    kinds = manifest().credentials.items()
    assert [(kind, form.id, form.title, form.needs_sign_in) for kind, form in kinds] == [
        ("personal_access_token", "personal_access_token", "Personal access token", False),
        ("oauth", "oauth", "OAuth sign-in", True),
        ("stored", "stored", "Stored credential", False),
    ]


def test_the_fields_of_a_sign_in_are_in_no_form():
    added = {form.id: form.added_by_sign_in for form in manifest().credentials.values()}
    assert {kind for kind, fields in added.items() if fields} == {"oauth"}
    assert {field.name: field.secret for field in added["oauth"]} == {
        "access_token": True,
        "refresh_token": True,
        "expires_at": False,
        "scope": False,
        "owner": False,
        "organization": False,
        "signed_out": False,
    }
    shown = {field.name for form in manifest().credentials.values() for field in form.fields}
    assert not shown & {field.name for field in added["oauth"]}


@pytest.mark.parametrize(
    ("uri", "fits"),
    [
        ("http://127.0.0.1/callback", True),
        ("http://127.0.0.1:0/callback", True),
        ("http://[::1]:8710/", True),
        ("https://app.example", True),
        ("HTTPS://App.Example/a%20b?c=d&e=é", True),
        ("app.example/callback", False),
        ("https://", False),
        ("https://app.example/#part", False),
        (" https://app.example/", False),
    ],
)
def test_the_pattern_of_a_redirect_uri_accepts_every_usable_one(uri, fits):
    [field] = [field for field in manifest().credentials["oauth"].fields if field.pattern]
    assert bool(re.search(field.pattern, uri)) == fits
