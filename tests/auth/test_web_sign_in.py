"""Sign-in in a host's own pages: `connector.oauth()`, and every way that it ends."""

import dataclasses
import json
import logging
import pickle
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from calendly_connector.auth.oauth.server import AuthorizationServer
from calendly_connector.auth.oauth.sign_in import OAuthSignIn
from calendly_connector.contract import SignInRequest
from calendly_connector.errors import (
    CalendlyDown,
    InvalidCredential,
    SignInFailed,
    SignInRequired,
    UnknownAction,
    UsageError,
)
from calendly_connector.plugin import connector
from calendly_connector.sandbox.world import fixtures
from calendly_connector.support.clock import Timing
from signing_in import NATIVE, WEB, answer, app_server, follow_redirect, stale, token_calls

ME = f"https://api.calendly.com/users/{fixtures.OWNER}"
USES = ("scheduled_events.list", "invitee.created")
FOR_THEM = ("scheduled_events:read", "users:read", "webhooks:write")
WORDS_OF_A_TERMINAL = ("terminal", "Paste", "--", "calendly-connector", "vault", "browser window")
each_app = pytest.mark.parametrize("app", [NATIVE, WEB], ids=["native", "web"])


@pytest.fixture(scope="module")
def _running():
    from conftest import _make_sandbox

    with _make_sandbox() as running:
        yield running


@pytest.fixture
def sandbox(_running, monkeypatch):
    """Return a sandbox in which no app has access and everybody allows everything."""
    for app in ("sandbox-native", "sandbox-web"):
        _running.control("POST", "/apps/revoke", {"client_id": app})
    for path in ("/faults", "/requests"):
        _running.control("DELETE", path)
    monkeypatch.setenv("CALENDLY_API_URL", _running.url)
    monkeypatch.setenv("CALENDLY_AUTH_URL", _running.url)
    answer(_running, "allow")
    return _running


@pytest.fixture
def oauth(sandbox):  # noqa: ARG001 - it uses the sandbox
    return connector.oauth()


def exchanged(oauth, app=WEB, uses=USES):
    request = oauth.authorize(app, uses=uses)
    return oauth.exchange(app, request, follow_redirect(request))


def query_of(url):
    return dict(parse_qsl(urlsplit(url).query))


# Which kinds


def test_oauth_is_for_kinds_that_need_a_sign_in():
    for kind, problem in (
        ("personal_access_token", "needs no sign-in"),
        ("stored", "needs no sign-in"),
        ("", "doesn't exist"),
    ):
        with pytest.raises(UsageError, match=rf"{problem}\. Kinds that need a sign-in: oauth\.$"):
            connector.oauth(kind)


# Scopes


def test_the_required_scopes_are_minimal_and_identify_the_person(unvisited, monkeypatch):
    monkeypatch.setenv("CALENDLY_AUTH_URL", unvisited.url)
    oauth = connector.oauth()
    assert oauth.required_scopes(()) == ("users:read",)
    assert oauth.required_scopes(USES) == FOR_THEM
    assert oauth.required_scopes(["webhook_subscriptions.list", "invitee.created"]) == FOR_THEM


def test_an_unknown_use_suggests_the_nearest():
    with pytest.raises(UnknownAction, match=r"Did you mean scheduled_events\.list"):
        connector.oauth().authorize(WEB, uses=["scheduled_event.list"])


@each_app
def test_the_url_asks_for_the_scopes_with_a_state_and_a_challenge(app, unvisited, monkeypatch):
    monkeypatch.setenv("CALENDLY_AUTH_URL", unvisited.url)
    request = connector.oauth().authorize(app, uses=USES, scopes=["webhooks:read", "groups:read"])
    query = query_of(request.url)
    assert query["scope"] == "groups:read scheduled_events:read users:read webhooks:write"
    assert query["scope"].split() == list(request.scopes)
    assert (query["state"], query["code_challenge_method"]) == (request.state, "S256")
    assert query["redirect_uri"] == request.redirect_uri == app["redirect_uri"]
    assert request.verifier not in request.url
    assert "client_secret" not in query


def test_an_app_from_before_scopes_can_ask_for_default():
    assert connector.oauth().authorize(WEB, scopes=["default"]).scopes == ("default",)


# The app's fields


def test_a_redirect_uri_may_be_passed_and_takes_precedence():
    app = {name: value for name, value in WEB.items() if name != "redirect_uri"}
    here = "https://eu.acme.example/back"
    assert connector.oauth().authorize(app, redirect_uri=here).redirect_uri == here
    assert connector.oauth().authorize(WEB, redirect_uri=here).redirect_uri == here
    with pytest.raises(UsageError, match="needs a redirect URI"):
        connector.oauth().authorize(app)


@pytest.mark.parametrize("uri", ["callback", "ftp://acme.example/", "https://acme.example/#x", "https://"])
def test_an_invalid_redirect_uri_is_rejected_before_the_person_leaves(uri):
    with pytest.raises(UsageError, match="Invalid redirect URI"):
        connector.oauth().authorize(WEB, redirect_uri=uri)


def test_the_fields_of_the_form_are_enough_without_a_kind():
    fields = {name: value for name, value in NATIVE.items() if name != "kind"}
    assert connector.oauth().authorize(fields).redirect_uri == NATIVE["redirect_uri"]


@pytest.mark.parametrize(
    ("credential", "problem"),
    [
        ({"client_secret": "made-up-secret"}, "no client ID"),
        ({"kind": "personal_access_token", "token": "made-up-secret"}, "kind is personal_access_token"),
        ({**WEB, "clientid": "made-up-secret"}, "Unknown field for kind oauth: clientid"),
        ({**WEB, "client_secret": 5}, "must be strings: client_secret"),
    ],
)
def test_a_wrong_credential_has_its_own_error(credential, problem):
    with pytest.raises(InvalidCredential, match=problem) as caught:
        connector.oauth().authorize(credential)
    assert "made-up-secret" not in str(caught.value)


# The exchange


@each_app
@pytest.mark.usefixtures("sandbox")
def test_a_request_survives_json_and_another_process_can_exchange_the_code(app):
    request = connector.oauth().authorize(app, uses=USES)
    redirect = follow_redirect(request)
    kept = json.dumps(dataclasses.asdict(request))
    credential = connector.oauth().exchange(app, SignInRequest(**json.loads(kept)), redirect)
    assert (credential["kind"], credential["owner"]) == ("oauth", ME)
    assert set(credential["scope"].split()) == set(FOR_THEM)
    assert {name: credential[name] for name in app} == app
    with connector.connect(credential) as connection:
        assert connection.check().ok


def test_a_redirect_uri_with_a_query_of_its_own_must_come_back_with_it(sandbox):
    uri = "https://app.acme.example/back?tenant=7"
    app = sandbox.control("POST", "/apps", {"kind": "native", "redirect_uris": [uri]})
    oauth, credential = connector.oauth(), {"client_id": app["client_id"], "redirect_uri": uri}
    request = oauth.authorize(credential)
    redirect = follow_redirect(request)
    for other in (redirect.replace("tenant=7", "tenant=8"), redirect.replace("tenant=7&", "")):
        assert_rejected(oauth, credential, request, other, "redirect")
    assert oauth.exchange(credential, request, redirect)["owner"] == ME


def assert_rejected(oauth, app, request, redirect, reason):
    """Assert that an exchange fails with this reason, in words that a web app can show."""
    with pytest.raises(SignInFailed) as caught:
        oauth.exchange(app, request, redirect)
    assert caught.value.reason == reason
    assert caught.value.fix
    assert not [word for word in WORDS_OF_A_TERMINAL if word in str(caught.value)]
    assert_no_secret(caught.value, request, redirect)
    return caught.value


def assert_no_secret(error, request, redirect):
    code = query_of(redirect).get("code", "no code")
    secrets = (request.state, request.verifier, code, WEB["client_secret"])
    for text in (str(error), repr(error), json.dumps(error.to_dict()), repr(pickle.dumps(error))):
        assert not [secret for secret in secrets if secret in text]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda _url: "", "redirect"),
        (lambda url: urlsplit(url)._replace(scheme="http").geturl(), "redirect"),
        (lambda url: url.replace("app.acme.example", "app.acme.example."), "redirect"),
        (lambda url: url.replace("app.acme.example", "APP.acme.example"), "redirect"),
        (lambda url: url.replace("app.acme.example", "app.acme.example:444"), "redirect"),
        (lambda url: url.replace("app.acme.example", "x@app.acme.example"), "redirect"),
        (lambda url: url.replace("/oauth/callback", "/oauth/callback/"), "redirect"),
        (lambda url: url.replace("/oauth/callback", "/oauth/../oauth/callback"), "redirect"),
        (lambda url: url.replace("/oauth/callback", "/oauth/call%62ack"), "redirect"),
        (lambda url: url.partition("acme.example")[2], "redirect"),
        (lambda url: url.replace("state=", "state=x"), "state"),
        (lambda url: url.partition("&state=")[0], "state"),
        (lambda url: url + "&state=x", "state"),
        (lambda url: url.replace("code=", "code=x"), "grant"),
    ],
)
def test_any_other_redirect_is_rejected(change, reason, oauth, sandbox):
    request = oauth.authorize(WEB, uses=USES)
    assert_rejected(oauth, WEB, request, change(follow_redirect(request)), reason)
    assert token_calls(sandbox) == (reason == "grant")


def test_a_denied_consent_has_its_own_reason(oauth, sandbox):
    answer(sandbox, "deny")
    request = oauth.authorize(WEB, uses=USES)
    assert_rejected(oauth, WEB, request, follow_redirect(request), "denied")


def test_the_redirect_of_another_visitor_is_rejected(oauth, sandbox):
    ada, ben = oauth.authorize(WEB), oauth.authorize(WEB)
    assert_rejected(oauth, WEB, ada, follow_redirect(ben), "state")
    assert token_calls(sandbox) == 0


def test_the_verifier_of_another_sign_in_is_rejected(oauth, sandbox):
    request, other = oauth.authorize(WEB), oauth.authorize(WEB)
    mixed = dataclasses.replace(request, verifier=other.verifier)
    assert_rejected(oauth, WEB, mixed, follow_redirect(request), "verifier")
    assert token_calls(sandbox) == 0


def test_a_request_expires_after_ten_minutes_on_the_wall_clock(sandbox, timer):
    oauth = OAuthSignIn("oauth", Timing(clock=timer))
    request = oauth.authorize(WEB)
    redirect = follow_redirect(request)
    timer.now += 601
    assert_rejected(oauth, WEB, request, redirect, "expired")
    assert token_calls(sandbox) == 0
    timer.now -= 601 + 60  # a server whose clock is a minute behind
    assert oauth.exchange(WEB, request, redirect)["owner"] == ME


def test_a_code_works_once(oauth):
    request = oauth.authorize(WEB)
    redirect = follow_redirect(request)
    oauth.exchange(WEB, request, redirect)
    assert_rejected(oauth, WEB, request, redirect, "grant")


def test_a_lost_reply_requires_a_new_sign_in(oauth, sandbox):
    request = oauth.authorize(WEB)
    redirect = follow_redirect(request)
    sandbox.fault("reset", path="/oauth/token", times=1)
    assert_rejected(oauth, WEB, request, redirect, "lost")


def test_a_wrong_secret_has_its_own_reason(oauth):
    request = oauth.authorize(WEB)
    wrong = {**WEB, "client_secret": "made-up-secret"}
    error = assert_rejected(oauth, wrong, request, follow_redirect(request), "client")
    assert "made-up-secret" not in str(error)


# Scopes that weren't granted


def redirect_with_only(request, *granted):
    """Return the redirect after the person deselected all other scopes on the consent page."""
    form = {**query_of(request.url), "user": ME, "granted": granted, "decision": "allow"}
    page = request.url.partition("?")[0]
    return httpx.post(page, data=form, trust_env=False).headers["location"]


@pytest.mark.parametrize("granted", [("users:read",), ()])
def test_tokens_without_a_requested_scope_are_revoked(granted, oauth, sandbox, monkeypatch):
    received = []
    read = AuthorizationServer.exchange

    def remember(self, *arguments):
        received.append(read(self, *arguments))
        return received[-1]

    monkeypatch.setattr(AuthorizationServer, "exchange", remember)
    request = oauth.authorize(WEB, uses=["scheduled_events.list"])
    redirect = redirect_with_only(request, *granted)
    error = assert_rejected(oauth, WEB, request, redirect, "scope")
    assert "scheduled_events:read" in error.message
    assert ("users:read" in error.message) is not granted
    [tokens] = received
    assert app_server(sandbox.url, WEB).introspect(tokens.access_token)["active"] is False


def test_a_host_may_accept_fewer_scopes(oauth):
    request = oauth.authorize(WEB, uses=["scheduled_events.list"])
    accepted = dataclasses.replace(request, scopes=("users:read",))
    credential = oauth.exchange(WEB, accepted, redirect_with_only(request, "users:read"))
    assert credential["scope"] == "users:read"


# Later


def test_a_refresh_returns_new_tokens_and_ends_the_old(oauth):
    before = exchanged(oauth)
    after = oauth.refresh(stale(before))
    changed = {name for name in after if after[name] != stale(before)[name]}
    assert changed == {"access_token", "refresh_token", "expires_at"}
    with connector.connect(after) as connection:
        assert connection.check().ok
    with pytest.raises(SignInRequired) as caught:
        oauth.refresh(before)
    assert caught.value.reason == "used"
    assert not [word for word in WORDS_OF_A_TERMINAL if word in str(caught.value)]


def test_a_refresh_without_tokens_requires_a_sign_in(oauth, sandbox):
    for credential, reason in ((WEB, "never"), (oauth.revoke(exchanged(oauth)), "logout")):
        sandbox.control("DELETE", "/requests")
        with pytest.raises(SignInRequired) as caught:
            oauth.refresh(credential)
        assert caught.value.reason == reason
        assert token_calls(sandbox) == 0


def test_revoking_ends_both_tokens_and_keeps_the_app(oauth, sandbox):
    before = exchanged(oauth)
    after = oauth.revoke(before)
    assert not {"access_token", "refresh_token", "expires_at"} & after.keys()
    assert {name: after[name] for name in WEB} == WEB
    assert app_server(sandbox.url, WEB).introspect(before["access_token"])["active"] is False
    with pytest.raises(SignInRequired):
        oauth.refresh(before)
    sandbox.control("DELETE", "/requests")
    assert oauth.revoke(after) == after
    assert sandbox.requests()["counts"] == {}


def test_a_person_can_sign_in_again_after_signing_out(oauth):
    again = exchanged(oauth, oauth.revoke(exchanged(oauth)))
    assert "signed_out" not in again
    with connector.connect(again) as connection:
        assert connection.check().ok


# Secrets


def test_the_repr_of_a_request_shows_no_secret():
    request = connector.oauth().authorize(WEB)
    assert request.state not in repr(request)
    assert request.verifier not in repr(request)


def test_states_are_compared_in_constant_time(oauth, monkeypatch):
    compared = []
    monkeypatch.setattr("hmac.compare_digest", lambda a, b: compared.append((a, b)) or a == b)
    request = oauth.authorize(WEB)
    oauth.exchange(WEB, request, follow_redirect(request))
    assert (request.state.encode(),) * 2 in compared


def test_no_secret_of_a_sign_in_is_logged(oauth, caplog):
    caplog.set_level(logging.DEBUG, "calendly_connector")
    request = oauth.authorize(WEB, uses=USES)
    redirect = follow_redirect(request)
    before = oauth.exchange(WEB, request, redirect)
    after = oauth.refresh(before)
    oauth.revoke(after)
    log = "\n".join(record.getMessage() for record in caplog.records if record.name == "calendly_connector")
    assert log.count("> POST /oauth/token") == 2
    secrets = [one[name] for one in (before, after) for name in ("access_token", "refresh_token")]
    secrets += [request.state, request.verifier, query_of(redirect)["code"], WEB["client_secret"]]
    assert not [secret for secret in secrets if secret in log]


def test_a_failed_call_shows_no_secret(oauth, sandbox):
    request = oauth.authorize(WEB)
    redirect = follow_redirect(request)
    sandbox.fault("status", status=503, path="/oauth/token", times=1)
    with pytest.raises(CalendlyDown) as caught:
        oauth.exchange(WEB, request, redirect)
    assert_no_secret(caught.value, request, redirect)
