"""`run --each`: one row of result per row, also after kills, lost replies and Ctrl-C."""

import csv
import io
import json
import os
import pty
import re
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from calendly_connector import cli
from calendly_connector.catalog.manifest import catalog, find
from calendly_connector.cli import each
from calendly_connector.cli.each import EachOptions
from calendly_connector.cli.results_file import OWN, ResultsFile
from calendly_connector.cli.row_files import read_table
from calendly_connector.errors import UsageError
from calendly_connector.recipes.batch import Batch, Row, RowOutcome, input_of

SCRIPT = str(Path(sys.executable).parent / "calendly-connector")
INTRO, DEMO = "event_type=intro", "event_type=sales-demo"
TIMEOUT_S = 60
LINK = "https://calendly.com/ada-okafor/intro"


@pytest.fixture
def server(make_sandbox):
    """Return a sandbox whose clock is that of this machine, because commands run beside it."""
    with make_sandbox(now=None) as running:
        yield running


@pytest.fixture
def call(capsys, monkeypatch, tmp_path):
    """Return a function that runs a command in this process and folder: exit code, output, errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CALENDLY_API_TOKEN", "sandbox-owner")

    def run(*arguments, server=None):
        if server is not None:
            monkeypatch.setenv("CALENDLY_API_URL", server.url)
        code = cli.main(["run", *arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.fixture
def start(monkeypatch, tmp_path, server):
    """Return a function that starts the command in a process of its own."""
    started = []
    monkeypatch.setenv("CALENDLY_API_TOKEN", "sandbox-owner")
    monkeypatch.setenv("CALENDLY_API_URL", server.url)

    def begin(*arguments, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE):
        pipes = {"stdin": stdin, "stdout": subprocess.PIPE, "stderr": stderr}
        child = subprocess.Popen([SCRIPT, "run", *arguments], cwd=tmp_path, text=True, **pipes)
        started.append(child)
        return child

    yield begin
    for child in started:
        child.kill()
        child.communicate()


def people(count):
    return [{"name": f"Person {number}", "email": f"p{number}@client.example"} for number in range(count)]


def write_rows(path, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def results(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def created(server):
    """Return the addresses of the shares that were created, without those of the sandbox's start."""
    control = server.requests()["requests"]
    return [one for one in control if (one["method"], one["path"]) == ("POST", "/shares")]


def shares(server, connect):
    records = connect(server, clock=time.time).run("shares.list", all_pages=True).records
    return [record["scheduling_links"][0]["booking_url"] for record in records][: len(records) - 3]


def wait_until(holds):
    give_up_at = time.monotonic() + TIMEOUT_S
    while not holds():
        assert time.monotonic() < give_up_at
        time.sleep(0.01)


def lines_with(path, word):
    return path.read_text(encoding="utf-8").count(word) if path.exists() else 0


# One row of result per row


def test_each_row_gets_its_link_and_keeps_its_other_columns(call, server, tmp_path, connect):
    rows = [
        {**row, "Company": company} for row, company in zip(people(2), ("Acme", "Ünit, Ltd"), strict=True)
    ]
    write_rows(tmp_path / "in.csv", rows)
    code, out, err = call("links.create", INTRO, "--each", "in.csv", "--output", "out.csv", server=server)
    assert (code, out, err) == (0, "", "2 rows: 2 done. Results: out.csv\n")
    found = results(tmp_path / "out.csv")
    assert [(row["name"], row["Company"], row["status"]) for row in found] == [
        ("Person 0", "Acme", "done"),
        ("Person 1", "Ünit, Ltd", "done"),
    ]
    assert sorted(row["url"] for row in found) == sorted(shares(server, connect))
    assert found[1]["prefilled_url"] == found[1]["url"] + "?name=Person%201&email=p1%40client.example"
    assert stat.S_IMODE((tmp_path / "out.csv").stat().st_mode) == 0o600


def test_done_rows_are_not_repeated_and_failed_ones_are(call, server, tmp_path):
    rows = people(3)
    rows[1]["email"] = "no address"
    write_rows(tmp_path / "in.csv", rows)
    command = ("links.create", INTRO, "--each", "in.csv", "--output", "out.csv")
    code, _, err = call(*command, server=server)
    assert code == 1
    assert err.splitlines()[0].startswith("problem: row 2: links.create: email: must be an email address.")
    first = results(tmp_path / "out.csv")
    assert [row["status"] for row in first] == ["done", "failed", "done"]
    assert call(*command, "--json")[:2] == (
        1,
        json.dumps({"rows": 3, "done": 0, "failed": 1, "unknown": 0, "skipped": 2, "left": 0}, indent=2)
        + "\n",
    )
    rows[1]["email"] = "p1@client.example"
    write_rows(tmp_path / "in.csv", rows)
    assert call(*command)[0] == 0
    second = results(tmp_path / "out.csv")
    assert [row["status"] for row in second[:3]] == ["done"] * 3
    assert [row["url"] for row in second[::2]][:2] == [row["url"] for row in first[::2]]
    assert [row["status"] for row in second[3:]] == ["failed"]  # the row as it was before
    assert len(created(server)) == 3


def test_equal_rows_get_a_link_each(call, server, tmp_path):
    write_rows(tmp_path / "in.csv", people(1) * 3)
    command = ("links.create", INTRO, "--each", "in.csv", "--output", "out.csv")
    assert call(*command, server=server)[0] == 0
    assert call(*command)[0] == 0
    assert len({row["url"] for row in results(tmp_path / "out.csv")}) == 3
    assert len(created(server)) == 3


def test_the_order_of_rows_may_change_between_runs(call, server, tmp_path):
    rows = people(4)
    write_rows(tmp_path / "in.csv", rows[:2])
    command = ("links.create", INTRO, "--each", "in.csv", "--output", "out.csv")
    assert call(*command, server=server)[0] == 0
    before = {row["name"]: row["url"] for row in results(tmp_path / "out.csv")}
    write_rows(tmp_path / "in.csv", rows[::-1])
    assert call(*command)[0] == 0
    after = {row["name"]: row["url"] for row in results(tmp_path / "out.csv")}
    assert list(after) == ["Person 3", "Person 2", "Person 1", "Person 0"]
    assert after.items() >= before.items()


def test_a_name_is_looked_up_once_for_all_rows(call, server, tmp_path):
    write_rows(tmp_path / "in.csv", people(5))
    assert call("links.create", INTRO, "--each", "in.csv", "--output", "o.csv", server=server)[0] == 0
    paths = [one["path"] for one in server.requests()["requests"]]
    assert len([path for path in paths if path.startswith("/event_types")]) == 2
    assert len(paths) <= 5 + 2 + 1


@pytest.mark.parametrize("ending", ["json", "jsonl"])
def test_rows_and_results_may_be_json(ending, call, server, tmp_path):
    rows = [{**row, "answers": {"What would you like to discuss?": "Prices"}} for row in people(2)]
    text = json.dumps(rows) if ending == "json" else "\n".join(map(json.dumps, rows))
    (tmp_path / f"in.{ending}").write_text(text)
    command = ("links.create", INTRO, "--each", f"in.{ending}", "--output", "out.jsonl")
    assert call(*command, server=server)[0] == 0
    assert call(*command)[0] == 0
    found = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [(row["email"], row["created"], row["status"]) for row in found] == [
        ("p0@client.example", True, "done"),
        ("p1@client.example", True, "done"),
    ]
    assert all(row["prefilled_url"].endswith("&a1=Prices") for row in found)
    assert len(created(server)) == 2


def test_dotted_columns_are_fields_and_case_does_not_matter(call, tmp_path, unvisited):
    write_rows(tmp_path / "in.csv", [{"LINK": LINK, "tracking.utm_source": "mail", "Answers.A1": "yes"}])
    assert call("booking_pages.url", "--each", "in.csv", "--output", "o.csv", server=unvisited)[0] == 0
    assert results(tmp_path / "o.csv")[0]["url"] == f"{LINK}?a1=yes&utm_source=mail"


def test_the_cells_of_a_row_take_precedence_over_shared_inputs(call, tmp_path, unvisited):
    write_rows(tmp_path / "in.csv", [{"name": "Ada", "email": ""}, {"name": "", "email": "b@client.example"}])
    shared = (f"link={LINK}", "name=All", "email=all@client.example")
    assert (
        call("booking_pages.url", *shared, "--each", "in.csv", "--output", "o.csv", server=unvisited)[0] == 0
    )
    assert [row["url"].partition("?")[2] for row in results(tmp_path / "o.csv")] == [
        "name=Ada&email=all%40client.example",
        "name=All&email=b%40client.example",
    ]


def test_a_list_is_one_cell(call, make_sandbox, tmp_path):
    write_rows(tmp_path / "in.csv", [{"status": "booked"}, {"status": "expired"}])
    with make_sandbox(now=None, anchor=None) as today:  # links expire, so their numbers depend on the day
        assert call("links.list", "--each", "in.csv", "--output", "o.csv", server=today)[0] == 0
    found = results(tmp_path / "o.csv")
    assert [row["input.status"] for row in found] == ["booked", "expired"]
    assert [(row["count"], row["status"]) for row in found] == [("1", "done"), ("1", "done")]
    assert json.loads(found[0]["records"])[0]["contact_email"] == "noor@client.example"


@pytest.mark.long
def test_five_thousand_rows(call, tmp_path, unvisited):
    write_rows(tmp_path / "in.csv", [{"link": LINK, **row} for row in people(5000)])
    command = ("booking_pages.url", "--each", "in.csv", "--output", "o.csv")
    assert call(*command, server=unvisited)[0] == 0
    found = results(tmp_path / "o.csv")
    assert len(found) == len({row["url"] for row in found}) == 5000
    assert call(*command, "--json")[0] == 0
    assert results(tmp_path / "o.csv") == found


def test_a_dry_run_checks_all_rows_without_a_request(call, tmp_path, unvisited):
    rows = people(3)
    rows[2]["email"] = "x"
    write_rows(tmp_path / "in.csv", rows)
    command = ("links.create", INTRO, "--each", "in.csv", "--output", "o.csv", "--dry-run")
    code, out, _ = call(*command, server=unvisited)
    shown = json.loads(out)
    assert (code, shown["rows"], shown["to_run"]) == (0, 3, 3)
    assert [problem["row"] for problem in shown["problems"]] == [3]
    assert shown["first"]["inputs"]["email"] == "p0@client.example"
    assert not (tmp_path / "o.csv").exists()


# Kills, lost replies, Ctrl-C


@pytest.mark.long
@pytest.mark.parametrize("done_first", [1, 40, 97])
def test_a_kill_in_a_batch_of_100_loses_nothing_and_creates_nothing_twice(
    done_first, start, server, connect, tmp_path
):
    write_rows(tmp_path / "in.csv", people(100))
    command = ("links.create", INTRO, "--each", "in.csv", "--output", "out.csv")
    child = start(*command)
    wait_until(lambda: lines_with(tmp_path / "out.csv", ",done,") >= done_first)
    child.kill()
    child.wait()
    before = {row["row_key"]: row["url"] for row in results(tmp_path / "out.csv") if row["status"] == "done"}
    assert len(before) >= done_first
    again = start(*command)
    assert (again.wait(TIMEOUT_S), again.stderr.read().count("100 rows:")) == (0, 1)
    found = results(tmp_path / "out.csv")
    assert [row["name"] for row in found] == [f"Person {number}" for number in range(100)]
    assert {row["row_key"]: row["url"] for row in found}.items() >= before.items()
    assert sorted(row["url"] for row in found) == sorted(shares(server, connect))


def test_a_link_whose_reply_never_arrived_is_found_by_the_next_run(start, server, connect, tmp_path):
    write_rows(tmp_path / "in.csv", people(3))
    command = ("links.create", INTRO, "--each", "in.csv", "--output", "out.csv")
    server.fault("latency", method="POST", path="/shares", after=1, latency_s=120)
    child = start(*command)
    wait_until(lambda: len(created(server)) == 2)
    child.kill()
    child.wait()
    assert start(*command).wait(TIMEOUT_S) == 0
    found = results(tmp_path / "out.csv")
    assert [row["created"] for row in found] == ["true", "false", "true"]
    assert sorted(row["url"] for row in found) == sorted(shares(server, connect))


def test_ctrl_c_stops_after_the_row(start, server, connect, tmp_path):
    write_rows(tmp_path / "in.csv", people(50))
    command = ("links.create", INTRO, "--each", "in.csv", "--output", "out.csv")
    server.fault("latency", method="POST", path="/shares", latency_s=0.3, times=1000)
    child = start(*command)
    wait_until(lambda: lines_with(tmp_path / "out.csv", ",done,") >= 1)
    child.send_signal(signal.SIGINT)
    assert child.wait(TIMEOUT_S) == 1
    printed = child.stderr.read()
    assert "Stopping after this row." in printed
    assert "Run the same command" in printed
    statuses = {row["status"] for row in results(tmp_path / "out.csv")}
    assert statuses == {"done"}
    server.control("DELETE", "/faults")
    assert start(*command).wait(TIMEOUT_S) == 0
    assert sorted(row["url"] for row in results(tmp_path / "out.csv")) == sorted(shares(server, connect))


@pytest.mark.parametrize(
    ("kind", "after"),
    [*(("reset", after) for after in range(6)), *(("truncate", after) for after in range(3, 6))],
)
def test_a_lost_reply_at_any_call_creates_no_second_link(kind, after, call, server, connect, tmp_path):
    write_rows(tmp_path / "in.csv", people(3))
    command = ("links.create", INTRO, "--each", "in.csv", "--output", "out.csv")
    server.fault(kind, after=after, times=1)
    call(*command, server=server)
    assert call(*command)[0] == 0
    found = results(tmp_path / "out.csv")
    assert [row["status"] for row in found] == ["done"] * 3
    assert sorted(row["url"] for row in found) == sorted(shares(server, connect))


def test_a_lost_reply_and_a_failed_look_up_are_settled_by_the_next_run(call, server, connect, tmp_path):
    write_rows(tmp_path / "in.csv", people(2))
    command = ("links.create", INTRO, "--each", "in.csv", "--output", "out.csv")
    server.fault("reset", method="POST", path="/shares")
    server.fault("status", method="GET", path="/shares", status=500, times=50)
    code, _, err = call(*command, server=server)
    assert code == 1
    assert "2 rows: 1 done, 1 unknown." in err
    assert "Run the same command to find out" in err
    server.control("DELETE", "/faults")
    assert call(*command)[0] == 0
    found = results(tmp_path / "out.csv")
    assert sorted(row["url"] for row in found) == sorted(shares(server, connect))


def test_a_write_whose_outcome_is_unknown_is_only_repeated_on_demand(call, server, tmp_path):
    write_rows(tmp_path / "in.csv", [{"event_type_uri": "sales-demo"}] * 2)
    command = ("links.create_scheduling_link", "--each", "in.csv", "--output", "out.csv")
    server.fault("reset", method="POST", path="/scheduling_links")

    def posts():
        return len([one for one in server.requests()["requests"] if one["method"] == "POST"])

    code, _, err = call(*command, server=server)
    assert (code, posts()) == (1, 2)
    assert "2 rows: 1 done, 1 unknown." in err
    assert "--retry-unknown" in err
    assert call(*command)[0] == 1
    assert posts() == 2
    assert call(*command, "--retry-unknown")[0] == 0
    assert posts() == 3


def test_links_that_cannot_be_listed_stay_unknown(call, server, tmp_path):
    write_rows(tmp_path / "in.csv", people(1))
    command = ("links.create", DEMO, "--each", "in.csv", "--output", "out.csv")
    server.fault("reset", method="POST", path="/scheduling_links")
    assert call(*command, server=server)[0] == 1
    started = results(tmp_path / "out.csv")[0]["started_at"]
    code, _, err = call(*command)
    assert code == 1
    assert "can't be listed" in err
    row = results(tmp_path / "out.csv")[0]
    assert (row["status"], row["started_at"]) == ("unknown", started)
    assert call(*command, "--retry-unknown")[0] == 0
    assert results(tmp_path / "out.csv")[0]["kind"] == "scheduling_link"


def test_an_error_of_all_rows_ends_the_run_at_the_first(call, server, tmp_path):
    write_rows(tmp_path / "in.csv", people(4))
    event_type = "event_type=7121342e-f121-5781-bef6-a20c5dcd7dc3"
    command = ("links.create", event_type, "--each", "in.csv", "--output", "out.csv")
    server.fault("status", method="POST", path="/shares", after=1, status=401, times=10)
    code, _, err = call(*command, server=server)
    assert code == 1
    assert "doesn't accept the token (401)" in err
    assert err.rstrip().endswith("Then run the same command to resume.")
    assert [row["status"] for row in results(tmp_path / "out.csv")] == ["done", "failed"]
    server.control("DELETE", "/faults")
    assert call(*command)[0] == 0
    assert len(results(tmp_path / "out.csv")) == 4


def test_a_full_disk_ends_the_run_without_a_traceback(call, server, tmp_path, monkeypatch):
    write_rows(tmp_path / "in.csv", people(2))
    written = []

    def fail(_file, data):
        written.append(data)
        raise OSError(28, "No space left on device")

    command = ("links.create", INTRO, "--each", "in.csv", "--output", "out.csv")
    replace = Path.replace

    def replace_once(path, target):
        if written:
            raise OSError(28, "No space left on device")
        return replace(path, target)

    with monkeypatch.context() as patched:
        patched.setattr("calendly_connector.cli.results_file.os.write", fail)
        patched.setattr(Path, "replace", replace_once)
        code, _, err = call(*command, server=server)
    assert (code, len(written)) == (1, 1)
    assert err == "calendly-connector: No space left on device.\n"
    assert created(server) == []
    assert call(*command)[0] == 0


def test_a_batch_stays_within_the_rate_limit(make_sandbox, connect, timer, tmp_path):
    write_rows(tmp_path / "in.csv", people(70))
    options = EachOptions(
        str(tmp_path / "in.csv"), str(tmp_path / "out.csv"), defaults=[("event_type", "intro")]
    )
    with make_sandbox(rate_limit=30, clock=timer) as limited:
        summary = each.run(connect(limited), "links.create", options, timer)
        replies = [one["status"] for one in limited.requests()["requests"]]
    assert (summary.done, summary.ok) == (70, True)
    assert set(replies) == {200, 201}
    assert sum(timer.sleeps) > 60
    assert len(replies) <= 73


def test_a_terminal_shows_the_rows_the_problems_and_the_wait(make_sandbox, start, monkeypatch, tmp_path):
    rows = people(40)
    rows[0]["email"] = "x"
    write_rows(tmp_path / "in.csv", rows)
    with make_sandbox(rate_limit=20, now=None) as limited:
        monkeypatch.setenv("CALENDLY_API_URL", limited.url)
        reader, writer = pty.openpty()
        child = start("links.create", INTRO, "--each", "in.csv", "--output", "out.csv", stderr=writer)
        os.close(writer)
        shown = b""
        while not re.search(rb"of 40 rows, 1 problem, waiting \d+ s for the rate limit", shown):
            shown += os.read(reader, 65536)
        child.kill()
        child.wait()
        os.close(reader)
    assert lines_with(tmp_path / "out.csv", ",done,") >= 10


# Files


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"name,email\r\nAda,a@x.example\r\n", [{"name": "Ada", "email": "a@x.example"}]),
        (b"\xef\xbb\xbfname;email\nAda;a@x.example", [{"name": "Ada", "email": "a@x.example"}]),
        (b"name\temail\nAda\ta@x.example\n", [{"name": "Ada", "email": "a@x.example"}]),
        ("name,n\nÉva,李\n".encode("utf-16"), [{"name": "Éva", "n": "李"}]),
        (b"\n\nname,email\n\n,\n  , \nAda,\n\n", [{"name": "Ada", "email": ""}]),
        (b'"a;b","c;d"\n1,2\n', [{"a;b": "1", "c;d": "2"}]),
        (b'name,text\nAda,"two\nlines ""x"", y"\n', [{"name": "Ada", "text": 'two\nlines "x", y'}]),
        (b"name,email,,\nAda,a@x.example,,\nBo\n", [
            {"name": "Ada", "email": "a@x.example"},
            {"name": "Bo", "email": ""},
        ]),
        (b" name , email \nAda,x\n", [{"name": "Ada", "email": "x"}]),
        (b"name\nAda\nAda\n", [{"name": "Ada"}, {"name": "Ada"}]),
        (b"name\n", []),
    ],
)  # fmt: skip
def test_csv_is_read_as_spreadsheets_write_it(data, expected, tmp_path):
    (tmp_path / "in.csv").write_bytes(data)
    assert read_table(str(tmp_path / "in.csv")) == expected


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("in.csv", b"", "is empty"),
        ("in.csv", b"\n\n", "is empty"),
        ("in.csv", b"name,email\nAda,x,y\n", "row 2 has 3 cells, but the header has 2"),
        ("in.csv", b"name,,email\nAda,x,y\n", "a column has no name"),
        ("in.csv", b"name,Name\nAda,x\n", "several columns named name"),
        ("in.csv", b"name\n\xe9va\n", "isn't UTF-8"),
        ("in.json", b"{", "isn't valid JSON"),
        ("in.json", b"[1]", "a list of JSON objects"),
        ("in.json", b'"text"', "a list of JSON objects"),
        ("in.jsonl", b"{}\n[]\n", "a list of JSON objects"),
        ("in.json", b"[" * 100_000, "isn't valid JSON"),
    ],
)
def test_a_file_that_is_no_table_is_rejected(name, data, message, tmp_path):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(UsageError, match=message):
        read_table(str(tmp_path / name))


def test_a_missing_file_is_reported(call, unvisited):
    code, _, err = call("links.create", INTRO, "--each", "no.csv", "--output", "o.csv", server=unvisited)
    assert (code, err.count("\n")) == (2, 1)
    assert "--each: can't read no.csv: No such file or directory." in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "--each needs --output"),
        (("--output", "o.csv", "--all"), "--each needs --output"),
        (("--output", "o.csv", "--limit", "3"), "--each needs --output"),
        (("--output", "o.csv", "--format", "table"), "--each needs --output"),
        (("--output", "o.json"), "as CSV or JSON lines"),
        (("--output", "o.xlsx"), "as CSV or JSON lines"),
        (("--output", "in.csv"), "isn't a file of results"),
        (("--output", "no/such/folder.csv"), "can't write"),
    ],
)
def test_wrong_options_are_rejected_before_a_request(arguments, message, call, unvisited, tmp_path):
    write_rows(tmp_path / "in.csv", people(1))
    before = (tmp_path / "in.csv").read_bytes()
    code, _, err = call("links.create", INTRO, "--each", "in.csv", *arguments, server=unvisited)
    assert code == 2
    assert message in err
    assert (tmp_path / "in.csv").read_bytes() == before


def test_an_option_of_batches_needs_a_batch(call, unvisited):
    code, _, err = call("users.me", "--retry-unknown", server=unvisited)
    assert code == 2
    assert "--retry-unknown only works with --each." in err


def test_a_file_without_any_input_is_rejected(call, unvisited, tmp_path):
    write_rows(tmp_path / "in.csv", [{"Firma": "Acme"}])
    code, _, err = call("links.create", INTRO, "--each", "in.csv", "--output", "o.csv", server=unvisited)
    assert code == 2
    assert "no column is an input of links.create (Firma)" in err


def test_a_column_that_looks_like_an_input_is_pointed_out(call, unvisited, tmp_path):
    write_rows(tmp_path / "in.csv", [{"link": LINK, "e-mail": "a@client.example"}])
    code, _, err = call("booking_pages.url", "--each", "in.csv", "--output", "o.csv", server=unvisited)
    assert code == 0
    assert "column 'e-mail' isn't an input and is only copied. Did you mean 'email'?" in err


def test_formulas_of_strangers_stay_text_however_often_the_file_is_written(call, tmp_path, unvisited):
    name = '=HYPERLINK("http://evil.example")'
    write_rows(tmp_path / "in.csv", [{"link": LINK, "name": name, "note": "'=1+1"}])
    command = ("booking_pages.url", "--each", "in.csv", "--output", "o.csv")
    for _ in range(3):
        assert call(*command, server=unvisited)[0] == 0
        row = results(tmp_path / "o.csv")[0]
        assert (row["name"], row["note"]) == ("'" + name, "''=1+1")


def test_functions_in_cells_stay_text(call, tmp_path, unvisited):
    write_rows(tmp_path / "in.csv", [{"link": LINK, "name": "~{GetUserUrl}~ ~~{x"}])
    assert call("booking_pages.url", "--each", "in.csv", "--output", "o.csv", server=unvisited)[0] == 0
    assert results(tmp_path / "o.csv")[0]["url"].endswith("name=~%7BGetUserUrl%7D~%20~~%7Bx")


@pytest.mark.parametrize("cut", range(1, 60))
@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_a_half_written_last_line_is_left_out(ending, cut, tmp_path):
    path = tmp_path / f"o.{ending}"
    row = Row(1, {"name": 'two\nlines, "x"'}, (), "r1")
    file = ResultsFile(str(path), ["name"], ["url"])
    file.open([row])
    file.append(row, RowOutcome("r1", "done", result={"url": "https://calendly.com/x"}))
    whole = path.read_bytes()
    second = Row(2, {"name": "Bo\r\n\r\n"}, (), "r2")
    file.append(second, RowOutcome("r2", "started", "2026-11-28T10:00:00Z"))
    os.close(file._file)
    path.write_bytes(path.read_bytes()[:-cut] if cut < len(path.read_bytes()) - len(whole) else whole)
    again = ResultsFile(str(path), ["name"], ["url"]).outcomes
    assert again == {"r1": RowOutcome("r1", "done", "", {"url": "https://calendly.com/x"}, "")}


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_only_a_file_is_replaced(make, call, unvisited, tmp_path):
    make(tmp_path / "out.csv")
    write_rows(tmp_path / "in.csv", people(1))
    code, _, err = call("links.create", INTRO, "--each", "in.csv", "--output", "out.csv", server=unvisited)
    assert code == 2
    assert "isn't a file" in err
    assert not (tmp_path / "out.csv").is_file()


def test_a_file_keeps_its_permissions_and_a_link_its_target(call, unvisited, tmp_path):
    (tmp_path / "target.csv").touch()
    (tmp_path / "target.csv").chmod(0o640)
    (tmp_path / "out.csv").symlink_to("target.csv")
    write_rows(tmp_path / "in.csv", [{"link": LINK}])
    assert call("booking_pages.url", "--each", "in.csv", "--output", "out.csv", server=unvisited)[0] == 0
    assert (tmp_path / "out.csv").is_symlink()
    assert stat.S_IMODE((tmp_path / "target.csv").stat().st_mode) == 0o640
    assert results(tmp_path / "target.csv")[0]["url"] == LINK


def test_rows_may_come_from_standard_input(start, tmp_path):
    write_rows(tmp_path / "in.csv", people(2))
    with (tmp_path / "in.csv").open("rb") as rows:
        child = start("links.create", INTRO, "--each", "-", "--output", "out.csv", stdin=rows)
        assert child.wait(TIMEOUT_S) == 0
    assert [row["status"] for row in results(tmp_path / "out.csv")] == ["done", "done"]


def test_a_second_run_on_the_same_file_is_rejected(tmp_path):
    path = tmp_path / "o.csv"
    first = ResultsFile(str(path), ["name"], [])
    first.open([])
    second = ResultsFile(str(path), ["name"], [])
    before = path.read_bytes()
    with pytest.raises(UsageError, match="another run is writing"):
        second.open([])
    assert path.read_bytes() == before
    first.close([])
    second.open([])
    second.close([])


def test_results_of_other_rows_and_columns_are_kept(call, tmp_path, unvisited):
    command = ("booking_pages.url", "--each", "in.csv", "--output", "o.csv")
    write_rows(tmp_path / "in.csv", [{"link": LINK, "email": "a@client.example", "team": "red"}])
    assert call(*command, server=unvisited)[0] == 0
    write_rows(tmp_path / "in.csv", [{"link": LINK, "email": "b@client.example"}])
    assert call(*command)[0] == 0
    found = results(tmp_path / "o.csv")
    assert [(row["email"], row["team"]) for row in found] == [
        ("b@client.example", ""),
        ("a@client.example", "red"),
    ]


def test_a_results_file_that_a_spreadsheet_saved_is_understood(call, tmp_path, unvisited):
    command = ("booking_pages.url", "--each", "in.csv", "--output", "o.csv")
    write_rows(tmp_path / "in.csv", [{"link": LINK, **row} for row in people(2)])
    assert call(*command, server=unvisited)[0] == 0
    rows = list(csv.reader(io.StringIO((tmp_path / "o.csv").read_text())))
    text = "\r\n".join(";".join(row) for row in rows)  # without a line end, as Google Sheets
    (tmp_path / "o.csv").write_bytes(b"\xef\xbb\xbf" + text.encode())
    code, out, _ = call(*command, "--json")
    assert (code, json.loads(out)["skipped"]) == (0, 2)


# Keys and columns


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ("email", "email"),
        (" EMAIL ", "email"),
        ("tracking.utm_source", "tracking.utm_source"),
        ("Answers.How many seats?", "answers.How many seats?"),
        ("guests[]", "guests[]"),
        ("e-mail", None),
        ("email.x", None),
        ("", None),
        (".", None),
    ],
)
def test_a_column_is_an_input_by_its_name(column, expected):
    assert input_of(column, find("links.create")) == expected


def test_a_secret_is_never_read_from_a_table():
    assert input_of("signing_key", find("webhook_subscriptions.create")) is None


def test_a_key_depends_on_the_inputs_only():
    action = find("booking_pages.url")
    batch = Batch(action, lambda *_args, **_more: None, time.time)
    table = [{"link": LINK, "note": "a"}, {"note": "b", "link": LINK}, {"link": LINK + "x"}]
    keys = [row.key for row in batch.rows(table)]
    assert len(set(keys)) == 3
    swapped = [{"name": "Ada", "link": LINK}, {"link": LINK, "name": "Ada"}]
    assert batch.rows(swapped[:1])[0].key == batch.rows(swapped[1:])[0].key
    assert [row.key for row in batch.rows(table[::-1])] == [keys[2], *keys[:2]]
    assert all(key.startswith("r") for key in keys)


@pytest.mark.parametrize("action", [one for one in catalog().values() if one.retry], ids=lambda one: one.id)
def test_the_inputs_for_a_retry_exist(action):
    names = {name.partition(".")[0] for key, name in action.retry.items() if key != "field"}
    assert set(action.retry) in ({"key", "unless"}, {"since", "known", "field"})
    assert names <= action.inputs.keys()
    if field := action.retry.get("field"):
        assert field in action.output["properties"]


def test_the_columns_of_the_file_do_not_clash():
    assert len(set(OWN)) == len(OWN)
