"""A connection of Airflow's as one of ours, and what the Test button says."""

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
from calendly_connector.hosts.airflow.errors import told_to_airflow
from calendly_connector.hosts.airflow.hooks import CalendlyHook


def test_it_gives_our_connection(sandbox, give_connection):
    give_connection(sandbox)
    with CalendlyHook().get_conn() as connection:
        assert connection.run("users.me").record["name"]


def test_it_tests_by_saying_who_and_which_organization(sandbox, give_connection):
    give_connection(sandbox)
    well, told = CalendlyHook().test_connection()
    assert well
    assert told.startswith("Signed in as ")
    assert "/organizations/" in told
    assert "role: owner" in told


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"password": "made-up"}, "doesn't accept the token (401). Create a new token"),
        ({"password": ""}, "The connection holds no credential. Fill in"),
        ({"password": "", "extra": {"name": "nobody"}}, "nobody"),
        ({"extra": {"plan": ["trial"]}}, "must be strings"),
        ({"extra": {"plan": "foo"}}, "plan is 'foo'. Set it to trial or enterprise"),
        ({"extra": {"nmae": "work"}}, "unknown fields: nmae"),
        ({"host": "http://calendly.example"}, "must be https://host"),
        ({"host": "http://calendly.example"}, "Leave API address and port empty"),
        ({"password": "two words"}, "contains a space"),
    ],
)
def test_it_tests_by_saying_what_is_wrong_and_what_to_do(
    sandbox, give_connection, tmp_path, monkeypatch, fields, told
):
    monkeypatch.setenv("CALENDLY_CONNECTOR_VAULT", str(tmp_path / "vault.json"))
    give_connection(sandbox, **fields)
    well, said = CalendlyHook().test_connection()
    assert not well
    assert told in said


def test_an_outage_is_no_traceback(give_connection, closed_port):
    give_connection(f"http://127.0.0.1:{closed_port}")
    well, said = CalendlyHook().test_connection()
    assert not well
    assert "127.0.0.1" in said


def test_a_stored_credential_is_taken_by_its_name(sandbox, give_connection, tmp_path, monkeypatch):
    from calendly_connector.auth.vault import open_vault

    monkeypatch.setenv("CALENDLY_CONNECTOR_VAULT", str(tmp_path / "vault.json"))
    open_vault().put("work", {"kind": "personal_access_token", "token": "sandbox-owner"})
    give_connection(sandbox, password="", extra={"name": "work"})
    assert CalendlyHook().test_connection()[0]


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (RateLimited("Too many.", fix="Wait.", status=429), True),
        (CalendlyDown("Down.", fix="Wait.", status=503), True),
        (NoAnswer("Silence.", fix="Look.", reason="timeout"), True),
        (NoAnswer("Silence.", fix="Look.", reason="timeout", may_have_happened=True), False),
        (NotFound("Gone.", fix="Look.", status=404), False),
        (InvalidCredential("Bad.", fix="Mend."), False),
        (UsageError("Wrong.", fix="Mend."), False),
    ],
)
def test_airflow_tries_again_what_may_pass_and_never_a_write_that_may_have_happened(error, again):
    with pytest.raises(AirflowException) as caught, told_to_airflow():
        raise error
    assert str(caught.value) == str(error)
    assert isinstance(caught.value, AirflowFailException) is not again
