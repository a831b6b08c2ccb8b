"""The inbox in a file and in databases, used by one process and by many."""

import multiprocessing
import os
import sqlite3
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from calendly_connector.errors import InboxError, UsageError
from calendly_connector.events.inbox import STATES, Entry, open_inbox
from calendly_connector.events.inbox import sqlite as in_file

NOW = 1_795_000_000.0


@pytest.fixture(params=["file", "sqlite", "postgresql"])
def place(request, tmp_path):
    if request.param == "postgresql":
        return request.getfixturevalue("postgres_url")
    path = tmp_path / "inbox" / "inbox.db"
    if request.param == "sqlite":
        path.parent.mkdir()
        return f"sqlite:///{path}"
    return str(path)


@pytest.fixture
def open_it(place):
    """Return a function that opens the same inbox again."""
    opened = []

    def open_again():
        opened.append(open_inbox(place))
        return opened[-1]

    yield open_again
    for inbox in opened:
        inbox.close()


@pytest.fixture
def inbox(open_it):
    return open_it()


def entry(name, created_at="2026-11-17T15:21:41.000000Z", body=b"{}"):
    return Entry(f"invitee.created:{name}", "invitee.created", created_at, body)


def at(name, second):
    return entry(name, f"2026-11-17T15:21:{second:02}.000000Z")


def names(entries):
    return [one.id.partition(":")[2] for one in entries]


def test_an_event_is_new_once(inbox, open_it):
    assert inbox.put([entry("a"), entry("b"), entry("a", body=b"other")]) == [True, True, False]
    assert open_it().put([entry("b"), entry("c")]) == [False, True]
    assert inbox.find(entry("a").id).body == b"{}"
    assert inbox.known([entry("a").id, entry("c").id, entry("d").id]) == {entry("a").id, entry("c").id}
    assert inbox.put([]) == []


def test_entries_are_still_there_after_closing(inbox, open_it):
    body = bytes(range(256)) * 4096
    inbox.put([entry("a", body=body)], checkpoints={"cursor": "1"})
    inbox.close()
    assert open_it().find(entry("a").id) == entry("a", body=body)
    assert inbox.checkpoint("cursor") == "1"


def test_the_oldest_entries_are_claimed_first_and_only_once(inbox, open_it):
    inbox.put([at("c", 3), at("a", 1), at("b", 2)])
    assert names(inbox.claim(now=NOW, limit=2, lease_s=60)) == ["a", "b"]
    assert names(open_it().claim(now=NOW, lease_s=60)) == ["c"]
    assert inbox.claim(now=NOW + 59) == []
    again = inbox.claim(now=NOW + 60)
    assert names(again) == ["a", "b", "c"]
    assert [one.attempts for one in again] == [2, 2, 2]
    assert again[0].body == b"{}"


@pytest.mark.parametrize("outcome", ["delivered", "filtered", "merged"])
def test_a_completed_entry_is_known_without_its_body(outcome, inbox):
    inbox.put([entry("a", body=b"PRIVATE")])
    inbox.claim(now=NOW)
    inbox.complete(entry("a").id, outcome, now=NOW)
    assert inbox.find(entry("a").id) is None
    assert inbox.known([entry("a").id]) == {entry("a").id}
    assert inbox.counts() == dict.fromkeys(STATES, 0) | {outcome: 1}
    assert inbox.put([entry("a")]) == [False]
    assert inbox.claim(now=NOW + 1e6) == []
    assert inbox.next_due() is None


def test_a_completed_entry_stays_completed(inbox):
    inbox.put([entry("a")])
    inbox.complete(entry("a").id, "delivered", now=NOW)
    inbox.defer(entry("a").id, NOW, "late")
    inbox.bury(entry("a").id, "late")
    inbox.complete(entry("a").id, "merged", now=NOW, also=[entry("b")])
    assert inbox.counts()["delivered"] == 1
    assert inbox.known([entry("b").id]) == set()
    inbox.complete("nobody", "delivered", now=NOW, also=[entry("c")])
    assert inbox.known([entry("c").id]) == set()


def test_completing_an_entry_can_put_another(inbox):
    inbox.put([entry("half"), entry("other")])
    inbox.complete(entry("half").id, "merged", now=NOW, also=[entry("whole")])
    inbox.complete(entry("other").id, "merged", now=NOW, also=[entry("whole", body=b"second")])
    assert inbox.find(entry("whole").id).body == b"{}"
    assert inbox.counts() == dict.fromkeys(STATES, 0) | {"merged": 2, "waiting": 1}


def test_a_deferred_entry_waits(inbox):
    inbox.put([at("a", 1), at("b", 2)])
    inbox.claim(now=NOW, limit=1)
    inbox.defer(at("a", 1).id, NOW + 5, "E")
    assert names(inbox.claim(now=NOW, lease_s=60)) == ["b"]
    assert inbox.next_due() == NOW + 5
    assert names(inbox.claim(now=NOW + 5)) == ["a"]


def test_a_dead_entry_waits_until_it_is_requeued(inbox):
    inbox.put([entry("a")])
    inbox.claim(now=NOW)
    inbox.bury(entry("a").id, "E")
    assert inbox.claim(now=NOW + 1e6) == []
    assert inbox.counts()["dead"] == 1
    assert inbox.find(entry("a").id).attempts == 1
    assert inbox.put([entry("a")]) == [False]
    assert inbox.requeue() == 1
    assert inbox.requeue() == 0
    assert [one.attempts for one in inbox.claim(now=NOW)] == [1]


def test_a_pruned_entry_is_new_again(inbox):
    inbox.put([entry("a"), entry("b"), entry("c")])
    inbox.complete(entry("a").id, "delivered", now=NOW)
    inbox.complete(entry("b").id, "delivered", now=NOW + 10)
    assert inbox.prune(NOW + 10) == 1
    assert inbox.put([entry("a"), entry("b"), entry("c")]) == [True, False, False]


def test_checkpoints_are_set_with_the_entries(inbox):
    assert inbox.checkpoint("cursor") is None
    inbox.put([], checkpoints={"cursor": "1", "other": "x"})
    inbox.put([entry("a")], checkpoints={"cursor": "2"})
    assert (inbox.checkpoint("cursor"), inbox.checkpoint("other")) == ("2", "x")


def test_ids_that_differ_only_in_case_are_different(inbox):
    assert inbox.put([entry("AbC"), entry("aBc"), entry("ü"), entry("u")]) == [True] * 4


def test_many_ids_are_looked_up_at_once(inbox):
    inbox.put([entry(str(number)) for number in range(1200)])
    assert len(inbox.known(entry(str(number)).id for number in range(2000))) == 1200
    assert inbox.known([]) == set()


def test_an_event_that_several_threads_put_is_new_once(inbox):
    every = [entry(str(number)) for number in range(40)]
    start = threading.Barrier(4)

    def put_all(_number):
        start.wait()
        return sum(new for one in every for new in inbox.put([one]))

    with ThreadPoolExecutor(4) as threads:
        assert sum(threads.map(put_all, range(4))) == len(every)


def _work(place, ready, go, results):
    """Put the same events as all other processes, then claim them one by one."""
    inbox = open_inbox(place)
    ready.release()
    go.wait()
    new = sum(new for number in range(30) for new in inbox.put([entry(str(number))]))
    claimed = []
    while found := inbox.claim(now=NOW, limit=3):
        claimed += [one.id for one in found]
        for one in found:
            inbox.complete(one.id, "delivered", now=NOW)
    inbox.close()
    results.put((new, claimed))


@pytest.mark.long
def test_processes_share_it_and_each_event_is_new_and_claimed_once(inbox, place):
    context = multiprocessing.get_context("spawn")
    ready, go, results = context.Semaphore(0), context.Event(), context.Queue()
    workers = [context.Process(target=_work, args=(place, ready, go, results)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for _ in workers:
        assert ready.acquire(timeout=60)
    go.set()
    reports = [results.get(timeout=60) for _ in workers]
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    assert sum(new for new, _ in reports) == 30
    claimed = [event_id for _, some in reports for event_id in some]
    assert sorted(claimed) == sorted(entry(str(number)).id for number in range(30))
    assert inbox.counts()["delivered"] == 30


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_process_does_not_use_its_parents_connection(inbox):
    inbox.put([entry("a")])
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if inbox.put([entry("a"), entry("b")]) == [False, True] else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert inbox.put([entry("b"), entry("c")]) == [False, True]


# --- only for files


@pytest.fixture
def path(tmp_path):
    return tmp_path / "new" / "folder" / "inbox.db"


def test_only_the_owner_can_read_the_files(path):
    inbox = open_inbox(path)
    inbox.put([entry("a")])
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert modes == dict.fromkeys(["inbox.db", "inbox.db-wal", "inbox.db-shm"], 0o600)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert inbox.place == str(path)
    inbox.close()


def test_writes_are_on_disk_when_a_call_returns(path):
    inbox = open_inbox(path)
    with inbox._turn() as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
    inbox.close()


def execute(path, statement):
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(statement)
    connection.close()


def rejection(path):
    before = path.read_bytes()
    with pytest.raises(InboxError) as caught:
        open_inbox(path)
    assert path.read_bytes() == before
    assert not caught.value.retryable
    assert caught.value.fix
    return str(caught.value)


def test_a_file_of_a_newer_version_is_rejected(path):
    open_inbox(path).close()
    execute(path, "PRAGMA user_version = 3")
    assert "newer version" in rejection(path)


def test_a_file_of_another_program_is_rejected(path):
    path.parent.mkdir(parents=True)
    execute(path, "CREATE TABLE theirs (x)")
    assert "another program" in rejection(path)


def test_a_file_that_is_not_a_database_is_rejected(path):
    path.parent.mkdir(parents=True)
    path.write_bytes(b"hello " * 1000)
    assert "is damaged" in rejection(path)


def test_a_file_damaged_in_the_middle_is_reported(path):
    inbox = open_inbox(path)
    inbox.put([entry(str(number), body=bytes(2000)) for number in range(200)])
    inbox.close()
    content = bytearray(path.read_bytes())
    content[8192:] = b"\xff" * (len(content) - 8192)
    path.write_bytes(content)
    with closing(open_inbox(path)) as damaged, pytest.raises(InboxError, match="is damaged") as caught:
        damaged.claim(now=NOW, limit=1000)
    assert not caught.value.retryable


def test_a_path_that_is_not_writable_is_reported(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InboxError, match="Can't open the inbox"):
        open_inbox(tmp_path / "file" / "inbox.db")
    with pytest.raises(InboxError, match="Can't open the inbox"):
        open_inbox(tmp_path)


def test_a_file_that_another_process_locks_is_reported_after_a_timeout(path, monkeypatch):
    monkeypatch.setattr(in_file, "_BUSY_TIMEOUT_S", 0.05)
    inbox = open_inbox(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(InboxError, match="Another process has been using the inbox") as caught:
        inbox.put([entry("a")])
    assert caught.value.retryable
    other.execute("ROLLBACK")
    other.close()
    assert inbox.put([entry("a")]) == [True]
    with inbox._turn(), pytest.raises(InboxError, match="has been using"):
        inbox.known(["a"])
    inbox.close()


def test_a_full_disk_loses_no_stored_entry(path):
    inbox = open_inbox(path)
    inbox.put([entry("a")])
    with inbox._turn() as connection:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages + 1}")
    with pytest.raises(InboxError, match="SQLITE_FULL") as caught:
        inbox.put([entry("b", body=bytes(100_000))])
    assert caught.value.retryable
    assert names(inbox.claim(now=NOW)) == ["a"]
    inbox.complete(entry("a").id, "delivered", now=NOW)
    inbox.close()


# --- only for databases


def test_an_unreachable_database_is_reported_without_its_password():
    with pytest.raises(InboxError) as caught:
        open_inbox("postgresql+psycopg://tester:hunter2@127.0.0.1:1/none?password=hunter2")
    assert "hunter2" not in f"{caught.value!r} {caught.value} {caught.value.to_dict()}"
    assert caught.value.retryable


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("sqlite://", "in memory"),
        ("nothing://x", "isn't a valid database URL"),
        ("mysql+nothing://x", "isn't a valid database URL"),
        ("oracle+oracledb://x", "needs the module oracledb"),
    ],
)
def test_an_invalid_database_url_is_rejected(address, message):
    with pytest.raises(UsageError, match=message):
        open_inbox(address)


def test_tables_of_a_newer_version_are_rejected(tmp_path):
    address = f"sqlite:///{tmp_path / 'inbox.db'}"
    inbox = open_inbox(address)
    inbox.put([], checkpoints={"inbox.format": "3"})
    inbox.close()
    with pytest.raises(InboxError, match="newer version") as caught:
        open_inbox(address)
    assert not caught.value.retryable


# --- upgrades from format 1, in which states had other names

OLD_STATES = {"a": "waiting", "b": "parked", "c": "given", "d": "unwanted", "e": "folded"}


def downgrade(path, entries, upgraded):
    """Turn an inbox into one of format 1, with an entry in each of its states."""
    connection = sqlite3.connect(path, isolation_level=None)
    for name, state in OLD_STATES.items():
        connection.execute(f"UPDATE {entries} SET state = ? WHERE id = ?", (state, entry(name).id))  # noqa: S608 - our own name
    connection.execute(upgraded)
    connection.close()


@pytest.fixture(params=["file", "database"])
def format_1(request, tmp_path):
    """Return the place of an inbox of format 1."""
    path = tmp_path / "inbox.db"
    place = str(path) if request.param == "file" else f"sqlite:///{path}"
    with closing(open_inbox(place)) as inbox:
        inbox.put([entry(name) for name in OLD_STATES], checkpoints={"cursor": "7"})
        for name in "cde":
            inbox.complete(entry(name).id, "delivered", now=NOW)
    if request.param == "file":
        downgrade(path, "entries", "PRAGMA user_version = 1")
    else:
        downgrade(
            path,
            "calendly_inbox",
            "UPDATE calendly_inbox_states SET value = '1' WHERE name = 'inbox.format'",
        )
    return place


def test_an_inbox_of_format_1_is_upgraded_when_it_is_opened(format_1):
    for _ in range(2):
        with closing(open_inbox(format_1)) as inbox:
            assert inbox.counts() == dict.fromkeys(STATES, 1)
            assert inbox.checkpoint("cursor") == "7"
            assert inbox.find(entry("b").id)
            assert inbox.put([entry(name) for name in OLD_STATES]) == [False] * 5
    with closing(open_inbox(format_1)) as inbox:
        assert inbox.requeue() == 1
        assert sorted(names(inbox.claim(now=NOW))) == ["a", "b"]


def test_processes_that_open_an_inbox_of_format_1_together_upgrade_it_once(format_1):
    with ThreadPoolExecutor(4) as threads:
        for inbox in threads.map(lambda _number: open_inbox(format_1), range(4)):
            assert inbox.counts() == dict.fromkeys(STATES, 1)
            inbox.close()


def test_an_upgrade_that_fails_changes_nothing(tmp_path):
    path = tmp_path / "inbox.db"
    with closing(open_inbox(path)) as inbox:
        inbox.put([entry(name) for name in OLD_STATES])
    downgrade(path, "entries", "PRAGMA user_version = 1")
    execute(
        path,
        "CREATE TRIGGER no BEFORE UPDATE ON entries WHEN new.state = 'merged' "
        "BEGIN SELECT raise(FAIL, 'no'); END",
    )
    with pytest.raises(InboxError):
        open_inbox(path)
    connection = sqlite3.connect(path)
    assert dict(connection.execute("SELECT state, 1 FROM entries")) == dict.fromkeys(OLD_STATES.values(), 1)
    assert connection.execute("PRAGMA user_version").fetchone() == (1,)
    connection.close()
