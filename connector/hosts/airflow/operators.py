"""Operators: any action of the catalog, and a copy of an account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from airflow.sdk import BaseHook, BaseOperator

from ...catalog.manifest import find
from ...errors import UsageError
from . import dag_check
from .errors import told_to_airflow
from .hooks import DEFAULT_CONN_ID, CalendlyHook
from .write_guard import once
from .xcom import MOST_XCOM_BYTES, fitting, write_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Context

    from ...connection import CalendlyConnection
    from ...contract import Filter, Params, Records, Result


class CalendlyActionOperator(BaseOperator):
    """Runs any action of the catalog; a wrong call is refused when the DAG is parsed.

    `action_params` are plain values, also what comes from outside or from earlier tasks; `filter` are rows
    that the DAG's author wrote, with `~{…}~` functions. Both are templated. A list gives one page, or up to
    `limit` records, or with `all_pages` all.

    By XCom it gives the record of an action that gives one, and the list of records of one that gives many;
    `summary` then says whether that was all. With `output_path`, any path of ObjectStoragePath, the records
    go there as JSON lines, and XCom has path and summary. Larger results than `most_xcom_bytes` are refused.

    A write is sent once: if its worker dies with it, the next try fails and says that it may have happened.
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
        filter: Filter | None = None,  # noqa: A002 - the platform's own word for these rows
        limit: int | None = None,
        all_pages: bool = False,
        output_path: str | None = None,
        most_xcom_bytes: int = MOST_XCOM_BYTES,
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
        with told_to_airflow():
            returns = dag_check.check_call(action, self.action_params, self.filter, limit).returns
            if output_path is not None and returns == "none":
                raise UsageError(f"{action} gives no records.", fix="Leave output_path out.")
            if all_pages and returns != "many":
                raise UsageError(f"{action} gives no list.", fix="Leave all_pages out.")

    def execute(self, context: Context) -> Any:
        """Run the action."""
        with told_to_airflow(), CalendlyHook(self.calendly_conn_id).get_conn() as connection:
            dag_check.check_object("action_params", self.action_params)
            dag_check.check_object("filter", self.filter)
            action = dag_check.find_called(self.action, self.action_params, self.filter)
            if action.effect == "read" or action.idempotent:
                return self._act(context, connection)
            return once(context, action.id, lambda: self._act(context, connection))

    def _act(self, context: Context, connection: CalendlyConnection) -> Any:
        """Run the action; return what goes by XCom."""
        if self.output_path is not None:
            return self._write(connection, self.output_path)
        result = self._run(connection)
        self._warn(result.warnings)
        if find(result.action).returns != "many":
            return fitting(result.record, self.most_xcom_bytes)
        records = fitting(result.records, self.most_xcom_bytes)
        context["ti"].xcom_push(key="summary", value=_summary(result, len(records)))
        return records

    def _run(self, connection: CalendlyConnection) -> Result:
        return connection.run(
            self.action, self.action_params, filter=self.filter, limit=self.limit, all_pages=self.all_pages
        )

    def _write(self, connection: CalendlyConnection, path: str) -> dict[str, Any]:
        """Write the records, whole lists page by page as they are read."""
        result: Result | Records
        if self.all_pages or self.limit is not None:
            result = connection.iterate(self.action, self.action_params, filter=self.filter, limit=self.limit)
            count = write_lines(path, result.pages())
        else:
            result = whole = self._run(connection)
            count = write_lines(path, [whole.records if whole.record is None else [whole.record]])
        self._warn(result.warnings)
        return {"path": path, **_summary(result, count)}

    def _warn(self, warnings: Sequence[str]) -> None:
        for warning in warnings:
            self.log.warning("%s", warning)


class CalendlySyncOperator(BaseOperator):
    """Copies the account, the first time all of it, later what may have changed.

    `to` is an SQLite file, a database's address without a password, or with `form` (jsonl or csv) a folder.
    For an address with a password name a connection of Airflow's in `to_conn_id` instead. By XCom it gives
    the report: rows by what became of them, table by table.
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
        with told_to_airflow():
            dag_check.check_copy(to, to_conn_id, form, self.options)

    def execute(self, context: Context) -> dict[str, Any]:  # noqa: ARG002 - Airflow's signature
        """Copy."""
        from ... import sync

        with told_to_airflow(), CalendlyHook(self.calendly_conn_id).get_conn() as connection:
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
                f"{self.to_conn_id} is no connection to a database.",
                fix="Name one whose type is a database in to_conn_id, or give to.",
            )
        return str(hook.get_uri())


def _summary(result: Result | Records, count: int) -> dict[str, Any]:
    """Say whether a list is whole, and how to go on where it is not."""
    return {
        "records": count,
        "complete": result.complete,
        "next_page_token": result.next_page_token,
        "extra": result.extra,
        "calls": result.calls,
        "warnings": list(result.warnings),
    }
