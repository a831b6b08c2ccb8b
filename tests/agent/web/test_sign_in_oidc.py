"""Signing in at an OpenID provider, and all that must not let anybody in."""

import time
from urllib.parse import parse_qsl, urlsplit

import pytest
from calendly_connector.agent.engine.database import Database
from calendly_connector.agent.web.clients import Clients
from calendly_connector.agent.web.guard import PERSON, Guard
from calendly_connector.agent.web.oidc import OidcSettings, Provider
from calendly_connector.agent.web.pending import PendingSignIns
from calendly_connector.agent.web.sessions import Sessions
from calendly_connector.agent.web.sign_in import SignIn
from calendly_connector.agent.web.sign_in_oidc import OidcSignIn
from calendly_connector.agent.web.sites import Site
from calendly_connector.errors import UsageError
from calendly_connector.support.clock import Timing
from fastapi import FastAPI, Request
from oidc_provider import CLIENT_ID, CLIENT_SECRET, oidc_provider
from starlette.testclient import TestClient

URL = "https://agent.acme.example"
COOKIE = "__Host-agent"
ALLOWED = ("acme.example", "Lena@Partner.example")


class World:
    """An agent with a provider, and browsers."""

    def __init__(self, folder, provider):
        self.provider = provider
        self.late_s = 0.0
        self.timing = Timing(clock=lambda: time.time() + self.late_s)
        self.database = Database(f"sqlite:///{folder}/agent.db")
        self.database.create()
        self.allowed = ALLOWED
        self.start()

    def start(self):
        """Start a process of the agent, as after a restart."""
        settings = OidcSettings(
            self.provider.url, CLIENT_ID, CLIENT_SECRET, f"{URL}/sign-in/callback", self.allowed
        )
        site = Site.at(URL)
        people = SignIn(
            None,
            Sessions(self.database, self.timing),
            self.timing,
            cookie=COOKIE,
            is_secure=True,
            clients=Clients(),
            oidc=OidcSignIn(
                settings,
                Provider(settings, self.timing),
                PendingSignIns(self.database, self.timing),
                cookie=f"{COOKIE}-sign-in",
            ),
        )
        app = FastAPI()
        app.include_router(people.router())

        @app.get("/who")
        def who(request: Request) -> str:
            return str(request.scope[PERSON])

        self.app = Guard(
            app,
            site=site,
            identify=people.identify,
            is_open=lambda _scope: False,
            is_public=lambda scope: people.is_public(scope["path"]),
        )

    def browser(self):
        return TestClient(self.app, base_url=URL, follow_redirects=False)

    def begin(self, browser, following="/runs"):
        """Begin a sign-in, and return what the provider sends back."""
        reply = browser.get("/sign-in/start", params={"next": following})
        assert reply.status_code == 303, reply.text
        return self.provider.consent(reply.headers["location"])

    def sign_in(self, browser, **changes):
        return browser.get("/sign-in/callback", params=self.begin(browser) | changes)


@pytest.fixture
def world(tmp_path):
    with oidc_provider() as provider:
        made = World(tmp_path, provider)
        yield made
        made.database.close()


def is_in(browser):
    return browser.get("/who").status_code == 200


def test_a_person_signs_in_and_comes_to_the_page_that_they_asked_for(world):
    browser = world.browser()
    page = browser.get("/sign-in", params={"next": "/runs"})
    assert "Sign in with your organization" in page.text
    assert "Access token" not in page.text
    reply = world.sign_in(browser)
    assert (reply.status_code, reply.headers["location"]) == (303, "/runs")
    assert browser.get("/who").json() == "ada@acme.example"
    cookie = next(one for one in reply.headers.get_list("set-cookie") if one.startswith(f"{COOKIE}="))
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=lax"} < set(cookie.split("; "))
    assert "Domain" not in cookie
    assert browser.post("/sign-out", headers={"origin": URL}).headers["location"] == "/sign-in"
    assert not is_in(browser)


def test_another_process_finishes_a_sign_in(world):
    browser = world.browser()
    returned = world.begin(browser)
    world.start()
    again = world.browser()
    again.cookies = browser.cookies
    assert again.get("/sign-in/callback", params=returned).status_code == 303
    assert is_in(again)


@pytest.mark.parametrize(
    ("claims", "message"),
    [
        ({"iss": "https://other.example"}, "isn&#39;t valid: iss"),
        ({"aud": "another-client"}, "isn&#39;t valid: aud"),
        ({"aud": [CLIENT_ID, "another"], "azp": "another"}, "isn&#39;t valid: azp"),
        ({"nonce": "another"}, "isn&#39;t valid: nonce"),
        ({"nonce": None}, "isn&#39;t valid: nonce"),
        ({"exp": 1000}, "isn&#39;t valid"),
        ({"exp": None}, "isn&#39;t valid: exp"),
        ({"iat": 2**40}, "isn&#39;t valid"),
        ({"email_verified": False}, "isn&#39;t verified"),
        ({"email_verified": None}, "isn&#39;t verified"),
        ({"email_verified": "yes"}, "isn&#39;t verified"),
        ({"email": "mallory@evil.example"}, "may not use this agent"),
        ({"email": "ada@acme.example.evil.example"}, "may not use this agent"),
        ({"email": "ada@sub.acme.example"}, "may not use this agent"),
        ({"email": "mallory@evil.example@acme.example"}, "email address"),
        ({"email": "mallory@partner.example"}, "may not use this agent"),
        ({"email": None}, "email address"),
        ({"email": ["ada@acme.example"]}, "email address"),
        ({"sub": None}, "isn&#39;t valid: sub"),
    ],
)
def test_a_token_that_is_not_for_us_or_not_of_our_people_is_rejected(claims, message, world):
    browser = world.browser()
    world.provider.claims = claims
    reply = world.sign_in(browser)
    assert (reply.status_code, message in reply.text) == (403, True), reply.text
    assert not is_in(browser)


def test_a_single_person_is_allowed_whatever_the_case(world):
    browser = world.browser()
    world.provider.email = "lena@PARTNER.example"
    assert world.sign_in(browser).status_code == 303
    assert browser.get("/who").json() == "lena@partner.example"


def test_a_person_who_is_no_longer_allowed_is_out(world):
    browser = world.browser()
    world.sign_in(browser)
    world.allowed = ("partner.example",)
    world.start()
    again = world.browser()
    again.cookies = browser.cookies
    assert not is_in(again)


def test_a_state_works_once_in_the_browser_that_began_and_for_ten_minutes(world):
    browser, other = world.browser(), world.browser()
    returned = world.begin(browser)
    assert other.get("/sign-in/callback", params=returned).status_code == 403  # a stranger's link
    assert browser.get("/sign-in/callback", params=returned | {"state": "guessed"}).status_code == 403
    assert browser.get("/sign-in/callback", params=returned).status_code == 303
    other.cookies = browser.cookies
    assert browser.get("/sign-in/callback", params=returned).status_code == 403
    late = world.browser()
    returned = world.begin(late)
    world.late_s = 601
    assert late.get("/sign-in/callback", params=returned).status_code == 403
    assert not is_in(late)


@pytest.mark.parametrize(
    "changes",
    [{"error": "access_denied"}, {"code": ""}, {"code": "guessed"}, {"iss": "https://other.example"}],
)
def test_a_reply_of_the_provider_that_is_none_lets_nobody_in(changes, world):
    browser = world.browser()
    assert world.sign_in(browser, **changes).status_code == 403
    assert not is_in(browser)


def test_a_new_key_is_read_and_a_key_that_the_provider_does_not_have_is_rejected(world):
    assert world.sign_in(world.browser()).status_code == 303
    known = world.provider.published
    world.provider.rotate()
    world.provider.published = known
    assert world.sign_in(world.browser()).status_code == 403
    world.provider.published = world.provider.key
    world.start()
    assert world.sign_in(world.browser()).status_code == 303


def test_an_address_that_the_token_lacks_is_read_from_the_provider(world):
    world.provider.claims = {"email": None, "email_verified": None}
    world.provider.user_info = {"sub": "1", "email": "ada@acme.example", "email_verified": True}
    browser = world.browser()
    assert world.sign_in(browser).status_code == 303
    world.provider.user_info = {"sub": "2", "email": "ada@acme.example", "email_verified": True}
    assert world.sign_in(world.browser()).status_code == 403


@pytest.mark.parametrize(
    "following", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:x"]
)
def test_nobody_is_sent_to_another_site(following, world):
    browser = world.browser()
    reply = browser.get("/sign-in/callback", params=world.begin(browser, following))
    assert (reply.status_code, reply.headers["location"]) == (303, "/")


def test_a_session_that_was_there_before_is_not_taken_over(world):
    browser = world.browser()
    browser.cookies.set(COOKIE, "a-token-that-the-attacker-knows", domain="agent.acme.example")
    world.sign_in(browser)
    values = [cookie.value for cookie in browser.cookies.jar if cookie.name == COOKIE]
    attacker = world.browser()
    attacker.cookies.set(COOKIE, "a-token-that-the-attacker-knows", domain="agent.acme.example")
    assert not is_in(attacker)
    assert values


def test_a_provider_that_is_down_or_lies_is_named(world):
    world.provider.is_down = True
    reply = world.browser().get("/sign-in/start")
    assert (reply.status_code, "can&#39;t be read" in reply.text) == (403, True)
    world.provider.is_down = False
    world.provider.metadata = {"issuer": "https://other.example"}
    assert world.browser().get("/sign-in/start").status_code == 403
    world.provider.metadata = {"token_endpoint": "http://evil.example/token"}
    world.start()
    assert world.sign_in(world.browser()).status_code == 403


def test_attempts_are_limited(world):
    browser = world.browser()
    statuses = [browser.get("/sign-in/start").status_code for _ in range(12)]
    assert statuses[0] == 303
    assert statuses[-1] == 429


def test_the_state_is_for_this_browser_and_secrets_are_in_no_address(world):
    reply = world.browser().get("/sign-in/start")
    asked = dict(parse_qsl(urlsplit(reply.headers["location"]).query))
    assert set(asked) == {
        *("client_id", "response_type", "redirect_uri", "scope", "state", "nonce"),
        *("code_challenge", "code_challenge_method"),
    }
    assert asked["redirect_uri"] == f"{URL}/sign-in/callback"
    assert asked["state"] not in reply.headers["set-cookie"]


@pytest.mark.parametrize(
    "change",
    [
        {"issuer": "http://login.acme.example"},
        {"issuer": "login"},
        {"client_id": ""},
        {"allowed": ()},
        {"allowed": ("*",)},
        {"allowed": ("a@b@c.example",)},
    ],
)
def test_settings_with_which_nobody_or_anybody_could_sign_in_are_rejected(change):
    good = {
        "issuer": "https://login.acme.example",
        "client_id": "a",
        "client_secret": "",
        "redirect_uri": f"{URL}/sign-in/callback",
        "allowed": ALLOWED,
    }
    OidcSettings(**good)
    with pytest.raises(UsageError):
        OidcSettings(**good | change)
