"""`make demo` sets up an environment, and says in one line what a machine lacks for it."""

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAKE, SHELL = shutil.which("make"), shutil.which("sh")
TOOLS = ("cat", "chmod", "cp", "dirname", "grep", "head", "make", "mkdir", "rm", "sed", "sh", "tail", "touch")
OLD = """case "$2" in *print*) echo 3.9 ;; *) exit 1 ;; esac"""
WITHOUT_VENV = """case "$2" in *print*) echo 3.12 ;; *ensurepip*) exit 1 ;; esac"""
# Creates an environment whose pip installs a program that prints its arguments.
WORKING = """
case "$*" in
    *print*) echo 3.12 ;;
    --version) echo Python 3.12.0 ;;
    *"-m venv "*)
        for place; do :; done
        rm -rf "$place"
        mkdir -p "$place/bin"
        cp "$0" "$place/bin/python"
        ;;
    *"-m pip "*)
        program="${0%python}calendly-connector"
        echo 'echo "$0" "$@"' >"$program"
        chmod +x "$program"
        ;;
esac
"""


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Return a folder with what `make demo` needs of a clone, on a machine with few programs."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in TOOLS:
        (programs / name).symlink_to(shutil.which(name))
    monkeypatch.setenv("PATH", str(programs))
    for name in [name for name in os.environ if name.startswith(("PIP_", "MAKE"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    clone = tmp_path / "clone"
    clone.mkdir()
    shutil.copytree(ROOT / ".ci", clone / ".ci")
    for name in ("Makefile", "constraints.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, clone)
    monkeypatch.chdir(clone)
    return clone


def add_program(machine, name, text=""):
    program = machine.parent / "programs" / name
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o755)


def make(*arguments):
    done = subprocess.run([MAKE, *arguments], capture_output=True, text=True, timeout=120, check=False)
    own = [line for line in done.stderr.splitlines() if not line.startswith("make: ***")]
    return done.returncode, done.stdout, own


def refused(*arguments):
    """Run `make demo`, which must fail; return its last line."""
    code, out, err = make("demo", *arguments)
    assert (code, out) == (2, "")
    assert [line for line in err[:-1] if not line.startswith("Setting up .venv-demo with ")] == []
    assert not Path(".venv-demo/.ready").exists()
    return err[-1]


# Python


@pytest.mark.parametrize(
    ("installer", "how"),
    [
        ("apt-get", "sudo apt install python3 python3-venv"),
        ("dnf", "sudo dnf install python3"),
        ("apk", "sudo apk add python3"),
        ("brew", "brew install python"),
        (None, "see python.org"),
    ],
)
def test_a_machine_without_python_is_told_how_to_install_it(installer, how, machine):
    if installer:
        add_program(machine, installer)
    assert refused() == (
        f"Python 3.11 or newer is needed. Install it: {how}. Or name one: make … PYTHON=/path/to/python3.12"
    )


def test_a_python_that_is_too_old_is_named(machine):
    add_program(machine, "python3", OLD)
    assert refused().startswith("Python 3.11 or newer is needed, and python3 is 3.9. Install it: ")


@pytest.mark.parametrize("name", ["older", "an older one"])
def test_the_python_that_a_person_named_is_the_only_one_tried(name, machine):
    add_program(machine, "python3", WORKING)
    add_program(machine, name, OLD)
    assert f"and {name} is 3.9. " in refused(f"PYTHON={name}")


def test_a_python_without_the_venv_module_is_told_what_to_install(machine):
    add_program(machine, "python3", WITHOUT_VENV)
    assert refused() == "python3 lacks the venv module. Install it: sudo apt install python3-venv"


# The environment


def test_the_demo_and_the_agent_share_a_small_environment(machine):
    add_program(machine, "python3", WORKING)
    code, out, err = make("demo")
    assert (code, out) == (0, ".venv-demo/bin/calendly-connector demo\n")
    assert err == ["Setting up .venv-demo with Python 3.12.0, once …"]
    assert make("demo") == (0, out, [])
    assert make("agent", "PORT=0") == (0, ".venv-demo/bin/calendly-connector agent --sandbox --port 0\n", [])


def test_a_half_made_environment_is_made_again(machine):
    add_program(machine, "python3", WORKING)
    (machine / ".venv-demo/bin").mkdir(parents=True)
    (machine / ".venv-demo/bin/calendly-connector").write_text("from the time before")
    code, out, err = make("demo")
    assert (code, out, len(err)) == (0, ".venv-demo/bin/calendly-connector demo\n", 1)


def test_the_environment_for_development_is_used_if_there_is_one(machine):
    for name in ("bin/calendly-connector", ".ready"):
        path = machine / ".venv" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('#!/bin/sh\necho "$0" "$@"\n')
        path.chmod(0o755)
    assert make("demo") == (0, ".venv/bin/calendly-connector demo\n", [])


def test_a_folder_that_cannot_be_written_is_one_line(machine):
    (machine / ".venv-demo").write_text("a file")
    line = refused(f"PYTHON={sys.executable}")
    assert line == "Can't write to .venv-demo: File exists. Clone to a folder in which you can write."


@pytest.mark.usefixtures("machine")
def test_without_a_package_index_it_says_what_to_set(closed_port, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{closed_port}/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    assert refused(f"PYTHON={sys.executable}") == (
        "pip needs a package index, and can't reach one (Connection refused). Check the network; for a proxy "
        "set HTTPS_PROXY, for a mirror PIP_INDEX_URL, for its certificate PIP_CERT."
    )
    assert "Connection refused" in Path(".venv-demo/install.log").read_text()


def test_the_commands_without_make_do_the_same(machine):
    add_program(machine, "python3", WORKING)
    section = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("Without `make`:")[2]
    block = section.partition("```console\n")[2].partition("```")[0]
    commands = [line.removeprefix("$ ") for line in block.splitlines()]
    assert commands[-1] == ".venv-demo/bin/calendly-connector demo"
    done = subprocess.run([SHELL, "-ec", "\n".join(commands)], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == (f"{commands[-1]}\n", "")


# What pip says

DISK = "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device"
FOLDER = "Error: [Errno 13] Permission denied: '/opt/clone/env'"
NO_NAMES = """\
WARNING: Retrying (Retry(total=0, …)) after connection broken by 'NewConnectionError('<…>: Failed to establish
a new connection: [Errno -3] Temporary failure in name resolution')': /simple/click/
ERROR: Could not find a version that satisfies the requirement click (from versions: none)
ERROR: No matching distribution found for click
"""
PROXY = """\
WARNING: Retrying (Retry(total=0, …)) after connection broken by 'ProxyError('Cannot connect to proxy.',
OSError('Tunnel connection failed: 407 Proxy Authentication Required'))': /simple/click/
"""
CERTIFICATE = """\
SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: …'
"""
NO_WHEEL = """\
ERROR: Could not find a version that satisfies the requirement orjson>=3.10 (from versions: none)
ERROR: No matching distribution found for orjson>=3.10
"""
NO_COMPILER = """\
  error: command 'gcc' failed: No such file or directory
  ERROR: Failed building wheel for cffi
ERROR: Failed to build cffi
"""


@pytest.mark.parametrize(
    ("output", "words"),
    [
        (DISK, "The disk is full. env needs 300 MB"),
        (FOLDER, "Can't write to env: Permission denied. Clone to"),
        (NO_NAMES, "pip needs a package index, and can't reach one (name resolution). Check"),
        (PROXY, "can't reach one (Cannot connect to proxy). Check the network; for a proxy set HTTPS_PROXY"),
        (CERTIFICATE, "can't reach one (CERTIFICATE_VERIFY_FAILED). Check the network"),
        ("Retrying after connection broken by …", "can't reach one (connection broken). Check"),
        (NO_WHEEL, f"There is no wheel of orjson for Python {platform.python_version()} on "),
        (NO_COMPILER, "There is no wheel of cffi for Python"),
        ("ERROR: One.\nERROR: Two.\n", "env couldn't be set up: Two. (all of it: env/install.log)"),
        ("", "env couldn't be set up: unknown error (all of it: env/install.log)"),
    ],
)
def test_a_failed_installation_is_explained_in_one_line(output, words):
    command = [SHELL, str(ROOT / ".ci" / "explain"), "env", sys.executable, "env/install.log"]
    done = subprocess.run(command, input=output, capture_output=True, text=True, timeout=30, check=True)
    assert words in done.stdout
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""
