"""What a new action is made from: its operation in the OpenAPI file, and what existing actions show. Pure."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from calendly_connector.catalog.models import Action

import openapi
from openapi import Operation, Schema, follow, unnamed

PUBLIC: Final = "https://api.calendly.com"
NOBODY: Final = "00000000-0000-4000-8000-000000000000"


@dataclass(frozen=True)
class NewAction:
    """The action to be: its id, and its operation in the OpenAPI file."""

    id: str
    operation: Operation
    spec: Schema

    @property
    def resource(self) -> str:
        """The first part of the id, which names the YAML file."""
        return self.id.partition(".")[0]

    @property
    def verb(self) -> str:
        """The second part of the id."""
        return self.id.partition(".")[2]

    @property
    def function(self) -> str:
        """The name of the function that serves it in the sandbox."""
        return "_".join(split_words(self.operation.entry["operationId"]))

    @cached_property
    def path(self) -> str:
        """The path; its last id is called uuid."""
        before, brace, after = self.operation.path.rpartition("{")
        return f"{before}{{uuid}}{after.partition('}')[2]}" if brace else after

    @cached_property
    def path_ids(self) -> tuple[str, ...]:
        """The names of the ids in the path."""
        return tuple(re.findall(r"\{(\w+)\}", self.path))

    @cached_property
    def status(self) -> int:
        """The HTTP status of success."""
        return int(openapi.reply(self.operation, self.spec)[0] or 200)

    @cached_property
    def envelope(self) -> Schema:
        """The schema of the whole reply."""
        return openapi.reply(self.operation, self.spec)[1]

    @property
    def returns(self) -> str:
        """`one`, `many` or `none`."""
        properties = self.envelope.get("properties", {})
        return "many" if "collection" in properties else "one" if properties else "none"

    @property
    def bare(self) -> bool:
        """Whether the reply is a record without an envelope."""
        return self.returns == "one" and "resource" not in self.envelope["properties"]

    @property
    def paginated(self) -> bool:
        """Whether the list comes in pages."""
        return bool(self.operation.entry.get("x-paginated"))

    @cached_property
    def plan(self) -> str:
        """The plan that the operation needs, empty if every plan has it."""
        plan = str(self.operation.entry.get("x-plan", "")).partition(";")[0]
        return "" if plan.startswith("all plans") else plan

    @cached_property
    def query(self) -> list[str]:
        """The names of the query parameters."""
        return [entry["name"] for entry in openapi.parameters(self.operation, self.spec, "query")]

    @cached_property
    def inputs(self) -> Mapping[str, Schema]:
        """The query parameters and the fields of the body, as the file has them."""
        found = {
            parameter["name"]: {
                "description": parameter.get("description", ""),
                **parameter.get("schema", {}),
            }
            for parameter in openapi.parameters(self.operation, self.spec, "query")
        }
        body: Schema = follow(openapi.body(self.operation, self.spec), self.spec)
        return {**found, **body.get("properties", {})}

    @cached_property
    def required(self) -> list[str]:
        """The required inputs; path ids first."""
        parameters = openapi.parameters(self.operation, self.spec, "query")
        body = follow(openapi.body(self.operation, self.spec), self.spec)
        asked = [parameter["name"] for parameter in parameters if parameter.get("required")]
        return [*self.path_ids, *asked, *body.get("required", [])]


@dataclass(frozen=True)
class Known:
    """What the existing actions show: the resources that fields name, shapes and values for examples."""

    catalog: Mapping[str, Action]

    @cached_property
    def _fields(self) -> Mapping[str, Counter[str]]:
        named: dict[str, Counter[str]] = {}
        for action in self.catalog.values():
            for name, rule in action.inputs.items():
                resource = rule.get("items", rule).get("x-resource")
                if isinstance(resource, str) and name not in action.path_ids:
                    named.setdefault(name, Counter())[resource] += 1
        return named

    def resource(self, field: str) -> str | None:
        """Return the resource that a field of this name means, if all actions agree."""
        found = self._fields.get(field, Counter())
        return next(iter(found)) if len(found) == 1 else None

    def resource_at(self, path: str, target: NewAction) -> str:
        """Return the resource that the last id of a path names."""
        for action in self.catalog.values():
            if action.id.endswith(".get") and unnamed(action.path) == unnamed(path):
                return str(action.id).partition(".")[0]
        own = target.verb == "get" and unnamed(target.path) == unnamed(path)
        return target.resource if own else path.split("/")[-2]

    def collection(self, resource: str) -> str:
        """Return the words of the path to a resource, such as `scheduled_events/invitees`."""
        action = self.catalog.get(f"{resource}.get")
        path = action.path if action else f"/{resource}/{{uuid}}"
        return "/".join(step for step in path.split("/")[1:] if not step.startswith("{"))

    def uri(self, resource: str) -> str:
        """Return the URI of a resource that the examples name, that is one which the sandbox has."""
        named: Counter[str] = Counter()
        for action in self.catalog.values():
            for name, rule in action.inputs.items():
                value = action.examples[0]["input"].get(name)
                if rule.get("x-resource") == resource and str(value).startswith(PUBLIC):
                    named[value] += 1
        for action in self.catalog.values():
            record = action.examples[0]["output"]
            if action.id.partition(".")[0] == resource and isinstance(record, dict) and "uri" in record:
                named[record["uri"]] += 1
        return max(
            named, key=lambda uri: named[uri], default=f"{PUBLIC}/{self.collection(resource)}/{NOBODY}"
        )

    def record(self, shape: str) -> Any:
        """Return the example record of an action that returns this shape, None if there is none."""
        reference = f"#/$defs/{shape}"
        same = (action for action in self.catalog.values() if action.output.get("$ref") == reference)
        return next((action.examples[0]["output"] for action in same), None)

    @cached_property
    def page_token(self) -> str:
        """The description of `page_token`, which is the same in every paginated list."""
        lists = (action.inputs for action in self.catalog.values() if "page_token" in action.inputs)
        return str(next(lists)["page_token"]["description"])


def split_words(name: str) -> list[str]:
    """Split a name in camel case into lowercase words."""
    return [word.lower() for word in re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", name)]
