"""A process that carries out runs until it is killed, or until others declare it dead.

python engine_worker.py DATABASE JOURNAL_PORT LEASE_S
"""

import os
import signal
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from calendly_connector.agent.engine.connections import Connections
from calendly_connector.agent.engine.engine import Engine, EngineSettings
from calendly_connector.agent.engine.moves import Settling
from journal_connector import by_tcp
from small_flows import read

GRACE_S = 0.4  # longer than the journal takes


def make(database, port, lease_s):
    """Return an engine whose flows write to the journal on a port."""
    connector = by_tcp(int(port))
    settings = EngineSettings(
        at_once=8,
        look_every_s=0.05,
        lease_s=float(lease_s),
        most_starts=int(os.environ.get("MOST_STARTS", "50")),
        settling=Settling(grace_s=GRACE_S, most_s=60, most_wait_s=1),
    )
    connections = Connections(lambda _name: connector)
    return Engine(database, read=read, connections=connections, settings=settings)


def main(database, port, lease_s):
    ending = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ending.set())
    engine = make(database, port, lease_s)
    engine.start()
    while not (ending.wait(0.1) or engine.lost.is_set()):
        pass
    engine.stop(within_s=0)


if __name__ == "__main__":
    main(*sys.argv[1:])
