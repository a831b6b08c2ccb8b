"""A process that runs a flow of the foreign connector once: DATABASE ORIGIN KEY, and the flow on its input.

It writes the run's state, and the modules of calendly-connector that were loaded.
"""

import json
import sys

from calendly_connector.agent.engine.connections import Connections
from calendly_connector.agent.engine.engine import Engine
from calendly_connector.agent.flows import check, file
from engine_waiting import QUICK, wait_until_ended


class Store(dict):
    """A store of credentials in memory."""

    def get(self, name):
        return dict(self[name])


def main(database, origin, key):
    """Run the flow, and write what is known then."""
    text = sys.stdin.read()
    connections = Connections(store=Store(board={"kind": "key", "key": key}), origins={"noteboard": origin})
    flow = check.load(text, {"noteboard": connections.connector("noteboard")})
    with Engine(database, read=file.parse, connections=connections, settings=QUICK) as engine:
        engine.deploy(text, flow)
        run = wait_until_ended(engine, engine.start_run(flow.name))
    modules = [name for name in sys.modules if name.startswith("calendly_connector.")]
    json.dump({"state": run["state"], "modules": modules}, sys.stdout)


main(*sys.argv[1:])
