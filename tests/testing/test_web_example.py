"""The example web app: visitors connect their own accounts, and nobody gets into another's."""

import json
import re
import socket
import sqlite3
import stat
import threading
from html import unescape
from importlib.resources import files

import httpx
import pytest
from calendly_connector.errors import UnknownCredential
from calendly_connector.examples.web_sign_in import SqliteStore, WebApp
from calendly_connector.sandbox.world import fixtures
from signing_in import answer, stale, token_calls

SOURCE = files("calendly_connector.examples").joinpath("web_sign_in.py").read_text(encoding="utf-8")
WAIT_S = 10


def test_the_source_has_at_most_150_lines():
    assert len(SOURCE.splitlines()) <= 150


class Visitor:
    """A browser of one person."""

    def __init__(self, origin):
        self.origin = origin
        self.http = httpx.Client(trust_env=False, timeout=WAIT_S)
        self.pages = []

    def get(self, path):
        return self._keep(self.http.get(f"{self.origin}{path}"))

    def post(self, path):
        return self._keep(self.http.post(f"{self.origin}{path}"))

    def start(self):
        """Begin a sign-in and answer on Calendly's page; return the callback that it redirects to."""
        consent = self.post("/start").headers["location"]
        return self.http.get(consent).headers["location"].removeprefix(self.origin)

    def connect(self):
        reply = self.get(self.start())
        assert (reply.status_code, reply.headers["location"]) == (303, "/")
        return text_of(self.get("/"))

    @property
    def session(self):
        return self.http.cookies.get("session")

    def _keep(self, reply):
        self.pages.append(reply)
        return reply


def text_of(reply):
    return unescape(re.sub(r"<[^>]+>", " ", reply.text))


@pytest.fixture
def calendly(fresh_sandbox, monkeypatch):
    """Return a sandbox in which everybody allows everything, as the owner unless it says otherwise."""
    monkeypatch.setenv("CALENDLY_API_URL", fresh_sandbox.url)
    monkeypatch.setenv("CALENDLY_AUTH_URL", fresh_sandbox.url)
    answer(fresh_sandbox, "allow")
    return fresh_sandbox


@pytest.fixture
def web_app(calendly, tmp_path):
    """Return the running app. The file with its tokens is deleted after the test."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    uri = f"http://127.0.0.1:{port}/callback"
    registered = calendly.control("POST", "/apps", {"kind": "web", "redirect_uris": [uri]})
    app = {
        "kind": "oauth",
        "client_id": registered["client_id"],
        "client_secret": registered["client_secret"],
        "redirect_uri": uri,
    }
    path = tmp_path / "credentials.db"
    server = WebApp(app, SqliteStore(path), port)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()
    path.unlink()


@pytest.fixture
def visit(web_app):
    """Return a function that returns another visitor's browser."""
    visitors = []

    def make():
        visitors.append(Visitor(f"http://127.0.0.1:{web_app.server_port}"))
        return visitors[-1]

    yield make
    for visitor in visitors:
        visitor.http.close()


def test_a_visitor_connects_sees_the_report_and_disconnects(visit, calendly):
    ada = visit()
    assert "Not connected." in text_of(ada.get("/"))
    page = ada.connect()
    assert f"Signed in as {fixtures.OWNER_NAME} ({fixtures.OWNER_EMAIL})." in page
    assert "Granted scopes: scheduled_events:read, users:read, webhooks:read, webhooks:write." in page
    assert ada.post("/sign-out").status_code == 303
    assert "Not connected." in text_of(ada.get("/"))
    assert calendly.requests()["counts"]["POST /oauth/revoke"] == 2


def test_each_visitor_sees_the_own_account(visit, calendly):
    ada, ben = visit(), visit()
    ada.connect()
    answer(calendly, "allow", fixtures.ADMIN)
    assert fixtures.ADMIN_NAME in ben.connect()
    assert fixtures.OWNER_NAME in text_of(ada.get("/"))


def test_swapped_callbacks_connect_nobody(visit, calendly):
    ada, ben = visit(), visit()
    for_ada = ada.start()
    answer(calendly, "allow", fixtures.ADMIN)
    for_ben = ben.start()
    for visitor, callback in ((ada, for_ben), (ben, for_ada)):
        reply = visitor.get(callback)
        assert (reply.status_code, "its state differs" in reply.text) == (400, True)
        assert "Not connected." in text_of(visitor.get("/"))
    assert token_calls(calendly) == 0
    assert ada.get(for_ada).status_code == ben.get(for_ben).status_code == 303  # neither lost the own one
    assert fixtures.OWNER_NAME in text_of(ada.get("/"))
    assert fixtures.ADMIN_NAME in text_of(ben.get("/"))


def test_a_stolen_callback_connects_nobody(visit, calendly):
    callback = visit().start()
    reply = visit().get(callback)
    assert (reply.status_code, "No sign-in has begun in this browser." in reply.text) == (400, True)
    assert token_calls(calendly) == 0


def test_a_callback_works_once(visit):
    ada = visit()
    callback = ada.start()
    assert ada.get(callback).status_code == 303
    assert ada.get(callback).status_code == 400


def test_a_planted_session_does_not_become_the_visitors(visit):
    attacker, ada = visit(), visit()
    attacker.get(attacker.start().partition("?")[0])
    ada.http.cookies.set("session", attacker.session, domain="127.0.0.1")
    ada.connect()
    assert ada.session != attacker.session
    assert "Not connected." in text_of(attacker.get("/"))


def test_a_denied_consent_is_explained(visit, calendly):
    answer(calendly, "deny")
    ada = visit()
    reply = ada.get(ada.start())
    assert reply.status_code == 400
    assert "Consent was denied. Sign in again and press Allow." in text_of(reply)


def test_an_ended_sign_in_is_explained_in_the_apps_own_words(visit, web_app, calendly):
    ada = visit()
    ada.connect()
    calendly.control("POST", "/apps/revoke", {"client_id": web_app.app["client_id"]})
    page = text_of(ada.get("/"))
    assert "access was revoked in Calendly" in page
    assert "Sign in again for your account in this app." in page
    assert "calendly-connector" not in page
    assert fixtures.OWNER_NAME in ada.connect()


def test_tokens_are_refreshed_in_the_apps_store(visit, web_app, calendly):
    ada = visit()
    ada.connect()
    [name] = names(web_app)
    before = web_app.store.get(name)
    web_app.store.put(name, stale(before))
    calendly.control("DELETE", "/requests")
    assert fixtures.OWNER_NAME in text_of(ada.get("/"))
    assert web_app.store.get(name)["refresh_token"] != before["refresh_token"]
    assert token_calls(calendly) == 1


def names(web_app):
    with sqlite3.connect(web_app.store.path) as database:
        rows = database.execute("SELECT name FROM credentials").fetchall()
    database.close()
    return [name for (name,) in rows]


def test_every_page_has_secure_headers_and_cookies(visit):
    ada = visit()
    ada.connect()
    ada.get("/nothing")
    ada.get("/callback")
    for reply in ada.pages:
        assert reply.headers["cache-control"] == "no-store"
        assert reply.headers["referrer-policy"] == "no-referrer"
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in reply.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in reply.headers["content-security-policy"]
        for cookie in reply.headers.get_list("set-cookie"):
            assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))


def test_behind_https_cookies_are_secure(visit, web_app):
    web_app.app = {**web_app.app, "redirect_uri": "https://app.acme.example/callback"}
    assert "; Secure" in visit().post("/start").headers["set-cookie"]


def test_no_page_cookie_or_output_holds_a_secret(visit, web_app, capsys):
    ada = visit()
    callback = ada.start()
    kept = json.loads(web_app.sessions[ada.session]["request"])
    ada.get(f"{callback}&state=x")
    ada.get(callback)
    ada.get("/")
    [name] = names(web_app)
    tokens = web_app.store.get(name)
    code = re.search(r"code=([^&]+)", callback)[1]
    secrets = [kept["verifier"], code, web_app.app["client_secret"]]
    secrets += [tokens["access_token"], tokens["refresh_token"]]
    shown = [f"{reply.headers}{reply.text}" for reply in ada.pages] + list(capsys.readouterr())
    assert not [secret for secret in secrets for text in shown if secret in text]
    assert not [text for text in shown[1:] if kept["state"] in text]  # the first redirects to Calendly


def test_texts_of_calendly_are_escaped(visit, calendly):
    calendly.world.population.members[0].user["name"] = "<script>alert(1)</script>"
    ada = visit()
    ada.connect()
    assert "<script>" not in ada.get("/").text


def test_posts_without_a_session_change_nothing(visit, calendly):
    visit().post("/sign-out")
    assert visit().get("/start").status_code == 404
    assert calendly.requests()["counts"] == {}


# The store


@pytest.fixture
def store(tmp_path):
    return SqliteStore(tmp_path / "credentials.db")


def test_the_store_keeps_credentials_by_name_in_a_private_file(store):
    with pytest.raises(UnknownCredential):
        store.get("ada")
    store.put("ada", {"kind": "oauth"})
    store.put("ada", {"kind": "oauth", "scope": "x"})
    assert store.get("ada") == {"kind": "oauth", "scope": "x"}
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600


def test_the_stores_lock_excludes_others_until_it_is_released(store):
    with store.lock("ada"), pytest.raises(TimeoutError), store.lock("ada", timeout_s=0):
        pass
    with store.lock("ada", timeout_s=0):
        store.put("ada", {})
