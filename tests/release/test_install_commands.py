"""The commands of README.md, tutorial.md and install.md that install the connector work from dist/.

The index is this machine's; only the connector itself comes from dist/.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from doc_pages import commands, run_by
from environments import ROOT, run

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
ALWAYS = ("pipx install calendly-connector", "uv tool install 'calendly-connector[agent]'")


def shown():
    """Return the commands in the pages, and those that are always tried, each once."""
    lines = [command.text for block in run_by(__file__, *PAGES) for command in commands(block)]
    return list(dict.fromkeys([*ALWAYS, *(line.partition("  #")[0].strip() for line in lines)]))


@pytest.fixture
def variables(dist, tmp_path):
    home, tools = tmp_path / "home", tmp_path / "tools"
    home.mkdir()
    tools.mkdir()
    for name in ("pipx", "uv"):
        (tools / name).symlink_to(shutil.which(name))
    run(sys.executable, "-m", "venv", home / "venv")  # for `pip install`
    local = home / ".local"
    path = (home / "venv/bin", local / "bin", tools, "/usr/local/bin", "/usr/bin", "/bin")
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))
    }
    return {
        **kept,
        "HOME": str(home),
        "PATH": ":".join(map(str, path)),
        "PIP_FIND_LINKS": f"{dist} {os.environ.get('PIP_FIND_LINKS', '')}".strip(),
        "UV_FIND_LINKS": str(dist),
        "UV_CACHE_DIR": os.environ.get("UV_CACHE_DIR", str(Path.home() / ".cache/uv")),
        "PIP_CACHE_DIR": os.environ.get("PIP_CACHE_DIR", str(Path.home() / ".cache/pip")),
        "PIPX_DEFAULT_PYTHON": sys.executable,
        "UV_PYTHON": sys.executable,
    }


@pytest.mark.parametrize("command", shown())
def test_an_install_command_installs_the_program(command, variables, version):
    bash = shutil.which("bash")
    done = subprocess.run(
        [bash, "-ec", command],
        env=variables,
        cwd=variables["HOME"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    says = run(bash, "-c", "calendly-connector --version", env=variables).stdout
    assert says == f"calendly-connector, version {version}\n"
    if command.startswith("pipx "):  # it links what man and the shells look for
        share = Path(variables["HOME"]) / ".local/share"
        assert (share / "man/man1/calendly-connector-run.1").exists()
        assert (share / "bash-completion/completions/calendly-connector").exists()
