"""A complete automation host in less than two hundred lines. It contains no code for any application.

It finds connectors by their entry points, draws forms, signs people in, checks credentials, lists actions,
receives webhooks on its own port, and runs flows. A flow is a YAML file:

    connector: <name of the entry point>
    credential: <kind>                    # its fields come from the environment variables in its form
    when: <kind of event>
    steps:
      - {id: a, action: <action>, filter: {key: value}}
      - {id: b, action: <action>, filter: {key: "${a.some.field}", other: "${event.payload.field}"}}

    python tiny_host.py run FLOW.yaml PORT       # have the application send its events to that port
    python tiny_host.py form CONNECTOR NAME      # the form of an action, a trigger or a kind of credential
"""

import json
import os
import sys
from dataclasses import asdict
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from threading import Thread

import stevedore
import yaml

if __package__:
    from .tiny_form import Form, ask, confirm, show
else:  # run as a script
    from tiny_form import Form, ask, confirm, show

GROUP = "integration_platform.connectors"
LARGEST_BODY = 1024 * 1024  # bytes


def discover():
    """Return every installed connector by name."""
    return {extension.name: extension.plugin for extension in stevedore.ExtensionManager(GROUP)}


def form(connector, kind):
    """Yield the rows of a credential form: title, secret or not, required or not, description."""
    for field in connector.manifest.credentials[kind].fields:
        secret, required = "secret" if field.secret else "", "required" if field.required else ""
        yield field.title, secret, required, field.description


def credential(connector, kind):
    """Return a credential, filled in from the environment."""
    filled = {"kind": kind}
    for field in connector.manifest.credentials[kind].fields:
        values = [os.environ[variable] for variable in field.environment if variable in os.environ]
        filled.update({field.name: values[0]} if values else {})
    return filled


def enter_credential(connector, kind, uses):
    """Return a credential from the environment, or else from a person, who signs in if that is needed."""
    declared, filled = connector.manifest.credentials[kind], credential(connector, kind)
    if not all(field.path in filled for field in declared.fields if field.required):
        show(f"{declared.title}. {declared.description}")
        show(f"See {declared.page}")
        filled |= Form(declared.fields).fill_in()
    if not declared.needs_sign_in:
        return filled
    oauth = connector.oauth(kind)
    request = oauth.authorize(filled, uses=uses)
    print(f"\nOpen {request.url}")
    return oauth.exchange(filled, request, ask("Paste the address that you were sent back to"))


def catalog(connector):
    """Yield a row for each action: endpoint, action, type, schema, help, API path if it is one call."""
    for action in connector.actions().values():
        method, _, path = action.request.partition(" ")
        yield action.id.partition(".")[0], action.id, method, action.id, action.title, path


def resolve(reference, known):
    """Return what `${step.field.0}` refers to, in the event or the result of an earlier step."""
    for part in reference[2:-1].split("."):
        known = known[int(part)] if isinstance(known, list) else known[part]
    return known


def run_flow(flow, connection, event):
    """Run a flow's steps and yield each with its result."""
    known = {"event": asdict(event)}
    for step in flow["steps"]:
        rows = step.get("filter", {})
        references = {key for key, value in rows.items() if isinstance(value, str) and value.startswith("${")}
        # Text from outside is passed as plain values; only the flow's author may write functions.
        values = {key: resolve(rows[key], known) for key in references}
        literals = {key: value for key, value in rows.items() if key not in references}
        result = connection.run(step["action"], values, filter=literals)
        known[step["id"]] = result.record or result.records
        yield step, result


class Receiver(ThreadingHTTPServer):
    """Receives webhooks and queues each verified event once, however often it is delivered."""

    def __init__(self, connection, port=0):
        super().__init__(("127.0.0.1", port), _Handler)
        self.connection, self.queue, self.seen = connection, Queue(), {}
        Thread(target=self.serve_forever, daemon=True).start()


class _Handler(BaseHTTPRequestHandler):
    timeout = 10  # seconds to wait for a slow sender

    def do_POST(self):
        """Answer 200 to an event, 401 without a valid signature, 413 if it is too large."""
        size = self.headers.get("Content-Length", "")
        if not size.isdecimal() or len(size) > 9 or int(size) > LARGEST_BODY:
            return self._answer(413, "too large, or no Content-Length")
        try:
            event = self.server.connection.receive(dict(self.headers), self.rfile.read(int(size)))
        except Exception as error:  # whatever is wrong with the request, no flow runs
            return self._answer(401, str(error))
        if self.server.seen.setdefault(event.id, self) is not self:
            return self._answer(200, "already received")
        self.server.queue.put(event)
        return self._answer(200, "accepted")

    def _answer(self, status, text):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Keep the terminal for the flow's output."""


def run(path, port):
    """Run a flow for each of its events until interrupted."""
    flow = yaml.safe_load(Path(path).read_bytes())
    connector = discover()[flow["connector"]]
    with connector.connect(credential(connector, flow["credential"])) as connection:
        report = connection.check()
        print(report.message, report.fix)
        receiver = Receiver(connection, int(port))
        while report.ok:
            event = receiver.queue.get()
            if event.kind == flow["when"]:
                for step, result in run_flow(flow, connection, event):
                    print(step["id"], result.record or result.records)
    return 1


def draw(name, of, kind=""):
    """Draw a form, show what was entered, and run the action if the person wants to."""
    connector = discover().get(name) or sys.exit(f"Unknown connector {name!r}.")
    kinds, triggers = connector.manifest.credentials, connector.manifest.triggers
    if of not in {*kinds, *triggers, *connector.actions()}:
        sys.exit(f"{name} has no action, trigger or kind of credential {of!r}.")
    kind = of if of in kinds else kind or next(iter(kinds))
    uses = connector.actions() if of in kinds else [of]
    with connector.connect(enter_credential(connector, kind, uses)) as connection:
        report = connection.check()
        show(f"{report.message} {report.fix}")
        if of in kinds or not report.ok:
            return 0 if report.ok else 1
        entry = triggers[of] if of in triggers else connector.actions()[of]
        print()
        show(f"{entry.title}. {entry.description}")
        values = Form(entry.fields, partial(connection.options, of)).fill_in()
        if of in triggers:
            print_json({"filters": values, "sample": asdict(connection.trigger([of], values).sample())})
            return 0
        print_json(connection.preview(of, values))
        if confirm(f"{entry.title}?"):
            result = connection.run(of, values)
            print_json(result.record or result.records)
    return 0


def print_json(value):
    print(json.dumps(value, indent=2, ensure_ascii=False))


def main(command="", *arguments):
    commands = {"run": run, "form": draw}
    if command not in commands:
        sys.exit(__doc__)
    try:
        return commands[command](*arguments)
    except (EOFError, KeyboardInterrupt):
        return 1
    except Exception as error:
        if not hasattr(error, "fix"):
            raise
        sys.exit(str(error))  # the errors of connectors are sentences, with what to do


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
