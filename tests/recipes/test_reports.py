"""Reports on bookings: their counts and groups, from Calendly and from a sync; their bars and pictures."""

from datetime import UTC, datetime
from html.parser import HTMLParser
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from calendly_connector import cli, sync
from calendly_connector.cli import terminal_bars
from calendly_connector.errors import InvalidParams, UsageError
from calendly_connector.recipes import booking_report, charts
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from sandbox_client import ORGANIZATION

BERLIN = ZoneInfo("Europe/Berlin")
RANGE = {"start": "2026-06-01T00:00:00Z", "end": "2027-06-01T00:00:00Z"}
STATUSES = ["active", "canceled", "rescheduled", "no_show"]


def row(start="2026-11-24T13:00:00Z", *, status="active", created="2026-11-24T07:00:00Z", **more):
    return {"start_time": start, "status": status, "created_at": created, **more}


def report(rows, *by, zone=BERLIN):
    return booking_report.aggregate(rows, by, zone)


def group(**fields):
    counts = dict.fromkeys((*booking_report.COUNTS, "lead_time_hours"), 0)
    return {**counts, **fields}


def run(connection, **inputs):
    result = connection.run("reports.bookings", {"organization": ORGANIZATION, **RANGE, **inputs})
    assert result.complete
    return result.records


# --- The groups


def test_every_status_counts_once_as_a_booking():
    [found] = report([row(status=status, name="Intro") for status in STATUSES], "event_type")
    assert found == {
        "event_type": "Intro",
        "bookings": 4,
        "active": 1,
        "canceled": 1,
        "rescheduled": 1,
        "no_shows": 1,
        "lead_time_hours": 6.0,
    }


def test_the_lead_time_is_a_median_of_the_known_ones():
    created = ["2026-11-24T12:00:00Z", "2026-11-24T09:00:00Z", "2026-11-14T13:00:00Z", None, "soon"]
    assert report([row(created=text) for text in created], "month")[0]["lead_time_hours"] == 4.0
    assert report([row(created=None)], "month")[0]["lead_time_hours"] is None


def test_a_booking_created_after_its_start_has_no_negative_lead_time():
    assert report([row(created="2026-11-25T00:00:00Z")], "day")[0]["lead_time_hours"] == 0


def test_times_are_local_on_both_sides_of_a_clock_change():
    october = [row("2026-10-25T00:30:00Z"), row("2026-10-25T01:30:00Z"), row("2026-10-24T22:30:00Z")]
    assert [(one["hour"], one["bookings"]) for one in report(october, "hour")] == [("00:00", 1), ("02:00", 2)]
    assert [one["day"] for one in report(october, "day")] == ["2026-10-25"]
    march = [row("2027-03-28T00:30:00Z"), row("2027-03-28T01:30:00Z")]
    assert [one["hour"] for one in report(march, "hour")] == ["01:00", "03:00"]
    assert [one["weekday"] for one in report([row("2027-03-28T22:30:00Z")], "weekday")] == ["monday"]


def test_a_week_of_two_years_is_one_week():
    rows = [row("2026-12-31T12:00:00Z"), row("2027-01-01T12:00:00Z")]
    assert [(one["week"], one["bookings"]) for one in report(rows, "week")] == [("2026-W53", 2)]


def test_groups_of_time_are_in_order_of_time_and_others_by_size():
    rows = [row(f"2026-11-2{day}T13:00:00Z", name=name) for day, name in zip("7433", "BAAC", strict=True)]
    assert [one["weekday"] for one in report(rows, "weekday")] == ["monday", "tuesday", "friday"]
    assert [one["event_type"] for one in report(rows, "event_type")] == ["A", "B", "C"]


def test_a_meeting_counts_for_each_of_its_hosts_once():
    hosts = [{"name": "Ada", "email": None}, {"name": None, "email": "bo@acme.example"}, {"name": "Ada"}]
    assert [(one["host"], one["bookings"]) for one in report([row(hosts=hosts)], "host")] == [
        ("Ada", 1),
        ("bo@acme.example", 1),
    ]


def test_an_invitee_is_the_same_in_any_case_and_missing_values_are_a_group():
    rows = [row(invitee_email="Noor@client.example"), row(invitee_email="noor@client.example"), row()]
    assert [(one["invitee"], one["bookings"]) for one in report(rows, "invitee")] == [
        ("noor@client.example", 2),
        (None, 1),
    ]
    assert report([row(utm_source=None)], "source")[0]["source"] is None


@given(
    st.lists(
        st.builds(
            row,
            start=st.datetimes(timezones=st.just(UTC))
            .filter(lambda one: 1 < one.year < 9999)
            .map(datetime.isoformat),
            status=st.sampled_from(STATUSES),
            name=st.none() | st.text(),
            invitee_email=st.none() | st.text(),
            utm_source=st.none() | st.text(),
        )
    ),
    st.lists(st.sampled_from([name for name in booking_report.GROUPS if name != "host"]), unique=True),
)
def test_the_groups_add_up_to_all_rows(rows, by):
    groups = report(rows, *by)
    assert sum(one["bookings"] for one in groups) == len(rows)
    assert all(sum(one[name] for name in booking_report.COUNTS[1:]) == one["bookings"] for one in groups)
    keys = [tuple(one[name] for name in by) for one in groups]
    assert len(set(keys)) == len(keys)


# --- From Calendly and from a sync


def test_a_report_from_a_sync_is_the_one_from_calendly(sandbox, connect, tmp_path):
    connection = connect(sandbox)
    path = str(tmp_path / "calendly.db")
    sync.run(connection, path)
    for by in (["event_type"], ["host", "weekday"], ["source"], ["invitee"], ["month", "hour"]):
        since, until = map(datetime.fromisoformat, RANGE.values())
        synced = report(sync.bookings(path, since, until), *by)
        assert len(synced) > 1
        assert run(connection, by=by) == synced


def test_a_report_covers_the_last_30_days_and_today_by_default(sandbox, connect):
    connection = connect(sandbox)
    connection.run("reports.bookings", {"organization": ORGANIZATION})
    listed = [one for one in sandbox.requests()["requests"] if one["path"] == "/scheduled_events"]
    assert "min_start_time=2026-10-18T22" in str(listed[-1])  # summer time in Berlin
    assert "max_start_time=2026-11-18T23" in str(listed[-1])


def test_a_limit_cuts_the_groups_but_not_the_meetings_they_count(sandbox, connect):
    connection = connect(sandbox)
    inputs = {"organization": ORGANIZATION, **RANGE}
    assert connection.run("reports.bookings", inputs, limit=1).records == run(connection)[:1]


@pytest.mark.parametrize(
    ("inputs", "path"),
    [
        ({"start": "2027-01-01T00:00:00Z", "end": "2026-01-01T00:00:00Z"}, "end"),
        ({"start": "0001-01-01T00:00:00Z"}, "start"),
        ({"end": "9999-12-31T23:59:59Z"}, "end"),
        ({"timezone": "Mars/Base"}, "timezone"),
        ({"by": ["mood"]}, "by[0]"),
        ({"by": []}, "by"),
    ],
)
def test_a_wrong_input_is_named(inputs, path, sandbox, connect):
    with pytest.raises(InvalidParams) as caught:
        connect(sandbox).run("reports.bookings", inputs)
    assert [problem.path for problem in caught.value.problems] == [path]


# --- Bars and pictures

GROUPS = [
    group(host="Ada Okafor", bookings=1200, active=1000, canceled=150, rescheduled=40, no_shows=10),
    group(host="李小龍 " * 30, bookings=300, active=300),
    group(host="$x^2$ <script>alert(1)</script>\x1b[31m", bookings=1, canceled=1),
    group(host=None, bookings=0),
]


@given(st.integers(0, 200))
def test_no_line_is_wider_than_the_terminal_if_it_has_room_for_a_bar(width):
    lines = terminal_bars.terminal_lines(GROUPS, width)
    assert len(lines) == len(GROUPS)
    assert not any(character in line for line in lines for character in "\x1b\n")
    assert all(cell_len(line) <= max(width, 12) for line in lines)


def test_longer_bars_have_more_bookings():
    lines = terminal_bars.terminal_lines(GROUPS, 60)
    bars = [line.count("█") for line in lines]
    assert all(longer > shorter for longer, shorter in pairwise(bars[:3]))
    assert lines[0].endswith("█ 1,200")
    assert lines[3].endswith("(none)" + " " * (cell_len(lines[3]) - 8) + " 0")


def test_no_groups_make_no_lines():
    assert terminal_bars.terminal_lines([], 80) == []


def test_a_title_names_the_groups_the_range_and_the_zone():
    rows = report([row(name="Intro")], "event_type", "weekday")
    assert charts.title(rows, "2026-11-01", "2026-11-30", "Europe/Berlin").endswith(" (Europe/Berlin)")
    assert charts.title(rows, "2026-11-01", "2026-11-30") == (
        "Bookings by event type and weekday, 2026-11-01 to 2026-11-30"
    )
    assert charts.title([], "a", "b") == "Bookings, a to b"


def people(count):
    return [group(invitee=f"{one}@client.example", bookings=count - one, active=1) for one in range(count)]


def test_a_summary_has_the_totals():
    many = [group(invitee=f"{number}@client.example", bookings=2, canceled=1) for number in range(31)]
    assert charts.summary(many) == "62 bookings · 31 canceled (50%)"
    assert charts.summary([]) == "No bookings"


def test_a_picture_has_the_20_largest_groups_and_the_sum_of_the_others():
    rows = people(100)
    shown = charts.shown_groups(rows[::-1])
    assert [text for text, _ in shown] == [f"{number}@client.example" for number in range(20)]
    assert charts.others(rows) == "80 others: 3,240 (80 active)"
    assert charts.others(people(20)) == ""
    assert charts.others([]) == ""


def test_a_picture_has_every_day_of_a_month_and_the_latest_of_a_year():
    days = [group(day=f"day {number:03}", bookings=1, active=1) for number in range(100)]
    assert len(charts.shown_groups(days[:31])) == 31
    assert charts.shown_groups(days)[0] == ("day 047", days[47])
    assert charts.others(days) == "47 earlier: 47 (47 active)"


def test_a_long_label_has_two_lines_and_a_wide_one_shorter_ones():
    assert charts._wrapped("word " * 30).count("\n") == 1
    assert max(map(len, charts._wrapped("李小龍" * 30).split("\n"))) == 15
    assert charts._wrapped("A\nB") == "A B"
    address = "person" * 20
    assert charts._wrapped(address) == f"{address[:30]}\n{address[30:59]}…"


def test_the_time_of_a_group_comes_first_so_a_long_name_does_not_hide_it():
    [found] = report([row(name="Intro call")], "event_type", "weekday", "hour")
    assert booking_report.label(found) == "tuesday · 14:00 · Intro call"


@pytest.mark.parametrize("rows", [GROUPS, [], GROUPS * 20], ids=["some", "none", "many"])
def test_a_picture_is_drawn_of_any_groups(rows, tmp_path):
    charts.save(rows, tmp_path / "chart.PNG", heading="$bad \\frac{ title \x00")
    picture = (tmp_path / "chart.PNG").read_bytes()
    assert picture.startswith(b"\x89PNG")
    width, height = (int.from_bytes(picture[at : at + 4]) for at in (16, 20))
    assert 1400 <= width <= 1500
    assert 200 < height < 2400


def test_the_same_groups_make_the_same_picture():
    one, other = (charts.picture(GROUPS, heading="Bookings") for _ in range(2))
    assert one == other


class Page(HTMLParser):
    """Collects the tags of a page and the cells of its table."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.cells = [], []
        self.feed(text)

    def handle_starttag(self, tag, _attributes):
        self.tags.append(tag)

    def handle_data(self, data):
        if self.tags and self.tags[-1] in {"td", "th"}:
            self.cells.append(data.strip())


def test_an_html_page_has_the_picture_and_the_counts_and_runs_no_names(tmp_path):
    charts.save(GROUPS, tmp_path / "chart.html", heading="Bookings </title><script>\ud800")
    text = (tmp_path / "chart.html").read_text(encoding="utf-8")
    page = Page(text)
    assert page.tags.count("svg") == 1
    assert page.tags.count("tr") == len(GROUPS) + 1
    assert "script" not in page.tags
    assert {"1,200", "(none)"} <= set(page.cells)
    assert "\x1b" not in text
    assert "src=" not in text


def test_another_ending_is_rejected_before_anything_is_written(tmp_path):
    with pytest.raises(UsageError, match=r"\.png or \.html"):
        charts.save(GROUPS, tmp_path / "chart.pdf", heading="Bookings")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_library_is_named_with_its_extra(monkeypatch, tmp_path):
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(UsageError) as caught:
        charts.save(GROUPS, tmp_path / "chart.png", heading="Bookings")
    assert "[charts]" in caught.value.fix


def test_a_folder_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(UsageError, match="none"):
        charts.save(GROUPS, tmp_path / "none" / "chart.png", heading="Bookings")
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(UsageError, match="folder"):
        charts.save(GROUPS, tmp_path / "folder.png", heading="Bookings")


def test_a_picture_of_people_is_private(tmp_path):
    charts.save(GROUPS, tmp_path / "chart.png", heading="Bookings")
    assert (tmp_path / "chart.png").stat().st_mode & 0o777 == 0o600


def test_the_command_draws_a_picture_and_checks_its_name_before_any_request(
    tmp_path, monkeypatch, fresh_sandbox
):
    monkeypatch.setenv("CALENDLY_API_TOKEN", "sandbox-owner")
    monkeypatch.setenv("CALENDLY_API_URL", fresh_sandbox.url)
    assert cli.main(["report", "--chart", str(tmp_path / "chart.pdf")]) == 2
    assert fresh_sandbox.requests()["requests"] == []
    path = tmp_path / "chart.html"
    arguments = ["--from", "2026-11-01", "--to", "2026-11-30", "--by", "day", "--chart", str(path)]
    assert cli.main(["report", *arguments]) == 0
    text = path.read_text(encoding="utf-8")
    assert "Bookings by day, 2026-11-01 to 2026-11-30 (Europe/Berlin)" in text
    assert text.count('scope="row"') == 30
