"""`login`, `use` and `logout` with a token: checked, stored, and the default from then on."""

import json
import stat

import pytest
from calendly_connector.auth.credentials import find_credential
from calendly_connector.auth.vault import open_vault
from calendly_connector.auth.vault.default import default_credential
from calendly_connector.sandbox.world import fixtures
from terminal import at_terminal, caller

OWNER, ADMIN, BAD = "sandbox-owner", "sandbox-admin", "made-up-bad-token"
TOKEN = {"kind": "personal_access_token", "token": OWNER}
SUBSCRIPTION = "webhook " + "0" * 32


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    path = tmp_path / "vault" / "vault.json"
    monkeypatch.setenv("CALENDLY_CONNECTOR_VAULT", str(path))
    return path


@pytest.fixture
def call(capsys, monkeypatch, sandbox):
    """Return a function that runs a command against the sandbox: exit code, output, errors."""
    monkeypatch.setenv("CALENDLY_API_URL", sandbox.url)
    return caller(capsys, monkeypatch)


def assert_in_no_file(folder, secret):
    for path in folder.rglob("*"):
        assert secret.encode() not in (path.read_bytes() if path.is_file() else b"")


# login


def test_a_person_signs_in_with_a_token_in_one_step(call, place):
    answers = [("Your choice", ""), ("Token (hidden)", OWNER)]
    code, screen = at_terminal("login", answers=answers)
    assert code == 0, screen
    assert "https://calendly.com/integrations/api_webhooks" in screen
    assert "scheduled_events:write" in screen
    assert f"Signed in as {fixtures.OWNER_NAME} ({fixtures.OWNER_EMAIL}). Saved 'default'" in screen
    assert "role owner" in screen
    assert OWNER not in screen
    assert open_vault().get("default") == TOKEN
    assert_in_no_file(place.parent, OWNER)
    assert call("check")[0] == 0
    assert call("run", "users.me")[0] == 0


def test_a_piped_token_is_checked_saved_and_the_default(call, place):
    code, out, err = call("login", "--with-token", stdin=f"  Bearer {OWNER}\n")
    assert (code, err) == (0, "")
    assert out.startswith(f"Signed in as Ada Okafor (ada@acme.example). Saved 'default' to {place}.\n")
    assert call("use") == (0, "default\n", "")


def test_a_rejected_token_is_not_saved_and_the_next_step_is_named(call, place):
    code, out, err = call("login", "--with-token", stdin=BAD)
    assert (code, out) == (1, "")
    assert "doesn't accept the token (401). The token wasn't saved. Create a new token in Calendly" in err
    assert BAD not in err
    assert not place.exists()
    assert call("login", "--with-token", "--no-check", stdin=BAD)[0] == 0
    assert open_vault().get("default")["token"] == BAD


@pytest.mark.parametrize(
    ("arguments", "typed", "message"),
    [
        (["login"], OWNER, "login --with-token"),
        (["login", "work"], OWNER, "Pass --client-id"),
        (["login", "--with-token"], "", "is empty"),
        (["login", "--with-token"], "{", "looks like JSON"),
        (["login", "--with-token", "--client-id", "x"], OWNER, "can't be used together"),
        (["login", "--with-token", "--for", "users.me"], OWNER, "can't be used together"),
        (["login", "", "--with-token"], OWNER, "1 to 100 printable characters"),
        (["login", "a\nb", "--with-token"], OWNER, "1 to 100 printable characters"),
        (["use", "nobody"], "", "No credential named 'nobody'"),
        (["use", SUBSCRIPTION], "", "No credential named"),
        (["logout"], "", "No default credential"),
    ],
)
def test_wrong_usage_is_reported_without_the_network(arguments, typed, message, call, unvisited, monkeypatch):
    monkeypatch.setenv("CALENDLY_API_URL", unvisited.url)
    code, out, err = call(*arguments, stdin=typed)
    assert (code, out) == (2, "")
    assert message in err
    assert OWNER not in err


def test_a_stored_token_is_replaced_only_on_request(call):
    assert call("login", "--with-token", stdin=OWNER)[0] == 0
    code, _, err = call("login", "--with-token", stdin=ADMIN)
    assert code == 2
    assert "--replace" in err
    assert open_vault().get("default") == TOKEN
    answers = [("Your choice", "1"), ("Replace it?", "n")]
    code, screen = at_terminal("login", answers=answers)
    assert code == 2, screen
    assert open_vault().get("default") == TOKEN
    answers = [("Your choice", "1"), ("Replace it?", "y"), ("Token (hidden)", ADMIN)]
    code, screen = at_terminal("login", answers=answers)
    assert code == 0, screen
    assert open_vault().get("default")["token"] == ADMIN


def test_oauth_is_the_other_choice(call):
    assert call("actions")[0] == 0  # sets the server
    answers = [("Your choice", "7"), ("Your choice", "2"), ("Client ID", "an-app"), ("Client secret", "x")]
    code, screen = at_terminal("login", answers=answers)
    assert code == 2
    assert "A web app needs its redirect URI. Pass --redirect-uri" in screen


def test_a_token_in_the_place_of_a_choice_is_not_repeated(call):
    assert call("actions")[0] == 0  # sets the server
    answers = [("Your choice", "a-pasted-token"), ("Your choice", "1"), ("Token (hidden)", OWNER)]
    code, screen = at_terminal("login", answers=answers)
    assert code == 0
    assert "Error: Type 1 or 2." in screen
    assert screen.count("a-pasted-token") <= 1  # what the terminal itself echoes


def test_a_wrong_token_names_the_prompt_as_its_place(call):
    assert call("actions")[0] == 0  # sets the server
    answers = [("Your choice", "1"), ("Token (hidden)", "mistyped")]
    code, screen = at_terminal("login", answers=answers)
    assert code == 1
    advice = "Create a new token in Calendly and put it in the prompt of `calendly-connector login`."
    assert advice in " ".join(screen.split())


def test_a_note_says_which_variable_takes_precedence(call, monkeypatch):
    monkeypatch.setenv("CALENDLY_API_TOKEN", ADMIN)
    code, _, err = call("login", "--with-token", stdin=OWNER)
    assert code == 0
    assert err == "note: CALENDLY_API_TOKEN is set, and takes precedence over the default credential\n"
    assert call("use", "default")[2] == err


# The default


def test_the_first_credential_of_this_list_is_used(call, monkeypatch):
    vault = open_vault()
    assert find_credential() == {"kind": "personal_access_token"}
    vault.put(SUBSCRIPTION, {"kind": "webhook_subscription"})
    assert find_credential() == {"kind": "personal_access_token"}
    vault.put("home", TOKEN)
    assert find_credential()["name"] == "home"  # the only one
    vault.put("work", TOKEN)
    assert find_credential() == {"kind": "personal_access_token"}
    assert call("use", "work") == (0, "Commands now use 'work' by default.\n", "")
    assert find_credential()["name"] == "work"
    monkeypatch.setenv("CALENDLY_API_TOKEN", ADMIN)
    assert find_credential()["token"] == ADMIN
    monkeypatch.setenv("CALENDLY_CREDENTIAL", "home")
    assert find_credential()["name"] == "home"
    assert find_credential("other")["name"] == "other"


def test_a_signing_key_in_the_environment_is_not_a_credential(monkeypatch):
    open_vault().put("home", TOKEN)
    monkeypatch.setenv("CALENDLY_WEBHOOK_SECRET", "made-up-signing-key")
    assert find_credential()["name"] == "home"


def test_several_credentials_without_a_default_are_named_in_the_advice(call):
    for name in ("home", "work"):
        open_vault().put(name, TOKEN)
    code, out, _ = call("check")
    assert code == 1
    assert "or choose one of home, work: calendly-connector use NAME" in out
    assert call("use")[2].startswith("note: no default credential in ")


def test_without_any_credential_the_advice_is_to_sign_in(call):
    code, out, _ = call("check")
    assert code == 1
    assert out.splitlines()[0] == "missing_token: No token found."
    assert "or sign in: calendly-connector login" in out


def test_a_removed_default_is_not_replaced_silently(call, place):
    for name in ("home", "work"):
        open_vault().put(name, TOKEN)
    call("use", "work")
    open_vault().delete("work")  # by another program
    code, _, err = call("run", "users.me")
    assert code == 2
    assert "No credential named 'work'" in err
    open_vault().put("work", TOKEN)
    assert call("vault", "remove", "work")[0] == 0
    assert default_credential(open_vault()) == "home"
    assert not place.with_name("vault.json.default").exists()


def test_the_default_is_shown(call, place):
    open_vault().put("home", TOKEN)
    open_vault().put("work", TOKEN)
    call("use", "work")
    assert call("vault", "list") == (0, "home\nwork\n", "")  # one name per line, for programs
    assert at_terminal("vault", "list") == (0, "home\nwork (default)\n")
    assert json.loads(call("vault", "list", "--json")[1])["default"] == "work"
    assert json.loads(call("use", "--json")[1]) == {"default": "work", "vault": str(place)}


def test_the_choice_is_in_a_private_file_beside_the_vault(call, place):
    call("login", "Zoë", "--with-token", stdin=OWNER)
    path = place.with_name("vault.json.default")
    assert path.read_text(encoding="utf-8") == "Zoë\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_default_of_a_database_is_kept_on_this_machine(call, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("CALENDLY_CONNECTOR_KEY", "A" * 43 + "=")
    monkeypatch.setenv("CALENDLY_CONNECTOR_VAULT", f"sqlite:///{tmp_path}/vault.db")
    for name in ("home", "work"):
        assert call("login", name, "--with-token", stdin=OWNER)[0] == 0
    assert call("use")[1] == "work\n"
    assert len(list((tmp_path / "data" / "calendly-connector").glob("vault-*.default"))) == 1


def test_names_are_read_without_looking_for_a_key(monkeypatch):
    open_vault().put("home", TOKEN)
    monkeypatch.setattr("calendly_connector.auth.vault.keys.find_keys", lambda *_: 1 / 0)
    assert default_credential(open_vault()) == "home"


# logout


def test_logout_deletes_the_default_token(call):
    call("login", "--with-token", stdin=OWNER)
    code, out, _ = call("logout")
    assert code == 0
    assert "Revoke the token in Calendly: https://calendly.com/integrations/api_webhooks" in out
    assert open_vault().names() == []
    assert call("logout")[0] == 2


def test_a_token_of_a_given_name_is_not_logged_out(call):
    call("login", "--with-token", stdin=OWNER)
    code, _, err = call("logout", "default")
    assert code == 2
    assert "calendly-connector vault remove default" in err
    assert open_vault().names() == ["default"]
