"""A vault in a database, where rows can change at any time."""

import base64
import os
import sqlite3

import pytest
from calendly_connector.auth.vault import database, open_vault
from calendly_connector.auth.vault.database import DatabaseVault
from calendly_connector.auth.vault.encryption import CredentialCipher
from calendly_connector.auth.vault.keys import EnvironmentKeys
from calendly_connector.errors import UsageError, VaultError
from vault_worker import NEW, OLD

PASSWORD = "hunter2-of-the-database"


def make_key():
    return base64.b64encode(os.urandom(32)).decode()


@pytest.fixture
def file(tmp_path):
    return tmp_path / "vault.db"


@pytest.fixture
def keys():
    """Return an old and a new key."""
    return make_key(), make_key()


@pytest.fixture
def opened(file):
    """Open the vault with these keys."""
    return lambda *keys: DatabaseVault(f"sqlite:///{file}", EnvironmentKeys(" ".join(keys)))


def change(file, statement):
    with sqlite3.connect(file) as connection:
        connection.execute(statement)
    connection.close()


def test_swapped_or_changed_rows_do_not_decrypt(opened, keys, file):
    vault = opened(*keys)
    vault.put("work", OLD)
    vault.put("home", NEW)
    copied = "(select sealed from calendly_credentials where name = 'home')"
    change(file, f"update calendly_credentials set sealed = {copied}")  # noqa: S608 - no external input
    with pytest.raises(VaultError, match=r"'work' .* is damaged"):
        vault.get("work")
    assert vault.get("home") == NEW


def test_an_interrupted_rekey_can_be_run_again(opened, keys, monkeypatch):
    old, new = keys
    for number in range(5):
        opened(old).put(f"n{number}", {**OLD, "owner": str(number)})
    encrypt = CredentialCipher.encrypt
    left = iter(range(2))

    def stopping(*arguments):
        if next(left, None) is None:
            raise KeyboardInterrupt
        return encrypt(*arguments)

    monkeypatch.setattr(CredentialCipher, "encrypt", stopping)
    with pytest.raises(KeyboardInterrupt):
        opened(new, old).rekey()
    monkeypatch.undo()
    assert [opened(new, old).get(f"n{number}")["owner"] for number in range(5)] == list("01234")
    assert opened(new, old).rekey() == 3
    assert [opened(new).get(f"n{number}")["owner"] for number in range(5)] == list("01234")


def test_a_credential_refreshed_during_rekey_is_not_overwritten(opened, keys, monkeypatch):
    old, new = keys
    opened(old).put("work", OLD)
    encrypt = CredentialCipher.encrypt
    late = iter([True])

    def refreshed_meanwhile(*arguments):
        if next(late, False):
            opened(old).put("work", NEW)
        return encrypt(*arguments)

    monkeypatch.setattr(CredentialCipher, "encrypt", refreshed_meanwhile)
    assert opened(new, old).rekey() == 1
    assert opened(new).get("work") == NEW


def test_a_row_that_another_process_inserts_first_is_replaced(opened, keys, monkeypatch):
    from sqlalchemy import Connection
    from sqlalchemy.exc import IntegrityError

    vault = opened(*keys)
    vault.put("home", NEW)
    execute = Connection.execute
    steps = iter(["insert", "update"])
    step = [next(steps)]

    def late(self, statement, *more, **named):
        if step[0] and getattr(statement, f"is_{step[0]}", False):
            inserted, step[0] = step[0] == "insert", next(steps, None)
            if inserted:  # SQLite locks the whole file, so the other process comes right after
                raise IntegrityError("INSERT", {}, Exception("UNIQUE constraint failed"))
            opened(*keys).put("work", OLD)
        return execute(self, statement, *more, **named)

    monkeypatch.setattr(Connection, "execute", late)
    vault.put("work", NEW)
    assert step == [None]
    assert vault.get("work") == NEW
    assert vault.names() == ["home", "work"]


def test_waiting_for_a_row_lock_times_out(file, keys, timer, monkeypatch):
    vault = DatabaseVault(f"sqlite:///{file}", EnvironmentKeys(keys[0]), monotonic=timer, sleep=timer.sleep)
    vault._database.kind = "postgresql"
    answers = iter([False, False, True])
    monkeypatch.setattr(database, "_try_lock", lambda *_: next(answers, False))
    with vault.lock("work", timeout_s=5):
        assert len(timer.sleeps) == 2
    with pytest.raises(VaultError, match="still in use") as caught, vault.lock("work", timeout_s=5):
        pass
    assert caught.value.reason == "busy"
    assert 5 < sum(timer.sleeps) < 6


def test_a_database_without_row_locks_is_rejected(opened, keys):
    vault = opened(*keys)
    vault._database.kind = "mssql"
    with pytest.raises(VaultError, match="no row locks"):
        vault.lock("work")


@pytest.mark.parametrize("place", ["sqlite://", "sqlite:///:memory:"])
def test_a_database_in_memory_is_rejected(place):
    with pytest.raises(UsageError, match="memory"):
        open_vault({"CALENDLY_CONNECTOR_VAULT": place, "CALENDLY_CONNECTOR_KEY": make_key()})


def test_a_database_vault_needs_a_key_in_the_environment(file):
    with pytest.raises(UsageError, match="needs CALENDLY_CONNECTOR_KEY") as caught:
        open_vault({"CALENDLY_CONNECTOR_VAULT": f"sqlite:///{file}"})
    assert "openssl rand" in caught.value.fix
    assert not file.exists()


@pytest.mark.parametrize(
    "address",
    [
        f"nonsense://user:{PASSWORD}@host/db",
        f"://{PASSWORD}",
        f"sqlite+nonsense://{PASSWORD}",
        f"a b://{PASSWORD}",
    ],
)
def test_an_invalid_database_url_is_reported_without_its_password(address):
    with pytest.raises(UsageError, match="isn't a valid database URL") as caught:
        open_vault({"CALENDLY_CONNECTOR_VAULT": address, "CALENDLY_CONNECTOR_KEY": make_key()})
    assert PASSWORD not in repr(caught.value.to_dict())


def test_a_missing_driver_is_named():
    address = f"mysql+pymysql://user:{PASSWORD}@host/db"
    with pytest.raises(UsageError, match="pip install pymysql") as caught:
        open_vault({"CALENDLY_CONNECTOR_VAULT": address, "CALENDLY_CONNECTOR_KEY": make_key()})
    assert PASSWORD not in repr(caught.value.to_dict())


def test_a_missing_sqlalchemy_is_named(opened, keys, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "sqlalchemy", None)
    with pytest.raises(UsageError, match=r"calendly-connector\[vault-database\]"):
        opened(*keys)


def test_a_database_error_is_reported_without_the_data(opened, keys, file):
    file.write_bytes(b"this is no database, and it is longer than a header")
    vault = opened(*keys)
    for call in (vault.names, lambda: vault.get("work"), lambda: vault.put("work", OLD), vault.rekey):
        with pytest.raises(VaultError, match="could not be used: DatabaseError") as caught:
            call()
        assert caught.value.reason == "storage"
        assert OLD["token"] not in repr(caught.value.to_dict())
        assert caught.value.__cause__ is None
    assert file.read_bytes().startswith(b"this is no database")


def test_a_password_in_the_url_is_in_no_message(keys):
    for address in (f"sqlite://user:{PASSWORD}@/x.db", f"sqlite:///x.db?password={PASSWORD}"):
        assert PASSWORD not in DatabaseVault(address, EnvironmentKeys(keys[0])).place
