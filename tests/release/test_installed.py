"""What a user meets after `pip install`, from the wheel and the sdist, on every Python of this machine."""

import json
import os
import pty
import re
import select
import shutil
import subprocess
import time

import pytest
from calendly_connector import connector

ENTRY_POINTS = """
import json, stevedore
from importlib.metadata import distribution
connector = stevedore.DriverManager("integration_platform.connectors", "calendly").driver
points = distribution("calendly-connector").entry_points
loaded = [point.load() for point in points if point.group != "mistral.action.providers"]
print(json.dumps([connector.manifest.version, sorted(connector.actions()), len(loaded) == len(points) - 1]))
"""
PROMPT = "ready>"
DEADLINE_S = 30


def test_it_says_its_version(installed, version):
    assert (
        installed.run("calendly-connector", "--version").stdout == f"calendly-connector, version {version}\n"
    )


def test_a_host_finds_it_by_its_entry_points(installed, version):
    done = installed.run("python", "-W", "error", "-c", ENTRY_POINTS)
    assert json.loads(done.stdout) == [version, sorted(connector.actions()), True]  # Mistral's needs Mistral


def test_the_demo_runs(installed):
    done = installed.run("calendly-connector", "demo")
    assert done.stderr == ""


@pytest.mark.skipif(not shutil.which("man"), reason="needs man: apt install man-db groff")
def test_man_finds_the_page_of_a_command(installed):
    """Man looks in share/man beside each folder of the path, so that nothing has to be set."""
    page = subprocess.run(
        [shutil.which("man"), "-w", "calendly-connector-webhooks-listen"],
        env=installed.variables,
        capture_output=True,
        text=True,
        check=True,
    )
    assert page.stdout == f"{installed.path}/share/man/man1/calendly-connector-webhooks-listen.1\n"


def typed_in(shell, environment, keys, expected):
    """Return what a shell shows in a terminal, after keys were typed at its prompt, until a text is shown."""
    process, terminal = pty.fork()
    if not process:
        os.execvpe(shell[0], shell, environment)  # noqa: S606 - the terminal is the child's
    shown, unsent, until = "", list(keys), time.monotonic() + DEADLINE_S
    try:
        while expected not in shown and time.monotonic() < until:
            if unsent and PROMPT in shown:
                os.write(terminal, unsent.pop(0).encode())
            if select.select([terminal], [], [], 0.2)[0]:
                shown += os.read(terminal, 4096).decode(errors="replace")
    finally:
        os.close(terminal)
        os.waitpid(process, 0)
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown)


def test_bash_completes_commands(installed):
    script = installed.path / "share/bash-completion/completions/calendly-connector"
    startup = installed.home / ".bashrc"
    startup.write_text(
        f"PS1='{PROMPT} '; bind 'set enable-bracketed-paste off'; . {script}\n", encoding="utf-8"
    )
    bash = [shutil.which("bash"), "--rcfile", str(startup), "-i"]
    shown = typed_in(bash, installed.variables, ["calendly-connector comp\t"], "completion")
    assert "calendly-connector completion" in shown


@pytest.mark.skipif(not shutil.which("zsh"), reason="needs zsh: apt install zsh")
def test_zsh_completes_commands(installed):
    functions = installed.path / "share/zsh/site-functions"
    startup = installed.home / ".zshrc"
    startup.write_text(
        f"PS1='{PROMPT} '; fpath=({functions} $fpath); autoload -Uz compinit; compinit -u\n", "utf-8"
    )
    shown = typed_in(
        [shutil.which("zsh"), "-i"], installed.variables, ["calendly-connector comp\t"], "completion"
    )
    assert "completion" in shown


@pytest.mark.skipif(not shutil.which("fish"), reason="needs fish: apt install fish")
def test_fish_completes_commands(installed):
    script = installed.path / "share/fish/vendor_completions.d/calendly-connector.fish"
    done = subprocess.run(
        [shutil.which("fish"), "--no-config", "-c", f"source {script}; complete -C 'calendly-connector ag'"],
        env=installed.variables,
        capture_output=True,
        text=True,
        check=True,
    )
    assert [line.partition("\t")[0] for line in done.stdout.splitlines()] == ["agenda", "agent"]
