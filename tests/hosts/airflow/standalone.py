"""`airflow standalone` on ports of its own, and an end to all of its processes."""

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

    With `apart` they have a session each, to kill one of them, and there is no triggerer.
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
        """Kill the program that was started last, with all that it started."""
        session = self._sessions.pop()
        for process in _processes(session.pid):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        session.wait(STOPS_WITHIN_S)

    def log(self):
        """Give what its programs said."""
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
        """Ask again and again; give what it gave when that was something."""
        ends = time.monotonic() + seconds
        while True:
            try:
                if told := condition():
                    return told
            except OSError as error:
                told = error
            assert time.monotonic() < ends, f"{told}: see {self._installation.home}/standalone.log"
            time.sleep(0.25)

    def _is_healthy(self):
        assert all(session.poll() is None for session in self._sessions), "one of them has ended"
        told = self.get("/api/v2/monitor/health")
        return all(told[part]["status"] == "healthy" for part in self._healthy)

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
        """End the whole sessions: their first processes alone leave their children behind for long."""
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
    """A task of a run of its own, that has a date or not; where it is mapped, the one with this index."""

    def __init__(self, standalone, dag, task, *, params=None, index=-1, dated=True):
        self._standalone, self._index = standalone, index
        path = f"/api/v2/dags/{dag}"
        standalone.wait_for(lambda: standalone.get(path), STARTS_WITHIN_S)
        standalone.patch(path, {"is_paused": False})
        asked = {"logical_date": datetime.now(UTC).isoformat() if dated else None, "conf": params or {}}
        self._run = f"{path}/dagRuns/{standalone.post(f'{path}/dagRuns', asked)['dag_run_id']}"
        self._path = f"{self._run}/taskInstances/{task}"

    def look(self):
        """Give what Airflow knows of it."""
        mapped = "" if self._index < 0 else f"/{self._index}"
        return self._standalone.get(f"{self._path}{mapped}")

    def waits(self):
        """Wait until it waits in the triggerer."""
        state = self._reached(self.look, "deferred", "success", "failed", "up_for_retry")
        assert state == "deferred", self.errors()

    def ended(self):
        """Wait until its run has ended; give how."""
        return self._reached(lambda: self._standalone.get(self._run), "success", "failed")

    def clear(self):
        """Clear it, as a person does to have it run again."""
        dag, _, run = self._run.rpartition("/dagRuns/")
        asked = {"dry_run": False, "dag_run_id": run, "task_ids": [self._path.rpartition("/")[2]]}
        self._standalone.post(f"{dag}/clearTaskInstances", {**asked, "only_failed": False})

    def xcom(self, key="return_value"):
        """Give what it handed on."""
        query = f"map_index={self._index}&deserialize=true"
        return self._standalone.get(f"{self._path}/xcomEntries/{key}?{query}")["value"]

    def errors(self):
        """Give what the log of its last try says of errors."""
        path = f"{self._path}/logs/{self.look()['try_number']}?map_index={self._index}"
        lines = self._standalone.get(path, Accept="application/json")["content"]
        return "\n".join(json.dumps(line) for line in lines if line.get("level") in ("error", "critical"))

    def _reached(self, look, *states):
        def state():
            now = look()["state"]
            return now if now in states else None

        return self._standalone.wait_for(state, ENDS_WITHIN_S)


def _processes(session):
    """Give the processes of a session that live."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue  # gone by now
            if fields[0] != "Z" and int(fields[3]) == session:
                found.append(int(folder.name))
    return found


def _free_ports(count):
    with ExitStack() as stack:
        listeners = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [listener.getsockname()[1] for listener in listeners]
