import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl, unquote

import pytest
from calendly_connector.contract import RateLimit
from calendly_connector.errors import (
    CalendlyDown,
    CalendlyError,
    ConnectorError,
    NoAnswer,
    NotFound,
    PermissionDenied,
    RateLimited,
    Rejected,
    Unauthenticated,
    UnexpectedAnswer,
    UsageError,
)
from calendly_connector.http.api_errors import error_for
from calendly_connector.http.headers import clock_skew_s, rate_limit, rate_limit_wait_s
from calendly_connector.http.protocol import (
    Page,
    build_request,
    check_origin,
    read_document,
    read_one,
    read_page,
)
from calendly_connector.http.request import Request
from calendly_connector.http.retry import retry_delay_s
from hypothesis import example, given
from hypothesis import strategies as st
from locations import PAYLOADS

ERRORS = PAYLOADS / "errors"
HOME = "https://api.calendly.com"
LOCAL = "http://127.0.0.1:8000"
ORIGINS = (HOME, LOCAL)
ID = "0841fe7d-3e7e-50d2-b88d-11f826a41ca2"
READ = Request("GET", "/scheduled_events")
WRITE = Request("POST", "/webhook_subscriptions")
REMOVE = Request("DELETE", "/webhook_subscriptions/x")
RACE = b'{"title": "Race Condition", "message": "A race condition occurred. Please try the request again."}'
NOW = datetime(2026, 11, 17, 15, 21, 41, tzinfo=UTC)

anything = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
reply_bodies = (
    st.binary()
    | json_values.map(lambda value: json.dumps(value).encode())
    | st.fixed_dictionaries(
        {}, optional=dict.fromkeys(("title", "message", "details", "required_scopes"), json_values)
    ).map(lambda value: json.dumps(value).encode())
)


def http_date(seconds_from_now: float = 0) -> str:
    return format_datetime(NOW + timedelta(seconds=seconds_from_now), usegmt=True)


# --- origin


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        (HOME, HOME),
        (f"{HOME}/", HOME),
        (f"  {HOME}\n", HOME),
        ("HTTPS://API.Calendly.COM", HOME),
        (f"{HOME}:443", f"{HOME}:443"),
        ("https://127.0.0.1", "https://127.0.0.1"),
        ("https://[2001:DB8::1]:8443", "https://[2001:db8::1]:8443"),
        ("http://127.0.0.1:8000", LOCAL),
        ("http://localhost", "http://localhost"),
        ("http://LOCALHOST:1/", "http://localhost:1"),
        ("http://[::1]:65535", "http://[::1]:65535"),
    ],
)
def test_origin_is_normalized(text, origin):
    assert check_origin(text) == origin


@pytest.mark.parametrize(
    "text",
    [
        "",
        "api.calendly.com",
        "//api.calendly.com",
        "https://",
        "https:///x",
        "https:api.calendly.com",
        "ftp://api.calendly.com",
        "file:///etc/passwd",
        "http://api.calendly.com",
        "http://127.0.0.1.evil.example",
        "http://127.0.0.1@evil.example",
        "http://localhost:80@evil.example",
        "http://evil.example#@localhost",
        "http://evil.example\\@localhost",
        "http://0.0.0.0:8000",
        "http://[::2]",
        "https://user@api.calendly.com",
        "https://user:word@api.calendly.com",
        "https://@api.calendly.com",
        "https://:@api.calendly.com",
        "https://api.calendly.com/v2",
        "https://api.calendly.com//",
        "https://api.calendly.com/..",
        "https://api.calendly.com?x=1",
        "https://api.calendly.com?",
        "https://api.calendly.com#x",
        "https://api.calendly.com:",
        "https://api.calendly.com:x",
        "https://api.calendly.com:-1",
        "https://api.calendly.com:65536",
        "https://api.calendly.com:\u0661",
        "https://[::1",
        "https://::1",
        "https://[api.calendly.com]",
        "https://api.calendly.com evil.example",
        "https://api\n.calendly.com",
        "https://api\t.calendly.com",
        "https://api.calendly.com\x00",
        "https://api.calendly.com%2eevil.example",
        "https://\u212aelvin.example",  # the Kelvin sign becomes a k in lower case
        "https://\u2100.example",
        "https://xn\u3002example",
    ],
)
def test_unsafe_origin_is_rejected(text):
    with pytest.raises(UsageError, match=r"^The API origin must be"):
        check_origin(text)


@given(st.text() | st.text(st.sampled_from("htps:/[].@#?%0195ax\\ ")).map("https://{}".format))
def test_any_origin_is_normalized_or_rejected(text):
    try:
        origin = check_origin(text)
    except UsageError:
        return
    assert check_origin(origin) == origin
    assert not set(origin.partition("://")[2]) & set("/?#@\\% ")


# --- requests


@pytest.mark.parametrize(
    ("line", "values", "target", "body"),
    [
        ("GET /users/me", {}, "/users/me", None),
        ("GET /users/{uuid}", {"uuid": "a"}, "/users/a", None),
        ("GET /users/{uuid}", {"uuid": "a", "count": 5}, "/users/a?count=5", None),
        ("GET /a/{x}/b/{y}", {"y": "2", "x": "1"}, "/a/1/b/2", None),
        ("GET /users/{uuid}", {"uuid": "a/../b?c#d%e é"}, "/users/a%2F..%2Fb%3Fc%23d%25e%20%C3%A9", None),
        ("GET /users/{uuid}", {"uuid": "..a"}, "/users/..a", None),
        ("GET /x", {"active": True, "secret": False}, "/x?active=true&secret=false", None),
        ("GET /x", {"kind": ["a", "b,c", True]}, "/x?kind=a&kind=b%2Cc&kind=true", None),
        ("GET /x", {"kind": ("a", "b")}, "/x?kind=a&kind=b", None),
        ("GET /x", {"kind": []}, "/x", None),
        ("GET /x", {"count": 1.0, "share": 0.5}, "/x?count=1&share=0.5", None),
        ("GET /x", {"b": "1", "a": "2"}, "/x?b=1&a=2", None),
        ("GET /x", {"a": "1&b=2#c d+é"}, "/x?a=1%26b%3D2%23c+d%2B%C3%A9", None),
        ("DELETE /x/{uuid}", {"uuid": "a", "force": True}, "/x/a?force=true", None),
        ("POST /x", {}, "/x", {}),
        ("POST /x", {"a": [1], "b": True, "c": None}, "/x", {"a": [1], "b": True, "c": None}),
        ("PATCH /x/{uuid}", {"uuid": "a", "b": 1}, "/x/a", {"b": 1}),
    ],
)
def test_inputs_go_into_path_query_or_body(line, values, target, body):
    request = build_request(line, values)
    assert (request.method, request.target, request.body) == (line.split()[0], target, body)


@pytest.mark.parametrize("value", ["", ".", "..", "...", "a\nb", "a\x00", "\ud800", "\u2028"])
def test_unsafe_path_id_is_rejected(value):
    with pytest.raises(UsageError, match="`uuid` isn't a valid id"):
        build_request("GET /users/{uuid}", {"uuid": value})


@given(st.text() | st.text(st.sampled_from("./\\%2eEfF?#;&=\n ")), st.text())
@example("..", "%2e%2e")
@example("%2e%2e%2f", "x/../../y")
def test_path_ids_never_change_the_path(first, second):
    try:
        request = build_request("GET /a/{x}/b/{y}", {"x": first, "y": second})
    except UsageError:
        return
    segments = request.target.split("/")
    assert (len(segments), segments[0], segments[1], segments[3]) == (5, "", "a", "b")
    assert (unquote(segments[2]), unquote(segments[4])) == (first, second)
    assert not {"", ".", ".."} & {segments[2], segments[4]}
    assert not set(request.target) & set("?#\\ \r\n")


@given(st.dictionaries(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8"))))
def test_query_survives_encoding(values):
    request = build_request("GET /x", values)
    assert parse_qsl(request.target.partition("?")[2], keep_blank_values=True) == list(values.items())


def test_inputs_are_not_changed():
    values = {"uuid": "a", "b": 1}
    build_request("PATCH /x/{uuid}", values)
    assert values == {"uuid": "a", "b": 1}


def test_repr_of_a_request_has_no_body():
    assert "made-up-key" not in repr(build_request("POST /x", {"signing_key": "made-up-key"}))


@pytest.mark.parametrize(
    ("method", "repeatable"),
    [("GET", True), ("DELETE", True), ("POST", False), ("PATCH", False), ("PUT", False)],
)
def test_only_reads_and_deletes_are_repeatable(method, repeatable):
    assert Request(method, "/x").repeatable is repeatable


# --- replies


@pytest.mark.parametrize(
    ("status", "body", "document"),
    [
        (200, b'{"resource": {}}', {"resource": {}}),
        (201, b" [1]\n", [1]),
        (202, b"{}", {}),
        (204, b"", None),
        (204, b" \r\n", None),
        (200, '{"a": "\u00e9\u2713"}'.encode(), {"a": "\u00e9\u2713"}),
    ],
)
def test_successful_reply(status, body, document):
    assert read_document(READ, status, {}, body) == document


@pytest.mark.parametrize(
    "body",
    [
        b"<html><title>Sign in</title></html>",
        b"ok",
        b"{",
        b"{} {}",
        b"NaN",
        b'{"a": Infinity}',
        b"\xff\xfe{\x00}\x00",
        b'\xef\xbb\xbf{"a": 1}',
        b'{"a": "\xff"}',
        b"[" * 200_000,
    ],
    ids=lambda body: repr(body[:12]),
)
@pytest.mark.parametrize(
    ("request_", "hint"), [(READ, "check the network"), (WRITE, "Check before retrying")]
)
def test_reply_that_is_not_json(request_, hint, body):
    with pytest.raises(UnexpectedAnswer, match="isn't JSON") as caught:
        read_document(request_, 200, {}, body)
    assert hint in caught.value.fix


def test_one_record():
    assert read_one(READ, {"resource": {"uri": "x"}, "more": 1}) == {"uri": "x"}


@pytest.mark.parametrize(
    "document",
    [None, [], {}, "x", 5, {"resource": None}, {"resource": []}, {"resource": "x"}, {"collection": []}],
)
def test_a_reply_without_its_record_is_rejected(document):
    with pytest.raises(UnexpectedAnswer, match="has no `resource` object"):
        read_one(READ, document)


@pytest.mark.parametrize(
    ("document", "page"),
    [
        ({"collection": []}, Page([], None)),
        ({"collection": [{"a": 1}], "pagination": None}, Page([{"a": 1}], None)),
        ({"collection": [], "pagination": {}}, Page([], None)),
        ({"collection": [], "pagination": {"next_page_token": None}}, Page([], None)),
        ({"collection": [], "pagination": {"next_page_token": ""}}, Page([], None)),
        ({"collection": [], "pagination": {"next_page_token": "t"}}, Page([], "t")),
    ],
)
def test_page(document, page):
    assert read_page(READ, document) == page


@pytest.mark.parametrize(
    "document",
    [None, [], {}, "x", {"collection": None}, {"collection": {}}, {"collection": "x"}, {"resource": {}}],
)
def test_a_reply_without_its_list_is_rejected(document):
    with pytest.raises(UnexpectedAnswer, match="has no `collection` of objects"):
        read_page(READ, document)


@pytest.mark.parametrize(
    "pagination",
    [[1], "t", 5, True, {"next_page_token": 5}, {"next_page_token": ["t"]}, {"next_page_token": False}],
)
def test_a_list_with_unreadable_pagination_is_rejected(pagination):
    with pytest.raises(UnexpectedAnswer, match="pagination"):
        read_page(READ, {"collection": [{}], "pagination": pagination})


@pytest.mark.parametrize("row", [None, 5, "x", [], [{}]])
def test_a_list_of_other_values_than_records_is_rejected(row):
    with pytest.raises(UnexpectedAnswer, match="has no `collection` of objects"):
        read_page(READ, {"collection": [{}, row]})


@given(json_values)
def test_any_document_is_read_or_rejected(document):
    for read in (read_one, read_page):
        try:
            read(READ, document)
        except UnexpectedAnswer:
            continue
        assert document.keys() & {"resource", "collection"}


# --- errors


@pytest.mark.parametrize(
    ("status", "file", "kind", "expected"),
    [
        (400, "400", Rejected, "page_token: must be a valid token."),
        (400, "400-no-parameter", Rejected, "organization, user, or group is required."),
        (401, "401", Unauthenticated, "doesn't accept the token (401)."),
        (403, "403", PermissionDenied, "You do not have permission to access this resource (403)."),
        (403, "403-plan", PermissionDenied, "Please upgrade to a paid Calendly account (403)."),
        (403, "403-scope", PermissionDenied, "the token lacks the scope scheduled_events:read (403)."),
        (404, "404", NotFound, "not found, or not visible to this token (404)."),
        (409, "409-webhook", Rejected, "Hook with this url already exists."),
        (424, "424", Rejected, "There is a problem accessing your calendar."),
        (500, "500", CalendlyDown, "Calendly failed (500)."),
        (400, "oauth-invalid-grant", Rejected, "GET /scheduled_events was rejected (400)."),
    ],
)
def test_error_of_each_documented_body(status, file, kind, expected):
    body = (ERRORS / f"{file}.json").read_bytes()
    error = error_for(READ, status, {"x-request-id": "req-1"}, body)
    assert type(error) is kind
    assert isinstance(error, CalendlyError)
    assert (error.status, error.request_id) == (status, "req-1")
    assert error.details == json.loads(body).get("details", [])
    assert expected in error.message
    assert error.message.startswith("GET /scheduled_events")
    assert error.fix


@pytest.mark.parametrize(
    ("status", "fix"),
    [
        (400, "Check the inputs"),
        (409, "use the existing one"),
        (422, "Check the inputs"),
        (424, "Reconnect the calendar"),
    ],
)
def test_an_error_says_what_to_do(status, fix):
    assert fix in error_for(READ, status, {}, b"{}").fix


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"message": "No."}, "No."),
        ({"message": "No"}, "No."),
        ({"message": " No \n way"}, "No way."),
        (
            {"message": "No", "details": [{"message": "a"}, {"parameter": "p", "message": "b."}]},
            "No. a. p: b.",
        ),
        ({"message": "", "details": [{"parameter": 5, "message": "b"}]}, "b."),
        ({"details": [{"message": str(number)} for number in range(12)]}, "0. 1. 2. 3. 4. 5. 6. 7. 8. 9."),
    ],
)
def test_an_error_repeats_calendlys_message(document, expected):
    message = error_for(READ, 400, {}, json.dumps(document).encode()).message
    assert message == f"GET /scheduled_events was rejected (400). {expected}"


@pytest.mark.parametrize(("request_", "hint"), [(READ, "CALENDLY_API_URL"), (WRITE, "Check before retrying")])
def test_the_error_for_a_wrong_envelope_says_what_to_do(request_, hint):
    for read in (read_one, read_page):
        with pytest.raises(UnexpectedAnswer) as caught:
            read(request_, {})
        assert hint in caught.value.fix


def test_a_403_without_a_message_still_has_one():
    assert error_for(READ, 403, {}, b"").message == "GET /scheduled_events: permission denied (403)."


def test_every_documented_error_body_is_in_the_table():
    table = test_error_of_each_documented_body.pytestmark[0].args[1]
    assert {row[1] for row in table} == {file.stem for file in ERRORS.glob("*.json")}


@pytest.mark.parametrize(
    ("document", "reason", "scopes"),
    [
        ({"required_scopes": ["a:read", "b:write"]}, "scope", ("a:read", "b:write")),
        ({"required_scopes": ["a:read"], "message": "Please upgrade."}, "scope", ("a:read",)),
        ({"message": "Please upgrade to a paid Calendly account."}, "plan", ()),
        ({"message": "Please upgrade to Enterprise."}, "plan", ()),
        ({"message": "You do not have permission to access this resource."}, "role", ()),
        ({"message": "This user is not in your organization"}, "other", ()),
        ({"title": "Permission Denied"}, "other", ()),
        ({"required_scopes": []}, "other", ()),
        ({"required_scopes": "a:read"}, "other", ()),
        ({"required_scopes": [None, 5, {}]}, "other", ()),
        ({"required_scopes": {"a": 1}}, "other", ()),
    ],
)
def test_reason_of_a_403(document, reason, scopes):
    error = error_for(READ, 403, {}, json.dumps(document).encode())
    assert isinstance(error, PermissionDenied)
    assert (error.reason, error.required_scopes) == (reason, scopes)
    assert all(scope in error.fix for scope in scopes)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (199, UnexpectedAnswer),
        (300, UnexpectedAnswer),
        (302, UnexpectedAnswer),
        (304, UnexpectedAnswer),
        (400, Rejected),
        (401, Unauthenticated),
        (402, Rejected),
        (403, PermissionDenied),
        (404, NotFound),
        (405, Rejected),
        (409, Rejected),
        (410, Rejected),
        (422, Rejected),
        (424, Rejected),
        (429, RateLimited),
        (499, Rejected),
        (500, CalendlyDown),
        (502, CalendlyDown),
        (503, CalendlyDown),
        (599, CalendlyDown),
    ],
)
def test_the_status_determines_the_error_class(status, kind):
    body = b'{"title": "Unauthenticated", "message": "Resource Not Found"}'
    with pytest.raises(ConnectorError) as caught:
        read_document(READ, status, {}, body)
    assert type(caught.value) is kind


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_names_its_status_and_not_its_address(status):
    error = error_for(READ, status, {"location": "https://evil.example/"}, b"")
    assert str(status) in error.message
    assert "evil" not in str(error)


def test_a_429_says_how_long_to_wait():
    error = error_for(READ, 429, {"x-ratelimit-reset": "37"}, b"<html>slow down</html>")
    assert isinstance(error, RateLimited)
    assert error.retry_after_s == 37.0


@pytest.mark.parametrize(
    ("request_", "lost"), [(READ, False), (REMOVE, False), (WRITE, True), (Request("PATCH", "/x"), True)]
)
def test_a_failed_write_may_have_happened(request_, lost):
    error = error_for(request_, 502, {}, b"")
    assert isinstance(error, CalendlyDown)
    assert (error.may_have_happened, error.retryable) == (lost, not lost)
    assert ("Check before retrying" in error.fix) is lost


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><body>Bad gateway</body></html>",
        b"\xff\xfe\x00",
        b"null",
        b"5",
        b'"text"',
        b'[{"message": "x"}]',
        b'{"message": 5, "details": 7}',
        b'{"message": null, "details": null, "required_scopes": null}',
        b'{"message": {"a": 1}, "details": {"message": "x"}}',
        b'{"details": [1, null, "x", [], {"message": 5}, {"parameter": 5, "message": "m"}]}',
        b'{"message": "a\\u0000b\\u001b[31m\\r\\nX-Evil: 1", "details": [{"message": "\\u2028"}]}',
        b'{"message": "{0} {scopes} %s", "required_scopes": ["{x}", "%s", "a\\nb"]}',
        b'{"message": "' + b"x" * 1_000_000 + b'"}',
        b'{"details": [' + b'{"message": "y"},' * 100_000 + b"{}]}",
        b'{"details": ' + b"[" * 500 + b"]" * 500 + b"}",
        b'{"details": ' + b"[" * 500_000,
    ],
    ids=lambda body: repr(body[:24]),
)
@pytest.mark.parametrize("status", [302, 400, 401, 403, 404, 429, 500])
def test_a_hostile_error_body_becomes_a_short_plain_error(status, body):
    error = error_for(READ, status, {}, body)
    assert str(error).isprintable()
    assert len(str(error)) < 1_000
    fields = error.to_dict()
    json.dumps(fields)
    assert all(isinstance(detail, dict) for detail in fields.get("details", ()))


@given(
    st.integers(100, 700), st.dictionaries(st.sampled_from(["retry-after", "date"]), st.text()), reply_bodies
)
def test_any_reply_is_read_or_becomes_an_error_of_the_tree(status, headers, body):
    try:
        read_document(READ, status, headers, body)
    except ConnectorError as error:
        assert str(error).isprintable()  # noqa: PT017 - both outcomes are right
        assert json.dumps(error.to_dict())  # noqa: PT017
    else:
        assert 200 <= status < 300


# --- retries


def rate_limited(retry_after_s: float | None) -> RateLimited:
    error = RateLimited("x", status=429)
    error.retry_after_s = retry_after_s
    return error


def no_answer(reason: str, *, happened: bool = False) -> NoAnswer:
    return NoAnswer("x", reason=reason, may_have_happened=happened)


DOWN = CalendlyDown("x", status=503)


@pytest.mark.parametrize(
    ("method", "error", "attempt", "delay_s"),
    [
        # 429: nothing happened, so any method may be retried after the wait that the reply names.
        ("GET", rate_limited(7.0), 1, 7.0),
        ("POST", rate_limited(7.0), 1, 7.0),
        ("PATCH", rate_limited(0.0), 4, 0.0),
        ("DELETE", rate_limited(None), 1, 60.0),
        ("POST", rate_limited(None), 3, 60.0),
        # 5xx: only idempotent methods are retried, with exponential backoff up to a limit.
        ("GET", DOWN, 1, 1.0),
        ("GET", DOWN, 2, 2.0),
        ("DELETE", DOWN, 3, 4.0),
        ("GET", DOWN, 6, 30.0),
        ("GET", DOWN, 1_000, 30.0),
        ("POST", DOWN, 1, None),
        ("PATCH", DOWN, 1, None),
        ("PUT", DOWN, 1, None),
        # No reply: a write is retried only if it certainly never arrived.
        ("GET", no_answer("timeout"), 1, 1.0),
        ("GET", no_answer("broken"), 2, 2.0),
        ("GET", no_answer("timeout", happened=True), 1, 1.0),
        ("DELETE", no_answer("refused"), 1, 1.0),
        ("POST", no_answer("refused"), 1, 1.0),
        ("POST", no_answer("timeout"), 1, 1.0),
        ("POST", no_answer("timeout", happened=True), 1, None),
        ("PATCH", no_answer("broken", happened=True), 1, None),
        # Errors that a retry doesn't fix.
        ("GET", no_answer("dns"), 1, None),
        ("GET", no_answer("tls"), 1, None),
        ("GET", no_answer("proxy"), 1, None),
        ("GET", Rejected("x", status=400), 1, None),
        # A rejection that asks for a retry: nothing happened, so a write is retried, too.
        ("GET", error_for(WRITE, 400, {}, RACE), 1, 1.0),
        ("POST", error_for(WRITE, 400, {}, RACE), 2, 2.0),
        ("GET", Unauthenticated("x", status=401), 1, None),
        ("GET", PermissionDenied("x", status=403), 1, None),
        ("GET", NotFound("x", status=404), 1, None),
        ("GET", UnexpectedAnswer("x"), 1, None),
    ],
)
def test_retry_decision(method, error, attempt, delay_s):
    assert retry_delay_s(Request(method, "/x"), error, attempt, jitter=1.0) == delay_s


@given(st.integers(1, 100), st.floats(0, 1))
def test_jitter_only_shortens_a_backoff(attempt, jitter):
    delay_s = retry_delay_s(READ, DOWN, attempt, jitter)
    full_s = retry_delay_s(READ, DOWN, attempt, 1.0)
    assert delay_s is not None
    assert full_s is not None
    assert 0 <= delay_s <= full_s <= 30


def test_jitter_does_not_shorten_the_wait_that_calendly_requests():
    assert retry_delay_s(READ, rate_limited(7.0), 1, jitter=0.0) == 7.0


# --- headers


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": " 7 "}, 7.0),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "7", "x-ratelimit-reset": "60"}, 7.0),
        ({"x-ratelimit-reset": "60"}, 60.0),
        ({"retry-after": "", "x-ratelimit-reset": "60"}, 60.0),
        ({"retry-after": http_date(90), "date": http_date()}, 90.0),
        ({"retry-after": http_date(-90), "date": http_date()}, 0.0),
        # A date is useless without the server's own clock.
        ({"retry-after": http_date(90)}, None),
        ({"retry-after": http_date(90), "x-ratelimit-reset": "60"}, 60.0),
        ({"retry-after": http_date(90), "date": "rubbish", "x-ratelimit-reset": "60"}, 60.0),
    ],
)
def test_how_long_to_wait(headers, seconds):
    assert rate_limit_wait_s(headers) == seconds


INVALID_NUMBERS = [
    "",
    "-5",
    "+5",
    "1.5",
    "1e3",
    "0x10",
    "1_0",
    "soon",
    "\u00b2",
    "\u0661",
    "5 5",
    "9" * 5_000,
    "\x00",
]


@pytest.mark.parametrize("value", [*INVALID_NUMBERS, "Tue, 17 Nov 2026 15:22:41 +" + "9" * 15])
def test_invalid_wait_headers_are_ignored(value):
    assert rate_limit_wait_s({"retry-after": value, "date": http_date(), "x-ratelimit-reset": "60"}) == 60.0
    assert rate_limit_wait_s({"x-ratelimit-reset": value}) is None


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (("500", "499", "60"), RateLimit(500, 499, 60)),
        (("50", "0", " 0 "), RateLimit(50, 0, 0)),
        (("500", "499", ""), RateLimit(500, 499, None)),
        (("500", "499", "soon"), RateLimit(500, 499, None)),
        (("", "499", "60"), None),
        (("500", "", "60"), None),
    ],
)
def test_rate_limit_headers(values, expected):
    names = ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset")
    assert rate_limit(dict(zip(names, values, strict=True))) == expected


@pytest.mark.parametrize("value", INVALID_NUMBERS)
def test_invalid_rate_limit_headers_are_ignored(value):
    assert rate_limit({"x-ratelimit-limit": value, "x-ratelimit-remaining": "5"}) is None
    assert rate_limit({"x-ratelimit-limit": "5", "x-ratelimit-remaining": value}) is None


@pytest.mark.parametrize(
    ("sent_s", "received_s", "skew_s"),
    [(0.5, 0.5, 0.0), (0.0, 1.0, 0.0), (100.5, 100.5, 100.0), (-99.5, -99.5, -100.0), (0.5, 20.5, 10.0)],
)
def test_clock_skew_is_counted_from_the_middle_of_the_call(sent_s, received_s, skew_s):
    date_s = NOW.timestamp()
    assert clock_skew_s({"date": http_date()}, date_s + sent_s, date_s + received_s) == skew_s


@pytest.mark.parametrize(
    "date", ["", "rubbish", "1", "Tue, 17 Nov 99999 0:0:0 GMT", f"1 Jan 2026 0:0:0 +{'9' * 20}"]
)
def test_without_a_readable_date_there_is_no_skew(date):
    assert clock_skew_s({"date": date}, 0.0, 0.0) is None


header_texts = st.text(max_size=80) | st.text(st.sampled_from("0123456789 :,+-GMTJanTue"), max_size=40)


@given(st.dictionaries(st.sampled_from(["retry-after", "date", "x-ratelimit-reset"]), header_texts))
def test_any_headers_are_read(headers: dict[str, Any]):
    wait = rate_limit_wait_s(headers)
    assert wait is None or 0 <= wait < float("inf")
    skew = clock_skew_s(headers, 0.0, 0.0)
    assert skew is None or skew == skew  # noqa: PLR0124 - no NaN


# Number of records on a page


@pytest.mark.parametrize(
    ("query", "most"),
    [((("count", "100"),), 200), ((("count", "1"),), 200), ((), 10_000), ((("count", "x"),), 10_000)],
)
def test_a_page_may_exceed_the_requested_count_only_by_a_margin(query, most):
    request = Request("GET", "/scheduled_events", query)
    assert len(read_page(request, {"collection": [{}] * most, "pagination": {}}).records) == most
    with pytest.raises(UnexpectedAnswer, match=f"has {most + 1} records on one page; at most {most}"):
        read_page(request, {"collection": [{}] * (most + 1), "pagination": {}})
