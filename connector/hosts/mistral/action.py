"""The action that runs in Mistral's executors, which rebuild it from its attributes: plain data."""

from typing import Any

from mistral_lib.actions import Action, Result
from oslo_config import cfg

from ...auth.credentials import credential_source, find_credential
from ...contract import Connection, Polled, Record
from ...errors import ConnectorError
from ...plugin import connector
from . import results
from .descriptors import CHECK, POLL, Offered, offered


class CalendlyAction(Action):
    """An action of `offer` with its inputs; of a credential they hold the name."""

    def __init__(self, name: str, inputs: Record) -> None:
        super().__init__()
        self.name = name
        self.inputs = inputs

    def __repr__(self) -> str:
        return f"<{self.name}>"  # which Mistral logs

    def run(self, context: Any) -> Result:  # noqa: ARG002 - Mistral's signature
        """Run it: a result, or an error with code, message, fix and retryable for Mistral's rules."""
        limit_kb: int = cfg.CONF.engine.execution_field_size_limit_kb
        inputs = dict(self.inputs)
        try:
            entry = offered(self.name)
            entry.check_values(inputs)
            credential = find_credential(inputs.pop("credential", ""))
            source = credential_source(credential, "of Mistral's executors")
            with connector.connect(credential, source=source) as connection:
                if self.name == CHECK:
                    return _check(connection, inputs)
                answer = (
                    results.of_look(_poll(connection, inputs))
                    if self.name == POLL
                    else _run(connection, entry, inputs, limit_kb)
                )
            results.check_size(answer, limit_kb, done=entry.changes)
        except ConnectorError as error:
            return Result(error=results.of_error(error, limit_kb))
        return Result(data=answer)


def _check(connection: Connection, inputs: Record) -> Result:
    report = connection.check(**inputs)
    told = results.of_report(report)
    return Result(data=told) if report.ok else Result(error=told)


def _poll(connection: Connection, inputs: Record) -> Polled:
    events, filters, halves = inputs.pop("events"), inputs.pop("filters", None), inputs.pop("halves", False)
    return connection.trigger(events, filters, include_raw_reschedules=halves).poll(**inputs)


def _run(connection: Connection, entry: Offered, inputs: Record, limit_kb: int) -> Record:
    limit, all_pages = inputs.pop("limit", None), inputs.pop("all_pages", False)
    if limit is not None or all_pages:
        stream = connection.iterate(entry.id, inputs, limit=limit)
        return results.of_list(results.gather(stream.pages(), limit_kb), stream)
    result = connection.run(entry.id, inputs)
    return results.of_list(result.records, result) if entry.returns == "many" else results.of_one(result)
