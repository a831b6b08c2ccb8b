"""`airflow standalone` on its own ports, and the end of all its processes."""

import json
import os
import secrets
import signal
import socket
import subprocess
import time
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

from installation import PROGRAMS

STARTS_WITHIN_S = 180
STOPS_WITHIN_S = 30
ENDS_WITHIN_S = 180
_STANDALONE = ("standalone",)
_APART = ("api-server", "dag-processor", "scheduler")


class Standalone:
    """API server, scheduler, DAG processor and triggerer of an installation, in a session of their own.

    With `apart`, each has its own session, so one can be killed; the triggerer is left out.
    """

    def __init__(self, installation, *, apart=False, **settings):
        self._installation = installation
        self._programs = _APART if apart else _STANDALONE
        self._healthy = {"metadatabase", "scheduler"} | (set() if apart else {"triggerer"})
        self._sessions = []
        api, workers, triggers = _free_ports(3)
        self.url = f"http://127.0.0.1:{api}"
        self._environment = {
            **installation.environment,
            "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(api),
            "AIRFLOW__API__BASE_URL": self.url,
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
            "AIRFLOW__CORE__PARALLELISM": "2",
            "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "60",  # asking twice is a conflict to some of them
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(workers),
            "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(triggers),
            **settings,
        }
        self._token = None

    def __enter__(self):
        with ExitStack() as stack:
            stack.callback(self._end)
            for program in self._programs:
                self.start(program)
            self.wait_for(self._is_healthy, STARTS_WITHIN_S)
            self._token = self.get("/auth/token")["access_token"]
            self._closing = stack.pop_all()
        return self

    def __exit__(self, *_):
        self._closing.close()

    def start(self, program):
        """Start one of Airflow's programs, in a session of its own."""
        with (self._installation.home / "standalone.log").open("ab") as log:
            session = subprocess.Popen(
                [PROGRAMS / "airflow", program],
                env=self._environment,
                cwd=self._installation.home,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._sessions.append(session)

    def kill_latest(self):
        """Kill the program started last and all its children."""
        session = self._sessions.pop()
        for process in _processes(session.pid):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        session.wait(STOPS_WITHIN_S)

    def log(self):
        """Return the programs' output."""
        return (self._installation.home / "standalone.log").read_text()

    def get(self, path, **headers):
        """Read from the REST API."""
        return self._call("GET", path, None, headers)

    def post(self, path, body):
        """Send to the REST API."""
        return self._call("POST", path, body, {})

    def patch(self, path, body):
        """Change through the REST API."""
        return self._call("PATCH", path, body, {})

    def wait_for(self, condition, seconds):
        """Poll until the condition is truthy and return its value."""
        ends = time.monotonic() + seconds
        while True:
            try:
                if result := condition():
                    return result
            except OSError as error:
                result = error
            assert time.monotonic() < ends, f"{result}: see {self._installation.home}/standalone.log"
            time.sleep(0.25)

    def _is_healthy(self):
        assert all(session.poll() is None for session in self._sessions), "one of them has ended"
        health = self.get("/api/v2/monitor/health")
        return all(health[part]["status"] == "healthy" for part in self._healthy)

    def _call(self, method, path, body, headers):
        sent = {"Content-Type": "application/json", **headers}
        if self._token:
            sent["Authorization"] = f"Bearer {self._token}"
        data = None if body is None else json.dumps(body).encode()
        request = Request(self.url + path, data=data, headers=sent, method=method)  # noqa: S310 - our own
        try:
            with build_opener(ProxyHandler({})).open(request, timeout=60) as answer:
                return json.loads(answer.read() or b"null")
        except HTTPError as error:
            with error:
                raise OSError(f"{method} {path}: {error.code} {error.read().decode()}") from None

    def _end(self):
        """End whole sessions: if only their first processes ended, the children would live on for long."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            ends = time.monotonic() + STOPS_WITHIN_S
            for process in self._living():
                with suppress(ProcessLookupError):
                    os.kill(process, number)
            while self._living() and time.monotonic() < ends:
                for session in self._sessions:
                    session.poll()
                time.sleep(0.1)
        for session in self._sessions:
            session.wait(STOPS_WITHIN_S)

    def _living(self):
        return [process for session in self._sessions for process in _processes(session.pid)]


class TaskOfRun:
    """A task in a run of its own, with or without a date; `index` selects one of a mapped task."""

    def __init__(self, standalone, dag, task, *, params=None, index=-1, dated=True):
        self._standalone, self._index = standalone, index
        path = f"/api/v2/dags/{dag}"
        standalone.wait_for(lambda: standalone.get(path), STARTS_WITHIN_S)
        standalone.patch(path, {"is_paused": False})
        body = {"logical_date": datetime.now(UTC).isoformat() if dated else None, "conf": params or {}}
        self._run = f"{path}/dagRuns/{standalone.post(f'{path}/dagRuns', body)['dag_run_id']}"
        self._path = f"{self._run}/taskInstances/{task}"

    def details(self):
        """Return the task instance."""
        mapped = "" if self._index < 0 else f"/{self._index}"
        return self._standalone.get(f"{self._path}{mapped}")

    def waits(self):
        """Wait until it is deferred to the triggerer."""
        state = self._reached(self.details, "deferred", "success", "failed", "up_for_retry")
        assert state == "deferred", self.errors()

    def ended(self):
        """Wait until its run has ended and return the state."""
        return self._reached(lambda: self._standalone.get(self._run), "success", "failed")

    def clear(self):
        """Clear it, so it runs again."""
        dag, _, run = self._run.rpartition("/dagRuns/")
        body = {"dry_run": False, "dag_run_id": run, "task_ids": [self._path.rpartition("/")[2]]}
        self._standalone.post(f"{dag}/clearTaskInstances", {**body, "only_failed": False})

    def xcom(self, key="return_value"):
        """Return an XCom."""
        query = f"map_index={self._index}&deserialize=true"
        return self._standalone.get(f"{self._path}/xcomEntries/{key}?{query}")["value"]

    def errors(self):
        """Return the errors in the log of its last try."""
        path = f"{self._path}/logs/{self.details()['try_number']}?map_index={self._index}"
        lines = self._standalone.get(path, Accept="application/json")["content"]
        return "\n".join(json.dumps(line) for line in lines if line.get("level") in ("error", "critical"))

    def _reached(self, read, *states):
        def state():
            now = read()["state"]
            return now if now in states else None

        return self._standalone.wait_for(state, ENDS_WITHIN_S)


def _processes(session):
    """Return the living processes of a session."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue  # ended meanwhile
            if fields[0] != "Z" and int(fields[3]) == session:
                found.append(int(folder.name))
    return found


def _free_ports(count):
    with ExitStack() as stack:
        listeners = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [listener.getsockname()[1] for listener in listeners]
