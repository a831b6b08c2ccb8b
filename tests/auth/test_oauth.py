"""OAuth: consent, tokens that are refreshed once for all processes, and every way that a sign-in ends."""

import base64
import dataclasses
import json
import logging
import secrets
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
from calendly_connector.auth.oauth import consent, grant
from calendly_connector.auth.oauth.server import AuthorizationServer, InvalidGrant, server_for
from calendly_connector.auth.vault import open_vault
from calendly_connector.contract import SignInRequest
from calendly_connector.errors import (
    CalendlyDown,
    NoAnswer,
    PermissionDenied,
    RateLimited,
    SignInFailed,
    SignInRequired,
    UnexpectedAnswer,
    UsageError,
)
from calendly_connector.http import rate_limit
from calendly_connector.plugin import connector
from calendly_connector.sandbox.world import fixtures
from calendly_connector.support.clock import Timing
from endurance import rounds
from hostile import Hostile, reply, reset
from oauth_workers import PROCESSES, Workers
from signing_in import NATIVE, SCOPES, WEB, answer, app_server, follow_redirect, sign_in, stale, token_calls

NAME = "work"
STORED = {"kind": "stored", "name": NAME}
REDIRECT = NATIVE["redirect_uri"]
TOKENS = {"access_token": "made-up-access", "refresh_token": "made-up-refresh", "expires_in": 7200}
ME = f"https://api.calendly.com/users/{fixtures.OWNER}"


@pytest.fixture(scope="module")
def _running():
    from conftest import _make_sandbox

    with _make_sandbox() as running:
        yield running


@pytest.fixture
def sandbox(_running, monkeypatch, tmp_path):
    """Return a sandbox in which no app has access, and an empty vault."""
    for app in ("sandbox-native", "sandbox-web"):
        _running.control("POST", "/apps/revoke", {"client_id": app})
    for path in ("/faults", "/requests"):
        _running.control("DELETE", path)
    monkeypatch.setenv("CALENDLY_API_URL", _running.url)
    monkeypatch.setenv("CALENDLY_AUTH_URL", _running.url)
    monkeypatch.setenv("CALENDLY_CONNECTOR_VAULT", str(tmp_path / "vault.json"))
    return _running


def begin_sign_in(sandbox, app=NATIVE, scopes=SCOPES):
    return app_server(sandbox.url, app).begin(app["redirect_uri"], scopes)


def store(credential):
    open_vault().put(NAME, credential)


def signed_in_credential(sandbox, app=NATIVE, **changes):
    """Sign in, store the credential, and clear the sandbox's request log."""
    credential = sign_in(sandbox, app, **changes)
    store(credential)
    sandbox.control("DELETE", "/requests")
    return credential


def opened(**timing):
    return connector.connect(STORED, **timing)


# Consent


def test_a_consent_url_has_all_parameters_of_oauth_2_1():
    started = consent.begin(
        "https://auth.example/oauth/authorize", "app", REDIRECT, ("b:read", "a:read"), 7.0
    )
    query = consent._parameters(started.url)
    assert query == {
        "response_type": "code",
        "client_id": "app",
        "redirect_uri": REDIRECT,
        "scope": "b:read a:read",
        "state": started.state,
        "code_challenge": query["code_challenge"],
        "code_challenge_method": "S256",
    }
    assert len(started.state) >= 43 <= len(started.verifier)
    assert started.verifier not in started.url
    assert started.state not in repr(started)
    assert started.verifier not in repr(started)


def test_no_two_consents_share_state_or_verifier():
    consents = [consent.begin("https://a.example/", "app", REDIRECT, (), 0.0) for _ in range(3)]
    assert len({one.state for one in consents}) == len({one.verifier for one in consents}) == 3


CONSENT = SignInRequest(
    url="https://a.example/",
    redirect_uri=REDIRECT,
    scopes=("users:read",),
    begun_at=0.0,
    state="made-up-state",
    verifier="made-up-verifier",
)
STATE = f"state={CONSENT.state}"


def test_the_code_is_read_from_the_redirect():
    assert consent.read_redirect(CONSENT, f" {REDIRECT}?code=c-1&{STATE}\n") == "c-1"


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("", "redirect"),
        ("c-1", "redirect"),
        ("http://[", "redirect"),
        (f"https://127.0.0.1:49152/callback?code=c-1&{STATE}", "redirect"),
        (f"http://127.0.0.1:49153/callback?code=c-1&{STATE}", "redirect"),
        (f"http://127.0.0.1:49152/other?code=c-1&{STATE}", "redirect"),
        (f"http://evil.example/callback?code=c-1&{STATE}", "redirect"),
        (f"http://evil@127.0.0.1:49152/callback?code=c-1&{STATE}", "redirect"),
        (f"{REDIRECT}?{STATE}", "redirect"),
        (f"{REDIRECT}?code=&{STATE}", "redirect"),
        (f"{REDIRECT}?code=c-1&code=c-2&{STATE}", "redirect"),
        (f"{REDIRECT}?code=c-1", "state"),
        (f"{REDIRECT}?code=c-1&state=other", "state"),
        (f"{REDIRECT}?code=c-1&state=ä", "state"),
        (f"{REDIRECT}?code=c-1&{STATE}&{STATE}", "state"),
        (f"{REDIRECT}?error=access_denied", "state"),
        (f"{REDIRECT}?error=access_denied&{STATE}", "denied"),
        (f"{REDIRECT}?error=invalid_scope&{STATE}", "scope"),
        (f"{REDIRECT}?error=unauthorized_client&{STATE}", "client"),
        (f"{REDIRECT}?error=server_error&error_description=SECRET&{STATE}", "refused"),
        (f"{REDIRECT}?error=access_denied&code=c-1&{STATE}", "denied"),
    ],
)
def test_each_wrong_redirect_has_its_own_error(address, reason):
    with pytest.raises(SignInFailed) as caught:
        consent.read_redirect(CONSENT, address)
    assert caught.value.reason == reason
    assert caught.value.fix
    assert "SECRET" not in str(caught.value)
    assert CONSENT.state not in str(caught.value)


# Grants


def test_a_grant_round_trips_through_credential_fields():
    original = grant.from_reply({**TOKENS, "scope": "a:read", "owner": "o", "organization": "g"}, 1000.4)
    assert grant.from_credential(original.fields()) == dataclasses.replace(original, expires_at=8200.0)
    assert all(isinstance(value, str) for value in original.fields().values())
    assert "made-up" not in repr(original)


@pytest.mark.parametrize(
    "wrong",
    [
        {"access_token": None},
        {"access_token": ""},
        {"access_token": "two\nlines"},
        {"refresh_token": 7},
        {"expires_in": None},
        {"expires_in": "7200"},
        {"expires_in": True},
        {"expires_in": float("nan")},
        {"expires_in": float("inf")},
    ],
)
def test_a_reply_without_a_pair_of_tokens_is_rejected(wrong):
    with pytest.raises(UnexpectedAnswer) as caught:
        grant.from_reply({**TOKENS, **wrong}, 0.0)
    assert "made-up" not in str(caught.value)


def test_a_grant_is_refreshed_before_it_expires_and_if_its_expiry_is_unknown():
    original = grant.from_reply(TOKENS, 0.0)
    assert original.usable(7200 - 301)
    assert not original.usable(7200 - 299)
    without_expiry = grant.from_credential({**original.fields(), "expires_at": "soon"})
    assert without_expiry is not None
    assert not without_expiry.usable(1.0)


@pytest.mark.parametrize("lost", ["access_token", "refresh_token"])
def test_a_credential_without_both_tokens_is_not_signed_in(lost):
    assert grant.from_credential({**grant.from_reply(TOKENS, 0.0).fields(), lost: ""}) is None


# The authorization server


@pytest.mark.parametrize("app", [NATIVE, WEB], ids=["native", "web"])
def test_a_redirect_is_exchanged_for_tokens_that_work(sandbox, app):
    credential = sign_in(sandbox, app)
    assert credential["owner"] == ME
    assert set(credential["scope"].split()) == set(SCOPES)
    with connector.connect(credential) as connection:
        assert connection.run("users.me").record["uri"] == ME


@pytest.mark.parametrize("app", [NATIVE, WEB], ids=["native", "web"])
def test_tokens_are_introspected_and_revoked(sandbox, app):
    stored_grant = grant.from_credential(sign_in(sandbox, app))
    server = app_server(sandbox.url, app)
    assert server.introspect(stored_grant.access_token)["active"] is True
    server.revoke_grant(stored_grant)
    assert server.introspect(stored_grant.access_token)["active"] is False
    with pytest.raises(InvalidGrant):
        server.refresh(stored_grant)


def test_a_denied_consent_has_its_own_error(sandbox):
    started = begin_sign_in(sandbox)
    answer(sandbox, "deny")
    with pytest.raises(SignInFailed, match=r"Consent was denied\. Sign in again and press Allow") as caught:
        app_server(sandbox.url).exchange(started, follow_redirect(started))
    assert caught.value.reason == "denied"


def test_a_scope_that_the_app_cannot_request_has_its_own_error(sandbox):
    started = begin_sign_in(sandbox, scopes=("made_up:read",))
    with pytest.raises(SignInFailed, match="allowed to request one of these scopes") as caught:
        app_server(sandbox.url).exchange(started, follow_redirect(started))
    assert caught.value.reason == "scope"


def test_the_verifier_of_another_sign_in_is_rejected_without_using_the_code(sandbox):
    answer(sandbox, "allow")
    started = begin_sign_in(sandbox)
    redirect = follow_redirect(started)
    sandbox.control("DELETE", "/requests")
    other = dataclasses.replace(started, verifier=CONSENT.verifier)
    with pytest.raises(SignInFailed, match="code verifier belongs to another sign-in") as caught:
        app_server(sandbox.url).exchange(other, redirect)
    assert caught.value.reason == "verifier"
    assert token_calls(sandbox) == 0
    assert app_server(sandbox.url).exchange(started, redirect).owner == ME


def test_the_code_of_another_sign_in_is_rejected_by_the_server(sandbox):
    answer(sandbox, "allow")
    own, other = begin_sign_in(sandbox), begin_sign_in(sandbox)
    injected = follow_redirect(other).replace(other.state, own.state)
    with pytest.raises(InvalidGrant, match="belongs to another sign-in") as caught:
        app_server(sandbox.url).exchange(own, injected)
    assert caught.value.reason == "grant"
    assert own.verifier not in str(caught.value)


def test_an_expired_code_is_rejected(sandbox):
    answer(sandbox, "allow")
    started = begin_sign_in(sandbox)
    redirect = follow_redirect(started)
    sandbox.control("POST", "/codes/expire")
    with pytest.raises(InvalidGrant, match="has expired"):
        app_server(sandbox.url).exchange(started, redirect)


def test_a_redirect_after_ten_minutes_is_not_sent(sandbox, timer):
    answer(sandbox, "allow")
    server = app_server(sandbox.url, timing=Timing(timer, timer, timer.sleep))
    started = server.begin(REDIRECT, SCOPES)
    redirect = follow_redirect(started)
    sandbox.control("DELETE", "/requests")
    timer.now += 601
    with pytest.raises(SignInFailed, match="took too long: its code is valid for 10 minutes") as caught:
        server.exchange(started, redirect)
    assert caught.value.reason == "expired"
    assert token_calls(sandbox) == 0


def test_a_code_works_once(sandbox):
    answer(sandbox, "allow")
    started = begin_sign_in(sandbox)
    redirect = follow_redirect(started)
    app_server(sandbox.url).exchange(started, redirect)
    with pytest.raises(InvalidGrant, match="already used"):
        app_server(sandbox.url).exchange(started, redirect)


@pytest.mark.parametrize("wrong", [{"client_secret": "wrong-secret"}, {"client_secret": ""}])
def test_a_wrong_app_or_secret_has_its_own_error(sandbox, wrong):
    stored_grant = grant.from_credential(sign_in(sandbox, WEB))
    server = app_server(sandbox.url, {**WEB, **wrong})
    for call in (
        lambda: server.refresh(stored_grant),
        lambda: server.introspect("t"),
        lambda: server.revoke("t"),
    ):
        with pytest.raises(SignInFailed, match="doesn't know this app, or its secret is wrong") as caught:
            call()
        assert caught.value.reason == "client"
        assert "wrong-secret" not in str(caught.value)


def hostile_server(server, timing=None):
    return AuthorizationServer(server.url, "app", "made-up-app-secret", timing)


GRANT = grant.from_reply(TOKENS, 0.0)


@pytest.mark.parametrize(
    ("server_reply", "kind"),
    [
        (reply(200, b"<html>"), UnexpectedAnswer),
        (reply(200, b"[]"), UnexpectedAnswer),
        (reply(200, b'{"access_token": "made-up-2"}'), UnexpectedAnswer),
        (reply(302, b""), UnexpectedAnswer),
        (reply(400, b'{"error": "invalid_grant"}'), InvalidGrant),
        (reply(400, b'{"error": ["made-up"]}'), SignInFailed),
        (reply(400, b"made-up-refresh"), SignInFailed),
        (reply(401, b"[]"), SignInFailed),
        (reply(400, b"[" * 5000 + b"]" * 5000), SignInFailed),
        (reply(200, b"[" * 5000 + b"]" * 5000), UnexpectedAnswer),
        (reply(200, TOKENS | {"expires_in": 1e300}), UnexpectedAnswer),
        (reply(200, TOKENS | {"expires_in": 10**400}), UnexpectedAnswer),
        (reply(404, b"{}"), UnexpectedAnswer),
        (reply(429, b"{}"), RateLimited),
        (reply(503, b"{}"), CalendlyDown),
        (reset(), NoAnswer),
    ],
)
def test_any_reply_of_the_server_becomes_a_connector_error_without_secrets(server_reply, kind):
    with Hostile(server_reply) as server, pytest.raises(kind) as caught:
        hostile_server(server).refresh(GRANT)
    assert type(caught.value) is kind
    assert "made-up" not in json.dumps(caught.value.to_dict())
    assert caught.value.fix


def test_a_remote_server_must_use_https():
    with pytest.raises(UsageError, match=r"The authorization origin .* Unset CALENDLY_AUTH_URL"):
        server_for(NATIVE, Timing(), {"CALENDLY_AUTH_URL": "http://auth.example"})


def test_the_server_is_calendlys_by_default():
    started = server_for(NATIVE, Timing(), {}).begin(REDIRECT, ())
    assert urlsplit(started.url)[:3] == ("https", "auth.calendly.com", "/oauth/authorize")


def test_at_most_eight_tokens_a_minute_are_requested(sandbox, timer):
    stored_grant = grant.from_credential(sign_in(sandbox))
    server = app_server(sandbox.url, timing=Timing(timer, timer, timer.sleep))
    for _ in range(9):
        stored_grant = server.refresh(stored_grant)
    assert sum(timer.sleeps) == pytest.approx(60)


def test_a_token_call_that_would_wait_too_long_is_not_sent(timer):
    shared = rate_limit.of_account("http://127.0.0.1:1", GRANT.owner or "app")
    for _ in range(8):
        shared.observe(shared.acquire("POST", "/oauth/token", timer() + 30), timer() + 30, None)
    server = AuthorizationServer("http://127.0.0.1:1", "app", timing=Timing(timer, timer, timer.sleep))
    with pytest.raises(RateLimited, match="not sent"):
        server.refresh(GRANT)


# A stored sign-in


def test_a_valid_stored_sign_in_is_used_without_a_refresh(sandbox):
    signed_in_credential(sandbox)
    with opened() as connection:
        assert connection.run("users.me").record["uri"] == ME
    assert token_calls(sandbox) == 0


def test_an_access_token_is_refreshed_before_it_expires_and_stored_before_it_is_used(sandbox):
    before = signed_in_credential(sandbox)
    store(stale(before))
    with opened() as connection:
        connection.run("users.me")
        connection.run("users.me")
    after = open_vault().get(NAME)
    assert token_calls(sandbox) == 1
    for name in ("access_token", "refresh_token"):
        assert after[name] != before[name]
    assert {name: after[name] for name in ("owner", "organization", "scope", "client_id")} == {
        name: before[name] for name in ("owner", "organization", "scope", "client_id")
    }


@pytest.mark.parametrize("skew_s", [-86400, 86400])
def test_a_clock_that_is_a_day_off_causes_no_refresh(sandbox, skew_s, timer):
    timer.now += skew_s
    store(sign_in(sandbox, timing=Timing(clock=timer)))
    sandbox.control("DELETE", "/requests")
    with opened(clock=timer) as connection:
        connection.run("users.me")
        assert token_calls(sandbox) == 0
        timer.now += 6901
        connection.run("users.me")
        connection.run("users.me")
    assert token_calls(sandbox) == 1


def test_a_refused_access_token_is_refreshed_once_and_the_call_repeated(sandbox):
    credential = signed_in_credential(sandbox)
    app_server(sandbox.url).revoke(credential["access_token"])
    with opened() as connection:
        assert connection.run("users.me").record["uri"] == ME
    counts = sandbox.requests()["counts"]
    assert (counts["POST /oauth/token"], counts["GET /users/me"]) == (1, 2)


def test_a_write_is_repeated_too_after_a_refused_token(sandbox):
    credential = signed_in_credential(
        sandbox, scopes=("users:read", "scheduling_links:write", "event_types:read")
    )
    app_server(sandbox.url).revoke(credential["access_token"])
    with opened() as connection:
        link = connection.run("scheduling_links.create", dict(OWNED_LINK)).record
    assert link["booking_url"]


OWNED_LINK = {
    "max_event_count": "1",
    "owner": f"https://api.calendly.com/event_types/{fixtures.INTRO_CALL}",
    "owner_type": "EventType",
}


def test_a_used_refresh_token_requires_a_new_sign_in_and_is_not_tried_again(sandbox):
    credential = signed_in_credential(sandbox)
    app_server(sandbox.url).refresh(grant.from_credential(credential))  # a copy on another machine
    store(stale(credential))
    sandbox.control("DELETE", "/requests")
    with opened() as connection:
        for _ in range(3):
            with pytest.raises(SignInRequired, match="a copy was refreshed elsewhere") as caught:
                connection.run("users.me")
    assert (caught.value.reason, caught.value.credential) == ("used", NAME)
    assert caught.value.fix == "Sign in again: calendly-connector login work"
    assert not caught.value.retryable
    assert sandbox.requests()["counts"] == {"POST /oauth/token": 1}
    assert "access_token" not in open_vault().get(NAME)


def test_a_revoked_app_requires_a_new_sign_in(sandbox):
    signed_in_credential(sandbox)
    with opened() as connection:
        connection.run("users.me")
        sandbox.control("POST", "/apps/revoke", {"client_id": "sandbox-native"})
        sandbox.control("DELETE", "/requests")
        for _ in range(3):
            with pytest.raises(SignInRequired, match="access was revoked in Calendly") as caught:
                connection.run("users.me")
    assert caught.value.reason == "revoked"
    assert sandbox.requests()["counts"] == {"GET /users/me": 1, "POST /oauth/token": 1}


def test_after_a_new_sign_in_the_same_connection_works_again(sandbox):
    signed_in_credential(sandbox)
    with opened() as connection:
        sandbox.control("POST", "/apps/revoke", {"client_id": "sandbox-native"})
        with pytest.raises(SignInRequired):
            connection.run("users.me")
        store(sign_in(sandbox))
        assert connection.run("users.me").record["uri"] == ME


def test_a_missing_scope_has_its_own_error(sandbox):
    signed_in_credential(sandbox, scopes=("users:read",))
    with (
        opened() as connection,
        pytest.raises(PermissionDenied, match=r"login work --for scheduled_events\.list") as caught,
    ):
        connection.run("scheduled_events.list")
    assert caught.value.required_scopes == ("scheduled_events:read",)
    assert token_calls(sandbox) == 0


def test_a_lost_refresh_reply_requires_a_new_sign_in_after_two_attempts(sandbox):
    store(stale(signed_in_credential(sandbox)))
    sandbox.fault("reset", path="/oauth/token", times=1)
    with opened() as connection:
        for _ in range(3):
            with pytest.raises(SignInRequired, match="The reply to the last refresh was lost"):
                connection.run("users.me")
    assert token_calls(sandbox) == 2


def test_a_server_that_is_down_does_not_end_the_sign_in(sandbox):
    store(stale(signed_in_credential(sandbox)))
    sandbox.fault("status", status=503, path="/oauth/token", times=1)
    with opened() as connection:
        with pytest.raises(CalendlyDown):
            connection.run("users.me")
        assert connection.run("users.me").record["uri"] == ME


def test_a_credential_without_a_sign_in_requires_one(sandbox):
    store(NATIVE)
    with opened() as connection, pytest.raises(SignInRequired, match="isn't signed in yet") as caught:
        connection.run("users.me")
    assert caught.value.reason == "never"
    assert sandbox.requests()["counts"] == {}


def test_threads_of_one_connection_and_of_several_refresh_once(sandbox):
    store(stale(signed_in_credential(sandbox)))
    shared = opened()
    connections = [shared] * 8 + [opened() for _ in range(8)]
    start = threading.Barrier(len(connections))

    def use(connection):
        start.wait()
        return connection.run("users.me").record["uri"]

    with ThreadPoolExecutor(len(connections)) as pool:
        assert set(pool.map(use, connections)) == {ME}
    for connection in connections:
        connection.close()
    assert token_calls(sandbox) == 1


def test_the_rate_limit_is_per_user_and_app_not_per_token(sandbox):
    credential = signed_in_credential(sandbox)
    with opened() as connection:
        connection.run("users.me")
        first = connection._client._limits
    store(stale(credential))
    with opened() as connection:
        connection.run("users.me")
        assert connection._client._limits is first


# Not stored


def test_a_passed_oauth_credential_works_until_it_expires(sandbox, timer):
    credential = sign_in(sandbox, timing=Timing(clock=timer))
    sandbox.control("DELETE", "/requests")
    with connector.connect(credential, clock=timer) as connection:
        assert connection.run("users.me").record["uri"] == ME
        timer.now += 7200
        with pytest.raises(
            SignInRequired, match=r"can't be refreshed.*calendly-connector login NAME"
        ) as caught:
            connection.run("users.me")
    assert caught.value.reason == "not_stored"
    assert sandbox.requests()["counts"] == {"GET /users/me": 1}


def test_a_passed_oauth_credential_that_is_refused_requires_a_sign_in(sandbox):
    credential = sign_in(sandbox)
    sandbox.control("POST", "/apps/revoke", {"client_id": "sandbox-native"})
    with connector.connect(credential) as connection, pytest.raises(SignInRequired):
        connection.run("users.me")


def test_a_passed_oauth_credential_without_a_token_is_reported_as_missing(unvisited):
    with connector.connect(NATIVE, origin=unvisited.url) as connection:
        assert connection.check().outcome == "missing_token"
    bad = {**NATIVE, "access_token": "made-up", "expires_at": "soon"}
    with connector.connect(bad, origin=unvisited.url) as connection:
        assert connection.check().outcome == "malformed_token"


# The credential check


@pytest.mark.parametrize("app", [NATIVE, WEB], ids=["native", "web"])
@pytest.mark.parametrize("is_stored", [True, False])
def test_the_check_reports_the_granted_scopes_exactly(sandbox, app, is_stored):
    credential = signed_in_credential(sandbox, app, scopes=("users:read", "webhooks:write"))
    with opened() if is_stored else connector.connect(credential) as connection:
        report = connection.check()
    assert (report.outcome, report.kind, report.owner) == ("ok", "oauth", ME)
    granted = {scope for scope, state in report.scopes.items() if state == "granted"}
    assert granted == {"users:read", "webhooks:read", "webhooks:write"}
    assert set(report.scopes.values()) == {"granted", "refused"}
    assert {verdict.ability for verdict in report.actions.values()} <= {"can", "cannot", "unknown"}
    assert report.actions["scheduled_events.list"].ability == "cannot"
    assert report.expires_at[:4].isdigit()
    assert report.expires_at.endswith("Z")


def test_without_introspection_the_check_reports_the_scopes_of_the_sign_in(sandbox):
    signed_in_credential(sandbox, scopes=("users:read",))
    sandbox.fault("status", status=503, path="/oauth/introspect", times=1)
    with opened() as connection:
        report = connection.check()
    assert report.outcome == "ok"
    assert report.scopes["scheduled_events:read"] == "refused"
    assert any("introspection failed" in note for note in report.notes)


def test_the_check_names_the_owner_even_without_users_read(sandbox):
    signed_in_credential(sandbox, scopes=("webhooks:read",))
    with opened() as connection:
        report = connection.check()
    assert (report.outcome, report.owner) == ("missing_scope", ME)
    assert report.scopes["webhooks:read"] == "granted"
    assert report.organization


def test_the_check_of_an_ended_sign_in_says_to_sign_in_again(sandbox):
    signed_in_credential(sandbox)
    sandbox.control("POST", "/apps/revoke", {"client_id": "sandbox-native"})
    with opened() as connection:
        report = connection.check()
    assert report.outcome == "invalid_token"
    assert report.fix == "Sign in again: calendly-connector login work"


# Processes


def race(sandbox, rounds):
    signed_in_credential(sandbox)
    with Workers(NAME) as workers:
        for _ in range(rounds):
            store(stale(open_vault().get(NAME)))
            sandbox.control("DELETE", "/requests")
            assert workers.round() == [fixtures.OWNER_NAME] * PROCESSES
            assert token_calls(sandbox) == 1


def race_with_a_death(sandbox, rounds):
    signed_in_credential(sandbox)
    with Workers(NAME, "kill") as workers:
        for _ in range(rounds):
            store(stale(sign_in(sandbox)))
            sandbox.control("DELETE", "/requests")
            assert workers.round() == ["killed"] + ["sign_in_required used"] * (PROCESSES - 1)
            assert sandbox.requests()["counts"] == {"POST /oauth/token": 2}


@pytest.mark.long
def test_processes_that_find_the_token_expired_refresh_it_once(sandbox):
    race(sandbox, 3)


@pytest.mark.long
def test_if_the_refreshing_process_dies_all_others_require_a_sign_in(sandbox):
    race_with_a_death(sandbox, 3)


@pytest.fixture(params=["sqlite", "postgresql"])
def in_database(request, sandbox, monkeypatch, tmp_path):
    """Return the sandbox, with the vault in a database."""
    url = f"sqlite:///{tmp_path / 'vault.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
    monkeypatch.setenv("CALENDLY_CONNECTOR_VAULT", url)
    monkeypatch.setenv("CALENDLY_CONNECTOR_KEY", base64.b64encode(secrets.token_bytes(32)).decode())
    return sandbox


@pytest.mark.long
def test_processes_that_share_a_vault_in_a_database_refresh_once(in_database):
    race(in_database, 3)


@pytest.mark.long
def test_if_the_refreshing_process_dies_all_others_with_a_database_vault_say_so(in_database):
    race_with_a_death(in_database, 2)


@pytest.mark.long
def test_processes_that_find_the_token_expired_refresh_it_once_in_many_rounds(sandbox):
    race(sandbox, rounds(20, 100))


@pytest.mark.long
def test_if_the_refreshing_process_dies_all_others_say_so_in_many_rounds(sandbox):
    race_with_a_death(sandbox, rounds(20, 100))


# Secrets


def test_no_secret_is_in_the_log_of_sign_in_and_refresh(sandbox, caplog):
    caplog.set_level(logging.DEBUG, "calendly_connector")
    before = sign_in(sandbox, WEB)
    store(stale(before))
    with opened() as connection:
        connection.check()
        after = open_vault().get(NAME)
        server_for(after, Timing()).revoke_grant(grant.from_credential(after))
    log = "\n".join(record.getMessage() for record in caplog.records if record.name == "calendly_connector")
    assert "POST /oauth/token" in log
    assert "POST /oauth/introspect" in log
    secrets = [one[name] for one in (before, after) for name in ("access_token", "refresh_token")]
    for secret in (*secrets, WEB["client_secret"], "c2FuZGJveC13ZWI6"):
        assert secret not in log


def test_a_redirect_with_many_parameters_is_rejected_quickly():
    started = dataclasses.replace(CONSENT, state="s")
    many = "&".join([*(["a="] * 200_000), "state=s", "code=c"])
    began = time.monotonic()
    with pytest.raises(SignInFailed):
        consent.read_redirect(started, f"{REDIRECT}?{many}")
    assert time.monotonic() - began < 10  # comparing each name with every other would take minutes


def test_a_repeated_parameter_counts_as_missing():
    started = dataclasses.replace(CONSENT, state="s")
    more = "&".join(f"p{number}=x" for number in range(50))
    assert consent.read_redirect(started, f"{REDIRECT}?state=s&code=c&{more}&p1=y") == "c"
    with pytest.raises(SignInFailed, match="has no code"):
        consent.read_redirect(started, f"{REDIRECT}?state=s&code=c&{more}&code=c")
