"""What `webhooks listen` passes to other programs, and what it removes."""

import json
import shlex

import pytest
from calendly_connector.cli.event_handlers import (
    Program,
    print_event,
    secret_variables,
    split_command,
    without_secrets,
)
from calendly_connector.contract import Event
from variables import named_in_the_code

EVENT = Event("id", "invitee.created", "2026-11-17T15:21:41Z", None, {"uri": "https://x.example/a"})
WARNED = Event(EVENT.id, EVENT.kind, EVENT.created_at, None, EVENT.payload, ("one is missing", "so is é"))

# Variables in the code and the declarations that never hold a secret.
HARMLESS = {
    "CALENDLY_AGENT_OIDC_CLIENT_ID",
    "CALENDLY_AGENT_OIDC_ISSUER",
    "CALENDLY_AGENT_PRIVATE_HOSTS",
    "CALENDLY_AGENT_URL",
    "CALENDLY_API_URL",
    "CALENDLY_AUTH_URL",
    "CALENDLY_CLIENT_ID",
    "CALENDLY_CREDENTIAL",
    "CALENDLY_DEBUG",
    "CALENDLY_EVENT_ID",
    "CALENDLY_EVENT_KIND",
    "CALENDLY_EVENT_WARNINGS",
    "CALENDLY_PLAN",
    "CALENDLY_REDIRECT_URI",
    "CALENDLY_TZ",
}


def test_every_variable_in_the_code_is_secret_or_known_to_be_harmless():
    named = named_in_the_code()
    assert "CALENDLY_API_TOKEN" in named
    assert named - secret_variables() == HARMLESS


@pytest.mark.parametrize("name", [*sorted(secret_variables()), "Calendly_Api_Token"])
def test_secrets_are_removed_from_an_environment(name):
    assert without_secrets({name: "SECRET", "PATH": "/bin"}) == {"PATH": "/bin"}


def test_a_command_gets_the_event_and_no_secret(capfd, monkeypatch):
    secrets = [
        "CALENDLY_API_TOKEN",
        "CALENDLY_CLIENT_SECRET",
        "CALENDLY_CONNECTOR_KEY",
        "CALENDLY_WEBHOOK_SECRET",
    ]
    for name in [*secrets, "CALENDLY_MCP_TOKEN", "CALENDLY_SYNC_TO", "CALENDLY_CONNECTOR_INBOX"]:
        monkeypatch.setenv(name, "SECRET")
    monkeypatch.setenv("MINE", "stays")
    Program("env")(WARNED)
    out, _ = capfd.readouterr()
    assert "SECRET" not in out
    lines = out.splitlines()
    assert {"MINE=stays", "CALENDLY_EVENT_ID=id", "CALENDLY_EVENT_KIND=invitee.created"} < set(lines)
    assert "CALENDLY_EVENT_WARNINGS=one is missing\nso is é\n" in out


def test_warnings_are_printed_if_there_are_any(capsys):
    print_event(EVENT)
    print_event(WARNED)
    plain, warned = map(json.loads, capsys.readouterr().out.splitlines())
    assert "warnings" not in plain
    assert warned == {**plain, "warnings": ["one is missing", "so is é"]}


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        (r"C:\tools\notify.bat", [r"C:\tools\notify.bat"]),
        (r"C:\tools\notify.bat --to \\server\share", [r"C:\tools\notify.bat", "--to", r"\\server\share"]),
        (r'"C:\Program Files\a b.exe"  x', [r"C:\Program Files\a b.exe", "x"]),
        (r"C:\Program\" Files\"\a.exe".replace('\\"', '"'), [r"C:\Program Files\a.exe"]),
        (r'a "C:\folder\\" b', ["a", "C:\\folder\\", "b"]),
        (r"say \"hi\"", ["say", '"hi"']),
        (r'say "\"a b\""', ["say", '"a b"']),
        (r"it's 'one two'", ["it's", "'one", "two'"]),
        ('a "" b', ["a", "", "b"]),
        ("a\tb  ", ["a", "b"]),
        ("", []),
    ],
)
def test_a_command_is_split_by_the_rules_of_windows(command, arguments):
    assert split_command(command, windows=True) == arguments


@pytest.mark.parametrize("command", [r"sh -c 'a b' \\x", '"a b" c'])
def test_a_command_is_split_by_the_rules_of_a_posix_shell(command):
    assert split_command(command, windows=False) == shlex.split(command)


@pytest.mark.parametrize("windows", [True, False])
def test_an_unclosed_quote_is_rejected_everywhere(windows):
    with pytest.raises(ValueError, match="No closing quotation"):
        split_command('a "b', windows=windows)
