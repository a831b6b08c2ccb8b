"""Makes environments in which only the connector is installed."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


def run(*command, check=True, **options):
    """Run a command, and return what it did, with its output as text."""
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, **options
    )
    assert not check or done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done


def label(python):
    return run(python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])").stdout.strip()


@dataclass(frozen=True)
class Environment:
    """An environment with only the connector, and a home folder of its own."""

    path: Path
    home: Path

    @property
    def variables(self):
        return {
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "PATH": f"{self.path / 'bin'}:/usr/local/bin:/usr/bin:/bin",
            "TERM": "dumb",
        }

    def run(self, program, *arguments, **options):
        """Run one of its programs, in its home folder."""
        program = self.path / "bin" / program
        return run(program, *arguments, env=self.variables, cwd=self.home, **options)


def make_environment(folder, python, *requirements, tool="pip"):
    """Return an environment with what the requirements need, installed by pip or uv."""
    (folder / "home").mkdir(parents=True)
    made = Environment(folder / "env", folder / "home")
    if tool == "uv":
        run("uv", "venv", "--quiet", "--python", python, made.path)
        run("uv", "pip", "install", "--quiet", "--python", made.path / "bin/python", *requirements)
    else:
        run(python, "-m", "venv", made.path)
        run(made.path / "bin/python", "-m", "pip", "install", "--quiet", *requirements)
    return made
