"""The sandbox's authorization server: the complete flow as an app sees it, and all errors."""

import base64
import hashlib
import hmac
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import httpx
import jsonschema_rs
import pytest
import yaml
from calendly_connector.sandbox.authorization import apps, authorization_request, pages
from calendly_connector.sandbox.operations.routes import SCOPES
from calendly_connector.sandbox.server import Sandbox
from calendly_connector.sandbox.world import fixtures
from locations import OPENAPI
from sandbox_client import ADMIN, ANCHOR, ORGANIZATION, OWNER, PAYLOADS, Clock

WEB_URI = "https://app.acme.example/oauth/callback"
NATIVE_URI = "http://127.0.0.1:49152/callback"
WEB_BASIC = ("sandbox-web", "sandbox-web-secret")
VERIFIER = "sample-verifier-of-at-least-forty-three-characters"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
PKCE = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
SCOPE = "users:read scheduled_events:read webhooks:write"


@pytest.fixture(scope="module")
def clock():
    return Clock()


@pytest.fixture(scope="module")
def _running(clock):
    with Sandbox(anchor=ANCHOR, public_origin=True, clock=clock) as running:
        yield running


@pytest.fixture
def sandbox(_running, clock):
    """Return a shared sandbox without grants, pending faults or counts; starting a new one is slow."""
    clock.now += 24 * 3600
    for app in _running.control("GET", "/apps")["apps"]:
        _running.control("POST", "/apps/revoke", {"client_id": app["client_id"]})
    _running.control("POST", "/consent", {})
    for what in ("/faults", "/requests"):
        _running.control("DELETE", what)
    return _running


class Page(HTMLParser):
    """A parsed HTML page, and the form fields that a browser would send."""

    def __init__(self, reply):
        super().__init__()
        self.fields, self.options, self.tags, self.text = [], {}, [], ""
        self.chosen, self.action = None, None
        assert reply.headers["content-type"] == "text/html; charset=utf-8"
        self.feed(reply.text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        values = dict(attributes)
        if tag == "form":
            self.action = (values["method"], values["action"])
        elif tag == "input" and (values["type"] == "hidden" or "checked" in values):
            self.fields.append((values["name"], values["value"]))
        elif tag == "option":
            self.options[values["value"]] = ""
            if "selected" in values:
                self.chosen = values["value"]
        elif tag == "button":
            self.fields.append((values["name"], values["value"]))

    def handle_data(self, data):
        self.text += data
        if self.tags and self.tags[-1] == "option" and data.strip():
            self.options[list(self.options)[-1]] += data

    def form_data(self, decision, user=None, deselected=()):
        fields = [
            (name, value) for name, value in self.fields if name != "decision" and value not in deselected
        ]
        return [*fields, ("user", user or self.chosen or next(iter(self.options))), ("decision", decision)]


class Browser:
    """A browser that doesn't follow redirects, so tests can check each step."""

    def __init__(self, http):
        self.http = http

    def open(self, **query):
        return self.http.get("/oauth/authorize", params=query)

    def submit(self, fields):
        return self.http.post("/oauth/authorize", content=urlencode(fields), headers=FORM)

    def code(self, user=None, **query):
        return callback_query(self.submit(Page(self.open(**query)).form_data("allow", user)))["code"]


class AppClient:
    """An app that requests codes and tokens as in RFC 6749, without a library."""

    def __init__(self, http, client_id, redirect_uri, basic=None, **query):
        self.http, self.client_id, self.redirect_uri, self.basic = http, client_id, redirect_uri, basic
        self.browser = Browser(http)
        self.auth_query = {
            "client_id": client_id,
            "redirect_uri": redirect_uri,
            "response_type": "code",
            "scope": SCOPE,
            "state": "a state",
            **query,
        }

    def code(self, user=None, **changes):
        return self.browser.code(user, **self.auth_query | changes)

    def call(self, path, **fields):
        own = {} if self.basic else {"client_id": self.client_id}
        return self.http.post(path, data=own | fields, auth=self.basic, headers=FORM)

    def redeem(self, code, **fields):
        parameters = {"grant_type": "authorization_code", "code": code, "redirect_uri": self.redirect_uri}
        if "code_challenge" in self.auth_query:
            parameters["code_verifier"] = VERIFIER
        return self.call("/oauth/token", **{k: v for k, v in (parameters | fields).items() if v is not None})

    def refresh(self, refresh_token):
        return self.call("/oauth/token", grant_type="refresh_token", refresh_token=refresh_token)

    def tokens(self, user=None, **changes):
        reply = self.redeem(self.code(user, **changes))
        assert reply.status_code == 200, reply.text
        return reply.json()

    def introspect(self, token):
        return self.call("/oauth/introspect", token=token)

    def revoke(self, token):
        return self.call("/oauth/revoke", token=token)


@pytest.fixture
def http(sandbox):
    with httpx.Client(base_url=sandbox.url, trust_env=False) as opened:
        yield opened


@pytest.fixture
def web(http):
    return AppClient(http, "sandbox-web", WEB_URI, WEB_BASIC)


@pytest.fixture
def native(http):
    return AppClient(http, "sandbox-native", NATIVE_URI, **PKCE)


@pytest.fixture(params=["web", "native"])
def app(request):
    return request.getfixturevalue(request.param)


def callback_query(reply):
    """Return the parameters of the redirect to the app."""
    assert reply.status_code == 303, reply.text
    target = urlsplit(reply.headers["location"])
    assert reply.headers["location"].split("?")[0] in {WEB_URI, NATIVE_URI}
    assert not target.fragment
    return dict(parse_qsl(target.query, strict_parsing=True))


def assert_error(reply, error, status=400):
    """Assert that a token call failed with an error in the documented shape."""
    assert (reply.status_code, reply.json()["error"]) == (status, error), reply.text
    assert_fits(reply.json(), "OAuthError")
    assert reply.headers["cache-control"] == "no-store"
    return reply.json()["error_description"]


@cache
def documented_shape(name):
    shapes = yaml.safe_load(OPENAPI.read_text())["components"]["schemas"]
    closed = shapes[name] | {"additionalProperties": False}
    return jsonschema_rs.Draft202012Validator(closed, validate_formats=True)


def assert_fits(body, name):
    documented_shape(name).validate(body)


def me(http, access_token):
    return http.get("/users/me", headers={"Authorization": f"Bearer {access_token}"})


# The complete flow


def test_an_app_signs_a_user_in_and_reads_as_them(app, http):
    pair = app.tokens(user=fixtures.ADMIN)
    reply = me(http, pair["access_token"])
    assert reply.json()["resource"]["uri"] == ADMIN


def test_the_token_response_has_the_documented_shape(app, clock):
    documented = json.loads((PAYLOADS / "oauth-token.json").read_text())["body"]
    reply = app.redeem(app.code())
    pair = reply.json()
    assert_fits(pair, "OAuthToken")
    assert set(pair) == set(documented)
    secrets = {name: pair[name] for name in ("access_token", "refresh_token")}
    assert pair == documented | secrets | {"created_at": int(clock())}
    assert (pair["owner"], pair["organization"], pair["expires_in"]) == (OWNER, ORGANIZATION, 7200)
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["pragma"] == "no-cache"


def test_a_refresh_returns_a_new_pair_with_the_same_scopes(app, http):
    first = app.tokens()
    second = app.refresh(first["refresh_token"]).json()
    assert {first["access_token"], first["refresh_token"]}.isdisjoint(
        {second["access_token"], second["refresh_token"]}
    )
    assert second["scope"] == first["scope"] == SCOPE
    assert me(http, second["access_token"]).status_code == 200
    assert me(http, first["access_token"]).status_code == 200


def test_an_access_token_expires_after_two_hours_but_its_refresh_token_does_not(app, http, clock):
    pair = app.tokens()
    clock.now += 7199
    assert me(http, pair["access_token"]).status_code == 200
    clock.now += 1
    assert me(http, pair["access_token"]).status_code == 401
    clock.now += 365 * 24 * 3600
    renewed = app.refresh(pair["refresh_token"]).json()
    assert renewed["created_at"] == int(clock())
    assert me(http, renewed["access_token"]).status_code == 200


def test_expired_tokens_are_no_longer_listed(web, sandbox, clock):
    token = web.tokens()["access_token"]
    [listed] = [row for row in sandbox.control("GET", "/tokens")["tokens"] if row["token"] == token]
    assert (listed["client_id"], listed["user"], listed["scopes"]) == (
        "sandbox-web",
        OWNER,
        sorted(SCOPE.split()),
    )
    clock.now += 7200
    assert token not in {row["token"] for row in sandbox.control("GET", "/tokens")["tokens"]}


def test_the_metadata_names_endpoints_that_answer(http, sandbox):
    metadata = http.get("/.well-known/oauth-authorization-server").json()
    assert metadata["issuer"] == sandbox.url
    assert metadata["code_challenge_methods_supported"] == ["S256"]
    assert metadata["scopes_supported"] == sorted(SCOPES)
    endpoints = [metadata[name] for name in metadata if name.endswith("_endpoint")]
    assert len(endpoints) == 4
    for endpoint in endpoints:
        assert endpoint.startswith(f"{sandbox.url}/oauth/")
        assert http.post(endpoint).status_code in {400, 403}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/oauth/token"),
        ("PUT", "/oauth/authorize"),
        ("GET", "/oauth/revoke"),
        ("DELETE", "/oauth/introspect"),
        ("POST", "/.well-known/oauth-authorization-server"),
    ],
)
def test_wrong_methods_are_rejected(http, method, path):
    assert http.request(method, path).status_code == 405


def test_other_oauth_paths_belong_to_the_api(http):
    assert http.get("/oauth/token/").status_code == 404
    assert http.get("/oauth").status_code == 404


# The consent page


def test_the_page_shows_app_scopes_and_redirect_uri(native):
    reply = native.browser.open(**native.auth_query)
    page = Page(reply)
    assert reply.status_code == 200
    assert page.action == ("post", "/oauth/authorize")
    for words in ("Sandbox native app", NATIVE_URI, *SCOPE.split(), "read scheduled events"):
        assert words in page.text
    assert f"{fixtures.OWNER_NAME} ({fixtures.OWNER_EMAIL}), owner" in page.options.values()
    assert {value for name, value in page.fields if name == "decision"} == {"allow", "deny"}
    assert "script" not in page.tags


def test_the_page_is_neither_stored_nor_framed_and_may_redirect_to_the_app(web):
    headers = web.browser.open(**web.auth_query).headers
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"
    policy = headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "default-src 'none'" in policy
    assert "form-action" not in policy


def test_the_page_sends_the_request_back_unchanged(native):
    page = Page(native.browser.open(**native.auth_query))
    repeated = {name: value for name, value in page.fields if name not in {"granted", "decision"}}
    assert repeated == native.auth_query


@pytest.mark.parametrize("hint", [fixtures.ADMIN_EMAIL, fixtures.ADMIN_EMAIL.upper(), fixtures.ADMIN, ADMIN])
def test_a_login_hint_preselects_the_user(web, hint):
    assert Page(web.browser.open(**web.auth_query, login_hint=hint)).chosen == fixtures.ADMIN


def test_an_unknown_login_hint_preselects_no_user(web):
    assert Page(web.browser.open(**web.auth_query, login_hint="nobody@acme.example")).chosen is None


def test_the_consent_setting_preselects_the_user(web, sandbox):
    sandbox.control("POST", "/consent", {"user": ADMIN})
    assert Page(web.browser.open(**web.auth_query)).chosen == fixtures.ADMIN
    assert sandbox.control("GET", "/consent") == {"answer": "ask", "user": ADMIN}


def test_the_page_lists_some_users_and_always_the_hinted_one():
    with (
        Sandbox(anchor=ANCHOR, users=300) as large,
        httpx.Client(base_url=large.url, trust_env=False) as http,
    ):
        web = AppClient(http, "sandbox-web", WEB_URI, WEB_BASIC)
        hinted, small = large.world.population.members[250].uuid, large.world.population.members[-1].uuid
        page = Page(web.browser.open(**web.auth_query, login_hint=hinted))
    assert page.chosen == hinted
    assert {fixtures.OWNER, fixtures.ADMIN, small, hinted} <= set(page.options)
    assert len(page.options) == 52


def test_a_user_can_grant_fewer_scopes_than_requested(web, http):
    page = Page(web.browser.open(**web.auth_query))
    code = callback_query(web.browser.submit(page.form_data("allow", deselected={"scheduled_events:read"})))[
        "code"
    ]
    pair = web.redeem(code).json()
    assert pair["scope"] == "users:read webhooks:write"
    assert web.introspect(pair["access_token"]).json()["scope"] == "users:read webhooks:write"
    reply = http.get("/scheduled_events", headers={"Authorization": f"Bearer {pair['access_token']}"})
    assert reply.status_code == 403


def test_a_user_cannot_grant_more_scopes_than_requested(web):
    fields = Page(web.browser.open(**web.auth_query | {"scope": "users:read"})).form_data("allow")
    code = callback_query(web.browser.submit([*fields, ("granted", "organizations:write")]))["code"]
    assert web.redeem(code).json()["scope"] == "users:read"


HOSTILE = """</title><script>alert(1)</script>"'><img src=x onerror=alert(1)>{0}{name}%s&amp;"""


def test_hostile_names_and_urls_are_escaped_on_the_page(sandbox, http):
    uri = "https://app.acme.example/'\"><script>alert(1)</script>"
    sandbox.control("POST", "/apps", {"client_id": "hostile", "name": HOSTILE, "redirect_uris": [uri]})
    auth_query = {
        "client_id": "hostile",
        "redirect_uri": uri,
        "response_type": "code",
        "scope": SCOPE,
        "state": HOSTILE,
    }
    reply = http.get("/oauth/authorize", params=auth_query)
    page = Page(reply)
    assert {"script", "img"}.isdisjoint(page.tags)
    assert HOSTILE in page.text
    assert uri in page.text
    assert dict(page.fields)["state"] == HOSTILE
    sent = http.post("/oauth/authorize", content=urlencode(page.form_data("allow")), headers=FORM)
    target = urlsplit(sent.headers["location"])
    assert parse_qs(target.query)["state"] == [HOSTILE]


def test_hostile_errors_are_escaped_on_the_page():
    page = pages.error(authorization_request.OAuthError("<b>", "<script>alert(1)</script>")).decode()
    assert "<script>" not in page
    assert "<b>" not in page


# Decisions without the page


@pytest.mark.parametrize(("answer", "parameter"), [("allow", "code"), ("deny", "error")])
def test_the_consent_setting_decides_without_the_page(app, sandbox, answer, parameter):
    sandbox.control("POST", "/consent", {"answer": answer, "user": ADMIN})
    back = callback_query(app.browser.open(**app.auth_query))
    assert parameter in back
    assert back["state"] == "a state"
    if answer == "allow":
        assert app.redeem(back["code"]).json()["owner"] == ADMIN


def test_without_a_preselected_user_the_owner_decides(web, sandbox):
    sandbox.control("POST", "/consent", {"answer": "allow"})
    assert web.redeem(callback_query(web.browser.open(**web.auth_query))["code"]).json()["owner"] == OWNER


# Errors that must not redirect


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "nobody"},
        {"client_id": ""},
        {"client_id": ["sandbox-native", "sandbox-native"]},
        {"redirect_uri": ""},
        {"redirect_uri": [NATIVE_URI, "https://evil.example/"]},
        {"redirect_uri": "https://evil.example/callback"},
        {"redirect_uri": "http://127.0.0.1:49152/other"},
        {"redirect_uri": "http://127.0.0.1:49152/callback/"},
        {"redirect_uri": "http://127.0.0.1:49152/callback?next=/"},
        {"redirect_uri": "http://127.0.0.1:49152/callback#"},
        {"redirect_uri": "https://127.0.0.1:49152/callback"},
        {"redirect_uri": "http://127.0.0.2:49152/callback"},
        {"redirect_uri": "http://127.0.0.1:49152@evil.example/callback"},
        {"redirect_uri": "http://evil.example@127.0.0.1:49152/callback"},
        {"redirect_uri": "http://127.0.0.1.evil.example:49152/callback"},
        {"redirect_uri": "http://127.0.0.1:99999/callback"},
        {"redirect_uri": "http://127.0.0.1:port/callback"},
        {"redirect_uri": "http://127.0.0.1:49152/call\r\nback"},
        {"redirect_uri": "http://[::1/callback"},
        {"redirect_uri": "javascript:alert(1)"},
        {"redirect_uri": WEB_URI},
    ],
)
def test_a_wrong_client_or_redirect_uri_shows_an_error_and_never_redirects(native, changes):
    reply = native.browser.open(**native.auth_query | changes)
    assert reply.status_code == 400
    assert "location" not in reply.headers
    assert Page(reply).action is None


@pytest.mark.parametrize(
    "uri", [f"{WEB_URI}/", f"{WEB_URI}?x=1", WEB_URI.upper(), "http://localhost:8711/callback", NATIVE_URI]
)
def test_a_web_apps_redirect_uri_must_match_exactly(web, uri):
    assert web.browser.open(**web.auth_query | {"redirect_uri": uri}).status_code == 400


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
@pytest.mark.parametrize("port", ["", ":1", ":65535"])
def test_a_native_app_may_use_any_loopback_port(native, host, port):
    uri = f"http://{host}{port}/callback"
    assert native.browser.open(**native.auth_query | {"redirect_uri": uri}).status_code == 200


def test_a_decision_is_validated_like_the_request(native):
    fields = dict(Page(native.browser.open(**native.auth_query)).form_data("allow"))
    tampered = native.browser.submit(fields | {"redirect_uri": "https://evil.example/"})
    assert tampered.status_code == 400
    assert "location" not in tampered.headers
    without_pkce = {name: value for name, value in fields.items() if name != "code_challenge"}
    assert callback_query(native.browser.submit(without_pkce))["error"] == "invalid_request"


def test_a_decision_must_be_a_form(native, http):
    reply = http.post(
        "/oauth/authorize", json=native.auth_query | {"decision": "allow", "user": fixtures.OWNER}
    )
    assert reply.status_code == 400
    assert "location" not in reply.headers


# Errors that redirect to the app with its state


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": ""}, "invalid_request"),
        ({"response_type": ["code", "code"]}, "invalid_request"),
        ({"scope": "everything:read"}, "invalid_scope"),
        ({"scope": "users:read users:write"}, "invalid_scope"),
        ({"scope": "default"}, "invalid_scope"),
        ({"scope": ["users:read", "groups:read"]}, "invalid_request"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge": "", "code_challenge_method": ""}, "invalid_request"),
        ({"code_challenge": VERIFIER, "code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": ""}, "invalid_request"),
        ({"code_challenge_method": "s256"}, "invalid_request"),
        ({"code_challenge": f"{CHALLENGE}="}, "invalid_request"),
        ({"code_challenge": CHALLENGE[:-1]}, "invalid_request"),
        ({"code_challenge": [CHALLENGE, CHALLENGE]}, "invalid_request"),
    ],
)
def test_other_errors_redirect_to_the_app_with_its_state(native, changes, error):
    back = callback_query(native.browser.open(**native.auth_query | changes))
    assert (back["error"], back["state"]) == (error, "a state")
    assert back["error_description"]
    assert "code" not in back


def test_pkce_is_optional_for_a_web_app_but_must_be_complete(web):
    assert "code" in callback_query(
        web.browser.submit(Page(web.browser.open(**web.auth_query)).form_data("allow"))
    )
    for changes in (
        {"code_challenge_method": "S256"},
        {"code_challenge": CHALLENGE},
        {"code_challenge": VERIFIER, "code_challenge_method": "plain"},
    ):
        assert callback_query(web.browser.open(**web.auth_query | changes))["error"] == "invalid_request"


@pytest.mark.parametrize("state", ["", "x" * 2000, "a&b=c#d?e%20f+g/ü\n"])
def test_the_state_is_returned_unchanged(web, state):
    auth_query = web.auth_query | {"state": state}
    allowed = callback_query(web.browser.submit(Page(web.browser.open(**auth_query)).form_data("allow")))
    denied = callback_query(web.browser.submit(Page(web.browser.open(**auth_query)).form_data("deny")))
    assert allowed.get("state", "") == denied.get("state", "") == state


def test_a_repeated_state_is_rejected_and_not_returned(web):
    back = callback_query(web.browser.open(**web.auth_query | {"state": ["one", "two"]}))
    assert back["error"] == "invalid_request"
    assert "state" not in back


def test_a_denied_consent_redirects_to_the_app(app):
    back = callback_query(app.browser.submit(Page(app.browser.open(**app.auth_query)).form_data("deny")))
    assert (back["error"], back["state"]) == ("access_denied", "a state")
    assert "code" not in back


@pytest.mark.parametrize(("field", "value"), [("user", "nobody"), ("user", ""), ("decision", "")])
def test_a_decision_needs_a_known_user_and_an_answer(web, field, value):
    fields = dict(Page(web.browser.open(**web.auth_query)).form_data("allow")) | {field: value}
    assert callback_query(web.browser.submit(fields))["error"] == "invalid_request"


def test_any_decision_other_than_allow_denies(web):
    fields = dict(Page(web.browser.open(**web.auth_query)).form_data("ALLOW"))
    assert callback_query(web.browser.submit(fields))["error"] == "access_denied"


def test_an_answer_keeps_the_query_of_the_redirect_uri(sandbox, http):
    uri = "https://app.acme.example/callback?tenant=7"
    sandbox.control("POST", "/apps", {"client_id": "tenants", "redirect_uris": [uri]})
    sandbox.control("POST", "/consent", {"answer": "allow"})
    auth_query = {"client_id": "tenants", "redirect_uri": uri, "response_type": "code", "scope": SCOPE}
    target = http.get("/oauth/authorize", params=auth_query).headers["location"]
    assert target.startswith(f"{uri}&code=")


# Codes


def test_a_code_expires_after_ten_minutes(app, clock):
    young, old = app.code(), app.code()
    clock.now += 599
    assert app.redeem(young).status_code == 200
    clock.now += 1
    assert_error(app.redeem(old), "invalid_grant")


def test_codes_can_be_expired_on_demand(app, sandbox):
    code = app.code()
    assert sandbox.control("POST", "/codes/expire") == {"codes": 1}
    assert_error(app.redeem(code), "invalid_grant")
    assert sandbox.control("POST", "/codes/expire") == {"codes": 0}


def test_a_reused_code_revokes_its_tokens(app, http):
    code = app.code()
    pair = app.redeem(code).json()
    renewed = app.refresh(pair["refresh_token"]).json()
    assert_error(app.redeem(code), "invalid_grant")
    assert_error(app.redeem(code), "invalid_grant")
    for issued in (pair, renewed):
        assert me(http, issued["access_token"]).status_code == 401
        assert_error(app.refresh(issued["refresh_token"]), "invalid_grant")


def test_a_code_is_valid_for_its_own_app_only(web, native, http):
    code = web.code()
    pair = web.redeem(code).json()
    assert_error(native.redeem(code, redirect_uri=WEB_URI), "invalid_grant")
    assert_error(native.redeem(web.code(), redirect_uri=WEB_URI, code_verifier=None), "invalid_grant")
    assert me(http, pair["access_token"]).status_code == 200  # another app can't revoke it


def test_a_code_is_bound_to_its_redirect_uri(native):
    code = native.code()
    for uri in ("http://127.0.0.1:49153/callback", "http://localhost:49152/callback", WEB_URI):
        assert_error(native.redeem(code, redirect_uri=uri), "invalid_grant")
    assert native.redeem(code).status_code == 200


@pytest.mark.parametrize("verifier", ["x" * 43, VERIFIER[:-1], CHALLENGE, f"{VERIFIER}ü"])
def test_a_wrong_verifier_is_rejected(native, verifier):
    assert_error(native.redeem(native.code(), code_verifier=verifier), "invalid_grant")


def test_a_missing_verifier_is_named(native):
    assert "code_verifier" in assert_error(
        native.redeem(native.code(), code_verifier=None), "invalid_request"
    )


def test_a_web_app_that_uses_pkce_must_send_the_verifier(web):
    assert_error(web.redeem(web.code(**PKCE)), "invalid_request")
    assert_error(web.redeem(web.code(**PKCE), code_verifier="x" * 43), "invalid_grant")
    assert web.redeem(web.code(**PKCE), code_verifier=VERIFIER).status_code == 200


def test_a_verifier_without_a_challenge_is_rejected(web):
    assert_error(web.redeem(web.code(), code_verifier=VERIFIER), "invalid_grant")


def test_an_unknown_code_is_rejected(app):
    assert_error(app.redeem("unknown"), "invalid_grant")


# Refresh tokens


def test_a_used_refresh_token_is_rejected_and_the_new_one_works(app, http):
    first = app.tokens()
    second = app.refresh(first["refresh_token"]).json()
    documented = json.loads((PAYLOADS / "errors" / "oauth-invalid-grant.json").read_text())
    for _ in range(2):
        reply = app.refresh(first["refresh_token"])
        assert (reply.status_code, reply.json()) == (400, documented)
    assert me(http, second["access_token"]).status_code == 200
    assert app.refresh(second["refresh_token"]).status_code == 200


def test_a_refresh_token_is_valid_for_its_own_app_only(web, native):
    pair = native.tokens()
    assert_error(web.refresh(pair["refresh_token"]), "invalid_grant")
    assert native.refresh(pair["refresh_token"]).status_code == 200


def test_an_access_token_cannot_be_used_to_refresh(app):
    assert_error(app.refresh(app.tokens()["access_token"]), "invalid_grant")


def test_concurrent_uses_of_a_refresh_token_succeed_once(app, sandbox):
    client_id, basic = app.client_id, app.basic
    many = 8
    for _ in range(3):
        token, gate = app.tokens()["refresh_token"], threading.Barrier(many)

        def race(_place, token=token, gate=gate):
            with httpx.Client(base_url=sandbox.url, trust_env=False) as http:
                gate.wait()
                return AppClient(http, client_id, "", basic).refresh(token)

        with ThreadPoolExecutor(many) as pool:
            replies = list(pool.map(race, range(many)))
        won = [reply for reply in replies if reply.status_code == 200]
        lost = [reply.json()["error"] for reply in replies if reply.status_code == 400]
        assert (len(won), lost) == (1, ["invalid_grant"] * (many - 1))


@pytest.mark.parametrize("kind", ["reset", "truncate"])
def test_a_lost_reply_to_a_refresh_still_uses_the_token(app, sandbox, kind):
    pair = app.tokens()
    sandbox.fault(kind, method="POST", path="/oauth/token")
    with pytest.raises(httpx.TransportError):
        app.refresh(pair["refresh_token"])
    assert_error(app.refresh(pair["refresh_token"]), "invalid_grant")


@pytest.mark.parametrize("fault", [{"kind": "status", "status": 503}, {"kind": "html"}, {"kind": "not_json"}])
def test_a_refresh_replaced_by_a_fault_changes_nothing(app, sandbox, fault):
    pair = app.tokens()
    sandbox.fault(**fault, path="/oauth/token")
    spoiled = app.refresh(pair["refresh_token"])
    assert spoiled.headers["cache-control"] == "no-store"
    assert "access_token" not in spoiled.text
    assert app.refresh(pair["refresh_token"]).status_code == 200


def test_faults_apply_to_the_consent_page(web, sandbox):
    sandbox.fault("html", path="/oauth/authorize")
    assert web.browser.open(**web.auth_query).status_code == 502


# Client authentication


@pytest.mark.parametrize(
    "basic",
    [
        ("sandbox-web", "wrong"),
        ("sandbox-web", ""),
        ("nobody", "sandbox-web-secret"),
        ("sandbox-native", "anything"),
        ("sandbox-wéb", "ü"),
    ],
)
def test_missing_client_credentials_get_401_with_www_authenticate(web, basic):
    code = web.code()
    web.basic = basic
    reply = web.redeem(code)
    assert_error(reply, "invalid_client", 401)
    assert reply.headers["www-authenticate"].startswith("Basic ")
    web.basic = WEB_BASIC
    assert web.redeem(code).status_code == 200


@pytest.mark.parametrize(
    "header",
    ["Basic", "Basic !!!", "Basic c2FuZGJveC13ZWI=", "Basic /w==", "Bearer sandbox-owner", "sandbox-web"],
)
def test_an_invalid_basic_header_is_rejected(http, header):
    fields = {"grant_type": "refresh_token", "refresh_token": "x", "client_id": "sandbox-native"}
    reply = http.post("/oauth/token", data=fields, headers={"Authorization": header})
    assert_error(reply, "invalid_client", 401)


def test_a_web_app_can_authenticate_in_the_form(web):
    fields = {"client_id": WEB_BASIC[0], "client_secret": WEB_BASIC[1]}
    web.basic = None
    assert web.redeem(web.code(), **fields).status_code == 200
    assert_error(web.redeem(web.code(), **fields | {"client_secret": "wrong"}), "invalid_client", 401)
    assert_error(web.redeem(web.code()), "invalid_client", 401)


def test_basic_can_be_combined_only_with_the_same_client_id(web):
    code = web.code()
    assert_error(web.redeem(code, client_id="sandbox-native"), "invalid_request")
    assert_error(
        web.redeem(code, client_id="sandbox-web", client_secret="sandbox-web-secret"), "invalid_request"
    )
    assert web.redeem(code, client_id="sandbox-web").status_code == 200


def test_a_native_app_has_no_secret(native):
    assert_error(native.redeem(native.code(), client_secret="invalid"), "invalid_client", 401)


def test_an_unknown_client_is_rejected(http):
    assert_error(http.post("/oauth/token", data={"grant_type": "refresh_token"}), "invalid_client", 401)


# Forms


@pytest.mark.parametrize(
    ("fields", "error", "named"),
    [
        ({}, "invalid_request", "grant_type"),
        ({"grant_type": ""}, "invalid_request", "grant_type"),
        ({"grant_type": "password"}, "unsupported_grant_type", "grant_type"),
        ({"grant_type": "client_credentials"}, "unsupported_grant_type", "grant_type"),
        ({"grant_type": "authorization_code"}, "invalid_request", "code"),
        ({"grant_type": "authorization_code", "code": "x"}, "invalid_request", "redirect_uri"),
        ({"grant_type": "refresh_token"}, "invalid_request", "refresh_token"),
        ({"grant_type": ["refresh_token", "refresh_token"]}, "invalid_request", "grant_type"),
        ({"grant_type": "refresh_token", "refresh_token": ["a", "b"]}, "invalid_request", "refresh_token"),
        ({"grant_type": "refresh_token", "refresh_token": "a", "x": ["1", "2"]}, "invalid_request", "x"),
    ],
)
def test_missing_and_repeated_parameters_are_named(app, fields, error, named):
    assert named in assert_error(app.call("/oauth/token", **fields), error)


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/introspect", "/oauth/revoke"])
@pytest.mark.parametrize("content_type", ["application/json", "multipart/form-data", "text/plain", None])
def test_other_content_types_than_a_form_are_rejected(http, path, content_type):
    fields = {
        "grant_type": "refresh_token",
        "client_id": "sandbox-native",
        "refresh_token": "x",
        "token": "x",
    }
    headers = {"Content-Type": content_type} if content_type else {}
    assert_error(http.post(path, content=urlencode(fields), headers=headers), "invalid_request")


def test_a_form_may_specify_its_charset(http):
    fields = urlencode({"grant_type": "refresh_token", "client_id": "sandbox-native", "refresh_token": "x"})
    headers = {"Content-Type": "Application/X-WWW-Form-Urlencoded; charset=UTF-8"}
    assert_error(http.post("/oauth/token", content=fields, headers=headers), "invalid_grant")


def test_query_parameters_do_not_count_as_form_fields(http):
    fields = {"grant_type": "refresh_token", "client_id": "sandbox-native", "refresh_token": "x"}
    assert_error(http.post("/oauth/token", params=fields, headers=FORM), "invalid_client", 401)


@pytest.mark.parametrize("body", [b"\xff\xfe=\xff", b"&&&===", b"%zz=%", b"\x00", b"grant_type"])
def test_invalid_bytes_in_a_form_are_rejected(http, body):
    reply = http.post("/oauth/token", content=body, headers=FORM, auth=WEB_BASIC)
    assert_error(reply, "invalid_request")


# Scopes


def test_the_api_rejects_an_oauth_token_without_the_scope(app, http):
    pair = app.tokens(scope="scheduled_events:read")
    reply = me(http, pair["access_token"])
    assert (reply.status_code, reply.json()["required_scopes"]) == (403, ["users:read"])


def test_a_request_without_scopes_is_rejected(app):
    reported = callback_query(app.browser.open(**app.auth_query | {"scope": ""}))
    assert (reported["error"], reported["state"]) == ("invalid_scope", "a state")
    assert "scope" in reported["error_description"]


def test_a_strict_sandbox_issues_a_token_without_rights_for_no_scopes():
    with Sandbox(anchor=ANCHOR, strict=True) as strict, httpx.Client(base_url=strict.url) as http:
        web = AppClient(http, "sandbox-web", WEB_URI, WEB_BASIC)
        page = Page(web.browser.open(**web.auth_query | {"scope": ""}))
        assert "it requests no scopes" in page.text
        pair = web.redeem(callback_query(web.browser.submit(page.form_data("allow")))["code"]).json()
        assert pair["scope"] == ""
        assert me(http, pair["access_token"]).status_code == 403


def test_an_app_can_request_its_own_scopes_and_those_they_include(sandbox, http):
    registered = {"client_id": "narrow", "redirect_uris": [WEB_URI], "scopes": ["scheduled_events:write"]}
    created = sandbox.control("POST", "/apps", registered)
    narrow = AppClient(http, "narrow", WEB_URI, ("narrow", created["client_secret"]))
    assert narrow.tokens(scope="scheduled_events:read")["scope"] == "scheduled_events:read"
    assert (
        callback_query(narrow.browser.open(**narrow.auth_query | {"scope": "users:read"}))["error"]
        == "invalid_scope"
    )


def test_a_legacy_apps_default_scope_is_replaced_on_refresh(sandbox, http):
    registered = {"client_id": "old", "redirect_uris": [WEB_URI], "legacy": True}
    created = sandbox.control("POST", "/apps", registered)
    old = AppClient(http, "old", WEB_URI, ("old", created["client_secret"]))
    for scope in ("", "default"):
        page = Page(old.browser.open(**old.auth_query | {"scope": scope}))
        assert "everything that you can do (default)" in page.text
        pair = old.redeem(callback_query(old.browser.submit(page.form_data("allow")))["code"]).json()
        assert pair["scope"] == "default"
        assert old.introspect(pair["access_token"]).json()["scope"] == "default"
        assert me(http, pair["access_token"]).status_code == 200
    renewed = old.refresh(pair["refresh_token"]).json()
    assert renewed["scope"].split() == sorted(SCOPES)
    assert me(http, renewed["access_token"]).status_code == 200
    assert old.tokens(scope="users:read")["scope"] == "users:read"


def test_the_small_organizations_owner_is_on_the_free_plan(web, http, sandbox):
    small = sandbox.world.population.members[-1]
    pair = web.tokens(user=small.uuid, scope="users:read routing_forms:read")
    assert pair["owner"] == small.user["uri"]
    assert me(http, pair["access_token"]).headers["x-ratelimit-limit"] == "50"


# Rate limits


def test_a_user_gets_eight_tokens_a_minute_across_apps(web, native, clock):
    token = web.tokens()["refresh_token"]
    for left in range(6, 0, -1):
        reply = web.refresh(token)
        assert reply.headers["x-ratelimit-limit"] == "8"
        assert reply.headers["x-ratelimit-remaining"] == str(left)
        token = reply.json()["refresh_token"]
    code = native.code()
    assert native.redeem(code).headers["x-ratelimit-remaining"] == "0"
    clock.now += 30
    over = web.refresh(token)
    assert over.status_code == 429
    assert over.headers["x-ratelimit-remaining"] == "0"
    assert over.headers["x-ratelimit-reset"] == "30"
    assert web.tokens(user=fixtures.ADMIN)["owner"] == ADMIN
    clock.now += 30
    assert web.refresh(token).status_code == 200  # a rejected token stays unused


def test_a_code_rejected_by_the_rate_limit_stays_valid(web, clock):
    for _ in range(8):
        web.tokens()
    code = web.code()
    assert web.redeem(code).status_code == 429
    clock.now += 60
    assert web.redeem(code).status_code == 200


def test_rejected_grants_do_not_count_towards_the_limit(web):
    for _ in range(20):
        assert_error(web.refresh("unknown"), "invalid_grant")
    assert web.redeem(web.code()).headers["x-ratelimit-remaining"] == "7"


def test_without_rate_limits_tokens_are_not_limited():
    with (
        Sandbox(anchor=ANCHOR, rate_limit=0) as running,
        httpx.Client(base_url=running.url, trust_env=False) as http,
    ):
        web = AppClient(http, "sandbox-web", WEB_URI, WEB_BASIC)
        token = web.tokens()["refresh_token"]
        for _ in range(20):
            reply = web.refresh(token)
            assert "x-ratelimit-limit" not in reply.headers
            token = reply.json()["refresh_token"]


def test_the_api_limit_is_shared_by_all_tokens_of_app_and_user(web, http):
    pair = web.tokens()
    before = int(me(http, pair["access_token"]).headers["x-ratelimit-remaining"])
    renewed = web.refresh(pair["refresh_token"]).json()
    assert int(me(http, renewed["access_token"]).headers["x-ratelimit-remaining"]) == before - 1
    admins = web.tokens(user=fixtures.ADMIN)
    assert int(me(http, admins["access_token"]).headers["x-ratelimit-remaining"]) == before


# Introspection


def test_introspection_returns_the_documented_fields(app):
    documented = json.loads((PAYLOADS / "oauth-introspect.json").read_text())["body"]
    pair = app.tokens()
    for token in (pair["access_token"], pair["refresh_token"]):
        reply = app.introspect(token)
        assert_fits(reply.json(), "OAuthIntrospection")
        assert reply.json() == documented | {
            "client_id": app.client_id,
            "iat": pair["created_at"],
            "exp": pair["created_at"] + 7200,
        }


def test_expired_revoked_and_unknown_tokens_are_not_active(app, clock):
    first = app.tokens()
    app.refresh(first["refresh_token"])
    assert app.introspect(first["access_token"]).json()["active"] is True
    assert app.introspect(first["refresh_token"]).json() == {"active": False}
    clock.now += 7200
    assert app.introspect(first["access_token"]).json() == {"active": False}
    for unknown in ("unknown", "sandbox-owner"):
        assert app.introspect(unknown).json() == {"active": False}


def test_introspection_hides_tokens_from_other_apps(web, native):
    assert web.introspect(native.tokens()["access_token"]).json() == {"active": False}


def test_introspection_requires_client_credentials(web):
    token = web.tokens()["access_token"]
    web.basic = ("sandbox-web", "wrong")
    assert_error(web.introspect(token), "invalid_client", 401)


@pytest.mark.parametrize("path", ["/oauth/introspect", "/oauth/revoke"])
def test_introspection_requires_a_token(app, path):
    assert "token" in assert_error(app.call(path), "invalid_request")
    assert_error(app.call(path, token=["a", "b"]), "invalid_request")


# Revocation


def test_revoking_an_access_token_revokes_only_that_token(app, http):
    pair = app.tokens()
    reply = app.revoke(pair["access_token"])
    assert (reply.status_code, reply.json()) == (200, {})
    assert me(http, pair["access_token"]).status_code == 401
    assert app.introspect(pair["access_token"]).json() == {"active": False}
    assert app.refresh(pair["refresh_token"]).status_code == 200


def test_revoking_a_refresh_token_revokes_the_entire_grant(app, http):
    first, other = app.tokens(), app.tokens()
    second = app.refresh(first["refresh_token"]).json()
    assert app.revoke(second["refresh_token"]).status_code == 200
    for issued in (first, second):
        assert me(http, issued["access_token"]).status_code == 401
        assert_error(app.refresh(issued["refresh_token"]), "invalid_grant")
    assert me(http, other["access_token"]).status_code == 200


def test_revoking_an_unknown_token_succeeds(app):
    pair = app.tokens()
    for token in ("unknown", pair["refresh_token"], pair["refresh_token"], "sandbox-owner"):
        assert (app.revoke(token).status_code, app.revoke(token).json()) == (200, {})


def test_an_app_cannot_revoke_tokens_of_other_apps(web, native, http):
    pair = native.tokens()
    assert web.revoke(pair["access_token"]).status_code == 200
    assert web.revoke(pair["refresh_token"]).status_code == 200
    assert web.revoke("sandbox-owner").status_code == 200
    assert me(http, pair["access_token"]).status_code == 200
    assert me(http, "sandbox-owner").status_code == 200


def test_revocation_by_an_unknown_client_is_forbidden(web, http):
    pair = web.tokens()
    web.basic = ("sandbox-web", "wrong")
    assert_error(web.revoke(pair["access_token"]), "unauthorized_client", 403)
    assert me(http, pair["access_token"]).status_code == 200


def test_a_user_can_revoke_an_apps_access(app, http, sandbox):
    owners, admins = app.tokens(), app.tokens(user=fixtures.ADMIN)
    unused = app.code()
    body = {"client_id": app.client_id, "user": OWNER}
    assert sandbox.control("POST", "/apps/revoke", body) == {"grants": 1}
    assert me(http, owners["access_token"]).status_code == 401
    assert_error(app.refresh(owners["refresh_token"]), "invalid_grant")
    assert_error(app.redeem(unused), "invalid_grant")
    assert me(http, admins["access_token"]).status_code == 200
    assert sandbox.control("POST", "/apps/revoke", {"client_id": app.client_id}) == {"grants": 1}
    assert me(http, admins["access_token"]).status_code == 401


def test_a_removed_users_tokens_stop_working(app, http, sandbox):
    member = sandbox.world.population.members[2 if app.basic else 3]
    unused, pair = app.code(user=member.uuid), app.tokens(user=member.uuid)
    sandbox.world.remove_member(member)
    assert me(http, pair["access_token"]).status_code == 401
    assert app.introspect(pair["access_token"]).json() == {"active": False}
    assert_error(app.refresh(pair["refresh_token"]), "invalid_grant")
    assert_error(app.redeem(unused), "invalid_grant")


# Apps


def test_registered_apps_are_shown_with_their_secrets(sandbox):
    shown = {app["client_id"]: app for app in sandbox.control("GET", "/apps")["apps"]}
    assert shown["sandbox-web"]["client_secret"] == "sandbox-web-secret"
    assert shown["sandbox-native"]["client_secret"] is None


def test_a_registered_app_can_be_used_immediately(sandbox, http):
    body = {"name": "My flow", "kind": "native", "redirect_uris": ["http://127.0.0.1/cb"]}
    created = sandbox.control("POST", "/apps", body)
    assert created["client_secret"] is None
    assert created in sandbox.control("GET", "/apps")["apps"]
    uri = "http://127.0.0.1:5000/cb"
    sandbox.control("POST", "/consent", {"answer": "allow"})
    flow = AppClient(http, created["client_id"], uri, **PKCE)
    code = dict(parse_qsl(urlsplit(flow.browser.open(**flow.auth_query).headers["location"]).query))["code"]
    assert flow.redeem(code).status_code == 200


@pytest.mark.parametrize(
    ("call", "body"),
    [
        ("/apps", {}),
        ("/apps", {"redirect_uris": []}),
        ("/apps", {"redirect_uris": ["http://app.acme.example/"]}),
        ("/apps", {"redirect_uris": ["https://app.acme.example/#part"]}),
        ("/apps", {"redirect_uris": ["https:///callback"]}),
        ("/apps", {"redirect_uris": ["https://app.acme.example/\r\nX: y"]}),
        ("/apps", {"redirect_uris": ["https://app.acme.example:port/"]}),
        ("/apps", {"redirect_uris": ["javascript:alert(1)"]}),
        ("/apps", {"redirect_uris": [WEB_URI], "kind": "desktop"}),
        ("/apps", {"redirect_uris": [WEB_URI], "scopes": ["everything"]}),
        ("/apps", {"redirect_uris": [WEB_URI], "client_id": "sandbox-web"}),
        ("/apps", {"redirect_uris": [WEB_URI], "client_id": "a:b"}),
        ("/apps", {"redirect_uris": [WEB_URI], "legacy": "yes"}),
        ("/apps", {"redirect_uris": [WEB_URI], "secret": "mine"}),
        ("/apps/revoke", {}),
        ("/apps/revoke", {"client_id": "nobody"}),
        ("/apps/revoke", {"client_id": "sandbox-web", "user": "nobody"}),
        ("/consent", {"answer": "perhaps"}),
        ("/consent", {"answer": "allow", "user": "nobody"}),
    ],
)
def test_invalid_control_calls_are_rejected_and_change_nothing(sandbox, call, body):
    before = sandbox.control("GET", "/apps"), sandbox.control("GET", "/consent")
    with pytest.raises(ValueError, match=r"."):
        sandbox.control("POST", call, body)
    assert (sandbox.control("GET", "/apps"), sandbox.control("GET", "/consent")) == before


@pytest.mark.parametrize(("uri", "good"), [("http://[::1]:0/x", False), ("https://a.example", True)])
def test_redirect_uris_must_be_https_or_loopback(uri, good):
    assert apps.is_redirect_uri(uri) is good


# Webhooks of apps


class Hook(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append((self.headers["Calendly-Webhook-Signature"], body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_args):
        pass


@pytest.fixture
def hook():
    server = HTTPServer(("127.0.0.1", 0), Hook)
    server.received = []
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("own_key", [None, "a key of the app's own"])
def test_an_apps_webhooks_are_signed_with_the_apps_key(app, sandbox, http, hook, own_key):
    pair = app.tokens()
    body = {
        "url": f"http://127.0.0.1:{hook.server_port}/",
        "events": ["invitee.created"],
        "organization": ORGANIZATION,
        "scope": "organization",
        **({"signing_key": own_key} if own_key else {}),
    }
    headers = {"Authorization": f"Bearer {pair['access_token']}"}
    assert http.post("/webhook_subscriptions", json=body, headers=headers).status_code == 201
    sandbox.book(wait=True)
    [(signature, message)] = hook.received
    stamp, digest = (part.partition("=")[2] for part in signature.split(","))
    [key] = [
        shown["webhook_signing_key"]
        for shown in sandbox.control("GET", "/apps")["apps"]
        if shown["client_id"] == app.client_id
    ]
    assert digest == hmac.new(key.encode(), f"{stamp}.".encode() + message, hashlib.sha256).hexdigest()


# Logs and secrets


def test_the_request_log_has_no_codes_and_no_tokens(app, sandbox):
    code = app.code()
    pair = app.redeem(code).json()
    app.refresh(pair["refresh_token"])
    app.introspect(pair["access_token"])
    request_log = sandbox.requests()
    assert request_log["counts"]["POST /oauth/token"] == 2
    stored = json.dumps(request_log)
    for secret in (code, *(pair[name] for name in ("access_token", "refresh_token")), WEB_BASIC[1], VERIFIER):
        assert secret not in stored


def test_every_run_generates_new_secrets():
    issued = set()
    for _ in range(2):
        with (
            Sandbox(anchor=ANCHOR) as running,
            httpx.Client(base_url=running.url, trust_env=False) as http,
        ):
            web = AppClient(http, "sandbox-web", WEB_URI, WEB_BASIC)
            pair = web.tokens()
            issued |= {pair["access_token"], pair["refresh_token"], web.code()}
    assert len(issued) == 6
