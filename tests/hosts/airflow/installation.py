"""An Airflow in its own folder, driven by its commands."""

import json
import os
import secrets
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from calendly_connector.examples import airflow as examples
from calendly_connector.sandbox.app import SECRET_MARK

TOKEN = SECRET_MARK + secrets.token_hex(16)
KEY = SECRET_MARK + secrets.token_hex(16)
PROGRAMS = Path(sys.executable).parent
TIMEOUT_S = 180


class Installation:
    """Runs commands with its settings; database, logs and files are all below `home`."""

    def __init__(self, home, url):
        self.home = home
        self.url = url
        self.folder = home / "exported"
        dags = home / "dags"
        shutil.copytree(Path(__file__).parent / "dags", dags)
        for example in Path(examples.__path__[0]).glob("calendly_*.py"):
            shutil.copy(example, dags)
        self.environment = {
            **os.environ,
            "PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}",
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
            "AIRFLOW_VAR_CALENDLY_FOLDER": str(self.folder),
        }
        self.run("db", "migrate")
        self.add_connections()

    def run(self, *arguments, code=0, **environment):
        """Run an Airflow command and return its output."""
        done = self._run(*arguments, **environment)
        assert done.returncode == code, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def import_errors(self, dags):
        """Parse a folder of DAGs in a separate process and return the errors."""
        done = self._run(
            "dags", "list-import-errors", "--local", "--output", "json", AIRFLOW__CORE__DAGS_FOLDER=str(dags)
        )
        if done.returncode == 0:
            return []
        return [error["error"] for error in json.loads(done.stdout.splitlines()[-1])]

    def written(self):
        """Return the content of all files by path; files deleted meanwhile are skipped."""
        found = {}
        for path in self.home.rglob("*"):
            if path.is_file():
                with suppress(FileNotFoundError):
                    found[path] = path.read_bytes()
        return found

    def _run(self, *arguments, **environment):
        return subprocess.run(
            [PROGRAMS / "airflow", *arguments],
            env=self.environment | environment,
            cwd=self.home,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )

    def add_connections(self):
        """Import a good connection and a bad one from a file."""
        scheme, host, port = self.url.split(":")
        common = {"conn_type": "calendly", "host": f"{scheme}:{host}", "port": int(port)}
        extra = json.dumps({"secret_signing_key": KEY})
        connections = {
            "calendly_default": {**common, "password": TOKEN, "extra": extra},
            "calendly_bad": {**common, "password": "sandbox-secret-nobody"},
        }
        file = self.home / "connections.json"
        file.write_text(json.dumps(connections))
        self.run("connections", "import", str(file))
        file.unlink()
