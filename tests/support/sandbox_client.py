"""Run a sandbox with a client that checks every reply against the reference OpenAPI file."""

import re
from contextlib import contextmanager
from datetime import date
from functools import cache

import httpx
import jsonschema_rs
import yaml
from brief import brief_sandbox
from calendly_connector.sandbox.world import fixtures
from locations import OPENAPI

PAYLOADS = OPENAPI.parent / "payloads"
PUBLIC = "https://api.calendly.com"
ANCHOR = date(2026, 11, 17)

ORGANIZATION = f"{PUBLIC}/organizations/{fixtures.ORGANIZATION}"
OWNER = f"{PUBLIC}/users/{fixtures.OWNER}"
ADMIN = f"{PUBLIC}/users/{fixtures.ADMIN}"
GROUP = f"{PUBLIC}/groups/{fixtures.GROUP}"
INTRO_CALL = f"{PUBLIC}/event_types/{fixtures.INTRO_CALL}"
SALES_DEMO = f"{PUBLIC}/event_types/{fixtures.SALES_DEMO}"


class Clock:
    """Unix seconds that advance only on demand, from 2026-11-18T11:06:40Z."""

    def __init__(self):
        self.now = 1_795_000_000.0

    def __call__(self):
        return self.now


class Reference:
    """The documented replies of the OpenAPI file."""

    def __init__(self):
        self._spec = yaml.safe_load(OPENAPI.read_text())
        self._registry = jsonschema_rs.Registry([("spec:///", _closed(self._spec))])
        self._paths = [
            (template.count("{"), re.compile(re.sub(r"\{\w+\}", "[^/]+", template)), template, item)
            for template, item in self._spec["paths"].items()
        ]
        self._paths.sort(key=lambda row: row[0])

    def check(self, reply):
        """Assert that a reply has a documented status and exactly the documented shape."""
        method, path, status = reply.request.method.lower(), reply.request.url.path, str(reply.status_code)
        found = ((template, item) for _, pattern, template, item in self._paths if pattern.fullmatch(path))
        template, item = next(found, (None, {}))
        if method not in item:
            assert status in {"404", "405"}
            return
        response = item[method]["responses"][status]
        pointer = f"#/paths/{_pointer(template)}/{method}/responses/{status}"
        if "$ref" in response:
            pointer = response["$ref"]
            response = self._spec["components"]["responses"][pointer.rpartition("/")[2]]
        if not response.get("content"):
            assert not reply.content or reply.json() == {}
            return
        pointer += "/content/application~1json/schema"
        validator = jsonschema_rs.Draft202012Validator(
            {"$ref": f"spec:///{pointer}"}, registry=self._registry, validate_formats=True
        )
        validator.validate(reply.json())


@cache
def _reference():
    return Reference()


def _pointer(text):
    return text.replace("~", "~0").replace("/", "~1").replace("{", "%7B").replace("}", "%7D")


def _closed(node):
    """Return a copy of a schema in which objects allow no undocumented properties."""
    if isinstance(node, list):
        return [_closed(item) for item in node]
    if not isinstance(node, dict):
        return node
    copy = {key: _closed(value) for key, value in node.items()}
    if node.get("type") == "object" and isinstance(node.get("properties"), dict):
        copy.setdefault("additionalProperties", False)
    return copy


class Client:
    """Calls the API with one of the sandbox's tokens and checks each reply."""

    def __init__(self, http, reference, sandbox):
        self.http, self.sandbox, self.world = http, sandbox, sandbox.world
        self._reference = reference

    def __call__(self, method, path, caller="sandbox-owner", *, json=None, **query):
        headers = {"Authorization": f"Bearer {caller}"}
        reply = self.http.request(method, path, params=query, json=json, headers=headers)
        self._reference.check(reply)
        return reply

    def ok(self, method, path, *args, **kwargs):
        """Return the record or rows of a successful reply."""
        reply = self(method, path, *args, **kwargs)
        assert reply.status_code < 300, reply.text
        body = reply.json() if reply.content else {}
        return body.get("resource", body.get("collection", body))

    def problems(self, method, path, *args, **kwargs):
        """Return {parameter: message} of a reply that must be a 400."""
        reply = self(method, path, *args, **kwargs)
        assert reply.status_code == 400, reply.text
        return {detail.get("parameter"): detail["message"] for detail in reply.json()["details"]}

    def member(self, place):
        return self.world.population.members[place]


@contextmanager
def serving(**changes):
    """Run a sandbox and yield a client for it."""
    options = {"anchor": ANCHOR, "public_origin": True, "rate_limit": 0, "clock": Clock()} | changes
    with brief_sandbox(**options) as sandbox, httpx.Client(base_url=sandbox.url, trust_env=False) as http:
        yield Client(http, _reference(), sandbox)
