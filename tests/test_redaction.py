"""Logs, errors and recordings contain no secrets, and on request no personal data."""

import json
import logging
import time
from urllib.parse import quote, quote_plus, urlencode

import pytest
from calendly_connector.catalog.manifest import catalog
from calendly_connector.cli import main
from calendly_connector.support.redaction import (
    MASK,
    SECRET_FIELDS,
    RedactingFilter,
    redact,
    redact_all,
    scrub,
)
from hypothesis import given
from hypothesis import strategies as st

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
PARAMETERS = (*SECRET_FIELDS, "code", "pwd")
# The templates below are lower case, so they can't contain a part of a secret by chance.
TOKENS = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~+/=", min_size=8)
TEXTS = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 \"'\\&=,;<>é日\n", min_size=8).filter(
    lambda text: text.strip()
)
NAMES = st.sampled_from(PARAMETERS) | st.sampled_from(
    ["Access-Token", "accessToken", "CLIENT_SECRET", "x", "Token"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES | st.text(), inner, max_size=4),
)


def pieces(secret, size=6):
    return {secret[start : start + size] for start in range(max(1, len(secret) - size + 1))}


def assert_gone(secret, text):
    assert not [piece for piece in pieces(secret) if piece in text], text


# Personal data


@pytest.mark.parametrize("action", catalog().values(), ids=lambda action: action.id)
def test_personal_data_of_examples_is_masked(action):
    for example in action.examples:
        masked = json.dumps(scrub(example["output"]), ensure_ascii=False)
        masked += json.dumps(scrub(example["input"]), ensure_ascii=False)
        assert [person for person in PEOPLE if person in masked] == []


def test_the_structure_of_a_value_is_kept():
    value = {"a": [1, None, True, {"uri": "https://api.calendly.com/users/U", "location": {"type": "zoom"}}]}
    assert scrub(value) == value


def test_questions_and_times_of_day_are_not_personal():
    value = {
        "name": "Noor van Dijk",
        "custom_questions": [{"name": "How many seats?", "answer_choices": ["1", "2"]}],
        "intervals": [{"from": "09:00", "to": "12:00"}],
        "to": "+31200000000",
    }
    assert scrub(value) == value | {"name": "Somebody", "to": "+1 000"}


def test_personal_data_is_kept_if_only_secrets_are_masked():
    masked = redact_all({"name": "Noor Sand", "email": "noor@client.example", "token": "t"})
    assert masked == {"name": "Noor Sand", "email": "noor@client.example", "token": MASK}


def test_an_email_address_is_masked_in_any_field():
    assert "noor" not in json.dumps(scrub({"odd": ["ask noor@client.example"]}))


# Secrets by the name of their field


def test_secrets_are_masked_at_any_place():
    masked = scrub({"signing_key": "s", "deep": [{"access_token": "a", "note": "Bearer abc.def"}]})
    assert masked == {"signing_key": MASK, "deep": [{"access_token": MASK, "note": f"Bearer {MASK}"}]}


@pytest.mark.parametrize("people", [True, False])
@pytest.mark.parametrize(
    "name", [*SECRET_FIELDS, "accessToken", "ACCESS-TOKEN", "Set-Cookie", "X", "nextToken"]
)
def test_a_secret_field_is_recognized_in_any_spelling(name, people):
    secret = name not in {"X", "nextToken"}
    masked = redact_all({"a": {name: ["S", {"b": 5}]}}, people=people)
    assert masked == {"a": {name: MASK if secret else ["S", {"b": 5}]}}


def test_flags_and_null_are_not_secrets():
    value = {"secret": True, "token": None, "next_page_token": "N", "resource": {"secret": False}}
    assert redact_all(value) == value


def test_a_code_is_a_secret_only_in_a_grant():
    assert redact_all({"code": "DE"}) == {"code": "DE"}
    grant = {"grant_type": "authorization_code", "code": "S", "code_verifier": "S"}
    assert redact_all(grant) == {"grant_type": "authorization_code", "code": MASK, "code_verifier": MASK}


@given(JSON, st.booleans())
def test_masking_keeps_json_valid_and_is_idempotent(value, people):
    masked = redact_all(value, people=people)
    assert json.loads(json.dumps(masked)) == masked
    assert redact_all(masked, people=people) == masked


@given(JSON, TEXTS, st.sampled_from(SECRET_FIELDS), st.booleans())
def test_every_value_of_a_secret_field_is_masked(around, secret, name, people):
    value = {"around": around, "deep": [{name: secret}, {name: {"inner": [secret]}}]}
    masked = redact_all(value, people=people)
    assert masked["deep"] == [{name: MASK}, {name: MASK}]


# Secrets by their value


@given(
    JSON, st.text(min_size=1).map(lambda secret: (secret, True)) | TEXTS.map(lambda secret: (secret, False))
)
def test_known_values_are_masked_in_json(around, known):
    secret, people = known
    masked = redact_all(
        {"around": around, "odd": f"<{secret}>", f"k{secret}": [secret]}, secret, people=people
    )
    texts = list(strings(masked))
    assert not [text for text in texts if secret in text.replace(MASK, "")]


def strings(value):
    if isinstance(value, dict):
        for name, item in value.items():
            yield name
            yield from strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)
    elif isinstance(value, str):
        yield value


@given(TEXTS)
def test_a_known_value_is_masked_in_every_spelling(secret):
    spellings = (
        secret,
        quote(secret, safe=""),
        quote_plus(secret),
        json.dumps(secret),
        json.dumps(secret, ensure_ascii=False),
        repr(secret),
    )
    for spelling in spellings:
        inner = spelling.strip("\"'")
        assert inner not in redact(f"it says {spelling} here", secret)


def test_a_secret_inside_another_is_masked_completely():
    assert redact("abcd abc", "abc", "abcd") == f"{MASK} {MASK}"


def test_a_secret_that_is_part_of_the_mask_does_not_break_it():
    assert redact("red abc", "abc", "red") == f"{MASK} {MASK}"


def test_an_empty_secret_masks_nothing():
    assert redact("plain words", "") == "plain words"


# Secrets by their form


@pytest.mark.parametrize(
    "template",
    [
        "authorization: bearer {}",
        "Authorization: Bearer  {}",
        "-h 'authorization: bearer {}'",
        "{{'authorization': 'bearer {}', 'x': 1}}",
        "(b'authorization', b'bearer {}')",
        "authorization: basic {}",
        "authorization: digest {}",
        "proxy-authorization: {}",
        "cookie: session={}; other=1",
        "set-cookie: a={}",
        "bearer%20{}",
        "https://user:{}@host.example/path",
        "https://{}@host.example/path",
    ],
)
@given(secret=TOKENS)
def test_secret_headers_are_masked(template, secret):
    inside = secret.replace("/", "_") if "host.example" in template else secret
    assert_gone(inside, redact(f"x {template.format(inside)}"))


@given(st.sampled_from(PARAMETERS), TEXTS, st.sampled_from([quote, quote_plus]))
def test_secret_parameters_of_urls_and_forms_are_masked(name, secret, quoted):
    value = quoted(secret, safe="")
    for text in (
        f"get https://host.example/callback?state=1&{name}={value}&x=y http/1.1",
        f"{name}={value}&grant_type=authorization_code",
        f"https://host.example/#{name}={value}",
        urlencode({"inner": f"https://host.example/?{name}={value}"}),
    ):
        assert_gone(value, redact(text))
        assert_gone(secret, redact(text))


@given(st.sampled_from(SECRET_FIELDS), TEXTS, st.sampled_from(["{}", "x {} y", "[{}, 1]"]))
def test_secret_fields_of_printed_json_and_python_are_masked(name, secret, around):
    document = {"a": 1, name: secret, "z": "end"}
    for printed in (
        json.dumps(document),
        json.dumps(document, ensure_ascii=False, indent=1),
        repr(document),
        repr(list(document.items())),
        f"thing({name}={secret!r}, z=1)",
        json.dumps({"body": json.dumps(document)}),
    ):
        masked = redact(around.format(printed))
        for spelling in (secret, json.dumps(secret)[1:-1], repr(secret)[1:-1]):
            assert_gone(spelling, masked.replace(MASK, ""))


@given(st.sampled_from(SECRET_FIELDS), TEXTS)
def test_a_text_that_was_cut_off_reveals_nothing(name, secret):
    printed = json.dumps({name: f"{secret} and more"})
    for length in range(len(printed)):
        assert_gone(secret, redact(printed[:length]).replace(MASK, ""))


def test_json_web_tokens_are_masked_by_their_form():
    token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJBIn0.c2lnbmF0dXJl-_A"
    assert redact(f"got {token}, then") == f"got {MASK}, then"


@pytest.mark.parametrize(
    "text",
    [
        "GET /users/me: Calendly doesn't accept the token (401).",
        "token: must be text",
        "signing_key: is missing",
        "the Basic plan has no webhooks; upgrade",
        "page_token=abc, next_page_token: 'abc'",
        "status_code=404",
        'the field "token" is missing',
        "Set it as CALENDLY_API_TOKEN.",
        "https://api.calendly.com/users/me?count=1",
    ],
)
def test_plain_words_are_not_masked(text):
    assert redact(text) == text


@given(
    st.text()
    | st.sampled_from(["token='", 'token="', "bearer ", "://", "eyJ", "cookie:"]).map(lambda part: part * 3)
)
def test_masking_a_text_is_idempotent(text):
    once = redact(text)
    assert redact(once) == once


@pytest.mark.parametrize(
    "part",
    [
        "bearer ",
        "eyJ-",
        "eyJ.",
        "token=",
        "token='",
        '"token": "',
        '\\"token\\":\\"',
        "://",
        "cookie:",
        "authorization ",
        "\\",
        "basic ",
    ],
)
def test_a_long_text_is_masked_quickly(part):
    text = part * (200_000 // len(part))
    began = time.process_time()
    redact(text)
    assert time.process_time() - began < 5


# Logs


class Kept(logging.Handler):
    def __init__(self):
        super().__init__()
        self.lines = []

    def emit(self, record):
        self.lines.append(self.format(record))


@pytest.fixture
def log():
    """Return a logger, and the lines that its handler writes."""
    logger, handler = logging.Logger("of the test"), Kept()  # noqa: LOG001 - only for this test
    handler.addFilter(RedactingFilter("known-secret"))
    logger.addHandler(handler)
    return logger, handler.lines


def test_a_log_line_is_masked_after_formatting(log):
    logger, lines = log
    logger.info("Authorization: %s %s", "Bearer", "abc.def")
    logger.info({"token": "S"})
    logger.info(
        "%(refresh_token)s is known-secret, %(access_token)s", {"refresh_token": "x", "access_token": "y"}
    )
    assert lines == [f"Authorization: {MASK}", f"{{'token': '{MASK}'}}", f"x is {MASK}, y"]


def test_a_traceback_in_a_log_is_masked(log):
    logger, lines = log
    try:
        raise ValueError("sent Bearer abc.def and known-secret")  # noqa: TRY301
    except ValueError:
        logger.exception("It broke", stack_info=True)
    assert "ValueError: sent Bearer [redacted] and [redacted]" in lines[0]
    assert "abc.def" not in lines[0].replace('"sent Bearer abc.def and known-secret"', "")
    assert "known-secret" not in lines[0]


def test_a_log_line_that_cannot_be_formatted_reveals_nothing(log, capsys):
    logger, lines = log
    logger.info("%d", "known-secret")
    assert lines == ["(a message of of the test that could not be formatted)"]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("user", ["user@", "user:password@"])
def test_the_example_of_a_database_url_stays_readable(user):
    advice = f"Write it like postgresql+psycopg://{user}host/database."
    assert redact(advice) == advice
    assert redact("see https://user:secret-one@host/x") == f"see https://{MASK}@host/x"
    assert redact("see https://username@host/x") == f"see https://{MASK}@host/x"


def test_the_advice_for_an_unknown_database_url_shows_an_example(capsys, monkeypatch):
    monkeypatch.setenv("CALENDLY_API_TOKEN", "sandbox-owner")
    assert main(["sync", "--to", "nosuch://x"]) == 2
    err = capsys.readouterr().err
    assert "postgresql+psycopg://user:password@host/database" in err
    assert MASK not in err
