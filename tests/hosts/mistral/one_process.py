"""A whole Mistral in one process: engine, executor and REST, over SQLite and the `fake:/` transport.

    python one_process.py CONFIG PORT

It prints `listening` once it accepts calls.
"""

import sys

from cheroot import wsgi
from mistral import config, context
from mistral.api import app
from mistral.db.v2 import api as db_api
from mistral.engine import engine_server
from mistral.executors import executor_server
from mistral.rpc import base as rpc
from oslo_config import cfg
from oslo_db import options as db_options
from oslo_log import log


def main(config_file, port):
    db_options.set_defaults(cfg.CONF)
    config.parse_args(["--config-file", config_file])
    log.setup(cfg.CONF, "Mistral")
    rpc.get_transport()
    db_api.setup_db()
    context.set_ctx(context.MistralContext(user_id="", project_id="", is_admin=True))
    for server in (executor_server, engine_server):
        service = server.get_oslo_service(setup_profiler=False)
        service.start()
        service.wait_started()
    server = wsgi.Server(("127.0.0.1", port), app.setup_app())
    server.prepare()
    sys.stdout.write("listening\n")
    sys.stdout.flush()
    server.serve()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
