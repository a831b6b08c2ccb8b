"""The hook: opens our connection from an Airflow connection, and backs its Test button."""

from airflow.sdk import BaseHook

from ...connection import CalendlyConnection
from ...errors import ConnectorError
from ...plugin import connector
from . import connection_form

DEFAULT_CONN_ID = "calendly_default"


class CalendlyHook(BaseHook):
    """Calendly with the credential of an Airflow connection."""

    conn_name_attr = "calendly_conn_id"
    default_conn_name = DEFAULT_CONN_ID
    conn_type = "calendly"
    hook_name = "Calendly"

    def __init__(self, calendly_conn_id: str = DEFAULT_CONN_ID) -> None:
        super().__init__()
        self.calendly_conn_id = calendly_conn_id

    def get_conn(self) -> CalendlyConnection:
        """Return a connection, a context manager. Its first call is the first to use the network."""
        return self._connect(f"the Airflow connection {self.calendly_conn_id!r}")

    def test_connection(self) -> tuple[bool, str]:
        """Return whether the credential works, and who it belongs to or what to do."""
        try:
            with self._connect("this connection") as connection:  # under test it has an id of Airflow's own
                report = connection.check()
        except ConnectorError as error:
            return False, str(error)
        sentences = [report.message, report.fix]
        if report.ok:
            sentences += [f"Organization: {report.organization}, role: {report.role or 'unknown'}."]
        sentences += [f"{note[:1].upper()}{note[1:]}." for note in report.notes]
        return report.ok, " ".join(filter(None, sentences))

    def _connect(self, source: str) -> CalendlyConnection:
        stored = self.get_connection(self.calendly_conn_id)
        credential = connection_form.credential(stored.password, stored.extra_dejson)
        origin = connection_form.origin(stored.host, stored.port)
        return connector.connect(credential, origin=origin, source=source)
