"""The vault, and everything that can happen to its files, keys and processes."""

import base64
import errno
import json
import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import keyring
import pytest
from calendly_connector.auth.vault import files, open_vault
from calendly_connector.auth.vault.encryption import CredentialCipher, EncryptedCredential, new_key, read_key
from calendly_connector.auth.vault.keys import KeyFile, KeyringItem
from calendly_connector.errors import UnknownCredential, UsageError, VaultError
from hypothesis import given
from hypothesis import strategies as st
from keyring.backend import KeyringBackend
from keyring.backends.chainer import ChainerBackend
from locations import SUPPORT
from vault_worker import CHANGES, NEW, OLD

WORKER = str(SUPPORT / "vault_worker.py")
SECRETS = (OLD["token"], NEW["token"])
OAUTH = {"kind": "oauth", "access_token": SECRETS[0], "refresh_token": SECRETS[1], "expires_at": "1795000000"}
DATABASE, FILE = "database", "file"


def make_key():
    return base64.b64encode(os.urandom(32)).decode()


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "in a folder"


@pytest.fixture
def settings(folder):
    """Return the environment of a vault in a file, with a key file beside it."""
    return {"CALENDLY_CONNECTOR_VAULT": str(folder / "vault.json")}


@pytest.fixture
def vault(settings):
    return open_vault(settings)


def environments(folder):
    """Return the environment of a vault of each kind."""
    key = {"CALENDLY_CONNECTOR_KEY": make_key()}
    return {
        "key file": {"CALENDLY_CONNECTOR_VAULT": f"{folder}/own/vault.json"},
        FILE: {"CALENDLY_CONNECTOR_VAULT": f"{folder}/vault.json", **key},
        DATABASE: {"CALENDLY_CONNECTOR_VAULT": f"sqlite:///{folder}/vault.db", **key},
    }


@pytest.fixture(params=[FILE, DATABASE])
def environment_with_key(request, tmp_path):
    """Return the environment of a vault in a file or a database, with a key in the environment."""
    return environments(tmp_path)[request.param]


@pytest.fixture(params=["key file", FILE, DATABASE])
def any_vault(request, tmp_path):
    """Open a vault of each kind, each time as a new object at the same place."""
    environment = environments(tmp_path)[request.param]
    return lambda: open_vault(environment)


def start(environment, *arguments, **pipes):
    return subprocess.Popen([sys.executable, WORKER, *arguments], env={**os.environ, **environment}, **pipes)


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def assert_no_plaintext(folder, *secrets):
    for path, content in contents(folder).items():
        for secret in secrets or SECRETS:
            encoded = secret.encode()
            forms = (encoded, base64.b64encode(encoded)[:-4], encoded.hex().encode(), encoded[::-1])
            assert not [form for form in forms if form in content], path


def refused(reason, call, *arguments):
    with pytest.raises(VaultError) as caught:
        call(*arguments)
    assert caught.value.reason == reason
    assert caught.value.fix
    assert not [secret for secret in SECRETS if secret in repr(caught.value.to_dict())]
    return str(caught.value)


# Reading and writing


def test_a_stored_credential_is_returned_unchanged(any_vault, tmp_path):
    any_vault().put("work", OAUTH)
    assert any_vault().get("work") == OAUTH
    any_vault().put("work", OLD)
    any_vault().put("home", NEW)
    assert (any_vault().get("work"), any_vault().get("home")) == (OLD, NEW)
    assert any_vault().names() == ["home", "work"]
    any_vault().delete("work")
    assert any_vault().names() == ["home"]
    assert_no_plaintext(tmp_path)


def test_reading_an_empty_vault_creates_no_files(vault, folder):
    assert vault.names() == []
    for call in (vault.get, vault.delete):
        with pytest.raises(UnknownCredential, match="'work'"):
            call("work")
    assert not folder.exists()


def test_an_unknown_name_is_an_error_with_advice(any_vault):
    any_vault().put("work", OLD)
    for call in (any_vault().get, any_vault().delete):
        with pytest.raises(UnknownCredential, match=r"No credential named 'wrok' in .*vault list"):
            call("wrok")


@pytest.mark.parametrize(
    "name", ["Zoë's", "日本", "a/b\\c", "../../etc/passwd", "%s", "'; drop table x; --", "x" * 100]
)
def test_a_name_may_be_anything_printable(name, any_vault):
    any_vault().put(name, OLD)
    assert any_vault().names() == [name]
    assert any_vault().get(name) == OLD
    with any_vault().lock(name, timeout_s=0):
        pass
    any_vault().delete(name)
    assert any_vault().names() == []


def test_names_that_differ_in_capitals_are_two_and_those_that_look_alike_are_one(any_vault):
    any_vault().put("work", OLD)
    any_vault().put("Work", NEW)
    assert (any_vault().get("work"), any_vault().get("Work")) == (OLD, NEW)
    any_vault().put("e\N{COMBINING ACUTE ACCENT} ", OLD)
    assert any_vault().get("\N{LATIN SMALL LETTER E WITH ACUTE}") == OLD


@pytest.mark.parametrize(
    "name", ["", " ", "a\nb", "a\x00b", "\x1b[31m", "x" * 101, "\udcff", "\N{RIGHT-TO-LEFT OVERRIDE}x"]
)
def test_an_unprintable_name_is_rejected(name, any_vault):
    vault = any_vault()
    for call in (vault.get, vault.delete, vault.lock, lambda name: vault.put(name, OLD)):
        with pytest.raises(UsageError, match="printable"):
            call(name)


@given(st.dictionaries(st.text(), st.text()), st.text(min_size=1))
def test_a_credential_decrypts_only_under_its_own_name(credential, name):
    cipher = CredentialCipher([new_key()], "the vault", "the keys")
    encrypted = cipher.encrypt(name, credential)
    assert cipher.decrypt(name, encrypted) == credential
    refused("damaged", cipher.decrypt, f"{name}x", encrypted)


def test_the_same_credential_never_encrypts_to_the_same_text():
    cipher = CredentialCipher([new_key()], "the vault", "the keys")
    assert len({cipher.encrypt("a", OLD).text for _ in range(50)}) == 50


def test_a_key_is_absent_from_its_repr():
    key = new_key()
    assert key.text not in repr(key)
    assert repr(key.secret) not in repr(key)
    assert key.id.encode() not in key.secret


@pytest.mark.long
def test_a_thousand_credentials(any_vault, monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda _descriptor: None)
    vault = any_vault()
    for number in range(1000):
        vault.put(f"customer {number}", {**OLD, "owner": str(number)})
    assert len(vault.names()) == 1000
    assert all(vault.get(f"customer {number}")["owner"] == str(number) for number in range(0, 1000, 37))


# Files and their permissions


def test_only_the_owner_can_read_the_files(vault, folder):
    before = os.umask(0)
    try:
        vault.put("work", OLD)
        with vault.lock("work"):
            vault.rekey()
    finally:
        os.umask(before)
    for path in (folder, *folder.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o601, 0o620])
def test_a_key_file_that_others_can_read_or_change_is_rejected(mode, vault, folder):
    vault.put("work", OLD)
    before = contents(folder)
    (folder / "vault.json.key").chmod(mode)
    for call in (lambda: vault.get("work"), lambda: vault.put("b", NEW), vault.rekey):
        message = refused("unsafe", call)
        assert f"mode {mode:04o}" in message
        assert "chmod 600" in message
    assert contents(folder) == before


def test_a_key_file_of_another_user_is_rejected(vault, monkeypatch):
    vault.put("work", OLD)
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    assert "another user" in refused("unsafe", vault.get, "work")


@pytest.mark.parametrize("name", ["vault.json", "vault.json.key"])
def test_a_symbolic_link_is_not_followed(name, vault, folder):
    vault.put("work", OLD)
    target = folder / "elsewhere"
    (folder / name).rename(target)
    (folder / name).symlink_to(target)
    before = contents(folder)
    for call in (lambda: vault.get("work"), lambda: vault.put("b", NEW), vault.rekey):
        assert "symbolic link" in refused("unsafe", call)
    assert (folder / name).is_symlink()
    assert contents(folder) == before


def test_a_link_in_place_of_the_temporary_file_is_not_followed(vault, folder):
    vault.put("work", OLD)
    target_file = folder / "victim"
    target_file.write_text("precious")
    (folder / "vault.json.new").symlink_to(target_file)
    vault.put("home", NEW)
    assert target_file.read_text() == "precious"
    assert vault.names() == ["home", "work"]


@pytest.mark.parametrize("name", ["vault.json", "vault.json.key"])
@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["pipe", "folder"])
def test_anything_but_a_file_is_rejected_immediately(name, make, vault, folder):
    vault.put("work", OLD)
    (folder / name).unlink()
    make(folder / name)
    assert "not a file" in refused("unsafe", vault.get, "work")


def test_a_read_only_folder_can_be_read(vault, monkeypatch):
    vault.put("work", OLD)
    really_open = os.open

    def read_only(path, flags, *more, **named):
        if flags & (os.O_CREAT | os.O_WRONLY | os.O_RDWR):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), path)
        return really_open(path, flags, *more, **named)

    monkeypatch.setattr(os, "open", read_only)
    assert (vault.names(), vault.get("work")) == (["work"], OLD)
    for call in (lambda: vault.put("work", NEW), lambda: vault.delete("work"), vault.rekey):
        assert "Read-only" in refused("storage", call)
    monkeypatch.undo()
    assert vault.get("work") == OLD


class Wrapped:
    def __init__(self, file):
        self.file = file

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.file.close()


def opening_as(kind, mode):
    """Return a replacement for open() that wraps files of this mode."""

    def opened(*arguments, **named):
        file = open(*arguments, **named)  # noqa: PTH123, SIM115 - like `vault/files.py`
        return kind(file) if mode in file.mode else file

    return opened


class BrokenDisk(Wrapped):
    def read(self):
        raise OSError(errno.EIO, os.strerror(errno.EIO))


class FullDisk(Wrapped):
    def write(self, content):
        self.file.write(content[:10])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("failing_call", ["write", "fsync", "replace"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_full_disk_leaves_the_old_vault(failing_call, change, vault, folder, monkeypatch):
    vault.put("old", OLD)
    before = contents(folder)

    def full(*_arguments):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    if failing_call == "write":
        monkeypatch.setattr(files, "open", opening_as(FullDisk, "w"), raising=False)
    else:
        monkeypatch.setattr(os, failing_call, full)
    assert "No space left" in refused("storage", CHANGES[change], vault)
    monkeypatch.undo()
    assert contents(folder) == before
    CHANGES[change](vault)


def test_a_read_error_of_the_disk_is_reported(vault, folder, monkeypatch):
    vault.put("work", OLD)

    monkeypatch.setattr(files, "open", opening_as(BrokenDisk, "r"), raising=False)
    assert "Input/output error" in refused("storage", vault.get, "work")
    assert str(folder) in refused("storage", vault.put, "work", OLD)


def test_a_folder_that_cannot_be_created_is_reported(tmp_path):
    (tmp_path / "file").write_text("")
    vault = open_vault({"CALENDLY_CONNECTOR_VAULT": f"{tmp_path}/file/sub/vault.json"})
    assert vault.names() == []
    assert str(tmp_path / "file") in refused("storage", vault.put, "work", OLD)


# Damage


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"format": 1}',
        b'{"format": "1", "credentials": {}}',
        b'{"format": 1, "credentials": []}',
        b'{"format": 1, "credentials": {"a": "b"}}',
        b'{"format": 1, "credentials": {"a": {"key": "b"}}}',
        b'{"format": 1, "credentials": {"a": {"key": "b", "sealed": 5}}}',
    ],
    ids=lambda content: repr(content[:50]),
)
def test_a_file_that_is_not_a_vault_is_never_overwritten(content, vault, folder):
    vault.put("work", OLD)
    (folder / "vault.json").write_bytes(content)
    for call in (vault.names, lambda: vault.get("work"), lambda: vault.put("b", NEW), vault.rekey):
        message = refused("damaged", call)
        assert str(folder / "vault.json") in message
    assert (folder / "vault.json").read_bytes() == content


def test_a_vault_of_a_newer_version_is_not_changed(vault, folder):
    folder.mkdir()
    (folder / "vault.json").write_text('{"format": 2, "credentials": "?"}')
    assert "newer" in refused("newer", vault.put, "work", OLD)


def test_a_truncated_file_is_reported(vault, folder):
    vault.put("work", OLD)
    whole = (folder / "vault.json").read_bytes()
    for length in range(len(whole)):
        (folder / "vault.json").write_bytes(whole[:length])
        refused("damaged", vault.get, "work")


def test_any_changed_byte_of_an_encrypted_text_is_detected(vault, folder):
    vault.put("work", OLD)
    vault.put("home", NEW)
    document = json.loads((folder / "vault.json").read_bytes())
    encrypted = document["credentials"]["work"]["sealed"]
    for place, letter in enumerate(encrypted):
        document["credentials"]["work"]["sealed"] = (
            encrypted[:place] + ("A" if letter != "A" else "B") + encrypted[place + 1 :]
        )
        (folder / "vault.json").write_text(json.dumps(document))
        message = refused("damaged", vault.get, "work")
        assert "'work'" in message
    assert vault.get("home") == NEW
    refused("damaged", vault.rekey)
    vault.delete("work")
    assert (vault.rekey(), vault.get("home")) == (1, NEW)


@pytest.mark.parametrize("text", ["", "A", "====", "no base64", "QUJD", "é"])
def test_a_malformed_encrypted_text_is_detected(text):
    key = new_key()
    refused(
        "damaged",
        CredentialCipher([key], "the vault", "the keys").decrypt,
        "a",
        EncryptedCredential(key.id, text),
    )


def test_swapped_entries_do_not_decrypt(vault, folder):
    vault.put("work", OLD)
    vault.put("home", NEW)
    document = json.loads((folder / "vault.json").read_bytes())
    rows = document["credentials"]
    rows["work"], rows["home"] = rows["home"], rows["work"]
    (folder / "vault.json").write_text(json.dumps(document))
    for name in ("work", "home"):
        refused("damaged", vault.get, name)


# Keys


def test_a_lost_key_is_reported_and_nothing_is_overwritten(vault, folder):
    vault.put("work", OLD)
    key = folder / "vault.json.key"
    key_bytes = key.read_bytes()
    key.unlink()
    before = contents(folder)
    for call in (lambda: vault.get("work"), lambda: vault.put("b", NEW), vault.rekey):
        message = refused("no_key", call)
        assert str(folder / "vault.json") in message
        assert str(key) in message
        assert "CALENDLY_CONNECTOR_KEY" in message
    assert contents(folder) == before
    assert vault.names() == ["work"]
    key.write_bytes(key_bytes)
    key.chmod(0o600)
    assert vault.get("work") == OLD


@pytest.mark.parametrize("content", [b"", b"\n", b"short", b"\xff" * 44, b"A" * 42, b"A" * 48])
def test_a_key_file_without_a_valid_key_is_reported(content, vault, folder):
    vault.put("work", OLD)
    (folder / "vault.json.key").write_bytes(content)
    for call in (lambda: vault.get("work"), lambda: vault.put("b", NEW), vault.rekey):
        assert str(folder / "vault.json.key") in refused("no_key", call)
    assert (folder / "vault.json.key").read_bytes() == content


def test_the_key_of_another_vault_is_reported(vault, folder, tmp_path):
    vault.put("work", OLD)
    other = open_vault({"CALENDLY_CONNECTOR_VAULT": str(tmp_path / "other.json")})
    other.put("work", NEW)
    (folder / "vault.json.key").write_bytes((tmp_path / "other.json.key").read_bytes())
    before = contents(folder)
    for call in (lambda: vault.get("work"), lambda: vault.put("b", NEW), vault.rekey):
        refused("wrong_key", call)
    assert contents(folder) == before


def test_a_key_in_the_environment_takes_precedence_and_is_not_stored(vault, settings, folder):
    key = make_key()
    opened = open_vault({**settings, "CALENDLY_CONNECTOR_KEY": key})
    opened.put("work", OLD)
    assert not (folder / "vault.json.key").exists()
    assert_no_plaintext(folder, key, *SECRETS)
    assert "lost" in refused("no_key", vault.get, "work")
    vault.delete("work")
    vault.put("home", NEW)
    refused("wrong_key", opened.get, "home")
    refused("wrong_key", opened.put, "work", OLD)


@pytest.mark.parametrize("text", ["hunter2", "A" * 42, "é" * 44, f"{'A' * 43} hunter2", " , "])
def test_an_invalid_key_in_the_environment_is_rejected_without_being_repeated(text, settings):
    with pytest.raises(UsageError, match="isn't a valid key") as caught:
        open_vault({**settings, "CALENDLY_CONNECTOR_KEY": text})
    assert text not in repr(caught.value.to_dict())
    assert caught.value.__cause__ is None


def test_a_key_is_read_in_either_base64_alphabet():
    secret = b"\xfb\xff" * 16
    forms = (
        base64.b64encode(secret),
        base64.urlsafe_b64encode(secret),
        base64.b64encode(secret).rstrip(b"="),
    )
    assert {read_key(form.decode()).secret for form in forms} == {secret}


def test_rekey_changes_every_encrypted_text_and_the_key(vault, folder):
    vault.put("work", OLD)
    vault.put("home", NEW)
    before = contents(folder)
    assert vault.rekey() == 2
    after = contents(folder)
    assert all(before[path] != after[path] for path in (folder / "vault.json", folder / "vault.json.key"))
    assert (vault.get("work"), vault.get("home")) == (OLD, NEW)
    (folder / "vault.json").write_bytes(before[folder / "vault.json"])
    refused("wrong_key", vault.get, "work")


def test_keys_in_the_environment_rotate_from_the_last_to_the_first(environment_with_key):
    old, new = environment_with_key, make_key()
    both = {**environment_with_key, "CALENDLY_CONNECTOR_KEY": f"{new},{old['CALENDLY_CONNECTOR_KEY']}"}
    open_vault(old).put("work", OLD)
    with pytest.raises(UsageError, match="only one key"):
        open_vault(old).rekey()
    open_vault(both).put("home", NEW)
    assert open_vault(both).get("work") == OLD
    assert open_vault(both).rekey() >= 1
    rotated = open_vault({**environment_with_key, "CALENDLY_CONNECTOR_KEY": new})
    assert (rotated.get("work"), rotated.get("home")) == (OLD, NEW)
    refused("wrong_key", open_vault(old).get, "work")
    refused("wrong_key", open_vault(old).put, "third", OLD)
    assert rotated.names() == ["home", "work"]


class FakeKeyring(KeyringBackend):
    """A keyring with the limit of the smallest OS keyring: 1,280 characters (Windows)."""

    priority = 0.1  # never chosen outside these tests
    name = "fake"

    def __init__(self):
        super().__init__()
        self.items = {}
        self.fails = False

    def get_password(self, service, username):
        if self.fails:
            raise RuntimeError("D-Bus is gone")
        return self.items.get((service, username))

    def set_password(self, service, username, password):
        assert len(password) <= 1280
        self.items[service, username] = password


class PlainTextKeyring(FakeKeyring):
    """A keyring that would write secrets to a file."""


@pytest.fixture
def os_keyring(monkeypatch):
    fake = FakeKeyring()
    monkeypatch.setattr(FakeKeyring, "__module__", "keyring.backends.SecretService")
    monkeypatch.setattr(keyring, "get_keyring", lambda: fake)
    return fake


def test_the_key_is_stored_in_the_os_keyring_if_there_is_one(os_keyring, settings, folder):
    huge = {**OAUTH, "refresh_token": "R" * 5000}
    open_vault(settings).put("work", huge)
    assert open_vault(settings).get("work") == huge
    assert not (folder / "vault.json.key").exists()
    (key,) = os_keyring.items.values()
    assert_no_plaintext(folder, key, *SECRETS)
    assert open_vault(settings).rekey() == 1
    assert os_keyring.items.keys() == {("calendly-connector", str(folder / "vault.json"))}
    assert key not in os_keyring.items.values()
    assert open_vault(settings).get("work") == huge
    os_keyring.items.clear()
    assert "OS keyring" in refused("no_key", open_vault(settings).get, "work")


def test_a_failing_keyring_is_reported_and_no_key_is_created_elsewhere(os_keyring, settings, folder):
    os_keyring.fails = True
    message = refused("no_key", open_vault(settings).put, "work", OLD)
    assert "Unlock" in message
    assert "RuntimeError" in message
    assert not (folder / "vault.json").exists()


def test_an_existing_key_file_takes_precedence_over_the_keyring(settings, os_keyring):
    key_file = Path(f"{settings['CALENDLY_CONNECTOR_VAULT']}.key")
    key_file.parent.mkdir()
    KeyFile(key_file).rotate()
    open_vault(settings).put("work", OLD)
    assert not os_keyring.items


@pytest.mark.parametrize("chained", [False, True])
def test_a_keyring_of_plain_files_is_never_used(chained, settings, folder, monkeypatch):
    plain = PlainTextKeyring()
    assert type(plain).__module__ == __name__

    class Chain(ChainerBackend):
        priority = 0
        backends = (plain,)

    monkeypatch.setattr(keyring, "get_keyring", lambda: Chain() if chained else plain)
    open_vault(settings).put("work", OLD)
    assert not plain.items
    assert (folder / "vault.json.key").exists()


def test_the_os_keyring_is_found_in_a_chain(os_keyring, settings, folder, monkeypatch):
    class Chain(ChainerBackend):
        priority = 0
        backends = (PlainTextKeyring(), os_keyring)

    monkeypatch.setattr(keyring, "get_keyring", Chain)
    open_vault(settings).put("work", OLD)
    assert os_keyring.items
    assert not (folder / "vault.json.key").exists()


def test_a_keyring_item_without_a_valid_key_is_reported(os_keyring, folder):
    os_keyring.items["calendly-connector", str(folder)] = "something"
    assert "doesn't contain a valid key" in refused("no_key", KeyringItem(os_keyring, folder).read)


# Location


def test_the_vault_is_in_the_users_own_data_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Path(open_vault({}).place).is_relative_to(tmp_path)
    assert open_vault({"CALENDLY_CONNECTOR_VAULT": "~/v.json"}).place == str(tmp_path / "v.json")


# Concurrency


@pytest.mark.long
@pytest.mark.parametrize("kind", ["key file", FILE, DATABASE])
def test_processes_that_write_at_the_same_time_lose_nothing(kind, tmp_path):
    environment = environments(tmp_path)[kind]
    names = [[f"{writer}-{number}" for number in range(10)] for writer in range(4)]
    writers = [start(environment, "put", "shared", *batch) for batch in names]
    assert [writer.wait() for writer in writers] == [0] * 4
    vault = open_vault(environment)
    assert vault.names() == sorted([*sum(names, []), "shared"])  # noqa: RUF017 - 40 names
    assert all(vault.get(name)["owner"] == name for name in vault.names())
    assert_no_plaintext(tmp_path)


def test_readers_and_writers_live_through_rekey(vault, settings):
    vault.put("work", OLD)
    names = [f"n{number}" for number in range(20)]
    writer = start(settings, "put", *names)
    while writer.poll() is None:
        vault.rekey()
        assert vault.get("work") == OLD
    assert writer.returncode == 0
    reads = []
    reader = threading.Thread(target=lambda: reads.extend(vault.get("work") == OLD for _ in range(300)))
    reader.start()
    while reader.is_alive():
        vault.rekey()
    reader.join()
    assert reads == [True] * 300
    assert vault.names() == sorted([*names, "work"])


def test_a_lock_is_held_by_one_at_a_time(environment_with_key, tmp_path):
    counted = tmp_path / "counted"
    counted.write_text("0")
    counters = [start(environment_with_key, "count", "work", str(counted), "25") for _ in range(4)]
    assert [counter.wait() for counter in counters] == [0] * 4
    assert counted.read_text() == "100"


def test_threads_wait_for_each_other(any_vault):
    inside, seen = [], []

    def work():
        with any_vault().lock("work"):
            inside.append(1)
            seen.append(len(inside))
            inside.pop()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [1] * 8


def test_a_lock_ends_with_its_process(environment_with_key):
    holder = start(environment_with_key, "hold", "work", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with holder:
        assert holder.stdout.readline() == b"held\n"
        vault = open_vault(environment_with_key)
        with (
            pytest.raises(VaultError, match="in use by another process") as caught,
            vault.lock("work", timeout_s=0),
        ):
            pass
        assert (caught.value.reason, caught.value.retryable) == ("busy", True)
        with vault.lock("home", timeout_s=0):
            vault.put("work", OLD)  # the lock is for refreshing and doesn't block the vault
        assert vault.get("work") == OLD
        holder.send_signal(signal.SIGKILL)
    with vault.lock("work", timeout_s=0):
        pass


def test_a_lock_ends_with_an_error(any_vault):
    with pytest.raises(ZeroDivisionError), any_vault().lock("work"):
        raise ZeroDivisionError
    with any_vault().lock("work", timeout_s=0):
        pass


# Killed at every step


@pytest.mark.long
@pytest.mark.parametrize("change", CHANGES)
def test_a_process_killed_at_any_step_leaves_a_working_vault(change, tmp_path):
    initial = tmp_path / "begin"
    vault = open_vault({"CALENDLY_CONNECTOR_VAULT": str(initial / "vault.json")})
    vault.put("old", OLD)
    vault.put("other", OLD)
    after = tmp_path / "after"
    assert start({}, "crash", change, str(initial), str(after)).wait() == 0
    outcomes = set()
    copies = sorted(after.iterdir(), key=lambda path: int(path.name))
    assert len(copies) > 20
    for place in copies:
        vault = open_vault({"CALENDLY_CONNECTOR_VAULT": str(place / "vault.json")})
        tokens = {name: vault.get(name)["token"] for name in vault.names()}
        outcomes.add(json.dumps(tokens))
        assert tokens["other"] == OLD["token"]
        assert_no_plaintext(place)
        vault.put("third", NEW)
        assert vault.rekey() == len(tokens) + 1
        assert not list(place.rglob("*.new"))
        assert len((place / "vault.json.key").read_text().split()) == 1
        assert {name: vault.get(name)["token"] for name in tokens} == tokens
    assert len(outcomes) == (1 if change == "rekey" else 2)  # the state before and the state after


@pytest.mark.long
def test_a_first_use_killed_at_any_step_can_be_repeated(tmp_path):
    (tmp_path / "begin").mkdir()
    after = tmp_path / "after"
    assert start({}, "crash", "put", str(tmp_path / "begin"), str(after)).wait() == 0
    copies = list(after.iterdir())
    assert len(copies) > 20
    for place in copies:
        vault = open_vault({"CALENDLY_CONNECTOR_VAULT": str(place / "vault.json")})
        assert vault.names() in ([], ["new"])
        vault.put("new", NEW)
        assert vault.get("new") == NEW
        assert_no_plaintext(place)
