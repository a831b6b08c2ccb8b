"""A connection of Airflow's as one of ours, and what the Test button says of it."""

from airflow.sdk import BaseHook

from ...connection import CalendlyConnection
from ...contract import CheckReport
from ...errors import ConnectorError
from ...plugin import connector
from . import connection_form

DEFAULT_CONN_ID = "calendly_default"


class CalendlyHook(BaseHook):
    """Calendly on behalf of a connection that Airflow keeps."""

    conn_name_attr = "calendly_conn_id"
    default_conn_name = DEFAULT_CONN_ID
    conn_type = "calendly"
    hook_name = "Calendly"

    def __init__(self, calendly_conn_id: str = DEFAULT_CONN_ID) -> None:
        super().__init__()
        self.calendly_conn_id = calendly_conn_id

    def get_conn(self) -> CalendlyConnection:
        """Give a connection of the connector, a context manager; uses no network before its first call."""
        return self._connect(f"the Airflow connection {self.calendly_conn_id!r}")

    def _connect(self, source: str) -> CalendlyConnection:
        kept = self.get_connection(self.calendly_conn_id)
        credential = connection_form.credential(kept.password, kept.extra_dejson)
        return connector.connect(
            credential, origin=connection_form.origin(kept.host, kept.port), source=source
        )

    def test_connection(self) -> tuple[bool, str]:
        """Say who the credential is, or what is wrong with it and what to do."""
        try:
            with self._connect("this connection") as connection:  # its id is Airflow's own while it is tested
                report = connection.check()
        except ConnectorError as error:
            return False, str(error)
        return report.ok, _told(report)


def _told(report: CheckReport) -> str:
    sentences = [report.message, report.fix]
    if report.ok:
        sentences += [f"Organization: {report.organization}, role: {report.role or 'not known'}."]
    notes = [f"{note[:1].upper()}{note[1:]}." for note in report.notes]
    return " ".join(sentence for sentence in (*sentences, *notes) if sentence)
