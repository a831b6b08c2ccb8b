"""A fake Calendly without a network: it replies with each action's example, changed by the test."""

import copy
import json
import random
import re

from calendly_connector.catalog.manifest import catalog
from calendly_connector.http.client import Client

GONE = object()
ODD_VALUES = [
    GONE,
    None,
    True,
    5,
    -1,
    2**63,
    10**400,
    1.5,
    "",
    "nonsense",
    "a b",
    "~{GetUserUrl}~",
    "../../users/me",
    "9999-12-31T23:59:59.999999Z",
    "0001-01-01T00:00:00Z",
    "\0\x1b[31m\u202e\U0001f600",
    "x" * 5000,
    "https://api.calendly.com/scheduled_events/a b",
    "https://api.calendly.com/webhook_subscriptions/W1",
    "https://api.calendly.com/users/A/",
    "https://evil.example/scheduled_events/AAAA",
    "https://[::1/users/A",
    [],
    [None, 5, {}],
    ["x", ["y"]],
    {},
    {"uri": 5},
    {"created_at": [], "total": "2", "limit": {}},
]
_DEEP = "deep-goes-here"


class OddCalendly:
    """Replaces the network. `change` receives an action's id and document, and returns a document."""

    def __init__(self):
        self.change = lambda _action, document: document
        self.asked = []

    def __call__(self, _client, request, _header, _give_up_at):
        action = _action_of(request)
        self.asked.append(action.id)
        if action.returns == "none":
            return 204, {}, b""
        document = self.change(action.id, copy.deepcopy(document_of(action)))
        return 200, {"content-type": "application/json"}, body_of(document)


def document_of(action):
    """Return a reply made from the examples of an action."""
    records = [copy.deepcopy(example["output"]) for example in action.examples if "output" in example][:2]
    if action.returns == "one":
        return records[0] if action.bare else {"resource": records[0]}
    return {"collection": records, "pagination": {"count": len(records), "next_page_token": None}}


def body_of(document):
    body = json.dumps(document).encode()
    return body.replace(json.dumps(_DEEP).encode(), b"[" * 300 + b"]" * 300)


def places(document, path=()):
    """Return the path of every value in a document."""
    found = [path] if path else []
    inner = document.items() if isinstance(document, dict) else enumerate(document)
    for name, value in inner:
        found += places(value, (*path, name)) if isinstance(value, dict | list) else [(*path, name)]
    return found


def replaced(document, path, value):
    """Return a document with another value at a path, or without that path."""
    *above, last = path
    inside = document
    for name in above:
        inside = inside[name]
    if value is not GONE:
        inside[last] = copy.deepcopy(value)
    else:
        del inside[last]
    return document


def at_random(seed):
    """Return a change that puts odd values in up to three places of each reply, repeatable by seed."""
    rng = random.Random(seed)  # noqa: S311 - repeatable by seed
    values = [*ODD_VALUES, _DEEP]

    def change(_action, document):
        for _ in range(rng.randint(0, 3)):
            if found := places(document):
                document = replaced(document, rng.choice(found), rng.choice(values))
        return document

    return change


def _action_of(request):
    for action in catalog().values():
        pattern = re.sub(r"\{\w+\}", "[^/]+", action.path)
        if action.method == request.method and re.fullmatch(pattern, request.path):
            return action
    raise AssertionError(f"there is no action for {request.method} {request.path}")


def install(monkeypatch):
    """Replace the network with an odd Calendly and return it."""
    fake = OddCalendly()
    monkeypatch.setattr(Client, "_exchange", lambda *arguments: fake(*arguments))  # noqa: PLW0108 - must be bound as a method
    return fake
