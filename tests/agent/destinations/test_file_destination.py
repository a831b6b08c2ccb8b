"""Files of flows: nothing leaves the folder, and lines are appended as a whole or not at all."""

import csv
import errno
import json
import os
import stat

import pytest
from calendly_connector.agent.destinations.file import connector, folder
from calendly_connector.errors import DestinationError, InvalidParams
from hypothesis import given
from hypothesis import strategies as st


@pytest.fixture
def files(tmp_path):
    with connector.connect({"kind": "folder", "path": str(tmp_path)}) as connection:
        yield connection


def append(files, path, *records, **more):
    return files.run("file.append", {"path": path, "records": list(records), **more}).record["lines"]


def found(files, path, **more):
    return [one["record"] for one in files.run("file.find", {"path": path, **more}, all_pages=True).records]


# Paths


@pytest.mark.parametrize(
    "path",
    [
        "../a.csv",
        "a/../../b.csv",
        "/etc/a.csv",
        "a//b.csv",
        "./a.csv",
        ".hidden.csv",
        "a/.hidden/b.csv",
        "..\\a.csv",
        "C:\\a.csv",
        "a\0.csv",
        "a\n.csv",
        "a.csv/",
        "a.txt",
        "a",
        ".csv",
        "x" * 300 + ".csv",
        "ü" * 150 + ".csv",
    ],
)
def test_a_path_that_isnt_below_the_folder_is_rejected(files, path):
    for action, inputs in (("file.append", {"record": {"a": 1}}), ("file.find", {})):
        with pytest.raises(InvalidParams, match="path"):
            files.prepare(action, {"path": path, **inputs})


@pytest.mark.parametrize("path", ["outside/a.jsonl", "link.jsonl", "pipe.jsonl", "folder.jsonl"])
def test_links_pipes_and_folders_are_no_files(files, tmp_path, path):
    outside = tmp_path.parent / f"{tmp_path.name}-outside"
    outside.mkdir()
    (outside / "a.jsonl").write_text('{"secret": 1}\n')
    (tmp_path / "outside").symlink_to(outside)
    (tmp_path / "link.jsonl").symlink_to(outside / "a.jsonl")
    os.mkfifo(tmp_path / "pipe.jsonl")
    (tmp_path / "folder.jsonl").mkdir()
    for action, inputs in (("file.append", {"record": {"a": 1}}), ("file.find", {})):
        with pytest.raises(DestinationError):
            files.run(action, {"path": path, **inputs})
    assert (outside / "a.jsonl").read_text() == '{"secret": 1}\n'


def test_writing_replaces_a_link_and_not_its_target(files, tmp_path):
    target = tmp_path.parent / f"{tmp_path.name}-target.txt"
    target.write_text("old")
    (tmp_path / "a.txt").symlink_to(target)
    files.run("file.write", {"path": "a.txt", "text": "new"})
    assert (target.read_text(), (tmp_path / "a.txt").read_text()) == ("old", "new")


def test_folders_are_made_and_files_are_private(files, tmp_path):
    append(files, "2026/11/a.jsonl", {"a": 1})
    path = tmp_path / "2026" / "11" / "a.jsonl"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [one.name for one in path.parent.iterdir()] == ["a.jsonl"]


def test_a_missing_folder_is_an_error(tmp_path):
    with connector.connect({"kind": "folder", "path": str(tmp_path / "no")}) as files:
        with pytest.raises(DestinationError, match="doesn't exist"):
            append(files, "a.jsonl", {"a": 1})
        assert not (tmp_path / "no").exists()


def test_a_file_that_doesnt_exist_has_no_records(files, tmp_path):
    assert found(files, "no/such.csv") == []
    assert not (tmp_path / "no").exists()


# JSON lines and CSV


def test_json_lines_are_compact_and_readable(files, tmp_path):
    append(files, "a.jsonl", {"name": "Jürgen", "text": "two\nlines\u2028"}, {"list": [1, {"b": None}]})
    assert (tmp_path / "a.jsonl").read_text().split("\n") == [
        '{"name":"Jürgen","text":"two\\nlines\u2028"}',
        '{"list":[1,{"b":null}]}',
        "",
    ]


def test_the_first_write_determines_the_columns_of_a_csv_file(files, tmp_path):
    append(files, "a.csv", {"email": "kim@client.example", "n": 1})
    append(files, "a.csv", {"n": True}, {"email": None, "n": [1]})
    with pytest.raises(InvalidParams, match="'phone', which isn't a column"):
        append(files, "a.csv", {"n": 1}, {"phone": "1"})
    assert list(csv.reader((tmp_path / "a.csv").read_text().splitlines())) == [
        ["email", "n"],
        ["kim@client.example", "1"],
        ["", "true"],
        ["", "[1]"],
    ]


def test_formulas_in_csv_are_escaped_and_read_back(files, tmp_path):
    append(files, "a.csv", {"=cmd": "=1+1", "b": '@SUM("x")', "c": "+49 69 555-01"})
    text = (tmp_path / "a.csv").read_text()
    assert text.startswith("'=cmd,b,c")
    assert "'=1+1" in text
    assert found(files, "a.csv") == [{"=cmd": "=1+1", "b": '@SUM("x")', "c": "+49 69 555-01"}]


def test_a_file_of_a_spreadsheet_can_be_appended_to(files, tmp_path):
    (tmp_path / "a.csv").write_bytes(
        b"\xef\xbb\xbfname,note\r\nKim,x"
    )  # a mark, and no line break at the end
    append(files, "a.csv", {"note": "y", "name": "Ann"})
    assert found(files, "a.csv") == [{"name": "Kim", "note": "x"}, {"name": "Ann", "note": "y"}]


@pytest.mark.parametrize("path", ["a.jsonl", "a.csv"])
@given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=5))
def test_any_text_survives(tmp_path_factory, path, texts):
    with connector.connect({"kind": "folder", "path": str(tmp_path_factory.mktemp("any"))}) as files:
        records = [{"text": text, "end": "x"} for text in texts]
        append(files, path, *records)
        append(files, path, *records)
        assert found(files, path) == records * 2


def test_records_are_found_by_their_values_page_by_page(files):
    append(files, "a.csv", *({"n": n, "odd": n % 2 == 1} for n in range(7)))
    call = {"path": "a.csv", "where": {"odd": True}, "count": 2}
    first = files.run("file.find", call)
    assert [one["record"]["n"] for one in first.records] == ["1", "3"]
    assert not first.complete
    rest = files.run("file.find", {**call, "page_token": first.next_page_token})
    assert ([one["record"]["n"] for one in rest.records], rest.complete) == (["5"], True)
    assert found(files, "a.csv", where={"no": 1}) == []


@pytest.mark.parametrize("content", [b"[1]\n", b"{\n", b"\xff\n"])
def test_a_line_that_isnt_a_record_is_an_error(files, tmp_path, content):
    (tmp_path / "a.jsonl").write_bytes(content)
    with pytest.raises(DestinationError, match="can't be read"):
        found(files, "a.jsonl")


def test_csv_that_isnt_valid_is_an_error(files, tmp_path):
    (tmp_path / "a.csv").write_bytes(b'a\n"b"c\n')
    with pytest.raises(DestinationError, match="can't be read"):
        found(files, "a.csv")


def test_whole_files_are_written_in_the_format_of_their_ending(files, tmp_path):
    records = [{"a": 1}, {"b": "=x"}]
    for path in ("r/a.json", "r/a.jsonl", "r/a.csv"):
        size = files.run("file.write", {"path": path, "records": records}).record["bytes"]
        assert (tmp_path / path).stat().st_size == size
    assert json.loads((tmp_path / "r/a.json").read_text()) == records
    assert (tmp_path / "r/a.csv").read_text() == "a,b\n1,\n,'=x\n"
    for path in ("r/a.jsonl", "r/a.csv"):
        files.run("file.write", {"path": path, "records": []})
        assert (tmp_path / path).read_bytes() == b""
    for inputs in ({}, {"text": "a", "records": records}):
        with pytest.raises(InvalidParams):
            files.prepare("file.write", {"path": "a.txt", **inputs})
    with pytest.raises(InvalidParams, match="path"):
        files.prepare("file.write", {"path": "a.txt", "records": records})


# Keys


@pytest.mark.parametrize("path", ["a.jsonl", "a.csv"])
@pytest.mark.parametrize("key", ["event:7", 'with "quotes", commas', "=1+1", "ü\n\\"])
def test_lines_with_a_key_are_written_once(files, path, key):
    assert append(files, path, {"a": "1"}, {"a": "2"}, key=key) == 2
    assert append(files, path, {"a": "1"}, {"a": "2"}, key=key) == 0
    assert append(files, path, {"a": "3"}, key="another") == 1
    listed = files.run("file.find", {"path": path, "key": key}).records
    assert [(one["key"], one["record"]) for one in listed] == [(key, {"a": "1"}), (key, {"a": "2"})]


def test_a_key_is_not_mistaken_for_a_text(files):
    append(files, "a.jsonl", {"note": "event:7"}, {"key2": "event:7"})
    append(files, "b.csv", {"note": "event:7", "key": ""})
    assert append(files, "a.jsonl", {"a": 1}, key="event:7") == 1
    assert append(files, "b.csv", {"note": "x"}, key="event:7") == 1


def test_a_record_cant_have_a_field_where_the_key_is_stored(files):
    with pytest.raises(InvalidParams, match=r"record\.key"):
        files.prepare("file.append", {"path": "a.jsonl", "record": {"key": 1}, "key": "k"})


def test_a_write_is_settled_by_its_key(files, tmp_path):
    call = ("file.append", {"path": "a.jsonl", "record": {"a": 1}, "key": "k"})
    assert files.settle(*call, sent_at=0.0).state == "not_done"
    files.run(*call)
    settled = files.settle(*call, sent_at=0.0)
    assert (settled.state, settled.record) == ("done", {"path": "a.jsonl", "key": "k", "record": {"a": 1}})
    assert len(found(files, "a.jsonl")) == 1
    assert (
        files.settle("file.append", {"path": "a.jsonl", "record": {"a": 1}}, sent_at=0.0).state == "unknown"
    )
    (tmp_path / "a.jsonl").write_text('{"key":"k"\n')
    assert files.settle(*call, sent_at=0.0).state == "unknown"


# As a whole or not at all


class Disk:
    """Fails in the middle of the n-th write, after some bytes, with an error or as if the process died."""

    def __init__(self, monkeypatch, nth, *, error=None):
        self.left, self.error = nth, error
        write = os.write

        def broken(descriptor, content):
            self.left -= 1
            if self.left < 0:
                return write(descriptor, content)
            if self.left:
                return write(descriptor, content[:7])  # a short write
            write(descriptor, content[: len(content) // 2])
            raise self.error or KeyboardInterrupt

        monkeypatch.setattr(folder.os, "write", broken)


@pytest.mark.parametrize("path", ["a.jsonl", "a.csv"])
@pytest.mark.parametrize("nth", range(1, 40))
def test_an_interrupted_append_leaves_nothing(files, path, nth, monkeypatch):
    append(files, path, {"n": "0", "t": "x"}, key="0")
    with monkeypatch.context() as context:
        disk = Disk(context, nth)
        try:
            append(files, path, {"n": "1", "t": "a\nb"}, {"n": "2", "t": "c"}, {"n": "3", "t": "d"}, key="1")
        except KeyboardInterrupt:
            context.undo()
        is_whole = disk.left > 0
    numbers = [one["n"] for one in found(files, path)]
    assert numbers == (["0", "1", "2", "3"] if is_whole else ["0"])
    append(files, path, {"n": "4", "t": ""}, key="4")
    assert [one["n"] for one in found(files, path)] == [*numbers, "4"]


def test_a_full_disk_leaves_nothing_and_can_be_retried(files, tmp_path, monkeypatch):
    append(files, "a.jsonl", {"n": 0})
    before = (tmp_path / "a.jsonl").read_bytes()
    with monkeypatch.context() as context:
        disk = Disk(context, 1, error=OSError(errno.ENOSPC, "No space left on device"))
        with pytest.raises(DestinationError, match="No space left") as caught:
            append(files, "a.jsonl", {"n": 1})  # the note fails
        assert caught.value.retryable
        disk.left = 2 + len(b'{"n":1}') // 7 + 100
    assert (tmp_path / "a.jsonl").read_bytes() == before
    append(files, "a.jsonl", {"n": 1})
    assert len(found(files, "a.jsonl")) == 2


def fails(*_, **__):
    raise OSError(errno.EIO, "Input/output error")


def fails_for(failing):
    """Return an `os.unlink` that fails for one name."""
    unlink = os.unlink
    return lambda name, **where: fails() if name == failing else unlink(name, **where)


def test_an_append_that_cant_be_undone_may_have_happened(files, monkeypatch):
    append(files, "a.jsonl", {"n": 0}, key="0")
    sync, synced = os.fsync, iter((True, True, False))  # the note, its folder, the lines
    with monkeypatch.context() as context:
        context.setattr(folder.os, "fsync", lambda descriptor: sync(descriptor) if next(synced) else fails())
        context.setattr(folder.os, "ftruncate", fails)
        with pytest.raises(DestinationError, match="Input/output error") as caught:
            append(files, "a.jsonl", {"n": 1}, key="1")
    assert caught.value.may_have_happened
    assert not caught.value.retryable
    assert [one["n"] for one in found(files, "a.jsonl")] == [0, 1]


def test_an_append_whose_note_stays_has_happened(files, monkeypatch):
    append(files, "a.jsonl", {"n": 0})
    with monkeypatch.context() as context:
        context.setattr(folder.os, "unlink", fails_for(".a.jsonl.appending"))
        append(files, "a.jsonl", {"n": 1})
    append(files, "a.jsonl", {"n": 2})
    assert [one["n"] for one in found(files, "a.jsonl")] == [0, 1, 2]


def test_what_others_wrote_after_an_interrupted_append_stays(files, tmp_path):
    append(files, "a.jsonl", {"n": 0})
    size = (tmp_path / "a.jsonl").stat().st_size
    note = tmp_path / ".a.jsonl.appending"
    note.write_text(json.dumps({"size": size, "adds": 3, "sha256": "0" * 64}))
    with (tmp_path / "a.jsonl").open("a") as file:
        file.write('{"n":1}\n')
    assert found(files, "a.jsonl") == [{"n": 0}, {"n": 1}]
    assert not note.exists()


def test_a_note_that_was_cut_off_is_ignored(files, tmp_path):
    append(files, "a.jsonl", {"n": 0})
    (tmp_path / ".a.jsonl.appending").write_text('{"size": 0, "ad')
    assert found(files, "a.jsonl") == [{"n": 0}]
    append(files, "a.jsonl", {"n": 1})
    assert len(found(files, "a.jsonl")) == 2


def test_an_interrupted_replacement_leaves_the_old_file(files, tmp_path, monkeypatch):
    files.run("file.write", {"path": "a.txt", "text": "old"})
    with monkeypatch.context() as context:
        Disk(context, 1)
        with pytest.raises(KeyboardInterrupt):
            files.run("file.write", {"path": "a.txt", "text": "new content"})
    assert (tmp_path / "a.txt").read_text() == "old"
    files.run("file.write", {"path": "a.txt", "text": "new"})
    assert (tmp_path / "a.txt").read_text() == "new"
