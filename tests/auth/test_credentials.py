"""A credential is checked against its form: its kind, its fields, and their choices."""

from base64 import urlsafe_b64encode

import pytest
from calendly_connector.auth.credentials import load
from calendly_connector.catalog.manifest import manifest
from calendly_connector.errors import InvalidCredential

TOKEN = {"kind": "personal_access_token", "token": "sandbox-owner"}
APP = {"kind": "oauth", "client_id": "an-app"}
KINDS = ("personal_access_token", "oauth")


@pytest.mark.parametrize("credential", [TOKEN, APP])
@pytest.mark.parametrize("plan", ["", "trial", "enterprise"])
def test_every_choice_of_a_form_is_accepted(credential, plan):
    chosen = {**credential, "plan": plan}
    assert load(chosen) == (chosen, "", None)


@pytest.mark.parametrize("kind", KINDS)
def test_empty_values_are_accepted_since_forms_have_empty_fields(kind):
    empty = {field.name: "" for field in manifest().credentials[kind].fields}
    assert load({"kind": kind, **empty}) == ({"kind": kind, **empty}, "", None)


@pytest.mark.parametrize("credential", [TOKEN, APP])
@pytest.mark.parametrize("plan", ["foo", "Trial", "trial ", "Any other plan", "enterprise\n"])
def test_a_wrong_choice_lists_the_valid_ones(credential, plan):
    with pytest.raises(InvalidCredential) as caught:
        load({**credential, "plan": plan})
    assert caught.value.message == f"The credential's plan is {plan!r}."
    assert caught.value.fix == "Set it to trial or enterprise, or omit it (Any other plan)."


def test_a_long_or_secret_value_is_not_repeated_for_a_wrong_choice():
    parts = (b'{"alg":"ES256"}', b'{"sub":"made-up"}', b"signature" * 500)
    looks_like_a_token = ".".join(urlsafe_b64encode(part).decode().rstrip("=") for part in parts)
    with pytest.raises(InvalidCredential) as caught:
        load({**TOKEN, "plan": f"Bearer {looks_like_a_token}"})
    assert looks_like_a_token[:20] not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_the_fields_of_a_sign_in_are_accepted():
    added = {field.name: "x" for field in manifest().credentials["oauth"].added_by_sign_in}
    signed_in = {**APP, **added}
    assert load(signed_in) == (signed_in, "", None)


def test_a_token_has_no_fields_of_a_sign_in():
    with pytest.raises(InvalidCredential, match="Unknown field for kind personal_access_token: access_token"):
        load({**TOKEN, "access_token": "x"})


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("personal_access_token", "token, signing_key, plan"),
        ("oauth", "client_id, client_secret, redirect_uri, signing_key, plan"),
        ("stored", "name"),
    ],
)
def test_an_unknown_field_lists_those_of_the_form(kind, fields):
    with pytest.raises(InvalidCredential) as caught:
        load({"kind": kind, "scopes": ""})
    assert caught.value.message == f"Unknown field for kind {kind}: scopes."
    assert caught.value.fix == f"Its fields: {fields}."
