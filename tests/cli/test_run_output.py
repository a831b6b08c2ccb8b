"""What `run` shows and writes for people: tables, dates, spreadsheets."""

import csv
import io
import json
import re
from datetime import datetime

import openpyxl
import pytest
from calendly_connector.catalog.manifest import catalog
from calendly_connector.cli import account_view
from calendly_connector.sandbox.world import fixtures
from hostile import Hostile, one, page, reply
from rich.cells import cell_len
from terminal import STYLES, caller, screen

EVENT = catalog()["scheduled_events.list"].examples[0]["output"]
INVITEE = catalog()["invitees.list"].examples[0]["output"]
ME = catalog()["users.me"].examples[0]["output"]
ORGANIZATION = f"organization=https://api.calendly.com/organizations/{fixtures.ORGANIZATION}"
EVENTS = ("run", "scheduled_events.list", ORGANIZATION)
NOW = datetime.fromisoformat("2026-11-18T11:06:40Z")  # Wednesday
EXAMPLES = "Write dates such as tomorrow, mon 14:00"


@pytest.fixture
def call(capsys, monkeypatch):
    """Return a function that runs a command in this process on 2026-11-18."""
    monkeypatch.setenv("CALENDLY_API_TOKEN", "sandbox-owner")
    monkeypatch.setattr(account_view, "now", lambda: NOW)
    monkeypatch.setattr("calendly_connector.cli.run.now", lambda: NOW)
    run = caller(capsys, monkeypatch)

    def command(*arguments, server):
        monkeypatch.setenv("CALENDLY_API_URL", server.url)
        return run(*arguments)

    return command


@pytest.fixture
def shown(monkeypatch, sandbox):
    """Return a function that runs a command in a terminal and checks that every line fits."""
    monkeypatch.setenv("CALENDLY_API_URL", sandbox.url)
    monkeypatch.setenv("CALENDLY_API_TOKEN", "sandbox-owner")

    def run(*arguments, width, **environment):
        code, text = screen(*arguments, width=width, environment=environment)
        assert code == 0, text
        return text

    return run


def rows_of(text):
    return list(csv.reader(io.StringIO(text, newline="")))


# Tables


@pytest.mark.parametrize("width", [80, 120, 200])
@pytest.mark.parametrize(
    "arguments",
    [
        EVENTS,
        ("run", "event_types"),
        ("run", "contacts"),
        ("run", "slots", "event_type=intro", "start_time=~{Now+1d}~", "end_time=~{Now+9d}~"),
        ("run", "organization_memberships.list", ORGANIZATION),
        ("run", "routing_forms.list", ORGANIZATION),
        ("actions",),
        ("check",),
        ("describe", "invitees.create"),
    ],
    ids=lambda arguments: arguments[1] if len(arguments) > 1 else arguments[0],
)
def test_every_line_fits_the_terminal(width, arguments, shown):
    for line in STYLES.sub("", shown(*arguments, width=width)).splitlines():
        is_link = "://" in line  # a link is never cut
        is_note = line.startswith("note: ")
        assert cell_len(line) <= width or is_note or (is_link and arguments[0] != "run"), line


def test_a_wider_terminal_shows_more_columns(shown):
    narrow = shown(*EVENTS, "--limit", "3", width=80)
    assert "note: no room for ID (--columns chooses others)" in narrow
    wide = STYLES.sub("", shown(*EVENTS, "--limit", "3", width=200))
    assert "no room" not in wide
    assert re.search(r" [0-9a-f]{8}-[0-9a-f-]{27}\n", wide)


def test_an_id_in_a_table_is_accepted_by_other_commands(call, sandbox):
    _, out, _ = call(*EVENTS, "--limit", "1", "--format", "table", server=sandbox)
    id_ = out.splitlines()[1].split()[-1]
    code, out, _ = call("run", "scheduled_events.get", f"uuid={id_}", server=sandbox)
    assert code == 0
    assert json.loads(out)["record"]["uri"].endswith(id_)


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_no_color_if_a_person_wants_none(environment, shown):
    assert "\x1b" not in shown(*EVENTS, "--limit", "3", width=80, **environment)
    assert "\x1b" not in shown("actions", width=80, **environment)


def test_a_terminal_has_colors_and_a_pipe_has_none(shown, call, sandbox):
    assert "\x1b[32mactive\x1b[0m" in shown(*EVENTS, "--limit", "3", width=80)
    assert "\x1b" not in call(*EVENTS, "--format", "table", server=sandbox)[1]


def test_a_check_is_green_or_red(shown, sandbox):
    assert shown("check", width=80).startswith(
        "\x1b[32mok\x1b[0m: Signed in as Ada Okafor (ada@acme.example)."
    )
    code, text = screen("check", environment={"CALENDLY_API_URL": sandbox.url, "CALENDLY_API_TOKEN": "wrong"})
    assert code == 1
    assert text.startswith("\x1b[31minvalid_token\x1b[0m: GET /users/me: ")
    assert "\x1b" not in shown("check", width=80, NO_COLOR="1")


@pytest.mark.parametrize(
    ("zone", "heading", "time"),
    [
        ("Europe/Berlin", "START (Berlin)", "Sun 25 Oct 02:30"),
        ("America/New_York", "START (New York)", "Sat 24 Oct 20:30"),
        ("UTC", "START (UTC)", "Sun 25 Oct 00:30"),
    ],
)
def test_times_are_in_the_chosen_zone(zone, heading, time, call):
    with Hostile(page([{**EVENT, "start_time": "2026-10-25T00:30:00.000000Z"}])) as server:
        code, out, _ = call(*EVENTS, "--format", "table", "--tz", zone, server=server)
    assert code == 0
    assert out.startswith(heading)
    assert out.splitlines()[1].startswith(time)


def test_without_a_known_zone_times_are_in_utc(call):
    with Hostile(page([EVENT]), reply(403, {"message": "no"})) as server:
        code, out, err = call(*EVENTS, "--format", "table", server=server)
    assert code == 0
    assert out.startswith("START (UTC)")
    assert "note: times are in UTC, because your account's time zone can't be read." in err


def test_an_invalid_time_is_shown_as_it_is(call):
    with Hostile(page([{**EVENT, "start_time": "soon"}])) as server:
        _, out, _ = call(*EVENTS, "--format", "table", "--tz", "UTC", server=server)
    assert out.splitlines()[1].startswith("soon")


@pytest.mark.parametrize("zone", ["Europe/Berln", "/etc/passwd", "..", "x\x1b[31m"])
def test_an_unknown_zone_is_rejected(zone, call, unvisited):
    code, _, err = call(*EVENTS, "--tz", zone, server=unvisited)
    assert code == 2
    assert "unknown time zone" in err
    assert "\x1b" not in err


def test_a_name_replaces_a_uri(call, sandbox):
    code, out, _ = call("run", "group_members", "--format", "table", server=sandbox)
    assert code == 0
    assert "Sales" in out


def test_a_chosen_column_has_names_in_place_of_uris(call, sandbox):
    arguments = (*EVENTS, "--format", "table", "--columns", "event_type,id", "--limit", "200")
    code, out, _ = call(*arguments, server=sandbox)
    assert code == 0
    assert {"Intro", "Panel"} <= {line.split()[0] for line in out.splitlines()}


def test_ids_replace_names_that_can_not_be_read(call):
    record = catalog()["group_relationships.list"].examples[0]["output"]
    with Hostile(page([record]), reply(403, {"message": "no"})) as server:
        code, out, _ = call("run", "group_members", "--format", "table", server=server)
    assert code == 0
    assert record["group"].rpartition("/")[2] in out


def test_chosen_columns_are_shown_in_their_order(call, sandbox):
    arguments = (
        *EVENTS,
        "--limit",
        "1",
        "--format",
        "table",
        "--columns",
        "ID, status,invitees_counter.total",
    )
    _, out, _ = call(*arguments, server=sandbox)
    assert out.splitlines()[0].split() == ["ID", "STATUS", "INVITEES_COUNTER.TOTAL"]


def test_chosen_columns_without_room_are_blocks_of_lines(shown):
    text = STYLES.sub("", shown(*EVENTS, "--limit", "2", "--columns", "start,id,uri,event_type", width=80))
    assert re.match(r"START \(Berlin\)  .*\nID  .*\n", text)
    assert text.count("EVENT_TYPE") == 2


@pytest.mark.parametrize("columns", ["hosst", "", "start,", "location.nothing", "\x1b[31m"])
@pytest.mark.parametrize("form", ["table", "csv", "xlsx"])
def test_an_unknown_column_is_rejected_with_the_known_ones(columns, form, call, sandbox):
    code, out, err = call(*EVENTS, "--format", form, "--columns", columns, server=sandbox)
    assert (code, out) == (2, "")
    assert "has no column" in err
    assert "Available: start, name, status, host" in err
    assert "\x1b" not in err
    if columns == "hosst":
        assert "Did you mean host" in err


def test_columns_of_json_are_rejected(call, unvisited):
    code, _, err = call(*EVENTS, "--columns", "start", "--format", "json", server=unvisited)
    assert code == 2
    assert "--columns needs a table, csv or xlsx." in err


# Dates


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (["min_start_time=tomorrow"], {"min_start_time": "2026-11-18T23:00:00Z"}),
        (["max_start_time=tomorrow"], {"max_start_time": "2026-11-19T23:00:00Z"}),
        (["min_start_time=mon 14:00"], {"min_start_time": "2026-11-23T13:00:00Z"}),
        (
            ["min_start_time=next week", "max_start_time=next week"],
            {"min_start_time": "2026-11-22T23:00:00Z", "max_start_time": "2026-11-29T23:00:00Z"},
        ),
        (["min_start_time=2026-11-18T15:00:00+01:00"], {"min_start_time": "2026-11-18T15:00:00+01:00"}),
    ],
)
def test_dates_are_in_the_zone_of_the_account(rows, expected, call, sandbox):
    code, out, err = call(*EVENTS, *rows, "--dry-run", server=sandbox)
    assert (code, err) == (0, "")
    query = dict(json.loads(out)["query"])
    assert {name: query[name] for name in expected} == expected


def test_dates_are_in_the_chosen_zone(call, monkeypatch, sandbox):
    monkeypatch.setenv("CALENDLY_TZ", "Asia/Tokyo")
    _, out, _ = call(*EVENTS, "min_start_time=tomorrow", "--dry-run", server=sandbox)
    assert ["min_start_time", "2026-11-18T15:00:00Z"] in json.loads(out)["query"]


def test_a_filter_with_a_date_finds_the_meetings_of_that_day(call, sandbox):
    arguments = (*EVENTS, "min_start_time=tomorrow", "max_start_time=tomorrow", "--all")
    code, out, _ = call(*arguments, server=sandbox)
    assert code == 0
    records = json.loads(out)["records"]
    assert records
    assert all("2026-11-18T23" <= record["start_time"] < "2026-11-19T23" for record in records)


def test_all_problems_are_reported_with_the_dates(call, unvisited):
    code, out, err = call(
        *EVENTS,
        "min_start_time=tomorow",
        "max_start_time=1/2/2026",
        "status=x",
        "colour=red",
        server=unvisited,
    )
    assert (code, out) == (2, "")
    assert "min_start_time: 'tomorow' isn't a date or time;" in err
    assert "max_start_time: '1/2/2026' isn't a date or time: it can mean several days" in err
    assert "status: " in err
    assert "colour: " in err
    assert EXAMPLES in err


def test_a_wrong_order_of_dates_is_found_before_the_first_request(call, unvisited):
    rows = ("event_type=intro", "start_time=next week", "end_time=today")
    code, _, err = call("run", "slots", *rows, server=unvisited)
    assert code == 2
    assert "end_time: must be later than start_time" in err


def test_a_booking_needs_a_time(call, unvisited):
    code, _, err = call("run", "notes.create", "contact=x", "remind_at=tomorrow", server=unvisited)
    assert code == 2
    assert "remind_at: 'tomorrow' has no time; add one, such as 'tomorrow 14:00'" in err


def test_a_time_that_clocks_skip_is_noted(call, sandbox):
    code, _, err = call(*EVENTS, "min_start_time=2027-03-28 02:30", "--dry-run", server=sandbox)
    assert code == 0
    assert err.startswith("note: min_start_time: 02:30 doesn't exist on 2027-03-28 in Europe/Berlin")


def test_an_account_without_a_known_zone_needs_a_zone(call):
    with Hostile(one({**ME, "timezone": "Mars/Base"})) as server:
        code, _, err = call(*EVENTS, "min_start_time=tomorrow", server=server)
    assert code == 1
    assert "Pass --tz" in err


# The request as it will be sent


def test_a_dry_run_shows_names_and_functions_resolved(call, sandbox):
    rows = ("event_type=intro", "start_time=2026-12-01", "end_time=2026-12-01 12:00", "--tz", "UTC")
    code, out, _ = call("run", "slots", *rows, "--dry-run", server=sandbox)
    assert code == 0
    query = dict(json.loads(out)["query"])
    assert "/event_types/" in query["event_type"]
    assert (query["start_time"], query["end_time"]) == ("2026-12-01T00:00:00Z", "2026-12-01T12:00:00Z")


def test_a_dry_run_shows_each_request_of_a_long_range(call, sandbox):
    rows = ("event_type=intro", "start_time=2026-12-01", "end_time=2027-02-15", "--tz", "UTC")
    code, out, _ = call("run", "slots", *rows, "--dry-run", server=sandbox)
    assert code == 0
    assert len(json.loads(out)) > 1


def test_a_dry_run_is_readable_and_masks_secrets(call, sandbox):
    rows = (
        "url=https://hooks.example/李",
        "events[]=invitee.created",
        "scope=user",
        "signing_key=s3cret-key",
    )
    _, out, err = call("run", "notes.create", "contact=x", "body=Zoë 李", "--dry-run", server=sandbox)
    assert "s3cret" not in out + err
    assert "Zoë 李" in out or err
    _, out, err = call("run", "webhook_subscriptions.create", *rows, "--dry-run", server=sandbox)
    assert "s3cret-key" not in out + err


# Files


def answers(*pairs):
    return [{"question": question, "answer": answer, "position": 0} for question, answer in pairs]


def invitees(*records):
    return Hostile(*(page([record], "t1" if record is not records[-1] else None) for record in records))


LIST = ("run", "invitees.list", f"uuid={EVENT['uri'].rpartition('/')[2]}", "--all")


def test_answers_are_columns_even_if_they_appear_late(call, tmp_path):
    late = {
        **INVITEE,
        "uri": f"{INVITEE['uri']}b",
        "questions_and_answers": answers(("Company", "Acme"), ("Company", "Twice"), ("=A1", "=1+1")),
    }
    path = tmp_path / "out.csv"
    with invitees({**INVITEE, "questions_and_answers": []}, late) as server:
        code, _, err = call(*LIST, "--output", str(path), server=server)
    assert code == 0, err
    first, second = csv.DictReader(io.StringIO(path.read_text(), newline=""))
    assert (first["answers.Company"], second["answers.Company"]) == ("", "Acme")
    assert second["answers.Company (2)"] == "Twice"
    assert second["answers.=A1"] == "'=1+1"
    assert json.loads(second["questions_and_answers"]) == late["questions_and_answers"]


def test_answers_of_a_meeting_are_columns(call, sandbox):
    rows = ("start=today", "end=next week", "--format", "csv")
    code, out, err = call("run", "meetings.list", *rows, server=sandbox)
    assert code == 0, err
    heading, *records = rows_of(out)
    assert records
    assert "answers" not in heading
    assert any(name.startswith("answers.") for name in heading)


def test_no_value_of_a_record_is_lost(call):
    odd = {**EVENT, "location": "by phone", "location.type": "x", "new": {"deep": {"er": 1}, "list": [1]}}
    odd["invitees_counter"] = None
    with Hostile(page([EVENT, odd])) as server:
        code, out, _ = call(*EVENTS, "--format", "csv", server=server)
    assert code == 0
    _, row = csv.DictReader(io.StringIO(out, newline=""))
    assert (row["location"], row["location.type"], row["new.deep.er"], row["new.list"]) == (
        "by phone",
        "x",
        "1",
        "[1]",
    )


def test_times_of_csv_are_utc_as_in_json(call, sandbox):
    _, out, _ = call(*EVENTS, "--format", "csv", "--tz", "Asia/Tokyo", server=sandbox)
    heading, first, *_ = rows_of(out)
    assert first[heading.index("start_time")].endswith("Z")


def test_excel_gets_a_mark_and_local_times(call, tmp_path):
    path = tmp_path / "out.csv"
    record = {**EVENT, "name": "=1+1", "start_time": "2026-11-18T23:30:00.000000Z"}
    with Hostile(page([record])) as server:
        code, _, _ = call(*EVENTS, "--excel", "--tz", "Europe/Berlin", "--output", str(path), server=server)
    assert code == 0
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    heading, row = rows_of(path.read_text(encoding="utf-8-sig"))
    assert row[heading.index("start_time (Europe/Berlin)")] == "2026-11-19 00:30:00"
    assert row[heading.index("name")] == "'=1+1"


@pytest.mark.parametrize("options", [["--format", "json"], ["--keep-formulas"], ["--output", "out.xlsx"]])
def test_excel_is_for_csv_without_formulas(options, call, unvisited, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, _, err = call(*EVENTS, "--excel", *options, server=unvisited)
    assert code == 2
    assert "--excel" in err
    assert not list(tmp_path.iterdir())


def test_chosen_columns_of_a_file(call, sandbox):
    columns = "start,location,invitees_counter,event_memberships.user_name"
    _, out, _ = call(*EVENTS, "--format", "csv", "--columns", columns, server=sandbox)
    heading, first, *_ = rows_of(out)
    assert heading[:2] == ["start_time", "location.type"]
    assert "invitees_counter.total" in heading
    assert heading[-1] == "event_memberships.user_name"
    assert first[-1]


def workbook(path):
    sheet = openpyxl.load_workbook(path).active
    heading, *rows = sheet.values
    return sheet, [dict(zip(heading, row, strict=True)) for row in rows]


def test_a_workbook_has_real_dates_numbers_and_texts(call, tmp_path):
    path = tmp_path / "out.xlsx"
    record = {**EVENT, "name": "=HYPERLINK(1)", "big": 2**60, "bell": "a\x07b\ufffe", "start_time": "soon"}
    with Hostile(page([EVENT, record])) as server:
        code, out, err = call(*EVENTS, "--tz", "Europe/Berlin", "--output", str(path), server=server)
    assert (code, out) == (0, ""), err
    sheet, (first, second) = workbook(path)
    assert sheet.freeze_panes == "A2"
    assert isinstance(first["start_time (Europe/Berlin)"], datetime)
    assert first["invitees_counter.total"] == EVENT["invitees_counter"]["total"]
    assert (second["name"], second["big"]) == ("=HYPERLINK(1)", str(2**60))
    assert second["start_time (Europe/Berlin)"] == "soon"
    cell = next(cell for cell in sheet[3] if cell.value == "=HYPERLINK(1)")
    assert cell.data_type != "f"


def test_a_text_too_long_for_excel_is_cut_with_a_warning(call, tmp_path):
    path = tmp_path / "out.xlsx"
    with Hostile(page([{**EVENT, "name": "x" * 40_000}])) as server:
        code, _, err = call(*EVENTS, "--tz", "UTC", "--output", str(path), server=server)
    assert code == 0
    assert "warning: shortened 1 texts to 32767 characters" in err
    assert len(workbook(path)[1][0]["name"]) == 32_767


def test_an_empty_list_is_a_workbook_with_a_heading(call, tmp_path):
    with Hostile(page([])) as server:
        code, _, _ = call(*EVENTS, "--tz", "UTC", "--output", str(tmp_path / "out.xlsx"), server=server)
    assert code == 0
    sheet, rows = workbook(tmp_path / "out.xlsx")
    assert (sheet["A1"].value, rows) == ("uri", [])


def test_a_file_written_before_an_error_is_complete_up_to_there(call, tmp_path):
    path = tmp_path / "out.xlsx"
    with Hostile(page([EVENT], "t1"), reply(403, {"message": "no more"})) as server:
        code, _, err = call(*EVENTS, "--all", "--tz", "UTC", "--output", str(path), server=server)
    assert code == 1
    assert "incomplete: wrote 1 record before this error" in err
    assert len(workbook(path)[1]) == 1


def test_more_rows_than_a_sheet_holds_are_on_another_sheet(call, tmp_path, monkeypatch, sandbox):
    monkeypatch.setattr("calendly_connector.cli.spreadsheet_files._MOST_ROWS", 100)
    path = tmp_path / "out.xlsx"
    code, _, _ = call(*EVENTS, "--all", "--output", str(path), server=sandbox)
    assert code == 0
    sheets = openpyxl.load_workbook(path).worksheets
    assert [sheet.max_row - 1 for sheet in sheets] == [100, 100, 50]
    assert {sheet["A1"].value for sheet in sheets} == {"uri"}


def test_a_workbook_never_goes_to_a_terminal(monkeypatch, unvisited):
    monkeypatch.setenv("CALENDLY_API_URL", unvisited.url)
    monkeypatch.setenv("CALENDLY_API_TOKEN", "sandbox-owner")
    code, text = screen(*EVENTS, "--format", "xlsx")
    assert code == 2
    assert "Pass --output FILE.xlsx." in text


# Scopes


def test_scopes_count_the_look_ups_of_names(call, sandbox):
    code, out, err = call("scopes", "--for", "book", server=sandbox)
    assert (code, out) == (0, "scheduled_events:write\n")
    assert err.startswith("note: to use a name as event_type in book, add event_types:read users:read.\n")
    document = json.loads(call("scopes", "--for", "book", "--json", server=sandbox)[1])
    assert document["names"] == {"book": {"event_type": ["event_types:read", "users:read"]}}


@pytest.mark.parametrize(
    ("command", "action"),
    [("cancel", "bookings.cancel"), ("agenda", "meetings.list"), ("no-show", "bookings.no_show")],
)
def test_a_command_needs_the_scopes_of_its_action(command, action, call, sandbox):
    shown = call("scopes", "--for", command, server=sandbox)
    assert shown[1] == call("scopes", "--for", action, server=sandbox)[1]
    assert "the command" not in shown[2]


def test_a_command_that_shares_its_name_with_another_action_says_so(call, sandbox):
    err = call("scopes", "--for", "book", server=sandbox)[2]
    assert "note: the command `book` runs bookings.create: --for bookings.create lists its scopes." in err


def test_a_trigger_has_no_names_to_look_up(call, sandbox):
    assert call("scopes", "--for", "invitee.created", server=sandbox)[2] == ""


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_notes_are_below_the_table(sandbox, monkeypatch, unbuffered):
    monkeypatch.setenv("CALENDLY_API_URL", sandbox.url)
    monkeypatch.setenv("CALENDLY_API_TOKEN", "sandbox-owner")
    _, shown = screen(*EVENTS, "--limit", "1", environment={"PYTHONUNBUFFERED": unbuffered})
    assert [line[:5] for line in STYLES.sub("", shown).splitlines()[-2:]] == ["note:", "note:"]
