"""Our errors as Airflow's: what may pass is tried again as the task says, all else fails at once."""

from collections.abc import Iterator
from contextlib import contextmanager

from airflow.sdk.exceptions import AirflowException, AirflowFailException

from ...errors import ConnectorError


def failure(message: str, *, retryable: bool) -> AirflowException:
    """Give the error that has Airflow try again, or not."""
    return AirflowException(message) if retryable else AirflowFailException(message)


@contextmanager
def told_to_airflow() -> Iterator[None]:
    """Raise an error of ours, with what to do about it, as one of Airflow's."""
    try:
        yield
    except ConnectorError as error:
        raise failure(str(error), retryable=error.retryable) from None
