"""Tab completion: what it suggests, and its installation; bash itself runs the script."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from calendly_connector import cli
from calendly_connector.auth.vault import open_vault
from calendly_connector.cli import completion
from click.shell_completion import BashComplete
from terminal import caller

BIN = Path(sys.executable).parent
TOKEN = {"kind": "personal_access_token", "token": "made-up"}


@pytest.fixture(autouse=True)
def vault(tmp_path, monkeypatch):
    monkeypatch.setenv("CALENDLY_CONNECTOR_VAULT", str(tmp_path / "vault.json"))
    monkeypatch.setenv("HOME", str(tmp_path))
    return open_vault()


@pytest.fixture
def call(capsys, monkeypatch):
    return caller(capsys, monkeypatch)


def suggested(*words):
    """Return what is suggested for the last word."""
    kind = BashComplete(cli._group, {}, "calendly-connector", "_CALENDLY_CONNECTOR_COMPLETE")
    return [item.value for item in kind.get_completions(list(words[:-1]), words[-1])]


@pytest.mark.parametrize(
    ("words", "some", "others"),
    [
        ([""], ["run", "login", "completion"], ["--debug"]),
        (["che"], ["check"], ["run"]),
        (["--de"], ["--debug"], []),
        (["vault", ""], ["add", "list"], []),
        (["run", "sched"], ["scheduled_events", "scheduled_events.cancel"], ["users.me"]),
        (["describe", "boo"], ["book"], []),
        (["run", "scheduled_events", ""], ["status=", "user=", "uuid="], []),
        (["run", "scheduled_events", "sta"], ["status="], ["user="]),
        (["run", "scheduled_events", "status=active", "s"], ["sort="], ["status="]),
        (["run", "scheduled_events", "status="], ["status=active", "status=canceled"], []),
        (["run", "scheduled_events", "status=c"], ["status=canceled"], ["status=active"]),
        (["run", "scheduled_events", "status", "=", "c"], ["canceled"], ["active"]),  # as bash splits it
        (["run", "scheduled_events", "status", ""], ["active", "canceled"], []),
        (["run", "event_types", "active="], ["active=true", "active=false"], []),
        (
            ["run", "scheduled_events", "min_start_time=~{End"],
            ["min_start_time=~{EndOfDay}~", "min_start_time=~{EndOfWeek}~"],
            ["min_start_time=~{Now}~"],
        ),
        (["run", "scheduled_events", "min_start_time", "=", "~{N"], ["~{Now}~"], ["~{Today}~"]),
        (["run", "scheduled_events", "user=~{"], ["user=~{GetUserUrl}~"], ["user=~{Now}~"]),
        (["run", "scheduled_events", "count=~{"], [], ["count=~{Now}~"]),
        (["run", "scheduled_events", "user=~{Get"], ["user=~{GetUserUrl}~"], ["user=~{GetSigningKey}~"]),
        (
            ["run", "scheduled_events", "min_start_time=~{StartOfDay(Europe/Berl"],
            ["min_start_time=~{StartOfDay(Europe/Berlin)}~"],
            [],
        ),
        (["webhooks", "subscribe", "invitee.cr"], ["invitee.created"], []),
        (["webhooks", "subscribe", "invitee.created", "invitee.ca"], ["invitee.canceled"], []),
        (
            ["webhooks", "listen", "--events", "invitee.created,"],
            ["invitee.created,invitee.canceled"],
            ["invitee.created,invitee.created"],
        ),
        (["scopes", "--for", "b"], ["book"], []),
        (["scopes", "--for", "contact.d"], ["contact.deleted"], []),
        (["choices", "bookings.create", "loc"], ["location", "location.kind"], ["answers"]),
        (["choices", "invitee.created", "h"], ["host"], ["event_type"]),
        (["choices", "nonsense", ""], [], ["host"]),
        (["run", "nonsense", ""], [], ["status="]),
        (["run", "scheduled_events", "nonsense="], [], ["nonsense="]),
        (["use", "h"], ["home"], ["work"]),
        (["check", "--credential", ""], ["home", "work"], []),
        (["vault", "show", "w"], ["work"], []),
        (["login", "w"], ["work"], []),
        (["logout", "w"], ["work"], []),
        (["webhooks", "unsubscribe", ""], ["0" * 32], ["home"]),
        (["completion", "install", "z"], ["zsh"], ["bash"]),
    ],
)
def test_completion_suggests_what_fits(words, some, others, vault):
    for name in ("home", "work", "webhook " + "0" * 32):
        vault.put(name, TOKEN)
    found = suggested(*words)
    assert set(some) <= set(found)
    assert not set(others) & set(found)
    assert len(set(found)) == len(found)


def test_a_broken_vault_suggests_nothing(monkeypatch):
    monkeypatch.setenv("CALENDLY_CONNECTOR_VAULT", "nonsense://x")
    assert suggested("use", "") == []
    monkeypatch.setenv("CALENDLY_CONNECTOR_KEY", "invalid")
    monkeypatch.setenv("CALENDLY_CONNECTOR_VAULT", "/dev/null")
    assert suggested("use", "") == []


# Installation


def test_it_is_installed_once_for_bash(call, tmp_path, monkeypatch):
    monkeypatch.setenv("SHELL", "/usr/bin/bash")
    startup = tmp_path / ".bashrc"
    startup.write_text("alias x=y", encoding="utf-8")  # without a line break at the end
    for _ in range(2):
        code, out, _ = call("completion", "install")
        assert code == 0
        assert str(startup) in out
    lines = startup.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "alias x=y"
    assert len(lines) == 2
    assert call("completion", "show", "bash")[1] == completion.source("bash")


@pytest.mark.parametrize(
    ("shell", "script", "startup"),
    [
        ("zsh", ".local/share/calendly-connector/completion.zsh", ".zshrc"),
        ("fish", ".config/fish/completions/calendly-connector.fish", None),
    ],
)
def test_it_is_installed_for_other_shells(shell, script, startup, call, tmp_path):
    assert call("completion", "install", shell)[0] == 0
    assert (tmp_path / script).read_text(encoding="utf-8") == completion.source(shell)
    if startup:
        assert str(tmp_path / script) in (tmp_path / startup).read_text(encoding="utf-8")


@pytest.mark.parametrize("shell", ["", "/bin/tcsh"])
def test_an_unknown_shell_is_wrong_usage(shell, call, monkeypatch):
    monkeypatch.setenv("SHELL", shell)
    code, _, err = call("completion", "install")
    assert code == 2
    assert "Pass one of: bash, zsh, fish." in err


def test_a_home_that_cannot_be_written_is_reported(call, tmp_path):
    (tmp_path / ".local").write_text("a file", encoding="utf-8")
    code, _, err = call("completion", "install", "bash")
    assert code == 1
    assert "Can't install completion" in err
    assert "completion show bash" in err


@pytest.mark.parametrize("shell", completion._CHANGES)
def test_every_change_applies_to_clicks_script(shell):
    from click.shell_completion import get_completion_class

    template = get_completion_class(shell).source_template
    for before, after in completion._CHANGES[shell]:
        assert before in template
        assert after.replace("%%", "%") in completion.source(shell)


@pytest.mark.parametrize(
    ("words", "reply"),
    [
        (["calendly-connector", "run", "scheduled_events", "stat"], "status="),
        (["calendly-connector", "run", "scheduled_events", "status", "=", "act"], "active"),
        (["calendly-connector", "use", "Acme"], r"Acme\ \&\ Co"),
        (["calendly-connector", "webhooks", "listen", "--events", "a,invitee.cre"], "a,invitee.created"),
    ],
)
def test_bash_completes_a_word(words, reply, vault):
    vault.put("Acme & Co", TOKEN)
    script = f"""compopt() {{ :; }}
{completion.source("bash")}
COMP_WORDS=({" ".join(f"'{word}'" for word in words)})
COMP_CWORD={len(words) - 1}
_calendly_connector_completion calendly-connector
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"}
    bash = shutil.which("bash")
    done = subprocess.run(
        [bash, "--norc", "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{reply}\n"
