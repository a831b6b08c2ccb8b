"""An error leaves standard output empty and a file as it was, unless records were written before it."""

import pytest
from hostile import Hostile, reply
from terminal import caller

FORMS = ((), ("--json",), *(("--format", form) for form in ("table", "json", "jsonl", "csv", "xlsx")))
RANGE = ("--from", "2026-11-23", "--to", "2026-11-25")
WITHIN = ("start_time=2026-11-23", "end_time=2026-11-25")
LISTS = [
    ("agenda", *RANGE),
    ("agenda", "--type", "introo", *RANGE),
    ("agenda", "--everyone", *RANGE),
    ("slots", "introo", *RANGE),
    ("slots", "--host", "Nobody", *RANGE),
    ("slots", "--common", "me", "--common", "Nobody", *RANGE),
    ("report", *RANGE),
    ("report", "--type", "introo", *RANGE),
    ("run", "users.me"),
    ("run", "scheduled_events"),
    ("run", "scheduled_events", "--all"),
    ("run", "scheduled_events", "--limit", "5"),
    ("run", "slots", "event_type=introo", *WITHIN),
    ("run", "slots", "event_type=introo", *WITHIN, "--all"),
    ("run", "links.list", "--all"),
    ("run", "reports.bookings", "start=2026-11-23", "end=2026-11-25", "--all"),
]
OTHERS = [
    ("actions", "nothing"),
    ("describe", "nothing"),
    ("scopes", "--for", "nothing"),
    ("choices", "slots.list", "nothing"),
    ("request", "GET", "/nothing"),
    ("book", "introo", "mon 14:00", "--name", "Ada", "--email", "ada@client.example"),
    ("cancel", "introo", "--yes"),
    ("reschedule", "introo", "mon 14:00", "--yes"),
    ("no-show", "introo"),
    ("links", "introo"),
    ("sync",),
    ("sync", "--dry-run"),
    ("webhooks", "list"),
]


@pytest.fixture
def call(capsys, monkeypatch, tmp_path):
    """Return a function that runs a command without a terminal: exit code, output, errors."""
    monkeypatch.setenv("CALENDLY_API_TOKEN", "sandbox-owner")
    monkeypatch.setenv("CALENDLY_TZ", "Europe/Berlin")
    monkeypatch.chdir(tmp_path)
    run = caller(capsys, monkeypatch)

    def command(*arguments, server):
        monkeypatch.setenv("CALENDLY_API_URL", server.url)
        return run(*arguments)

    return command


@pytest.fixture(scope="module")
def forbidding():
    """Return a server that rejects every request."""
    with Hostile(reply(403, {"title": "Permission Denied", "message": "no"})) as server:
        yield server


@pytest.mark.parametrize("options", FORMS, ids="".join)
@pytest.mark.parametrize("arguments", LISTS, ids=" ".join)
def test_an_error_before_the_first_record_leaves_the_output_empty(arguments, options, call, forbidding):
    code, out, err = call(*arguments, *options, server=forbidding)
    assert (code in {1, 2}, out) == (True, "")
    assert err.count("\n") == 1


@pytest.mark.parametrize("options", [(), ("--json",)], ids="".join)
@pytest.mark.parametrize("arguments", OTHERS, ids=" ".join)
def test_an_error_of_any_other_command_leaves_the_output_empty(arguments, options, call, forbidding):
    code, out, err = call(*arguments, *options, server=forbidding)
    assert (code in {1, 2}, out) == (True, "")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments", [one for one in LISTS if {"introo", "event_type=introo", "Nobody"} & {*one}]
)
def test_an_unknown_name_leaves_the_output_empty(arguments, call, sandbox):
    code, out, err = call(*arguments, server=sandbox)
    assert (code in {1, 2}, out) == (True, "")
    assert err.count("\n") == 1


@pytest.mark.parametrize("form", ["csv", "json", "jsonl", "xlsx"])
def test_an_error_before_the_first_record_keeps_the_file(form, call, forbidding, tmp_path):
    old, new = tmp_path / f"old.{form}", tmp_path / f"new.{form}"
    old.write_bytes(b"earlier")
    for path in (old, new):
        code, out, _ = call("agenda", *RANGE, "--output", str(path), server=forbidding)
        assert (code, out) == (1, "")
    assert old.read_bytes() == b"earlier"
    assert not new.exists()


@pytest.mark.parametrize("options", FORMS[:-1], ids="".join)  # a workbook isn't text
def test_an_empty_list_is_no_error(options, call, sandbox):
    code, out, err = call("agenda", "--from", "2031-01-01", "--to", "2031-01-02", *options, server=sandbox)
    assert (code, err) == (0, "")
    assert bool(out) == (options != ("--format", "jsonl"))
