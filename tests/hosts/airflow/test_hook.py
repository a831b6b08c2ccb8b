"""The hook: our connection from an Airflow connection, and the Test button's message."""

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from calendly_connector.errors import (
    CalendlyDown,
    InvalidCredential,
    NoAnswer,
    NotFound,
    RateLimited,
    UsageError,
)
from calendly_connector.hosts.airflow.errors import reraise_as_airflow
from calendly_connector.hosts.airflow.hooks import CalendlyHook


def test_get_conn_returns_our_connection(sandbox, give_connection):
    give_connection(sandbox)
    with CalendlyHook().get_conn() as connection:
        assert connection.run("users.me").record["name"]


def test_a_passed_test_shows_user_organization_and_role(sandbox, give_connection):
    give_connection(sandbox)
    ok, message = CalendlyHook().test_connection()
    assert ok
    assert message.startswith("Signed in as ")
    assert "/organizations/" in message
    assert "role: owner" in message


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"password": "made-up"}, "accept the token (401). Create a new token"),
        ({"password": ""}, "The connection has no credential. Fill in"),
        ({"password": "", "extra": {"name": "nobody"}}, "nobody"),
        ({"extra": {"plan": ["trial"]}}, "must be strings"),
        ({"extra": {"plan": "foo"}}, "plan is 'foo'. Set it to trial or enterprise"),
        ({"extra": {"nmae": "work"}}, "unknown fields: nmae"),
        ({"host": "http://calendly.example"}, "must be https://host"),
        ({"host": "http://calendly.example"}, "leave API address and Port empty"),
        ({"password": "two words"}, "contains a space"),
    ],
)
def test_a_failed_test_shows_what_is_wrong_and_what_to_do(
    sandbox, give_connection, tmp_path, monkeypatch, fields, expected
):
    monkeypatch.setenv("CALENDLY_CONNECTOR_VAULT", str(tmp_path / "vault.json"))
    give_connection(sandbox, **fields)
    ok, message = CalendlyHook().test_connection()
    assert not ok
    assert expected in message


def test_an_outage_fails_the_test_without_a_traceback(give_connection, closed_port):
    give_connection(f"http://127.0.0.1:{closed_port}")
    ok, message = CalendlyHook().test_connection()
    assert not ok
    assert "127.0.0.1" in message


def test_a_stored_credential_is_used_by_name(sandbox, give_connection, tmp_path, monkeypatch):
    from calendly_connector.auth.vault import open_vault

    monkeypatch.setenv("CALENDLY_CONNECTOR_VAULT", str(tmp_path / "vault.json"))
    open_vault().put("work", {"kind": "personal_access_token", "token": "sandbox-owner"})
    give_connection(sandbox, password="", extra={"name": "work"})
    assert CalendlyHook().test_connection()[0]


@pytest.mark.parametrize(
    ("error", "retried"),
    [
        (RateLimited("Too many.", fix="Wait.", status=429), True),
        (CalendlyDown("Down.", fix="Wait.", status=503), True),
        (NoAnswer("No answer.", fix="Check.", reason="timeout"), True),
        (NoAnswer("No answer.", fix="Check.", reason="timeout", may_have_happened=True), False),
        (NotFound("Gone.", fix="Check.", status=404), False),
        (InvalidCredential("Bad.", fix="Fix it."), False),
        (UsageError("Wrong.", fix="Fix it."), False),
    ],
)
def test_airflow_retries_retryable_errors_and_never_a_write_that_may_have_happened(error, retried):
    with pytest.raises(AirflowException) as caught, reraise_as_airflow():
        raise error
    assert str(caught.value) == str(error)
    assert isinstance(caught.value, AirflowFailException) is not retried
