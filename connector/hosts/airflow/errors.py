"""Our errors as Airflow's: a retryable error follows the task's `retries`, any other fails it immediately."""

from collections.abc import Iterator
from contextlib import contextmanager

from airflow.sdk.exceptions import AirflowException, AirflowFailException

from ...errors import ConnectorError


def airflow_error(message: str, *, retryable: bool) -> AirflowException:
    """Return the exception that makes Airflow retry the task, or fail it without another try."""
    return AirflowException(message) if retryable else AirflowFailException(message)


@contextmanager
def reraise_as_airflow() -> Iterator[None]:
    """Raise our errors, including their fix, as Airflow's."""
    try:
        yield
    except ConnectorError as error:
        raise airflow_error(str(error), retryable=error.retryable) from None
