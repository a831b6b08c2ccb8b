"""The parts that some connectors have and others don't. Each has a suite of its own."""

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import TypeVar

import pytest

from ..contract import Connection, Connector
from ..errors import UsageError
from .form_check import form_fields

CALLBACK = "https://flows.acme.example/events"
_Part = TypeVar("_Part")


def needed(part: _Part | None, name: str) -> _Part:
    """Return a part of the subject; fail the test if the subject has none."""
    if part is None:
        pytest.fail(f"this test needs a subject with `{name}`", pytrace=False)
    return part


def suite_problems(connector: Connector, connection: Connection, inherited: Collection[str]) -> Iterator[str]:
    """Yield the suites that a connector's parts need but aren't inherited, and those without such a part."""
    for suite, (part, declared_by) in _SUITES.items():
        declared = next(declared_by(connector), None)
        if declared and suite not in inherited:
            yield f"{declared}, so inherit from {suite}, too"
        if suite in inherited and not declared:
            yield f"the connector has no {part}, so don't inherit from {suite}"
    # Nothing declares webhooks. A suite that isn't needed fails because it gets none.
    if "WebhooksSuite" not in inherited and _subscribes(connector, connection):
        yield "subscribe doesn't raise UsageError, so it has webhooks: inherit from WebhooksSuite, too"


def _subscribes(connector: Connector, connection: Connection) -> bool:
    if not connector.manifest.triggers:
        return False
    try:
        connection.subscribe(list(connector.manifest.triggers), CALLBACK)
    except Exception as error:  # noqa: BLE001 - any other error shows that it tried
        return not isinstance(error, UsageError)
    return True


def _lists(connector: Connector) -> Iterator[str]:
    for name, action in connector.actions().items():
        if action.returns == "many":
            yield f"{name} returns a list"


def _options(connector: Connector) -> Iterator[str]:
    for of, field in form_fields(connector):
        if field.has_options:
            yield f"{of}: {field.path} has options"


def _look_ups(connector: Connector) -> Iterator[str]:
    for name, action in connector.actions().items():
        if action.look_up:
            yield f"{name} has a look-up"


def _triggers(connector: Connector) -> Iterator[str]:
    for name in connector.manifest.triggers:
        yield f"{name} is a trigger"


def _sign_ins(connector: Connector) -> Iterator[str]:
    for name, kind in connector.manifest.credentials.items():
        if kind.needs_sign_in:
            yield f"the credential kind {name!r} needs a sign-in"


_SUITES: Mapping[str, tuple[str, Callable[[Connector], Iterator[str]]]] = {
    "ListsSuite": ("action that returns a list", _lists),
    "OptionsSuite": ("field with options", _options),
    "LostReplySuite": ("action with a look-up", _look_ups),
    "EventsSuite": ("trigger", _triggers),
    "SignInSuite": ("credential kind that needs a sign-in", _sign_ins),
}
