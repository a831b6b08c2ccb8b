"""Undocumented forms of requests, with and without `--strict`; docs/how-to/sandbox.md lists the evidence."""

import json
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from brief import brief_sandbox
from calendly_connector.sandbox.world import fixtures
from sandbox_client import ANCHOR, INTRO_CALL, ORGANIZATION, OWNER, PUBLIC, Clock

TOKEN = {"Authorization": "Bearer sandbox-owner"}
JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
EVENT = f"/scheduled_events/{fixtures.ACTIVE_EVENT}"
LINK = {"max_event_count": "1", "owner": INTRO_CALL, "owner_type": "EventType"}
BAD_BODY = "the body must be a JSON object"


def _running(**options):
    return brief_sandbox(anchor=ANCHOR, public_origin=True, check_replies=True, clock=Clock(), **options)


@pytest.fixture(scope="module")
def lenient_sandbox():
    with _running() as running:
        yield running


@pytest.fixture(scope="module")
def strict_sandbox():
    with _running(strict=True) as running:
        yield running


@pytest.fixture(scope="module")
def lenient(lenient_sandbox):
    with httpx.Client(base_url=lenient_sandbox.url, headers=TOKEN, trust_env=False) as http:
        yield http


@pytest.fixture(scope="module")
def strict(strict_sandbox):
    with httpx.Client(base_url=strict_sandbox.url, headers=TOKEN, trust_env=False) as http:
        yield http


def problems(reply):
    """Return {parameter: message} of a reply that must be a 400."""
    assert reply.status_code == 400, reply.text
    return {one.get("parameter"): one["message"] for one in reply.json()["details"]}


def send(http, method, path, raw, headers=JSON):
    return http.request(method, path, content=raw, headers=headers)


# Numbers


@pytest.mark.parametrize("count", [1, 1.0, "1"])
def test_a_link_accepts_its_count_as_number_or_string(lenient, count):
    reply = lenient.post("/scheduling_links", json=LINK | {"max_event_count": count})
    assert (reply.status_code, reply.json()["resource"]["owner"]) == (201, INTRO_CALL)


@pytest.mark.parametrize("count", [2, 1.5, True, "2", None, [1]])
def test_a_link_rejects_other_counts(lenient, count):
    reply = lenient.post("/scheduling_links", json=LINK | {"max_event_count": count})
    assert problems(reply) == {"max_event_count": "must be one of 1"}


def test_a_strict_link_accepts_the_documented_string_only(strict):
    assert strict.post("/scheduling_links", json=LINK).status_code == 201
    reply = strict.post("/scheduling_links", json=LINK | {"max_event_count": 1})
    assert problems(reply) == {"max_event_count": "must be one of 1"}


def test_an_integer_in_a_query_may_be_written_with_a_zero_fraction(lenient, strict):
    query = {"user": OWNER, "count": "2.0"}
    page = lenient.get("/scheduled_events", params=query).json()
    assert len(page["collection"]) == page["pagination"]["count"] == 2
    assert parse_qs(urlsplit(page["pagination"]["next_page"]).query)["count"] == ["2"]
    assert set(problems(strict.get("/scheduled_events", params=query))) == {"count"}
    for wrong in ("2.5", "2.", ".0", "200.0"):
        assert set(problems(lenient.get("/scheduled_events", params=query | {"count": wrong}))) == {"count"}


# OAuth


def _issued(sandbox, http):
    """Return the tokens of a user who granted access to the web app."""
    sandbox.control("POST", "/consent", {"answer": "allow"})
    query = {
        "client_id": "sandbox-web",
        "redirect_uri": "http://localhost:8710/callback",
        "response_type": "code",
        "scope": "users:read",
    }
    target = http.get("/oauth/authorize", params=query).headers["location"]
    grant = {
        "grant_type": "authorization_code",
        "code": parse_qs(urlsplit(target).query)["code"][0],
        "redirect_uri": query["redirect_uri"],
    }
    return http.post("/oauth/token", data=grant, auth=("sandbox-web", "sandbox-web-secret")).json()


CREDENTIALS = {"client_id": "sandbox-web", "client_secret": "sandbox-web-secret"}


def test_oauth_accepts_json(lenient_sandbox, lenient):
    first = _issued(lenient_sandbox, lenient)
    with httpx.Client(base_url=lenient_sandbox.url, trust_env=False) as app:
        grant = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
        second = app.post("/oauth/token", json=CREDENTIALS | grant).json()
        assert second["scope"] == "users:read"
        token = {"token": second["access_token"], "token_type_hint": None}
        assert app.post("/oauth/introspect", json=CREDENTIALS | token).json()["active"] is True
        assert app.post("/oauth/revoke", json=CREDENTIALS | token).status_code == 200
        assert app.post("/oauth/introspect", json=CREDENTIALS | token).json()["active"] is False


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/introspect", "/oauth/revoke"])
def test_a_strict_oauth_endpoint_accepts_forms_only(strict, path):
    reply = strict.post(path, json=CREDENTIALS | {"token": "x"})
    assert (reply.status_code, reply.json()["error"]) == (400, "invalid_request")
    assert "application/x-www-form-urlencoded" in reply.json()["error_description"]


@pytest.mark.parametrize("raw", ["[]", "3", "{", "null", ""])
def test_oauth_rejects_json_other_than_objects(lenient, raw):
    reply = send(lenient, "POST", "/oauth/token", raw)
    assert (reply.status_code, reply.json()["error"]) == (400, "invalid_request")


# Empty bodies and nulls


def _subscribe(http, path):
    body = {
        "url": f"https://hooks.acme.example/{path}",
        "events": ["invitee.created"],
        "organization": ORGANIZATION,
        "scope": "organization",
    }
    created = http.post("/webhook_subscriptions", json=body)
    assert created.status_code == 201, created.text
    return created.json()["resource"]["uri"].removeprefix(PUBLIC)


@pytest.mark.parametrize("raw", ["[]", "null", "a=b", "{", '{"a": 1}'])
def test_the_body_of_a_delete_is_ignored(lenient, raw):
    subscription = _subscribe(lenient, f"body/{raw}")
    assert send(lenient, "DELETE", subscription, raw).status_code == 204
    assert lenient.get(subscription).status_code == 404


def test_a_strict_delete_rejects_a_body_that_is_not_an_object(strict):
    subscription = _subscribe(strict, "strict")
    assert problems(send(strict, "DELETE", subscription, "[]")) == {None: BAD_BODY}
    assert strict.get(subscription).status_code == 200


def test_a_null_body_counts_as_no_body(lenient, strict):
    path = "/scheduling_links"
    assert set(problems(send(lenient, "POST", path, "null"))) == set(LINK)
    assert problems(send(strict, "POST", path, "null")) == {None: BAD_BODY}


@pytest.mark.parametrize("raw", ["null", '{"reason": null}'])
def test_a_cancellation_accepts_null_as_no_reason(raw):
    with _running() as running, httpx.Client(base_url=running.url, headers=TOKEN, trust_env=False) as http:
        reply = send(http, "POST", f"{EVENT}/cancellation", raw)
        assert (reply.status_code, reply.json()["resource"]["reason"]) == (201, None)


def test_a_strict_cancellation_rejects_null(strict):
    reply = send(strict, "POST", f"{EVENT}/cancellation", '{"reason": null}')
    assert problems(reply) == {"reason": "must be a string"}


def test_a_post_accepts_null_in_fields_that_are_null_in_replies(lenient, strict):
    body = {
        "emails": [{"email": "noor@null.example", "is_primary": True}],
        "name": None,
        "timezone": None,
        "job_title": None,
    }
    created = lenient.post("/contacts", json=body)
    assert created.status_code == 201, created.text
    assert {name: created.json()["resource"][name] for name in ("name", "timezone", "job_title")} == {
        "name": None,
        "timezone": None,
        "job_title": None,
    }
    assert set(problems(strict.post("/contacts", json=body))) == {"name", "timezone", "job_title"}
    assert set(problems(lenient.post("/contacts", json={"emails": None}))) == {"emails"}


def test_a_patch_rejects_null(lenient):
    reply = lenient.patch(f"/contacts/{fixtures.CONTACT}", json={"job_title": None})
    assert set(problems(reply)) == {"job_title"}


def test_deeply_nested_bodies_get_a_reply(lenient):
    deep = '{"owner": null, "max_event_count": 1, "other": ' + "[" * 500 + "]" * 500 + "}"
    assert "owner_type" in problems(send(lenient, "POST", "/scheduling_links", deep))
    assert set(problems(send(lenient, "POST", "/scheduling_links", "[" * 9999))) == {None}


# Forms, and parameters in the body or query


def test_a_body_may_be_form_encoded(lenient, strict):
    assert lenient.post("/scheduling_links", data=LINK).status_code == 201
    assert problems(strict.post("/scheduling_links", data=LINK)) == {None: BAD_BODY}


def test_a_form_may_contain_numbers_booleans_arrays_and_objects(lenient):
    form = {
        "owner": OWNER,
        "name": "Form",
        "active": "true",
        "duration": "45",
        "duration_options[]": ["45", "60"],
        "before_buffer": "15",
    }
    created = lenient.post("/event_types", data=form)
    assert created.status_code == 201, created.text
    record = created.json()["resource"]
    assert (record["active"], record["duration"], record["before_buffer"]) == (True, 45, 15)
    assert record["duration_options"] == [45, 60]
    booking = {"event_type": INTRO_CALL, "start_time": "soon", "invitee[email]": "nobody"}
    wrong = problems(lenient.post("/invitees", data=booking))
    assert set(wrong) == {"start_time", "invitee.email", "invitee.timezone"}


@pytest.mark.parametrize(
    "raw", ["a[b]=1&a=2&a[]=3", "a=1&a[b]=2", "[]=1", "a" + "[b]" * 9999 + "=1", "%ff=%ff", "&&"]
)
def test_malformed_forms_get_a_reply(lenient, raw):
    assert set(problems(send(lenient, "POST", "/scheduling_links", raw, FORM))) == set(LINK)


def test_strings_in_json_are_not_converted_to_numbers(lenient):
    body = {"owner": OWNER, "name": "Texts", "duration": "45", "active": "true", "before_buffer": "15"}
    assert set(problems(lenient.post("/event_types", json=body))) == {"duration", "active", "before_buffer"}


def test_json_is_accepted_with_any_content_type(lenient):
    for headers in (FORM, {"Content-Type": "text/plain"}):
        assert send(lenient, "POST", "/scheduling_links", json.dumps(LINK), headers).status_code == 201


def test_filters_may_be_in_the_body_of_a_get(lenient, strict):
    filters = {"user": OWNER, "count": 3, "status": "active", "sort": None}
    page = lenient.request("GET", "/scheduled_events", json=filters).json()
    assert len(page["collection"]) == 3
    assert {event["status"] for event in page["collection"]} == {"active"}
    following = page["pagination"]["next_page"]
    assert parse_qs(urlsplit(following).query)["user"] == [OWNER]
    token = {"page_token": page["pagination"]["next_page_token"]}
    second = lenient.request("GET", "/scheduled_events", json=filters | token).json()
    assert second == lenient.get(following.removeprefix(PUBLIC)).json()
    assert set(problems(strict.request("GET", "/scheduled_events", json=filters))) == {None}


def test_the_query_overrides_the_body_of_a_get(lenient):
    reply = lenient.request("GET", "/scheduled_events", params={"user": OWNER, "count": 1}, json={"count": 5})
    assert len(reply.json()["collection"]) == 1
    assert send(lenient, "GET", "/users/me", "[]").status_code == 200


def test_fields_of_a_post_may_be_in_the_query(lenient, strict):
    assert lenient.post("/scheduling_links", params=LINK).status_code == 201
    assert set(problems(strict.post("/scheduling_links", params=LINK))) == set(LINK)
    hook = {
        "url": "https://hooks.acme.example/query",
        "events[]": ["invitee.created", "invitee.canceled"],
        "organization": ORGANIZATION,
        "scope": "organization",
    }
    created = lenient.post("/webhook_subscriptions", params=hook)
    assert created.json()["resource"]["events"] == hook["events[]"]


def test_the_body_of_a_post_overrides_its_query(lenient):
    reply = lenient.post("/scheduling_links", params=LINK, json={"owner": INTRO_CALL})
    assert set(problems(reply)) == {"max_event_count", "owner_type"}


def test_declared_query_parameters_stay_in_the_query(lenient):
    path = f"/user_meeting_limits?user={OWNER}&daily_limit=4"
    changed = lenient.patch(path)
    assert (changed.status_code, changed.json()["resource"]["daily_limit"]) == (200, 4), changed.text


# Methods and headers


def test_a_method_without_a_route_is_not_found(lenient, strict):
    path = INTRO_CALL.removeprefix(PUBLIC)
    for method, where in (("DELETE", path), ("POST", "/scheduled_events")):
        reply = lenient.request(method, where)
        assert (reply.status_code, reply.json()["title"]) == (404, "Resource Not Found")
        assert strict.request(method, where).status_code == 405


def test_browsers_may_call_the_api(lenient, strict):
    rejected = lenient.get("/users/me", headers={"Authorization": "Bearer nobody"})
    assert rejected.status_code == 401
    for reply in (lenient.get("/users/me"), lenient.get("/nope"), rejected):
        assert reply.headers["access-control-allow-origin"] == "*"
        assert reply.headers["access-control-allow-methods"] == "GET, POST, PATCH, PUT, DELETE, OPTIONS, HEAD"
        assert "Authorization" in reply.headers["access-control-allow-headers"]
        assert reply.headers["access-control-max-age"] == "86400"
        assert reply.headers["access-control-expose-headers"] == "ETag"
    assert not [name for name in strict.get("/users/me").headers if name.startswith("access-control")]


def test_a_preflight_needs_no_token_and_does_not_count(lenient, strict):
    before = int(lenient.get("/users/me").headers["x-ratelimit-remaining"])
    preflight = {"Origin": "https://app.example", "Access-Control-Request-Method": "POST"}
    with httpx.Client(base_url=lenient.base_url, trust_env=False) as browser:
        reply = browser.options("/scheduling_links", headers=preflight)
    assert (reply.status_code, reply.content) == (204, b"")
    assert reply.headers["access-control-allow-origin"] == "*"
    assert int(lenient.get("/users/me").headers["x-ratelimit-remaining"]) == before - 1
    assert strict.options("/users/me").status_code == 405


def test_faults_apply_to_preflights(lenient_sandbox, lenient):
    lenient_sandbox.fault("status", status=503, method="OPTIONS")
    assert lenient.options("/users/me").status_code == 503
    assert lenient.options("/users/me").status_code == 204


def test_head_is_get_without_the_body(lenient, strict):
    for path in ("/users/me", "/nope"):
        head, get = lenient.head(path), lenient.get(path)
        assert (head.status_code, head.content) == (get.status_code, b"")
        assert head.headers["content-length"] == get.headers["content-length"]
    assert strict.head("/users/me").status_code == 405


def _account(http, token):
    headers = http.get("/users/me", headers={"Authorization": f"Bearer {token}"}).headers
    return headers.get("x-ratelimit-tier"), headers.get("x-ratelimit-key")


def test_replies_name_the_account_of_the_rate_limit(lenient_sandbox, lenient, strict):
    owner, free = _account(lenient, "sandbox-owner"), _account(lenient, "sandbox-free")
    assert (owner[0], free[0]) == ("paid", "free")
    assert owner == _account(lenient, "sandbox-owner")
    assert len({owner[1], free[1], _account(lenient, "sandbox-admin")[1]}) == 3
    assert not any("sandbox-owner" in part for part in owner)
    first, second = (_issued(lenient_sandbox, lenient)["access_token"] for _ in range(2))
    assert _account(lenient, first) == _account(lenient, second)
    assert _account(lenient, first)[1].startswith("oauth:sandbox-web:")
    assert _account(strict, "sandbox-owner") == (None, None)


def test_requests_with_the_same_key_share_a_count(lenient_sandbox, lenient):
    first, second = (_issued(lenient_sandbox, lenient)["access_token"] for _ in range(2))

    def remaining(token):
        headers = lenient.get("/users/me", headers={"Authorization": f"Bearer {token}"}).headers
        return int(headers["x-ratelimit-remaining"])

    assert remaining(first) - remaining(second) == 1
    assert remaining("sandbox-admin") - remaining("sandbox-admin") == 1


# Records


def test_every_event_has_a_calendar_event_or_null(lenient):
    events = lenient.get("/scheduled_events", params={"user": OWNER, "count": 100}).json()["collection"]
    kinds = {type(event["calendar_event"]) for event in events}
    assert kinds == {dict, type(None)}
