"""Recordings: what tells who a person is, and every secret, is taken out."""

import json

import pytest
from calendly_connector.manifest import catalog
from calendly_connector.redaction import MASK, redact, scrub

PEOPLE = (
    "Noor",
    "Okafor",
    "Iwu",
    "Sand",
    "client.example",
    "acme.example",
    "home.example",
    "Client BV",
    "+31",
)


@pytest.mark.parametrize("action", catalog().values(), ids=lambda action: action.id)
def test_no_person_of_an_example_stays(action):
    for example in action.examples:
        told = json.dumps(scrub(example["output"]), ensure_ascii=False)
        told += json.dumps(scrub(example["input"]), ensure_ascii=False)
        assert [person for person in PEOPLE if person in told] == []


def test_secrets_are_masked_wherever_they_stand():
    told = scrub({"signing_key": "s", "deep": [{"access_token": "a", "note": "Bearer abc.def"}]})
    assert told == {"signing_key": MASK, "deep": [{"access_token": MASK, "note": f"Bearer {MASK}"}]}


def test_the_form_of_a_value_stays():
    value = {"a": [1, None, True, {"uri": "https://api.calendly.com/users/U", "location": {"type": "zoom"}}]}
    assert scrub(value) == value


def test_a_secret_inside_another_is_masked_whole():
    assert redact("abcd abc", "abc", "abcd") == f"{MASK} {MASK}"
