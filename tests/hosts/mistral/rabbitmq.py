"""A RabbitMQ broker for the tests, in a temporary folder, on loopback."""

import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

import rest

_ROOT = "/usr/lib/rabbitmq/lib"


def programs():
    """Return the folder of rabbitmq-server and rabbitmqctl, or None without RabbitMQ."""
    return next((path for path in Path(_ROOT).glob("*/sbin") if (path / "rabbitmq-server").exists()), None)


@contextmanager
def broker(binaries, ports):
    """Run a broker on the first of three free ports and yield its URL."""
    port, between_nodes, names = ports
    folder = Path(tempfile.mkdtemp(prefix="calendly-rabbitmq-"))
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "HOSTNAME": "localhost",
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_EPMD_PORT": str(names),
        "RABBITMQ_NODENAME": f"mistral{port}@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(between_nodes),
        "RABBITMQ_MNESIA_BASE": str(folder / "data"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_PID_FILE": str(folder / "pid"),
        "RABBITMQ_CONF_ENV_FILE": str(folder / "none"),
        "RABBITMQ_CONFIG_FILE": str(folder / "none"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
    }

    def run(*command):
        subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL, timeout=rest.WAIT_S)

    with (folder / "output").open("wb") as log:
        running = subprocess.Popen([binaries / "rabbitmq-server"], env=environment, stdout=log, stderr=log)
        try:
            run(binaries / "rabbitmqctl", "wait", "--timeout", str(rest.WAIT_S), str(folder / "pid"))
            yield f"rabbit://guest:guest@127.0.0.1:{port}/"
        finally:
            running.terminate()
            running.wait(rest.WAIT_S)
            run(shutil.which("epmd"), "-port", str(names), "-kill")
            shutil.rmtree(folder, ignore_errors=True)
