"""The commands `login`, `logout` and `scopes`, in the terminal and in a real browser."""

import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest
from calendly_connector.auth.oauth import consent, grant, loopback
from calendly_connector.auth.oauth.server import AuthorizationServer
from calendly_connector.auth.vault import open_vault
from calendly_connector.catalog.required_scopes import required_scopes
from calendly_connector.catalog.scopes import covers, minimal
from calendly_connector.errors import ConnectorError, SignInFailed, UnknownAction, UsageError
from calendly_connector.sandbox.world import fixtures
from locations import SUPPORT
from signing_in import SCOPES, answer, app_server, follow_redirect, token_calls
from terminal import caller

NAME = "work"
SECRET = "sandbox-web-secret"
SCRIPT = str(Path(sys.executable).parent / "calendly-connector")
PERSON = SUPPORT / "chromium_person.py"
NATIVE_LOGIN = ("login", NAME, "--client-id", "sandbox-native")
FOR = ("--for", "scheduled_events.list")
WEB_URI = "https://app.acme.example/oauth/callback"
WAIT_S = 120


@pytest.fixture(scope="module")
def _running():
    from conftest import _make_sandbox

    with _make_sandbox() as running:
        yield running


@pytest.fixture(autouse=True)
def sandbox(_running, monkeypatch, tmp_path):
    for app in ("sandbox-native", "sandbox-web"):
        _running.control("POST", "/apps/revoke", {"client_id": app})
    for path in ("/faults", "/requests"):
        _running.control("DELETE", path)
    answer(_running, "allow")
    monkeypatch.setenv("CALENDLY_API_URL", _running.url)
    monkeypatch.setenv("CALENDLY_AUTH_URL", _running.url)
    monkeypatch.setenv("CALENDLY_CONNECTOR_VAULT", str(tmp_path / "vault.json"))
    return _running


class Browser:
    """A fake `webbrowser`: follows the URL, and can open other pages first."""

    def __init__(self):
        self.pages = []
        self.before = lambda _address: None

    def open(self, address):
        self.before(address)
        self.pages.append(httpx.get(address, trust_env=False, follow_redirects=True))
        return True


@pytest.fixture
def browser(monkeypatch):
    fake = Browser()
    monkeypatch.setattr("webbrowser.open", fake.open)
    return fake


@pytest.fixture
def call(capsys, monkeypatch):
    """Run a command in this process and return exit code, output and errors."""
    return caller(capsys, monkeypatch)


def stored_credential():
    return open_vault().get(NAME)


# With a browser


def test_login_shows_who_signed_in_and_stores_the_tokens(call, browser):
    code, out, err = call(*NATIVE_LOGIN, *FOR)
    assert code == 0, err
    assert out.startswith(f"Signed in as {fixtures.OWNER_NAME} ({fixtures.OWNER_EMAIL}). Saved 'work' to ")
    assert stored_credential()["kind"] == "oauth"
    assert set(stored_credential()["scope"].split()) == {"scheduled_events:read", "users:read"}
    assert call("run", "users.me", "--credential", NAME)[0] == 0
    for secret in (stored_credential()["access_token"], stored_credential()["refresh_token"]):
        assert secret not in out + err
    page = browser.pages[0]
    assert "You can close this window." in page.text
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-store"
    assert "<script" not in page.text


@pytest.mark.usefixtures("browser")
def test_a_missing_scope_is_added_by_the_command_that_the_error_names(call):
    assert call(*NATIVE_LOGIN, "--for", "users.me")[0] == 0
    code, _, err = call("run", "event_types.list", "--credential", NAME)
    assert code == 1
    assert "CALENDLY_API_TOKEN" not in err
    advice = "calendly-connector login work --for event_types.list"
    assert err.endswith(f"Sign in again for event_types:read: {advice}\n")
    assert call(*advice.split()[1:])[0] == 0
    assert call("run", "event_types.list", "--credential", NAME)[0] == 0


@pytest.mark.usefixtures("browser")
def test_signing_in_again_for_more_scopes_keeps_the_earlier_ones(call):
    assert call(*NATIVE_LOGIN, *FOR)[0] == 0
    assert call("login", NAME, "--for", "event_types.list")[0] == 0
    assert set(stored_credential()["scope"].split()) == {
        "event_types:read",
        "scheduled_events:read",
        "users:read",
    }


@pytest.mark.usefixtures("browser")
def test_signing_in_again_reuses_the_app_and_scopes(call):
    assert call(*NATIVE_LOGIN, *FOR)[0] == 0
    before = stored_credential()
    code, _, err = call("login", NAME)
    assert code == 0, err
    assert stored_credential()["refresh_token"] != before["refresh_token"]
    assert stored_credential()["scope"] == before["scope"]


@pytest.mark.usefixtures("browser")
def test_a_web_app_signs_in_at_its_own_port(call, sandbox, monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    uri = f"http://localhost:{port}/callback"
    app = sandbox.control("POST", "/apps", {"kind": "web", "redirect_uris": [uri]})
    monkeypatch.setenv("CALENDLY_CLIENT_SECRET", app["client_secret"])
    code, out, err = call("login", NAME, "--client-id", app["client_id"], "--redirect-uri", uri, *FOR)
    assert code == 0, err
    assert stored_credential()["client_secret"] == app["client_secret"]
    assert app["client_secret"] not in out + err


def test_wrong_redirects_are_rejected_and_the_right_one_still_accepted(call, browser):
    seen = []

    def disturb(address):
        redirect = consent._parameters(address)["redirect_uri"]
        origin = redirect.removesuffix("/callback")
        with httpx.Client(trust_env=False) as http:
            seen.extend(
                (reply.status_code, reply.text)
                for reply in (
                    http.get(f"{origin}/"),
                    http.get(f"{origin}/favicon.ico"),
                    http.get(f"{redirect}?code=made-up&state=<b>other"),
                    http.get(f"{redirect}?error=access_denied&state=other"),
                    http.get(redirect),
                )
            )

    browser.before = disturb
    code, _, err = call(*NATIVE_LOGIN, *FOR)
    assert code == 0, err
    assert [status for status, _ in seen] == [404, 404, 400, 400, 400]
    assert "its state differs" in seen[2][1]
    assert "Still waiting" in seen[2][1]
    assert "<b>" not in seen[2][1]


def test_a_denied_consent_is_shown_in_the_browser_and_in_the_terminal(call, browser, sandbox):
    answer(sandbox, "deny")
    code, _, err = call(*NATIVE_LOGIN, *FOR)
    assert code == 1
    assert "Consent was denied. Sign in again and press Allow." in err
    assert "Consent was denied." in browser.pages[0].text
    assert NAME not in open_vault().names()
    assert token_calls(sandbox) == 0


def test_login_times_out_with_advice_if_nobody_answers(call, monkeypatch):
    monkeypatch.setattr("webbrowser.open", lambda _address: False)
    code, _, err = call(*NATIVE_LOGIN, *FOR, "--timeout", "0.01")
    assert code == 1
    assert "No answer within 0 s." in err
    assert "--no-browser" in err


def test_a_redirect_uri_of_another_app_is_rejected_by_the_server(call, browser):
    uri = "http://127.0.0.1:0/elsewhere"
    code, _, err = call(*NATIVE_LOGIN, *FOR, "--redirect-uri", uri, "--timeout", "0.01")
    assert code == 1
    assert browser.pages[0].status_code == 400
    assert "No answer within" in err


def test_a_port_in_use_has_its_own_error(call):
    with socket.create_server(("127.0.0.1", 0)) as busy:
        uri = f"http://127.0.0.1:{busy.getsockname()[1]}/callback"
        code, _, err = call(*NATIVE_LOGIN, *FOR, "--redirect-uri", uri)
    assert code == 1
    assert "Can't listen at" in err
    assert "--no-browser" in err


# Without a browser


def pasted(capsys, change=lambda address: address):
    """Paste the URL that the printed one redirects to, changed by a function."""

    def paste():
        url = capsys.readouterr().out.strip()
        return change(httpx.get(url, trust_env=False).headers["location"]) + "\n"

    return paste


@pytest.fixture
def paste(call, capsys):
    def run(change=lambda address: address, arguments=(*NATIVE_LOGIN, *FOR)):
        return call(*arguments, "--no-browser", stdin=pasted(capsys, change))

    return run


def test_login_without_a_browser_accepts_the_pasted_url(paste):
    code, out, err = paste()
    assert code == 0, err
    assert out.startswith(f"Signed in as {fixtures.OWNER_NAME}")


def test_a_web_app_on_another_machine_signs_in_with_a_pasted_url(call, capsys, monkeypatch):
    monkeypatch.setenv("CALENDLY_CLIENT_SECRET", SECRET)
    arguments = ("login", NAME, "--client-id", "sandbox-web", "--redirect-uri", WEB_URI, *FOR)
    code, _, err = call(*arguments, stdin=pasted(capsys))
    assert code == 0, err
    assert stored_credential()["client_secret"] == SECRET


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda _address: "", "This isn't the URL that Calendly redirects to. Paste the whole URL"),
        (lambda address: address.replace("127.0.0.1", "evil.example"), "This isn't the URL"),
        (lambda address: address + "x", "belongs to another sign-in (its state differs)"),
        (lambda address: address.replace("code=", "code=0"), "Calendly rejected the code"),
    ],
)
def test_each_wrong_pasted_url_has_its_own_error(paste, change, sentence):
    code, _, err = paste(change)
    assert code == 1
    assert sentence in err
    assert err.count("\n") == 1
    assert open_vault().names() == []


def test_an_expired_code_has_its_own_error(paste, sandbox):
    def wait(address):
        sandbox.control("POST", "/codes/expire")
        return address

    code, _, err = paste(wait)
    assert code == 1
    assert "has expired" in err


# Stored tokens


def test_tokens_without_a_needed_scope_are_revoked_and_not_stored(paste, monkeypatch):
    revoked = []
    monkeypatch.setattr(
        AuthorizationServer,
        "revoke_grant",
        lambda _self, tokens: revoked.append(tokens),
    )
    exchange = AuthorizationServer.exchange

    def unticked(self, started, redirect):
        return _without_events(exchange(self, started, redirect))

    monkeypatch.setattr(AuthorizationServer, "exchange", unticked)
    code, _, err = paste()
    assert code == 1
    assert "Consent was not given for scheduled_events:read. The tokens weren't saved." in err
    assert len(revoked) == 1
    assert open_vault().names() == []


def test_without_a_check_tokens_with_fewer_scopes_are_stored(paste, monkeypatch):
    exchange = AuthorizationServer.exchange
    monkeypatch.setattr(
        AuthorizationServer, "exchange", lambda *arguments: _without_events(exchange(*arguments))
    )
    assert paste(arguments=(*NATIVE_LOGIN, *FOR, "--no-check"))[0] == 0
    assert stored_credential()["scope"] == "users:read"


def _without_events(full_grant):
    return grant.from_credential({**full_grant.fields(), "scope": "users:read"})


def test_tokens_that_fail_the_check_are_revoked_and_not_stored(paste, sandbox):
    sandbox.fault("status", status=503, path="/users/me", times=9)
    code, _, err = paste()
    assert code == 1
    assert "The tokens weren't saved." in err
    assert open_vault().names() == []
    assert sandbox.requests()["counts"]["POST /oauth/revoke"] == 2
    sandbox.control("DELETE", "/requests")
    assert paste(arguments=(*NATIVE_LOGIN, *FOR, "--no-check"))[0] == 0
    assert open_vault().names() == [NAME]


def test_a_credential_of_another_kind_is_not_replaced_silently(call, paste):
    open_vault().put(NAME, {"kind": "personal_access_token", "token": "made-up"})
    code, _, err = call(*NATIVE_LOGIN, *FOR)
    assert code == 2
    assert "--replace" in err
    assert paste(arguments=(*NATIVE_LOGIN, *FOR, "--replace"))[0] == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("login", NAME, *FOR), "Pass --client-id"),
        (NATIVE_LOGIN, "Pass --for ACTION or --scope SCOPE"),
        ((*NATIVE_LOGIN, "--for", "scheduled_event.list"), "Did you mean scheduled_events.list"),
        ((*NATIVE_LOGIN, *FOR, "--redirect-uri", "callback"), "Invalid redirect URI 'callback'."),
        (("logout", "nobody"), "nobody"),
    ],
)
def test_a_usage_error_says_what_to_do_and_uses_no_network(call, sandbox, arguments, sentence):
    code, _, err = call(*arguments)
    assert code in {1, 2}
    assert sentence in err
    assert sandbox.requests()["counts"] == {}


def test_a_web_app_needs_a_redirect_uri(call, monkeypatch):
    monkeypatch.setenv("CALENDLY_CLIENT_SECRET", SECRET)
    code, _, err = call("login", NAME, "--client-id", "sandbox-web", *FOR)
    assert code == 2
    assert "Pass --redirect-uri" in err


# logout


def test_logout_revokes_and_removes_the_tokens_but_keeps_the_app(call, paste, sandbox):
    paste()
    tokens = stored_credential()
    code, out, _ = call("logout", NAME)
    assert (code, out) == (0, "Revoked the tokens. Signed out of 'work'.\n")
    server = app_server(sandbox.url)
    assert server.introspect(tokens["access_token"])["active"] is False
    with pytest.raises(SignInFailed):
        server.refresh(grant.from_credential(tokens))
    assert not {"access_token", "refresh_token", "expires_at"} & stored_credential().keys()
    assert call("check", "--credential", NAME)[1].startswith(
        "invalid_token: The credential 'work' is signed out."
    )
    assert call("logout", NAME)[1] == "'work' isn't signed in.\n"


def test_tokens_that_cannot_be_revoked_are_kept_unless_forget_is_passed(call, paste, sandbox):
    paste()
    sandbox.fault("reset", path="/oauth/revoke", times=9)
    code, _, err = call("logout", NAME)
    assert code == 1
    assert "The tokens weren't revoked: " in err
    assert "access_token" in stored_credential()
    code, out, _ = call("logout", NAME, "--forget")
    assert code == 0
    assert "The tokens weren't revoked: " in out
    assert "access_token" not in stored_credential()


def test_a_personal_token_cannot_be_logged_out(call):
    open_vault().put(NAME, {"kind": "personal_access_token", "token": "made-up"})
    code, _, err = call("logout", NAME)
    assert code == 2
    assert "isn't an OAuth sign-in" in err


# The listener


def test_a_redirect_is_accepted_once(sandbox):
    server = app_server(sandbox.url)
    with loopback.Listener("http://127.0.0.1:0/callback") as listener:
        started = server.begin(listener.redirect_uri, SCOPES)
        listener.expect(started)
        redirect = follow_redirect(started)
        assert [httpx.get(redirect, trust_env=False).status_code for _ in range(2)] == [200, 410]
        assert listener.wait(1) == redirect


def test_silent_connections_do_not_block_the_redirect(sandbox):
    with loopback.Listener("http://127.0.0.1:0/callback") as listener:
        started = app_server(sandbox.url).begin(listener.redirect_uri, SCOPES)
        listener.expect(started)
        port = int(listener.redirect_uri.split(":")[2].partition("/")[0])
        silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(4)]
        redirect = follow_redirect(started)
        threading.Thread(target=httpx.get, args=(redirect,), kwargs={"trust_env": False}).start()
        assert listener.wait(5) == redirect
        for connection in silent:
            connection.close()


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("http://127.0.0.1:0/callback", True),
        ("http://localhost:8710/callback", True),
        ("http://[::1]/callback", True),
        ("https://localhost/callback", False),
        ("https://app.acme.example/callback", False),
    ],
)
def test_only_plain_http_on_this_machine_is_a_loopback_uri(uri, expected):
    assert loopback.is_loopback(uri) is expected


@pytest.mark.parametrize(
    "uri", ["", "callback", "http://", "http://127.0.0.1:99999/", "ftp://a/", "http://a/#x"]
)
def test_an_invalid_redirect_uri_is_rejected(uri):
    with pytest.raises(UsageError, match="Invalid redirect URI"):
        loopback.is_loopback(uri)


def test_port_0_is_removed_without_a_listener():
    assert loopback.without_port_0("http://127.0.0.1:0/callback") == "http://127.0.0.1/callback"
    assert loopback.without_port_0("http://127.0.0.1:10/callback") == "http://127.0.0.1:10/callback"


def test_a_listener_without_a_free_port_raises():
    with socket.create_server(("127.0.0.1", 0)) as busy, pytest.raises(ConnectorError, match="Can't listen"):
        loopback.Listener(f"http://127.0.0.1:{busy.getsockname()[1]}/")


# Scopes


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("users.me", ("users:read",)),
        ("scheduled_events.list", ("scheduled_events:read", "users:read")),
        ("invitee.created", ("scheduled_events:read", "webhooks:write")),
        ("routing_form_submission.created", ("routing_forms:read", "webhooks:write")),
    ],
)
def test_the_scopes_of_an_action_or_trigger(name, expected):
    assert required_scopes(name) == expected


def test_a_write_scope_includes_its_read():
    assert minimal(["webhooks:read", "webhooks:write", "users:read"]) == ("users:read", "webhooks:write")
    assert covers({"webhooks:write"}, "webhooks:read")
    assert not covers({"webhooks:read"}, "webhooks:write")
    assert covers({"default"}, "shares:write")
    assert not covers(set(), "users:read")


def test_an_unknown_name_suggests_the_nearest():
    with pytest.raises(UnknownAction, match=r"invitee\.created"):
        required_scopes("invitee.creatd")


def test_scopes_are_printed_as_lines_and_as_json(call):
    arguments = ("scopes", *FOR, "--for", "invitee.created")
    assert call(*arguments)[1] == "scheduled_events:read\nusers:read\nwebhooks:write\n"
    document = json.loads(call(*arguments, "--json")[1])
    assert document["scopes"] == ["scheduled_events:read", "users:read", "webhooks:write"]
    assert document["for"]["invitee.created"] == ["scheduled_events:read", "webhooks:write"]
    assert call("scopes")[0] == 2


# A real browser


@pytest.mark.usefixtures("chromium")
def test_login_in_chromium_succeeds_and_leaves_no_secret_behind(sandbox, tmp_path):
    answer(sandbox, "ask")
    profile = tmp_path / "profile"
    person = f"{sys.executable} {PERSON} '{fixtures.ADMIN_NAME}' allow {profile} %s"
    app = sandbox.control("POST", "/apps", {"kind": "web", "redirect_uris": [_free_uri()]})
    environment = {
        **os.environ,
        "BROWSER": person,
        "CALENDLY_CLIENT_ID": app["client_id"],
        "CALENDLY_CLIENT_SECRET": app["client_secret"],
        "CALENDLY_REDIRECT_URI": app["redirect_uris"][0],
        "CALENDLY_DEBUG": "1",
    }
    arguments = [SCRIPT, "login", NAME, *FOR, "--timeout", str(WAIT_S)]
    done = subprocess.run(
        arguments,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert f"Signed in as {fixtures.ADMIN_NAME}" in done.stdout
    assert "the page says: Thank you" in done.stdout
    (tmp_path / "output").write_text(done.stdout + done.stderr)
    stored = stored_credential()
    secrets = [stored["access_token"], stored["refresh_token"], app["client_secret"]]
    assert_in_no_file(tmp_path, *secrets)
    assert_in_no_file(tmp_path, "callback?code=")


def _free_uri():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/callback"


def assert_in_no_file(folder, *secrets):
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    for path in files:
        content = path.read_bytes()
        for secret in secrets:
            assert secret.encode() not in content, f"{path} contains a secret"


def test_the_search_for_secrets_finds_one(tmp_path):
    (tmp_path / "log").write_text(f"code={SECRET}")
    with pytest.raises(AssertionError, match="contains a secret"):
        assert_in_no_file(tmp_path, SECRET)
    (tmp_path / "log").unlink()  # the whole run is searched as well, see conftest.py


def test_no_secret_is_left_in_files_or_output(paste, call, tmp_path):
    codes = []

    def remember(address):
        codes.append(consent._parameters(address)["code"])
        return address

    output = [*paste(remember)[1:]]
    before = stored_credential()
    open_vault().put(NAME, {**before, "expires_at": "0"})
    output += call("--debug", "check", "--credential", NAME)[1:]
    after = stored_credential()
    output += call("--debug", "logout", NAME)[1:]
    (tmp_path / "said").write_text("".join(output))
    assert "POST /oauth/token" in "".join(output)
    tokens = [one[name] for one in (before, after) for name in ("access_token", "refresh_token")]
    assert len(set(tokens)) == 4
    assert_in_no_file(tmp_path, *codes, *tokens)
