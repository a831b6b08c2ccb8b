"""Operators: run any action of the catalog, and sync an account."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from airflow.sdk import BaseHook, BaseOperator

from ...catalog.manifest import find
from ...contract import Result
from ...errors import UsageError
from . import dag_check
from .errors import reraise_as_airflow
from .hooks import DEFAULT_CONN_ID, CalendlyHook
from .write_guard import GuardedWrite, send_once
from .xcom import MAX_XCOM_BYTES, check_size, write_json_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Context

    from ...connection import CalendlyConnection
    from ...contract import Filter, Params, Records, Settled


class CalendlyActionOperator(BaseOperator):
    """Run any action of the catalog. An invalid call fails when the DAG is parsed.

    `action_params` are plain values, also from outside or from earlier tasks. `filter` is written by the
    DAG's author and may have `~{…}~` functions. Both are templated. A list returns one page, up to `limit`
    records, or all of them with `all_pages`.

    The XCom is the record, or for a list the records; the XCom `summary` then says whether they are complete.
    With `output_path` (any ObjectStoragePath) the records are written there as JSON Lines, and the XCom has
    path and summary. A result larger than `most_xcom_bytes` is an error.

    A write is sent at most once: if its worker dies meanwhile, the next try looks up whether it happened, and
    fails if that can't be decided.
    """

    template_fields: Sequence[str] = (
        "action_params",
        "filter",
        "output_path",
        "calendly_conn_id",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"action_params": "json", "filter": "json"}

    def __init__(
        self,
        *,
        action: str,
        action_params: Params | None = None,
        filter: Filter | None = None,  # noqa: A002 - the same name as in `connection.run`
        limit: int | None = None,
        all_pages: bool = False,
        output_path: str | None = None,
        most_xcom_bytes: int = MAX_XCOM_BYTES,
        calendly_conn_id: str = DEFAULT_CONN_ID,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.action = action
        self.action_params = action_params if action_params is not None else {}
        self.filter = filter if filter is not None else {}
        self.limit = limit
        self.all_pages = all_pages
        self.output_path = output_path
        self.most_xcom_bytes = most_xcom_bytes
        self.calendly_conn_id = calendly_conn_id
        with reraise_as_airflow():
            returns = dag_check.check_call(action, self.action_params, self.filter, limit).returns
            if output_path is not None and returns == "none":
                raise UsageError(f"{action} returns no records.", fix="Omit output_path.")
            if all_pages and returns != "many":
                raise UsageError(f"{action} doesn't return a list.", fix="Omit all_pages.")

    def execute(self, context: Context) -> Any:
        """Run the action and return its XCom."""
        with reraise_as_airflow(), CalendlyHook(self.calendly_conn_id).get_conn() as connection:
            dag_check.check_object("action_params", self.action_params)
            dag_check.check_object("filter", self.filter)
            action = dag_check.find_called(self.action, self.action_params, self.filter)
            if action.safe_to_repeat:
                return self._run(context, connection)

            def settle(sent_at: float) -> Settled:
                return connection.settle(
                    action.id, self.action_params, sent_at=sent_at, filter=self.filter, limit=self.limit
                )

            def adopt(settled: Settled) -> Any:
                return self._deliver(context, Result(action.id, settled.record, warnings=(settled.message,)))

            send = partial(self._run, context, connection)
            return send_once(context, GuardedWrite(action.id, send, settle, adopt))

    def _run(self, context: Context, connection: CalendlyConnection) -> Any:
        if self.output_path is not None and (self.all_pages or self.limit is not None):
            return self._write(connection, self.output_path)
        return self._deliver(context, self._result(connection))

    def _deliver(self, context: Context, result: Result) -> Any:
        """Return the XCom of a result, and write its records to the file, if there is one."""
        self._warn(result.warnings)
        if self.output_path is not None:
            records = result.records if result.record is None else [result.record]
            count = write_json_lines(self.output_path, [records])
            return {"path": self.output_path, **_summary(result, count)}
        if find(result.action).returns != "many":
            return check_size(result.record, self.most_xcom_bytes)
        records = check_size(result.records, self.most_xcom_bytes)
        context["ti"].xcom_push(key="summary", value=_summary(result, len(records)))
        return records

    def _result(self, connection: CalendlyConnection) -> Result:
        return connection.run(
            self.action, self.action_params, filter=self.filter, limit=self.limit, all_pages=self.all_pages
        )

    def _write(self, connection: CalendlyConnection, path: str) -> dict[str, Any]:
        """Write a list to a file page by page, and return the XCom."""
        records = connection.iterate(self.action, self.action_params, filter=self.filter, limit=self.limit)
        count = write_json_lines(path, records.pages())
        self._warn(records.warnings)
        return {"path": path, **_summary(records, count)}

    def _warn(self, warnings: Sequence[str]) -> None:
        for warning in warnings:
            self.log.warning("%s", warning)


class CalendlySyncOperator(BaseOperator):
    """Sync the account: everything on the first run, later runs only what may have changed.

    `to` is an SQLite file, a database URL without a password, or with `form` (jsonl or csv) a folder. For a
    database with a password, set `to_conn_id` to an Airflow connection instead. The XCom is the report: per
    table, how many rows are new, changed and so on.
    """

    template_fields: Sequence[str] = ("to", "to_conn_id", "calendly_conn_id")

    def __init__(
        self,
        *,
        to: str | None = None,
        to_conn_id: str | None = None,
        form: Literal["jsonl", "csv"] | None = None,
        options: Params | None = None,
        calendly_conn_id: str = DEFAULT_CONN_ID,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.to = to
        self.to_conn_id = to_conn_id
        self.form = form
        self.options = dict(options or {})
        self.calendly_conn_id = calendly_conn_id
        with reraise_as_airflow():
            dag_check.check_sync(to, to_conn_id, form, self.options)

    def execute(self, context: Context) -> dict[str, Any]:  # noqa: ARG002 - Airflow's signature
        """Sync and return the report."""
        from ... import sync

        with reraise_as_airflow(), CalendlyHook(self.calendly_conn_id).get_conn() as connection:
            report = sync.run(
                connection, self._address(), sync.SyncOptions(**self.options), file_format=self.form
            )
        for warning in report.warnings:
            self.log.warning("%s", warning)
        return report.to_dict()

    def _address(self) -> str:
        if self.to_conn_id is None:
            return self.to or ""
        hook = BaseHook.get_hook(self.to_conn_id)
        if not hasattr(hook, "get_uri"):
            raise UsageError(
                f"{self.to_conn_id} is not a database connection.",
                fix="Set to_conn_id to a connection whose type is a database, or set to.",
            )
        return str(hook.get_uri())


def _summary(result: Result | Records, count: int) -> dict[str, Any]:
    return {
        "records": count,
        "complete": result.complete,
        "next_page_token": result.next_page_token,
        "extra": result.extra,
        "calls": result.calls,
        "warnings": list(result.warnings),
    }
