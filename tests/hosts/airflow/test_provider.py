"""The provider's metadata, its imports and the connection form."""

import json
import subprocess
import sys
from importlib.metadata import entry_points
from importlib.resources import files

import jsonschema
import pytest
from calendly_connector.auth.credentials import load
from calendly_connector.errors import InvalidCredential, UsageError
from calendly_connector.hosts.airflow import connection_form
from calendly_connector.hosts.airflow.provider import get_provider_info

HEAVY = ("airflow", "requests", "jsonschema", "jsonschema_rs", "pydantic", "rich", "click", "sqlalchemy")
[KIND] = get_provider_info()["connection-types"]


def test_airflow_finds_the_provider_by_its_entry_point():
    [found] = [
        point
        for point in entry_points(group="apache_airflow_provider")
        if point.value.startswith("calendly_connector.")
    ]
    assert found.load() is get_provider_info


def test_the_metadata_matches_airflows_schema():
    schema = json.loads(files("airflow").joinpath("provider_info.schema.json").read_text())
    jsonschema.validate(get_provider_info(), schema)


def test_the_provider_imports_nothing_heavy():
    program = (
        "import sys, calendly_connector.hosts.airflow.provider as p; p.get_provider_info();"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_secrets_are_password_fields_under_names_that_airflow_masks():
    from airflow._shared.secrets_masker.secrets_masker import DEFAULT_SENSITIVE_FIELDS

    secret = {
        name for name, field in KIND["conn-fields"].items() if field["schema"].get("format") == "password"
    }
    assert secret == {"secret_signing_key"}
    assert all(any(mark in name for mark in DEFAULT_SENSITIVE_FIELDS) for name in secret)


def test_every_field_that_a_person_fills_in_is_in_the_form():
    labels = [field["label"] for field in KIND["conn-fields"].values()]
    assert labels == ["Stored credential", "Webhook signing key", "Plan"]
    assert all(field["description"] for field in KIND["conn-fields"].values())
    assert KIND["ui-field-behaviour"]["relabeling"]["password"] == "Personal access token"
    forms = connection_form.fillable_forms().values()
    shown = {*KIND["conn-fields"], "password"}
    assert len(shown) == len({field.name for form in forms for field in form.fields})


def test_each_field_is_text_a_password_or_a_list_with_labels_and_the_advanced_ones_are_apart():
    assert {name: field["schema"] for name, field in KIND["conn-fields"].items()} == {
        "name": {"type": ["string", "null"]},
        "secret_signing_key": {"type": ["string", "null"], "format": "password", "section": "Advanced"},
        "plan": {
            "type": ["string", "null"],
            "enum": [None, "trial", "enterprise"],
            "values_display": {"null": "Any other plan", "trial": "Trial", "enterprise": "Enterprise"},
            "section": "Advanced",
        },
    }


def test_every_choice_of_a_list_is_valid_in_a_connection():
    for name, field in KIND["conn-fields"].items():
        for value in field["schema"].get("enum", ()):
            jsonschema.validate(value, field["schema"])
            assert load(connection_form.credential("made-up", {name: value}))


def test_the_standard_fields_have_placeholders():
    assert KIND["ui-field-behaviour"] == {
        "hidden-fields": ["schema", "login", "extra"],
        "relabeling": {"host": "API address", "password": "Personal access token"},
        "placeholders": {"host": "https://api.calendly.com", "port": "443", "password": "eyJ…"},
    }


def test_the_form_has_no_fields_of_a_sign_in():
    assert "oauth" not in connection_form.fillable_forms()
    assert not {"access_token", "refresh_token", "client_id"} & KIND["conn-fields"].keys()


@pytest.mark.parametrize(
    ("password", "extra", "credential"),
    [
        ("made-up", {}, {"kind": "personal_access_token", "token": "made-up"}),
        ("", {"name": "work"}, {"kind": "stored", "name": "work"}),
        (None, {"name": "work", "plan": None, "secret_signing_key": ""}, {"kind": "stored", "name": "work"}),
        (
            "made-up",
            {"secret_signing_key": "key", "plan": "trial", "name": None},
            {"kind": "personal_access_token", "token": "made-up", "signing_key": "key", "plan": "trial"},
        ),
    ],
)
def test_a_credential_is_read_from_password_and_extra(password, extra, credential):
    assert connection_form.credential(password, extra) == credential


@pytest.mark.parametrize(
    ("password", "extra", "message"),
    [
        (None, {}, "no credential. Fill in either Personal access token or Stored credential"),
        ("made-up", {"name": "work"}, "two credentials"),
        ("made-up", {"signing_key": "key"}, "unknown fields: signing_key. Valid fields: secret_signing_key"),
    ],
)
def test_an_invalid_connection_is_rejected_with_what_to_do(password, extra, message):
    with pytest.raises(InvalidCredential, match=message):
        connection_form.credential(password, extra)


@pytest.mark.parametrize(
    ("host", "port", "origin"),
    [
        (None, None, None),
        ("", 0, None),
        (None, 443, None),
        ("https://api.calendly.com/", 443, "https://api.calendly.com"),
        ("http://127.0.0.1", 8700, "http://127.0.0.1:8700"),
        ("http://127.0.0.1:8700", None, "http://127.0.0.1:8700"),
    ],
)
def test_an_origin_is_read_from_host_and_port(host, port, origin):
    assert connection_form.origin(host, port) == origin


@pytest.mark.parametrize(("host", "port"), [("calendly.example", None), ("http://127.0.0.1:1", 2)])
def test_an_invalid_host_is_rejected(host, port):
    with pytest.raises(UsageError, match="leave API address and Port empty"):
        connection_form.origin(host, port)
