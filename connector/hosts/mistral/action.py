"""The action that runs in Mistral's executors, which recreate it from its attributes, plain data.

See docs/decisions/one-mistral-class.md.
"""

from time import time
from typing import Any

from mistral_lib.actions import Action, Result
from oslo_config import cfg

from ...auth.credentials import credential_source, find_credential
from ...contract import Connection, Polled, Record
from ...contract import Result as Answer
from ...errors import CalendlyDown, ConnectorError, NoAnswer
from ...plugin import connector
from . import results
from .descriptors import CHECK, POLL, MistralAction, find_action


class CalendlyAction(Action):
    """An action by name, with its inputs. They contain a credential's name, never the credential."""

    def __init__(self, name: str, inputs: Record) -> None:
        super().__init__()
        self.name = name
        self.inputs = inputs

    def __repr__(self) -> str:
        return f"<{self.name}>"  # Mistral logs this

    def run(self, context: Any) -> Result:  # noqa: ARG002 - Mistral's signature
        """Run it; return a result, or an error object with code, message, fix and retryable."""
        limit_kb: int = cfg.CONF.engine.execution_field_size_limit_kb
        inputs = dict(self.inputs)
        try:
            action = find_action(self.name)
            action.check_own_inputs(inputs)
            credential = find_credential(inputs.pop("credential", ""))
            source = credential_source(credential, "of Mistral's executors")
            with connector.connect(credential, source=source) as connection:
                if self.name == CHECK:
                    return _check(connection, inputs)
                result = (
                    results.poll_result(_poll(connection, inputs))
                    if self.name == POLL
                    else _run(connection, action, inputs, limit_kb)
                )
            results.check_size(result, limit_kb, done=action.writes)
        except ConnectorError as error:
            return Result(error=results.error_result(error, limit_kb))
        return Result(data=result)


def _check(connection: Connection, inputs: Record) -> Result:
    report = connection.check(**inputs)
    result = results.check_result(report)
    return Result(data=result) if report.ok else Result(error=result)


def _poll(connection: Connection, inputs: Record) -> Polled:
    trigger = connection.trigger(
        inputs.pop("events"),
        inputs.pop("filters", None),
        include_raw_reschedules=inputs.pop("include_raw_reschedules", False),
    )
    return trigger.poll(**inputs)


def _run(connection: Connection, action: MistralAction, inputs: Record, limit_kb: int) -> Record:
    limit, all_pages = inputs.pop("limit", None), inputs.pop("all_pages", False)
    if limit is not None or all_pages:
        stream = connection.iterate(action.id, inputs, limit=limit)
        return results.list_result(results.read_all(stream.pages(), limit_kb), stream)
    result = _send(connection, action, inputs)
    if action.returns == "many":
        return results.list_result(result.records, result)
    return results.single_result(result)


def _send(connection: Connection, action: MistralAction, inputs: Record) -> Answer:
    """Run it; if the reply to a write is lost, look up whether it was done."""
    sent_at = time()
    try:
        return connection.run(action.id, inputs)
    except (NoAnswer, CalendlyDown) as error:
        if not error.may_have_happened:
            raise
        settled = connection.settle(action.id, inputs, sent_at=sent_at)
        if settled.state == "done":
            return results.settled_result(action.id, settled)
        raise results.settled_error(error, settled) from None
