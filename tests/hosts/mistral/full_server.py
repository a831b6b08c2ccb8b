"""Mistral as it is deployed: PostgreSQL, RabbitMQ, REST and engine, cron triggers, and two executors."""

import os
import signal
import subprocess
from contextlib import contextmanager

import rest


class Server:
    """Mistral's processes; `folder` has the configuration and the log of each, by name."""

    def __init__(self, folder, environment, configure, port):
        self.folder = folder
        self.api = rest.Rest(f"http://127.0.0.1:{port}")
        self._environment = environment
        self._configure = configure
        self._running = {}

    def migrate(self):
        """Create the tables."""
        config = self._configure("migration")
        command = ("mistral-db-manage", "--config-file", config, "upgrade", "head")
        with (self.folder / "migration.out").open("wb") as output:
            subprocess.run(
                command, check=True, env=self._environment, stdout=output, stderr=output, timeout=rest.WAIT_S
            )

    def start(self, name, servers, log_line):
        """Start a process and wait for a line in its log."""
        command = ("mistral-server", "--config-file", self._configure(name), "--server", servers)
        with (self.folder / f"{name}.out").open("wb") as output:
            self._running[name] = subprocess.Popen(
                command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # it forks; its children end with it
            )
        rest.wait_for(lambda: log_line in self.log(name))

    def kill(self, name):
        """Kill a process and its children."""
        running = self._running.pop(name)
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()

    def log(self, name):
        path = self.folder / f"{name}.log"
        return path.read_text() if path.exists() else ""

    def kill_all(self):
        for name in list(self._running):
            self.kill(name)
        self.api.client.close()


@contextmanager
def full_server(folder, environment, configure, port):
    """Run a controller, cron and two executors until the block ends."""
    server = Server(folder, environment, configure, port)
    try:
        server.migrate()
        server.start("controller", "api,engine", "Engine server started")
        server.start("cron", "periodic", "Periodic server started")
        for name in ("first", "second"):
            server.start(name, "executor", "Executor server started")
        rest.wait_for(server.api.answers)
        yield server
    finally:
        server.kill_all()
