"""`calendly-connector vault`, `--credential` and `--debug`: stored credentials from the command line."""

import json
import logging
import os
import pty
import select
import subprocess
import sys
from base64 import urlsafe_b64encode
from pathlib import Path

import pytest
from calendly_connector.auth.vault import open_vault
from calendly_connector.errors import InvalidCredential, UnknownCredential
from calendly_connector.plugin import connector
from terminal import caller

SCRIPT = str(Path(sys.executable).parent / "calendly-connector")
OWNER, BAD = "sandbox-owner", "made-up-bad-token"
KEY = "made-up-signing-key"
STORED = {"kind": "personal_access_token", "token": OWNER, "signing_key": KEY}
WAIT_S = 30


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


def assert_no_secret(*texts):
    for text in texts:
        assert OWNER not in text
        assert KEY not in text


# Adding, showing, removing


def test_a_piped_token_is_checked_saved_and_used_by_name(call, place):
    code, out, err = call("vault", "add", "work", stdin=f"  Bearer {OWNER}\n")
    assert (code, err) == (0, "")
    assert out == f"Signed in as Ada Okafor (ada@acme.example). Saved 'work' to {place}.\n"
    code, out, _ = call("check", "--credential", "work")
    assert (code, out.splitlines()[0]) == (0, "ok: Signed in as Ada Okafor (ada@acme.example).")
    for path in place.parent.rglob("*"):
        assert OWNER.encode() not in (path.read_bytes() if path.is_file() else b"")


def test_several_fields_are_piped_in_as_json(call):
    fields = {name: value for name, value in STORED.items() if name != "kind"}
    assert call("vault", "add", "work", stdin=json.dumps(fields))[0] == 0
    assert open_vault().get("work") == STORED


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("", "is empty"),
        ("\n", "is empty"),
        ("{", "looks like JSON"),
        ('{"token": 5}', "must be strings: token"),
        ('{"tokn": "x"}', "Unknown field for kind personal_access_token: tokn"),
        ('{"kind": "stored", "name": "work"}', "contains `kind`"),
    ],
)
def test_invalid_credentials_are_rejected_and_not_saved(typed, message, call, place):
    for more in ([], ["--no-check"]):
        code, out, err = call("vault", "add", "work", *more, stdin=typed)
        assert (code, out) == (2, "")
        assert message in err
    assert not place.exists()


def test_a_rejected_token_is_saved_only_with_no_check(call, place):
    code, out, err = call("vault", "add", "work", stdin=BAD)
    assert (code, out) == (1, "")
    assert "doesn't accept the token (401)" in err
    assert "wasn't saved" in err
    assert "--no-check" in err
    assert BAD not in err
    assert not place.exists()
    assert call("vault", "add", "work", "--no-check", stdin=BAD) == (0, f"Saved 'work' to {place}.\n", "")
    assert open_vault().get("work")["token"] == BAD


def test_the_advice_for_a_rejected_stored_token_names_the_vault(call, monkeypatch):
    monkeypatch.setenv("CALENDLY_API_TOKEN", OWNER)
    call("vault", "add", "work", "--no-check", stdin="made-up-and-revoked")
    _, _, err = call("run", "users.me", "--credential", "work")
    assert "CALENDLY_API_TOKEN" not in err
    assert err.endswith(
        "put it in the stored credential 'work' (calendly-connector vault add work --replace).\n"
    )


def test_a_token_passed_as_a_name_is_masked(call, monkeypatch):
    monkeypatch.setenv("CALENDLY_API_TOKEN", OWNER)
    parts = (b'{"alg":"ES256"}', b'{"sub":"made-up"}', b"signature")
    pasted = ".".join(urlsafe_b64encode(part).decode().rstrip("=") for part in parts)
    for token in (OWNER, pasted):
        for arguments in (
            ("run", token),
            ("vault", "show", token),
            ("check", "--credential", token),
            (token,),
        ):
            for more in ((), ("--json",)):
                code, out, err = call(*arguments, *more)
                assert code in {1, 2}
                assert token not in out + err
                assert "[redacted]" in err


def test_an_existing_name_is_replaced_only_with_replace(call):
    open_vault().put("work", STORED)
    code, _, err = call("vault", "add", "work ", "--no-check", stdin=BAD)
    assert code == 2
    assert "already" in err
    assert "--replace" in err
    assert open_vault().get("work") == STORED
    assert call("vault", "add", "work", "--no-check", "--replace", stdin=BAD)[0] == 0
    assert open_vault().get("work")["token"] == BAD


@pytest.mark.parametrize("kind", ["stored", "password", ""])
def test_an_unknown_kind_is_rejected(kind, call):
    code, _, err = call("vault", "add", "work", "--kind", kind, stdin=OWNER)
    assert code == 2
    assert "personal_access_token" in err


def test_the_list_shows_only_names(call, place):
    code, out, err = call("vault", "list")
    assert (code, out) == (0, "")
    assert "vault add" in err
    open_vault().put("Zoë", STORED)
    open_vault().put("acme", STORED)
    assert call("vault", "list") == (0, "Zoë\nacme\n", "")
    code, out, err = call("vault", "list", "--json")
    assert json.loads(out) == {"vault": str(place), "names": ["Zoë", "acme"], "webhooks": []}
    assert_no_secret(out, err)


def test_a_credential_is_shown_with_secrets_masked(call):
    credential = {**STORED, "access_token": OWNER, "odd": KEY, "client_id": "C", "expires_at": "1795000000"}
    open_vault().put("work", credential)
    shown = {
        **dict.fromkeys(credential, "[redacted]"),
        "kind": STORED["kind"],
        "client_id": "C",
        "expires_at": "1795000000",
    }
    _, out, _ = call("vault", "show", "work", "--json")
    assert json.loads(out) == shown
    _, text, _ = call("vault", "show", "work")
    assert text.splitlines()[:2] == ["kind          personal_access_token", "token         [redacted]"]
    assert_no_secret(out, text)


def test_a_credential_of_an_unknown_kind_is_masked_completely(call):
    open_vault().put("work", {"a": OWNER})
    assert call("vault", "show", "work") == (0, "a  [redacted]\n", "")
    open_vault().put("work", {})
    assert call("vault", "show", "work") == (0, "", "")


def test_remove_and_rekey_report_what_they_did(call, place):
    open_vault().put("work", STORED)
    open_vault().put("home", STORED)
    assert call("vault", "rekey") == (0, f"Encrypted 2 credentials in {place} with a new key.\n", "")
    assert call("vault", "remove", "work") == (0, f"Removed 'work' from {place}.\n", "")
    assert open_vault().names() == ["home"]
    code, _, err = call("vault", "remove", "work")
    assert code == 2
    assert "No credential named 'work'" in err


def test_a_vault_that_cannot_be_opened_is_one_line(call, place):
    open_vault().put("work", STORED)
    place.with_name("vault.json.key").unlink()
    for arguments in (["vault", "show", "work"], ["check", "--credential", "work"], ["vault", "rekey"]):
        code, out, err = call(*arguments)
        assert (code, out, err.count("\n")) == (1, "", 1)
        assert "lost" in err
        assert str(place) in err
    assert call("vault", "list")[1] == "work\n"


def test_a_typed_secret_is_not_echoed(sandbox, monkeypatch):
    monkeypatch.setenv("CALENDLY_API_URL", sandbox.url)
    controller, terminal = pty.openpty()
    with subprocess.Popen(
        [SCRIPT, "vault", "add", "work"],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
    ) as process:
        os.close(terminal)
        seen = read_until(controller, b"Token:")
        os.write(controller, OWNER.encode() + b"\n")
        seen += read_until(controller, b"(optional):")
        os.write(controller, KEY.encode() + b"\n")
        seen += read_until(controller, b"Plan (optional; trial or enterprise):")
        os.write(controller, b"\n")
        seen += read_until(controller, b"vault.json.")
        assert process.wait(WAIT_S) == 0
    os.close(controller)
    assert b"Signed in as Ada Okafor" in seen
    assert_no_secret(seen.decode())
    assert open_vault().get("work") == STORED


def test_a_typed_value_that_does_not_fit_is_asked_for_again(sandbox, monkeypatch):
    monkeypatch.setenv("CALENDLY_API_URL", sandbox.url)
    controller, terminal = pty.openpty()
    with subprocess.Popen(
        [SCRIPT, "vault", "add", "work", "--kind", "oauth", "--no-check"],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
    ) as process:
        os.close(terminal)
        for prompt, typed in [
            (b"Client ID:", b"an-app"),
            (b"Client secret (optional):", b""),
            (b"Redirect URI (optional):", b"app.example"),
            (b"Error: Type a URL that begins with https:// or http://", b"https://app.example/"),
            (b"Webhook signing key (optional):", b""),
            (b"Plan (optional; trial or enterprise):", b"Trial"),
            (b"Error: Type trial or enterprise.", b"trial"),
        ]:
            read_until(controller, prompt)
            os.write(controller, typed + b"\n")
        read_until(controller, b"vault.json.")
        assert process.wait(WAIT_S) == 0
    os.close(controller)
    assert open_vault().get("work") == {
        "kind": "oauth",
        "client_id": "an-app",
        "redirect_uri": "https://app.example/",
        "plan": "trial",
    }


def read_until(descriptor, text):
    seen = b""
    while text not in seen:
        assert select.select([descriptor], [], [], WAIT_S)[0], seen
        piece = os.read(descriptor, 1000)
        assert piece, seen
        seen += piece
    return seen


# Signing in by name


def test_a_credential_name_overrides_the_token_in_the_environment(call, monkeypatch):
    open_vault().put("work", STORED)
    open_vault().put("bad", {**STORED, "token": BAD})
    monkeypatch.setenv("CALENDLY_API_TOKEN", BAD)
    assert call("check")[0] == 1
    monkeypatch.setenv("CALENDLY_CREDENTIAL", "work")
    assert call("check")[0] == 0
    assert call("check", "--credential", "bad")[0] == 1
    assert call("run", "users.me")[0] == 0
    assert call("request", "GET", "/users/me")[0] == 0
    monkeypatch.setenv("CALENDLY_CREDENTIAL", "")
    assert call("check")[0] == 1


def test_an_unknown_name_does_not_fall_back_to_another_credential(call, monkeypatch):
    monkeypatch.setenv("CALENDLY_API_TOKEN", OWNER)
    code, out, err = call("check", "--credential", "work")
    assert (code, out) == (2, "")
    assert "No credential named 'work'" in err


def test_a_host_connects_by_name(sandbox):
    open_vault().put("work", STORED)
    with connector.connect({"kind": "stored", "name": "work"}, origin=sandbox.url) as connection:
        assert connection.check().kind == "personal_access_token"
        assert connection.run("users.me").record["email"] == "ada@acme.example"
        assert_no_secret(repr(connection))


def test_a_name_without_a_usable_credential_is_rejected():
    with pytest.raises(UnknownCredential, match="'work'"):
        connector.connect({"kind": "stored", "name": "work"})
    with pytest.raises(InvalidCredential, match="Unknown field for kind stored: token"):
        connector.connect({"kind": "stored", "name": "work", "token": OWNER})
    open_vault().put("work", {"kind": "stored", "name": "work"})
    with pytest.raises(InvalidCredential, match="only refers to another one by name"):
        connector.connect({"kind": "stored", "name": "work"})
    open_vault().put("work", {"kind": "password"})
    with pytest.raises(InvalidCredential, match="Unknown credential kind"):
        connector.connect({"kind": "stored", "name": "work"})


# What goes over the network


@pytest.mark.parametrize("source", ["option", "variable"])
def test_debug_prints_requests_and_responses_without_secrets_or_people(source, call, monkeypatch):
    open_vault().put("work", STORED)
    if source == "variable":
        monkeypatch.setenv("CALENDLY_DEBUG", "1")
    options = ["--debug"] if source == "option" else []
    code, out, err = call(*options, "run", "users.me", "--credential", "work", "--json")
    assert code == 0
    assert json.loads(out)["record"]["email"] == "ada@acme.example"
    assert err.startswith("> GET /users/me\n< 200 GET /users/me (")
    assert_no_secret(err)
    assert "Ada" not in err
    assert "ada@" not in err


def test_show_people_applies_to_one_command_only(call):
    open_vault().put("work", STORED)
    assert (
        "ada@acme.example" in call("--debug", "--show-people", "run", "users.me", "--credential", "work")[2]
    )
    assert "ada@" not in call("--debug", "run", "users.me", "--credential", "work")[2]
    assert call("--show-people", "run", "users.me", "--credential", "work")[2] == ""
    assert logging.getLogger("calendly_connector").handlers == []


def test_debug_prints_no_control_characters(capsys):
    from calendly_connector.cli.terminal import debugging

    with debugging(show_people=True):
        logging.getLogger("calendly_connector").info("a\x1b[31m\x9b token=S\nb")
    assert (
        capsys.readouterr().err
        == "a\N{REPLACEMENT CHARACTER}[31m\N{REPLACEMENT CHARACTER} token=[redacted]\nb\n"
    )


def test_an_error_masks_values_that_look_like_secrets(call):
    code, _, err = call("run", "users.me", f"token={KEY}")
    assert code == 2
    assert KEY not in err
    code, _, err = call("run", f"Bearer {KEY}", "--json")
    assert code == 2
    assert KEY not in json.dumps(json.loads(err))
