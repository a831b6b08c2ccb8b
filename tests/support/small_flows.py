"""Small flows for tests of the engine. Their text is JSON, so that the tests need no reader of flow files."""

import json

from calendly_connector.agent.flows.model import (
    Call,
    Condition,
    Flow,
    FlowConnection,
    FlowTrigger,
    Retry,
    Schedule,
    Step,
)


def step(name="write", action="entries.create", text="~{event.payload.text}~", **options):
    """Return a step that writes a text to the journal."""
    rows = [] if text is None else [["text", text]]
    return {"id": name, "action": action, "rows": rows + options.pop("rows", []), **options}


def text(*steps, name="notes", **trigger):
    """Return the text of a flow."""
    return json.dumps({"name": name, "trigger": trigger, "steps": steps or [step()]})


def read(text):
    """Return the flow of a text."""
    data = json.loads(text)
    trigger = dict(data["trigger"])
    schedule = trigger.pop("schedule", None)
    made = FlowTrigger(
        connection="journal",
        schedule=Schedule(**schedule) if schedule else None,
        events=tuple(trigger.pop("events", ())),
        filters=tuple(map(tuple, trigger.pop("filters", ()))),
        **trigger,
    )
    connections = {"journal": FlowConnection("journal", "main")}
    return Flow(data["name"], connections, made, tuple(map(_step, data["steps"])))


def _step(data):
    undo = data.get("undo")
    return Step(
        data["id"],
        _call(data),
        conditions=tuple(Condition(**one) for one in data.get("when", ())),
        for_each=data.get("for_each", ""),
        at_once=data.get("at_once", 1),
        retry=Retry(**data.get("retry", {})),
        then=data.get("then", "stop"),
        undo=_call(undo) if undo else None,
        timeout_s=data.get("timeout_s"),
    )


def _call(data):
    return Call("journal", data["action"], tuple(map(tuple, data["rows"])))


def event(number=1, text="Hello", kind="entry.asked", **payload):
    """Return an event that asks for an entry."""
    return {
        "id": f"event-{number}",
        "kind": kind,
        "created_at": "2026-11-18T09:00:00Z",
        "created_by": None,
        "payload": {"text": text, **payload},
    }
