"""The log of HTTP traffic: never with secrets, with personal data only on request."""

import json
import logging

import pytest
from calendly_connector.errors import ConnectorError
from calendly_connector.http.debug_log import DebugLog
from calendly_connector.http.request import Request
from hostile import Hostile, reply
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

TOKEN, SIGNING_KEY = "made-up-token-of-the-test", "made-up-signing-key"
HEADER = f"Bearer {TOKEN}"
LOG, LOG_WITH_PEOPLE = DebugLog(), DebugLog(show_personal_data=True)
PERSON = {"name": "Noor Sand", "email": "noor@client.example", "questions_and_answers": [{"answer": "Blue"}]}


@pytest.fixture
def log(caplog):
    """Enable the debug log and return the captured records."""
    caplog.set_level(logging.DEBUG, logger="calendly_connector")
    return caplog


def lines(log):
    return [record.getMessage() for record in log.records if record.name == "calendly_connector"]


def test_request_and_reply_are_logged_without_the_token(log, connect):
    step = reply(
        200,
        {"resource": {"uri": "https://api.calendly.com/users/U", **PERSON}},
        {"X-Request-Id": "r-1", "X-Odd": "y"},
    )
    with Hostile(step) as server, connect(server, TOKEN) as connection:
        connection.request("GET", "/users/me", {"count": 1})
    logged = lines(log)
    assert logged[0] == "> GET /users/me?count=1"
    assert logged[1].startswith("< 200 GET /users/me?count=1 (")
    assert "< x-request-id: r-1" in logged
    assert json.loads(logged[-1].removeprefix("< "))["resource"]["uri"] == "https://api.calendly.com/users/U"
    assert not [part for part in (TOKEN, "Noor", "noor@", "Blue", "x-odd") if part in "\n".join(logged)]


def test_personal_data_is_logged_on_request_and_secrets_never(log):
    request = Request("POST", "/x", body={**PERSON, "signing_key": SIGNING_KEY})
    LOG_WITH_PEOPLE.request_sent(request, HEADER)
    LOG_WITH_PEOPLE.reply_received(
        request, HEADER, 200, {}, json.dumps({**PERSON, "odd": f"{TOKEN} {SIGNING_KEY}"}).encode()
    )
    logged = "\n".join(lines(log))
    assert logged.count("noor@client.example") == logged.count("Blue") == 2
    assert TOKEN not in logged
    assert SIGNING_KEY not in logged


def test_a_logged_query_has_no_personal_data_and_no_secrets(log):
    query = (("email", "noor@client.example"), ("token", "S"), ("count", "5"), ("page_token", "P"))
    LOG.request_sent(Request("GET", "/x", query), HEADER)
    (logged,) = lines(log)
    assert logged == "> GET /x?email=person@recorded.example&token=[redacted]&count=5&page_token=P"


@pytest.mark.parametrize(
    "body", [b"<html>Noor Sand</html>", b"\xff\xfe", b"{" * 50_000, b"[" * 50_000, b"token=S"]
)
def test_a_body_that_is_not_json_is_not_logged(body, log):
    LOG_WITH_PEOPLE.reply_received(Request("GET", "/x"), HEADER, 502, {"content-type": "text/html"}, body)
    logged = lines(log)
    assert logged[0] == f"< 502 GET /x ({len(body)} bytes)"
    assert logged[-1] in {"< (not JSON)", "< (JSON too deep to show)"}


def test_json_that_is_too_deep_to_mask_is_not_logged(log):
    LOG.reply_received(Request("GET", "/x"), HEADER, 200, {}, b"[" * 700 + b"]" * 700)
    assert lines(log)[-1] in {f"< {'[' * 700}{']' * 700}", "< (JSON too deep to show)"}


class Untouchable(dict):
    def items(self):
        pytest.fail("it was read")


@pytest.mark.parametrize(
    ("status", "document", "shown"),
    [
        (400, {"title": "Invalid Argument", "message": "made up"}, '"title": "Invalid Argument"'),
        (200, {"title": "Ada and Bo"}, '"title": "words"'),
        (400, {"details": [{"title": "Ada and Bo"}]}, '"title": "words"'),
        (400, {"title": f"not {TOKEN}"}, '"title": "not [redacted]"'),
        (400, {"title": {"title": "Ada and Bo"}}, '"title": "words"'),
        (500, ["title"], "title"),
    ],
)
def test_the_title_of_an_error_is_logged_and_of_a_meeting_not(status, document, shown, log):
    request = Request("GET", "/users/me")
    LOG.reply_received(request, HEADER, status, {}, json.dumps(document).encode())
    assert shown in log.text
    assert "Ada" not in log.text
    assert TOKEN not in log.text


def test_nothing_is_formatted_if_the_level_is_not_enabled():
    request = Request("POST", "/x", body=Untouchable(name="Noor"))
    LOG.request_sent(request, HEADER)
    LOG.reply_received(request, HEADER, 200, Untouchable(date="now"), b"{}")


def test_errors_and_echoes_are_logged_without_the_token(log, connect):
    step = reply(403, {"message": f"no: {HEADER}", "details": [{TOKEN: TOKEN}]}, {"X-Request-Id": TOKEN})
    with Hostile(step) as server, connect(server, TOKEN) as connection, pytest.raises(ConnectorError):
        connection.run("users.me")
    assert "< 403 GET /users/me" in "\n".join(lines(log))
    assert TOKEN not in "\n".join(lines(log))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(st.text(), st.text() | st.lists(st.text()), max_size=3),
    st.text("ABCDEFGH0123456789-_.", min_size=8),
    st.binary() | st.none(),
)
def test_no_request_or_reply_logs_a_secret(fields, token, body):
    log = logging.getLogger("calendly_connector")
    logged = []
    handler = logging.Handler()
    handler.emit = lambda record: logged.append(record.getMessage())
    log.addHandler(handler)
    log.setLevel(logging.DEBUG)
    try:
        request = Request(
            "POST", "/x", (("q", token),), {**fields, "odd": [token], "signing_key": SIGNING_KEY}
        )
        answer = json.dumps({"a": token, **fields, "b": SIGNING_KEY}).encode() if body is None else body
        LOG.request_sent(request, f"Bearer {token}")
        LOG.reply_received(request, f"Bearer {token}", 200, {"x-request-id": token}, answer)
    finally:
        log.removeHandler(handler)
        log.setLevel(logging.NOTSET)
    assert len(logged) >= 4
    assert not [line for line in logged if token in line or SIGNING_KEY in line]


def test_a_body_of_megabytes_is_not_logged(log):
    LOG.reply_received(Request("GET", "/x"), HEADER, 400, {}, b'"' + b"bearer " * 200_000 + b'"')
    assert lines(log)[-1] == "< (too long to show)"
