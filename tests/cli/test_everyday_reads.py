"""`agenda`, `slots` and `report`: what people see of their meetings, in tables, files and charts."""

import csv
import json
import re
from datetime import datetime, timedelta

import openpyxl
import pytest
from brief import brief_sandbox
from calendly_connector import sync
from calendly_connector.plugin import connector
from people import BERLIN, DISCUSS, at, day, meet
from terminal import STYLES, caller, screen

HOSTILE = "Eve\x1b[2J\x07\x9b31m=1+1"
FUTURE = 3  # days from now, so a test that runs at midnight finds the same meetings


@pytest.fixture(scope="module")
def world():
    """Return a sandbox on this machine's clock, with these meetings of its owner besides one of Noor's."""
    settings = {"events": 2, "public_origin": True, "check_replies": True, "rate_limit": 0}
    with brief_sandbox(**settings) as running:
        meet(running, day(FUTURE), answers=["Pricing for 40 seats, a longer text that needs two lines at 80"])
        meet(running, day(FUTURE), "00:30", name="Omar Night", email="omar@client.example")
        meet(running, day(FUTURE + 1), name=HOSTILE, email="eve@client.example", answers=[HOSTILE])
        meet(running, day(-3), name="June", email="june@client.example")
        yield running


@pytest.fixture
def call(capsys, monkeypatch, world):
    """Return a function that runs a command without a terminal: exit code, output, errors."""
    monkeypatch.setenv("CALENDLY_API_URL", world.url)
    monkeypatch.setenv("CALENDLY_API_TOKEN", "sandbox-owner")
    return caller(capsys, monkeypatch)


@pytest.fixture
def records(call):
    """Return a function that runs a command and returns the records of its JSON."""

    def run(*arguments):
        code, out, err = call(*arguments)
        assert (code, err) == (0, "")
        return json.loads(out)["records"]

    return run


def near(*more):
    """Return the options of a range that has the meetings to come."""
    return ("--from", str(day(FUTURE)), "--to", str(day(FUTURE + 1)), *more)


# agenda


def test_a_day_can_be_named_without_an_option(records):
    on = str(day(FUTURE))
    assert records("agenda", on) == records("agenda", "--from", on, "--to", on) != []


@pytest.mark.usefixtures("call")
def test_a_person_at_a_terminal_hears_what_was_saved(tmp_path):
    code, shown = screen("agenda", *near("--output", str(tmp_path / "a.csv")), width=200)
    assert code == 0
    assert f"note: saved 3 records to {tmp_path / 'a.csv'}" in shown


def test_an_unknown_type_is_named_by_its_option(call):
    assert "calendly-connector: --type: 'Introo' matches no name" in call("agenda", "--type", "Introo")[2]


def test_an_agenda_has_a_row_for_each_invitee_with_answers(records):
    rows = records("agenda", *near("--who", "lena"))
    assert [(row["invitee_name"], row["start_time"]) for row in rows] == [
        ("Lena Marsh", at(day(FUTURE), "14:00"))
    ]
    assert rows[0]["answers"][DISCUSS].startswith("Pricing for 40 seats")
    assert rows[0]["start_local"] == f"{day(FUTURE)} 14:00"


def test_tomorrow_is_a_local_day(records, world):
    today = datetime.now(BERLIN).date()
    tomorrow = today + timedelta(days=1)
    meetings = {meet(world, tomorrow, clock)["uri"] for clock in ("00:00", "23:30")}
    found = {row["event"] for row in records("agenda", "--tomorrow")}
    if datetime.now(BERLIN).date() == today:  # it isn't midnight
        assert found == meetings
    for uri in meetings:
        world.cancel(event=uri)


def test_dates_and_rows_are_in_the_chosen_zone(records):
    on = str(day(FUTURE - 1))
    arguments = ("agenda", "--from", on, "--to", on, "--who", "omar")
    assert records(*arguments) == []
    rows = records(*arguments, "--tz", "America/New_York")
    assert [row["start_local"][:10] for row in rows] == [on]
    assert [row["start_time"] for row in rows] == [at(day(FUTURE), "00:30")]


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (["--who", "LENA client"], ["Lena Marsh"]),
        (["--who", "40 seats"], ["Lena Marsh"]),
        (["--type", "intro", "--host", "ada", "--who", "omar"], ["Omar Night"]),
        (["--type", "panel"], []),
        (["--host", "nobody"], []),
        (["--status", "canceled"], []),
        (["--status", "all", "--everyone", "--who", "client"], ["Omar Night", "Lena Marsh", HOSTILE]),
    ],
)
def test_an_agenda_can_be_filtered(options, names, records):
    assert [row["invitee_name"] for row in records("agenda", *near(*options))] == names


def test_a_limited_agenda_says_that_there_is_more(call):
    code, out, err = call("agenda", *near("--limit", "1"))
    assert code == 0
    assert len(json.loads(out)["records"]) == 1
    assert err == "note: showing the first 1 record. Raise --limit for more.\n"


@pytest.mark.parametrize("width", [80, 120, 200])
@pytest.mark.usefixtures("call")
def test_answers_are_below_the_row_and_within_the_terminal(width):
    code, shown = screen("agenda", *near("--answers"), width=width)
    assert code == 0
    lines = [line for line in STYLES.sub("", shown).splitlines() if not line.startswith("note: ")]
    assert max(map(len, lines)) <= width
    row = next(number for number, line in enumerate(lines) if "Lena Marsh" in line)
    assert lines[row + 1].startswith(f"    {DISCUSS}: Pricing for 40 seats")
    assert "(Berlin)" in lines[0]


@pytest.mark.usefixtures("call")
def test_without_answers_there_is_a_line_for_each_row():
    lines = screen("agenda", *near(), width=200)[1].splitlines()
    assert len(lines) == 4
    assert DISCUSS not in "".join(lines)


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
@pytest.mark.usefixtures("call")
def test_no_escapes_if_a_person_wants_none(environment):
    assert "\x1b" in screen("agenda", *near())[1]
    assert "\x1b" not in screen("agenda", *near(), environment=environment)[1]
    assert "\x1b" not in screen("report", "--week", environment=environment)[1]


@pytest.mark.parametrize(
    "arguments",
    [
        ("agenda", *near("--answers")),
        ("agenda", *near("--answers", "--columns", "start,invitee")),
        ("agenda", *near("--format", "csv")),
        ("agenda", *near("--json")),
        ("report", *near("--by", "invitee")),
    ],
)
@pytest.mark.usefixtures("call")
def test_a_name_can_not_drive_the_terminal(arguments):
    code, shown = screen(*arguments, width=100)
    assert code == 0
    assert "eve@client.example" in shown or "Eve" in shown
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", STYLES.sub("", shown))


def test_a_file_has_the_format_of_its_name(call, tmp_path):
    for name in ("meetings.csv", "meetings.xlsx", "meetings.jsonl"):
        assert call("agenda", *near("--output", str(tmp_path / name))) == (0, "", "")
    with (tmp_path / "meetings.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    names = [row["invitee_name"] for row in rows]
    assert names[:2] == ["Omar Night", "Lena Marsh"]
    assert rows[1][f"answers.{DISCUSS}"].startswith("Pricing")
    sheet = openpyxl.load_workbook(tmp_path / "meetings.xlsx").active
    assert [row[0].value for row in sheet.iter_rows(min_row=2)][1].hour == 14  # local
    lines = (tmp_path / "meetings.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["invitee_name"] for line in lines] == [*names[:2], HOSTILE]


# slots


def test_free_times_are_those_of_the_range(records):
    first, last = day(7), day(14)
    rows = records("slots", "intro", "--from", str(first), "--to", str(last))
    assert rows
    assert all(str(first) <= row["start_local"][:10] <= str(last) for row in rows)
    assert {row["event_type_name"] for row in rows} == {"Intro call"}
    abroad = records("slots", "intro", "--from", at(first, "00:00"), "--tz", "Asia/Tokyo", "--first")
    assert abroad[0]["start_time"] == rows[0]["start_time"]
    assert abroad[0]["timezone"] == "Asia/Tokyo"
    assert len(abroad) == 1


def test_without_a_range_free_times_are_those_of_seven_days(records):
    rows = records("slots", "intro")
    assert rows
    assert all(row["start_local"][:10] <= str(day(7)) for row in rows)


def test_common_times_fit_everybody(records):
    arguments = ("slots", "--common", "me", "--common", "Ben Iwu", "--minutes", "45")
    rows = records(*arguments, "--from", str(day(7)), "--to", str(day(14)))
    assert rows
    assert {row["duration"] for row in rows} == {45}


def test_an_unknown_event_type_is_reported_with_the_nearest_name(call):
    code, out, err = call("slots", "Introo")
    assert (code, out) == (2, "")
    assert err.startswith("calendly-connector: EVENT_TYPE: 'Introo' matches no name")
    assert "did you mean 'Intro call'?" in err
    assert "incomplete" not in err


def test_an_unknown_event_type_is_named_as_the_option(call):
    code, _, err = call("agenda", "--type", "Introo")
    assert code == 2
    assert err.startswith("calendly-connector: --type: 'Introo' matches no name")


@pytest.mark.parametrize("word", ["tomorrow", "Next week"])
def test_a_day_in_place_of_an_event_type_is_recognized(word, call):
    code, _, err = call("slots", "intro", word)
    assert code == 2
    assert err.endswith(f"Did you mean --{word.casefold().replace(' ', '-')}?\n")


def test_a_range_in_the_past_has_no_free_times(call):
    code, _, err = call("slots", "intro", "--from", str(day(-9)), "--to", str(day(-8)))
    assert code == 2
    assert "--to: must be later than now" in err


# report


def test_a_report_counts_by_the_wanted_groups(records):
    rows = records("report", *near("--by", "event-type"))
    assert [(row["event_type"], row["bookings"], row["active"]) for row in rows] == [("Intro call", 3, 3)]
    rows = records("report", *near("--by", "invitee", "--by", "host", "--host", "ada"))
    assert {row["invitee"] for row in rows} == {f"{name}@client.example" for name in ("lena", "omar", "eve")}
    by_hour = records("report", *near("--by", "hour", "--tz", "Asia/Tokyo"))
    assert sum(row["bookings"] for row in by_hour) == 3


def test_a_report_covers_the_last_month_by_default(records):
    assert records("report", "--by", "invitee")[-1]["invitee"] == "june@client.example"


def test_a_file_of_a_report_has_its_columns(call, tmp_path):
    path = tmp_path / "report.csv"
    assert call("report", *near("--by", "hour", "--output", str(path))) == (0, "", "")
    heading = path.read_text(encoding="utf-8").splitlines()[0]
    assert heading.split(",") == [
        *("hour", "bookings", "active", "canceled", "rescheduled", "no_shows", "lead_time_hours")
    ]


def test_a_terminal_shows_bars_below_the_table(call):
    code, shown = screen("report", *near(), width=80)
    lines = STYLES.sub("", shown).splitlines()
    assert code == 0
    assert max(map(len, lines)) <= 80
    assert lines[0].startswith("EVENT TYPE  BOOKINGS")
    assert re.fullmatch("Intro call █+ 3", lines[-1])
    assert "█" not in call("report", *near("--format", "table"))[1]


@pytest.mark.usefixtures("call")
def test_a_report_by_several_groups_stays_a_table():
    code, shown = screen("report", *near("--by", "invitee", "--by", "event-type"), width=80)
    assert code == 0
    assert "INVITEE" in shown.splitlines()[0]
    assert "BOOKINGS" in shown.splitlines()[0]
    assert len(re.findall("█+ 1$", STYLES.sub("", shown), re.MULTILINE)) == 3


@pytest.mark.parametrize(("name", "start"), [("x.png", b"\x89PNG"), ("x.html", b"<!doctype")])
def test_a_chart_is_saved(name, start, call, tmp_path):
    path = tmp_path / name
    code, _, err = call("report", *near("--by", "host", "--chart", str(path)))
    assert (code, err) == (0, f"note: saved {path}\n")
    assert path.read_bytes()[: len(start)].lower() == start.lower()


def test_a_synced_database_gives_the_same_report(records, world, tmp_path, monkeypatch, unvisited):
    path = tmp_path / "calendly.db"
    credential = {"kind": "personal_access_token", "token": "sandbox-owner"}
    connection = connector.connect(credential, origin=world.url)
    sync.run(connection, str(path))
    connection.close()
    arguments = ("report", *near("--by", "invitee", "--tz", "Europe/Berlin"))
    expected = records(*arguments, "--everyone")
    monkeypatch.setenv("CALENDLY_API_URL", unvisited.url)
    assert records(*arguments, "--source", str(path)) == expected
    assert expected


# All of them


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            ["agenda", "--today", "--tomorrow"],
            "Choose one of --today, --tomorrow, --week, --next-week, --month, --last-month, or --from and",
        ),
        (["agenda", "tomorrow", "--week"], "Choose one of 'tomorrow' and the options for a range."),
        (["agenda", "noor", "--tz", "UTC"], "To search for a person, pass --who."),
        (["agenda", "mon 14:00", "--tz", "UTC"], "'mon 14:00' is a moment. Name a day or a range"),
        (["agenda", "--output", "x.xls"], ".xls files can't be written. Use .csv, .json, .jsonl or .xlsx"),
        (["agenda", "--tz", "Tokyo"], "unknown time zone 'Tokyo'. Did you mean Asia/Tokyo?"),
        (["agenda", "--week", "--from", "mon"], "Choose one of"),
        (["agenda", "--json", "--output", "x.csv"], "implies csv"),
        (["agenda", "--excel", "--output", "x.xlsx"], "--excel is for csv"),
        (["agenda", "--columns", "start", "--json"], "--columns needs a table"),
        (["agenda", "--limit", "0"], "--limit"),
        (["agenda", "--tz", "Mars/Olympus"], "unknown time zone 'Mars/Olympus'"),
        (["agenda", "--from", "1/2/2026", "--tz", "UTC"], "'1/2/2026' isn't a date or time"),
        (["agenda", "--from", "2026-02-02", "--to", "2026-02-01", "--tz", "UTC"], "--from must be earlier"),
        (["report", "last", "month"], "Unexpected argument 'last month'. Did you mean --last-month?"),
        (["report", "nov"], "Unexpected argument 'nov'. Pass dates with --from and --to."),
        (["links", "intro", "panel"], "'panel'. Run `calendly-connector links --help` for its usage."),
        (["agenda", "--limit", "few"], "'few' is not a whole number"),
        (["agenda", "--output", "x.xls"], "--output x.xls: .xls files can't be written. Use .csv, "),
        (["slots"], "Name an event type, or pass --host or --common."),
        (["slots", "intro", "--common", "me"], "--common can't be used with an event type or --host."),
        (["slots", "--common", "me", "--minutes", "0"], "--minutes"),
        (["report", "--by", "color"], "'color' is not one of"),
        (["report", "--chart", "x.pdf"], "Use a name that ends in .png or .html."),
        (["report", "--source", "x.db", "--everyone"], "--source can't be used with"),
        (["report", "--from", "2026-02-01", "--to", "2026-01-01", "--tz", "UTC"], "--from must be earlier"),
        (["book", "intro", "mon 9:00"], "Missing option '--name'"),
        (
            ["book", "intro", "mon", *("--name", "a", "--email", "b@c.example", "--tz", "UTC")],
            "'mon' has no time",
        ),
        (["book", "intro", "mon 9:00", "--name", "a", "--email", "b", "--answer", "x"], "QUESTION=ANSWER"),
        (["book", "intro", "mon 9:00", "--name", "a", "--email", "b", "--utm", "x"], "expected KEY=VALUE"),
        (["cancel"], "Name a meeting, or pass --from and --to."),
        (["cancel", "--from", "mon"], "Name a meeting, or pass --from and --to."),
        (["cancel", "lena", "--json", "--output", "x.csv"], "implies csv"),
        (["reschedule", "lena"], "Missing argument 'WHEN'"),
        (["reschedule", "lena", "next week", "--tz", "UTC"], "'next week' has no time"),
        (["no-show"], "Missing argument 'WHAT'"),
        (["links", "intro", "--each", "x.csv"], "--each and --output belong together"),
        (["links", "intro", "--output", "x.csv"], "--each and --output belong together"),
        (["links", "intro", "--retry-unknown"], "--retry-unknown is for --each"),
    ],
)
def test_wrong_options_are_found_before_the_first_request(
    arguments, text, call, monkeypatch, unvisited, tmp_path
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CALENDLY_API_URL", unvisited.url)
    code, out, err = call(*arguments)
    assert (code, out) == (2, "")
    assert text in err
    assert list(tmp_path.iterdir()) == []


def test_each_command_has_examples(call):
    for name in ("agenda", "slots", "book", "cancel", "reschedule", "no-show", "links", "report"):
        code, out, _ = call(name, "--help")
        assert code == 0
        assert f"Examples:\n    calendly-connector {name} " in out
