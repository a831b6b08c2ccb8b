"""`book`, `cancel`, `reschedule`, `no-show` and `links`: what people change, and the questions before."""

import csv
import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from calendly_connector.recipes import cancellations, lost_replies
from people import BERLIN, DISCUSS, PRODUCTS, at, day, meet
from terminal import INTERRUPT, STYLES, at_terminal, caller

LENA = ("--name", "Lena Marsh", "--email", "lena@client.example")
COMPLETE = (*LENA, "--answer", f"{DISCUSS}=Pricing", "--location", "zoom_conference")
HOSTILE = "Eve\x1b[2J\x07\x9b31m"
ON = 3  # days from now, so a test that runs at midnight finds the same meetings


@pytest.fixture
def world(make_sandbox):
    """Return a sandbox that a test may change, on this machine's clock, with few meetings."""
    with make_sandbox(now=None, anchor=None, events=2) as running:
        yield running


@pytest.fixture(autouse=True)
def call(capsys, monkeypatch, world):
    """Return a function that runs a command without a terminal: exit code, output, errors."""
    monkeypatch.setenv("CALENDLY_API_URL", world.url)
    monkeypatch.setenv("CALENDLY_API_TOKEN", "sandbox-owner")
    return caller(capsys, monkeypatch)


@pytest.fixture
def free(call):
    """Return two free times of the intro call on different days, as people write them."""
    times = []
    for number in (7, 14):
        on = ("--from", str(day(number)), "--to", str(day(number + 6)))
        out = call("slots", "intro", *on, "--first")[1]
        times.append(json.loads(out)["records"][0]["start_local"])
    return times


def record(answer):
    code, out, err = answer
    assert (code, err) == (0, "")
    return json.loads(out)["record"]


def rows(answer):
    code, out, err = answer
    assert (code, err) == (0, "")
    return json.loads(out)["records"]


def invitees(call, *options):
    """Return name and local start of the invitees in the next weeks."""
    found = rows(call("agenda", "--from", "today", "--to", str(day(30)), *options))
    return [(row["invitee_name"], row["start_local"]) for row in found]


def status_of(call, event):
    return record(call("run", "scheduled_events.get", f"uuid={event['uri']}"))["status"]


def writes(world):
    return [one for one in world.requests()["requests"] if one["method"] != "GET"]


# book


def test_a_meeting_is_booked_at_a_local_time(call, free):
    booked = record(call("book", "intro", free[0], *COMPLETE))
    assert (booked["outcome"], booked["start_local"]) == ("booked", free[0])
    assert ("Lena Marsh", free[0]) in invitees(call)


def test_a_person_sees_what_was_booked(call, free):
    code, screen = at_terminal("book", "Intro call", free[0], *COMPLETE)
    assert code == 0
    first, *facts = screen.splitlines()
    assert first == f"Booked 'Intro call' with Lena Marsh on {free[0]} (Europe/Berlin)."
    assert [line.split()[0] for line in facts] == ["Host", "Location", "Cancel", "Reschedule", "ID"]
    assert facts[1].split(maxsplit=1)[1].startswith("Zoom")
    identifier = facts[-1].split()[1]
    assert rows(call("cancel", identifier))[0]["outcome"] == "canceled"


def test_everything_about_the_invitee_can_be_passed(call, free):
    options = [
        *(*LENA, "--answer", f"{DISCUSS}=See https://client.example/?a=b&c=d"),
        *("--answer", f"{PRODUCTS}=Core", "--answer", f"{PRODUCTS}=Reports"),
        *("--location", "ask_invitee=Café Zoë = upstairs", "--guest", "guest@client.example"),
        *("--invitee-tz", "Asia/Tokyo", "--utm", "source=newsletter", "--utm", "utm_medium=email"),
    ]
    record(call("book", "intro", free[0], *options))
    row = rows(call("agenda", "--who", "lena", "--to", str(day(30))))[0]
    assert row["answers"] == {
        DISCUSS: "See https://client.example/?a=b&c=d",
        PRODUCTS: ["Core", "Reports"],
    }
    assert row["location"] == "Café Zoë = upstairs"
    assert row["guests"] == ["guest@client.example"]
    assert row["invitee_timezone"] == "Asia/Tokyo"
    assert (row["utm_source"], row["utm_medium"]) == ("newsletter", "email")


def test_a_time_is_in_the_chosen_zone(call, free):
    moment = datetime.fromisoformat(free[0]).replace(tzinfo=BERLIN).astimezone(UTC)
    booked = record(call("book", "intro", f"{moment:%Y-%m-%d %H:%M}", *COMPLETE, "--tz", "UTC", "--dry-run"))
    assert booked["start_time"] == f"{moment:%Y-%m-%dT%H:%M:%SZ}"
    assert booked["outcome"] == "would_book"


def test_a_dry_run_books_nothing(free, world):
    code, screen = at_terminal("book", "intro", free[0], *COMPLETE, "--dry-run")
    assert code == 0
    assert "All checks passed" in screen
    assert "Location   zoom_conference" in screen
    assert writes(world) == []


def test_all_problems_are_reported_at_the_same_time_in_the_words_of_the_options(call, free, world):
    options = ("--name", "Lena", "--email", "lena", "--answer", "Color?=Red", "--invitee-tz", "Mars/Olympus")
    code, _, err = call("book", "intro", free[0], *options)
    assert code == 2
    for text in (
        "--email: ",
        "--invitee-tz: ",
        "--location: is missing; set its kind to",
        "--answer Color?: ",
    ):
        assert text in err
    assert f"--answer: '{DISCUSS}' is required" in err
    code, _, err = call("book", "intro", free[0], *LENA, "--utm", "color=red")
    assert code == 2
    assert "--utm utm_color: " in err
    assert "did you mean 'utm_source'?" in err
    assert writes(world) == []


def test_problems_in_json_name_the_inputs(call, free):
    error = json.loads(call("book", "intro", free[0], *LENA, "--json")[2])["error"]
    assert error["code"] == "invalid_params"
    assert {problem["path"] for problem in error["problems"]} == {"location", "answers"}


def test_a_taken_time_is_reported_with_the_nearest_free_ones(call, free):
    record(call("book", "intro", free[0], *COMPLETE))
    code, out, err = call("book", "intro", free[0], *COMPLETE)
    assert (code, out) == (1, "")
    assert f"{free[0]} (Europe/Berlin) isn't free for 'Intro call'. Nothing was booked." in err
    nearest = re.search(r"Nearest free times: (\S+ \S+)", err)[1]
    assert record(call("book", "intro", nearest, *COMPLETE))["outcome"] == "booked"


def test_a_key_books_only_once(call, free, world):
    first = record(call("book", "intro", free[0], *COMPLETE, "--key", "order-4711"))
    again = record(call("book", "intro", free[0], *COMPLETE, "--key", "order-4711"))
    assert again["outcome"] == "already_booked"
    assert again["event"] == first["event"]
    assert len(writes(world)) == 1


def last_sunday(month):
    """Return the day on which clocks in Berlin change, next year."""
    year = datetime.now(UTC).year + 1
    last = datetime(year, month, 31, tzinfo=UTC)
    return (last - timedelta(days=(last.weekday() + 1) % 7)).date()


@pytest.mark.parametrize(("month", "text"), [(10, "02:30 comes twice on"), (3, "02:30 doesn't exist on")])
def test_a_time_that_clocks_make_unclear_is_noted(month, text, call):
    code, _, err = call("book", "intro", f"{last_sunday(month)} 02:30", *COMPLETE)
    assert code == 1
    assert err.startswith(f"note: {text}")
    assert "isn't free" in err


def interrupted(*_arguments, **_options):
    raise KeyboardInterrupt


def test_an_interrupted_booking_says_that_it_may_be_booked(call, free, monkeypatch):
    monkeypatch.setattr(lost_replies, "write", interrupted)
    code, _, err = call("book", "intro", free[0], *COMPLETE)
    assert code == 1
    on = free[0][:10]
    assert f"booked. Run `calendly-connector agenda --from {on} --to {on} --who lena@client.example`" in err


# cancel


@pytest.mark.parametrize(
    "what", ["lena@client.example", "lena", "Marsh Lena", "{day} 14:00", "{utc}", "{uri}", "{id}"]
)
def test_a_meeting_is_canceled_by_anything_known_about_it(what, call, world):
    event = meet(world, day(ON))
    other = meet(world, day(ON), "16:00", name="Omar", email="omar@client.example")
    uri = event["uri"]
    text = what.format(day=day(ON), utc=at(day(ON), "14:00"), uri=uri, id=uri.rpartition("/")[2])
    found = rows(call("cancel", text, "--reason", "Ill"))
    assert [(row["outcome"], row["event"]) for row in found] == [("canceled", uri)]
    assert status_of(call, other) == "active"
    canceled = record(call("run", "scheduled_events.get", f"uuid={uri}"))
    assert canceled["cancellation"]["reason"] == "Ill"


def test_without_a_terminal_several_meetings_that_fit_are_listed_with_json(call, world):
    events = {meet(world, day(ON), clock)["uri"] for clock in ("09:00", "10:00")}
    code, _, err = call("cancel", "lena")
    assert code == 2
    assert "With --json, the error lists all of them." in err
    candidates = json.loads(call("cancel", "lena", "--json")[2])["error"]["candidates"]
    assert {row["event"] for row in candidates} >= events
    for event in events:
        world.cancel(event=event)


def test_a_link_from_an_email_cancels_the_meeting(call, world):
    meet(world, day(ON))
    row = rows(call("agenda", "--who", "lena"))[0]
    assert rows(call("cancel", row["cancel_url"]))[0]["outcome"] == "canceled"


def test_a_local_day_or_time_depends_on_the_zone(call, world):
    event = meet(world, day(ON), "00:30")
    code, _, err = call("cancel", f"{day(ON)} 00:30", "--tz", "America/New_York")
    assert code == 2
    assert "no meeting fits" in err
    assert status_of(call, event) == "active"
    assert rows(call("cancel", str(day(ON - 1)), "--tz", "America/New_York"))[0]["outcome"] == "canceled"


def test_a_weekday_is_a_day(call, world):
    event = meet(world, day(ON))
    other = meet(world, day(ON + 1), name="Omar", email="omar@client.example")
    assert rows(call("cancel", f"{day(ON):%A}"))[0]["event"] == event["uri"]
    assert rows(call("cancel", f"{day(ON + 1):%a} 14:00"))[0]["event"] == other["uri"]


@pytest.mark.parametrize("name", ["April", "June", "May Lee", "Jan", "Will Day"])
def test_a_name_that_is_a_month_is_a_name(name, call, world):
    meet(world, day(ON), name=name, email="someone@client.example")
    meet(world, day(ON), "16:00")
    code, out, err = call("cancel", name)
    assert (code, err) == (0, "")
    assert [row["invitees"][0]["name"] for row in json.loads(out)["records"]] == [name]


def test_nothing_is_canceled_if_one_of_several_fits_nothing(call, world):
    event = meet(world, day(ON))
    code, out, err = call("cancel", "lena", "Lenaa Marsh", "--yes")
    assert (code, out) == (2, "")
    assert err.startswith(
        "calendly-connector: WHAT: no meeting fits 'Lenaa Marsh' (did you mean 'Lena Marsh'?)"
    )
    assert "Pass --from and --to for another range." in err
    assert status_of(call, event) == "active"
    assert writes(world) == []


def test_the_same_meeting_is_canceled_once(call, world):
    event = meet(world, day(ON))
    found = rows(call("cancel", "lena", "lena@client.example", f"{day(ON)} 14:00"))
    assert [(row["outcome"], row["event"]) for row in found] == [("canceled", event["uri"])]


@pytest.mark.parametrize("answer", ["n", "", INTERRUPT])
def test_nothing_is_canceled_without_a_yes(answer, call, world):
    event = meet(world, day(ON))
    code, screen = at_terminal("cancel", "lena", answers=[("Cancel 1 meeting?", answer)])
    assert code == 1
    assert f"  {day(ON)} 14:00  Intro call with Lena Marsh <lena@client.example>" in screen
    assert ("Interrupted." if answer is INTERRUPT else "Nothing was changed.") in screen
    assert status_of(call, event) == "active"


@pytest.mark.parametrize(("options", "answers"), [((), [("Cancel 1 meeting?", "y")]), (("--yes",), [])])
def test_a_yes_cancels(options, answers, call, world):
    event = meet(world, day(ON))
    code, screen = at_terminal("cancel", "lena", *options, answers=answers)
    assert (code, status_of(call, event)) == (0, "canceled")
    assert "Canceled " in screen
    assert ("Cancel 1 meeting?" in screen) == bool(answers)


def test_all_meetings_of_a_range_are_shown_before_the_question(call, world):
    events = [meet(world, day(ON), clock) for clock in ("09:00", "14:00")]
    outside = meet(world, day(ON + 1))
    on = ("--from", str(day(ON)), "--to", str(day(ON)), "--type", "intro")
    assert [row["outcome"] for row in rows(call("cancel", *on, "--dry-run"))] == ["would_cancel"] * 2
    assert writes(world) == []
    code, screen = at_terminal("cancel", *on, answers=[("Cancel 2 meetings?", "y")])
    assert code == 0
    assert screen.count("Intro call with Lena Marsh <lena@client.example>\n") == 2
    assert screen.count("Canceled ") == 2
    assert [status_of(call, event) for event in (*events, outside)] == ["canceled", "canceled", "active"]


def test_a_canceled_meeting_is_not_asked_about(call, world):
    meet(world, day(ON))
    assert rows(call("cancel", "lena"))[0]["outcome"] == "canceled"
    before = writes(world)
    code, screen = at_terminal("cancel", "lena")
    assert code == 0
    line = f"{day(ON)} 14:00 Intro call with Lena Marsh <lena@client.example>"
    assert screen == f"Already canceled: {line}.\n"
    assert writes(world) == before


@pytest.mark.parametrize(
    "options",
    [("--columns", "color", "--format", "csv"), ("--output", "/dev/null/x.csv"), ("--format", "xlsx")],
)
def test_nothing_is_canceled_if_the_answer_can_not_be_written(options, call, world):
    event = meet(world, day(ON))
    code, screen = at_terminal("cancel", "lena", "--yes", *options)
    assert code == 2, screen
    assert status_of(call, event) == "active"


def test_an_interrupted_cancellation_says_that_some_may_be_canceled(call, world, monkeypatch):
    events = [meet(world, day(ON), clock) for clock in ("09:00", "14:00")]
    cancel_event, calls = cancellations.cancel_event, []

    def interrupted_later(*arguments):
        calls.append(arguments)
        if len(calls) > 1:
            raise KeyboardInterrupt
        return cancel_event(*arguments)

    monkeypatch.setattr(cancellations, "cancel_event", interrupted_later)
    code, out, err = call("cancel", "--from", str(day(ON)), "--to", str(day(ON)))
    assert (code, out) == (1, "")
    assert err == (
        "calendly-connector: Interrupted: some of the meetings may be canceled. "
        "Run the same command with --dry-run to see which are left.\n"
    )
    assert [status_of(call, event) for event in events] == ["canceled", "active"]


def test_a_table_of_cancellations_can_be_chosen(call, world):
    meet(world, day(ON))
    code, out, _ = call("cancel", "lena", "--format", "table")
    assert code == 0
    assert out.splitlines()[0].startswith("OUTCOME ")


def test_an_empty_range_is_not_asked_about(call, world):
    code, screen = at_terminal("cancel", "--from", str(day(ON)), "--to", str(day(ON)), "--host", "ada")
    assert (code, screen) == (0, "No meetings found.\n")
    assert rows(call("cancel", "--from", str(day(ON)), "--to", str(day(ON)))) == []
    assert writes(world) == []


def test_a_failed_cancellation_is_a_row_and_an_exit_code(call, world):
    events = [meet(world, day(ON), clock) for clock in ("09:00", "14:00")]
    world.fault("status", method="POST", path="/scheduled_events", status=403)
    code, out, _ = call("cancel", "--from", str(day(ON)), "--to", str(day(ON)))
    assert code == 1
    found = json.loads(out)["records"]
    assert [row["outcome"] for row in found] == ["failed", "canceled"]
    assert found[0]["error"]
    assert [status_of(call, event) for event in events] == ["active", "canceled"]


# The choice among several meetings


def test_a_person_chooses_one_of_several_meetings(call, world):
    events = [meet(world, day(ON + number)) for number in range(3)]
    answers = [("Which one?", "4"), ("Which one?", "2"), ("Cancel 1 meeting?", "y")]
    code, screen = at_terminal("cancel", "lena", answers=answers)
    assert code == 0, screen
    assert "3 meetings fit 'lena':\n   1  " in screen
    assert [status_of(call, event) for event in events] == ["active", "canceled", "active"]


def test_nothing_is_changed_if_the_choice_is_interrupted(call, world):
    events = [meet(world, day(ON + number)) for number in range(2)]
    code, screen = at_terminal("cancel", "lena", answers=[("Which one?", INTERRUPT)])
    assert code == 1
    assert "Interrupted." in screen
    assert [status_of(call, event) for event in events] == ["active", "active"]


@pytest.mark.parametrize("command", [["cancel", "lena", "--yes"], ["reschedule", "lena", "{free}"]])
def test_without_a_terminal_the_meetings_are_listed(command, call, world, free):
    for number in range(2):
        meet(world, day(ON + number))
    code, out, err = call(*(part.format(free=free[0]) for part in command))
    assert (code, out) == (2, "")
    assert "2 meetings fit 'lena'" in err
    assert f"{day(ON)} 14:00 Intro call with Lena Marsh <lena@client.example>" in err
    assert f"{day(ON + 1)} 14:00" in err
    assert writes(world) == []


def test_a_name_can_not_drive_the_terminal_where_it_is_asked_about(call, world, free):
    for number in range(2):
        meet(world, day(ON + number), name=HOSTILE, email="eve@client.example", answers=["x"])
    meet(world, day(-1), name=HOSTILE, email="eve@client.example")
    screens = [
        at_terminal("cancel", "eve", answers=[("Which one?", "1"), ("Cancel 1 meeting?", "n")])[1],
        at_terminal("reschedule", str(day(ON)), free[0], answers=[("Move it?", "n")])[1],
        at_terminal("no-show", "eve")[1],
        at_terminal("cancel", "eve", "--from", str(day(ON)), "--to", str(day(ON)), "--yes")[1],
        at_terminal("cancel", "nobody")[1],
    ]
    assert all("Eve" in screen for screen in screens[:4])
    for screen in screens:
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", STYLES.sub("", screen)), screen
    assert call("no-show", "eve")[0] == 0


# reschedule


@pytest.fixture
def booked(call, free):
    """Return the event of a booking that can be moved."""
    return {"uri": record(call("book", "intro", free[0], *COMPLETE))["event"]}


def test_a_meeting_is_moved(call, free, booked):
    moved = record(call("reschedule", "lena", free[1], "--reason", "The host travels"))
    assert (moved["old_start_local"], moved["start_local"]) == tuple(free)
    assert status_of(call, booked) == "canceled"
    assert invitees(call, "--who", "lena") == [("Lena Marsh", free[1])]


@pytest.mark.parametrize(("answer", "moves"), [("y", True), ("n", False), (INTERRUPT, False)])
def test_a_person_is_asked_before_a_meeting_is_moved(answer, moves, call, free, booked):
    code, screen = at_terminal("reschedule", free[0], free[1], answers=[("Move it?", answer)])
    assert f"  Intro call with Lena Marsh <lena@client.example>: {free[0]} to {free[1]}" in screen
    assert code == int(not moves)
    assert (status_of(call, booked) == "canceled") == moves
    assert invitees(call, "--who", "lena") == [("Lena Marsh", free[moves])]


def test_an_interrupted_move_says_that_both_meetings_may_exist(call, free, booked, monkeypatch):
    monkeypatch.setattr(cancellations, "cancel_event", interrupted)
    code, _, err = call("reschedule", "lena", free[1])
    assert code == 1
    assert "Interrupted: the new meeting may be booked, and the old one not canceled." in err
    assert status_of(call, booked) == "active"
    assert len(invitees(call, "--who", "lena")) == 2


def test_a_dry_run_moves_nothing(call, free, booked, world):
    before = writes(world)
    found = record(call("reschedule", "lena", free[1], "--dry-run"))
    assert found["outcome"] == "would_reschedule"
    assert writes(world) == before
    assert status_of(call, booked) == "active"


def test_a_taken_new_time_changes_nothing(call, free, booked, world):
    record(call("book", "intro", free[1], *COMPLETE[:2], "--email", "omar@client.example", *COMPLETE[4:]))
    before = writes(world)
    code, _, err = call("reschedule", "lena@client.example", free[1])
    assert code == 1
    assert "isn't free" in err
    assert "Nearest free times: " in err
    assert writes(world) == before
    assert status_of(call, booked) == "active"


def test_a_meeting_that_nobody_has_has_no_range_to_pass(call, free):
    code, _, err = call("reschedule", "nobody", free[1])
    assert code == 2
    assert err == "calendly-connector: WHAT: no meeting fits 'nobody'. Searched: upcoming, 60 days.\n"


def test_what_a_meeting_lacks_can_be_added_when_it_is_moved(call, free, world):
    meet(world, day(ON))
    command = ("reschedule", "lena", free[0])
    code, _, err = call(*command)
    assert code == 2
    assert f"--answer: '{DISCUSS}' is required" in err
    moved = record(call(*command, "--answer", f"{DISCUSS}=Pricing", "--location", "ask_invitee=Café Zoë"))
    assert moved["start_local"] == free[0]
    assert rows(call("agenda", "--who", "lena", "--to", str(day(30))))[0]["location"] == "Café Zoë"


# no-show


def test_an_invitee_is_marked_and_unmarked(call, world):
    meet(world, day(-1))
    assert record(call("no-show", "lena", "--dry-run"))["outcome"] == "would_mark"
    assert writes(world) == []
    assert record(call("no-show", f"{day(-1)} 14:00"))["outcome"] == "marked"
    assert record(call("no-show", "lena"))["outcome"] == "already_marked"
    code, screen = at_terminal("no-show", "lena", "--undo")
    assert code == 0
    assert screen == (
        f"No longer marked as a no-show: {day(-1)} 14:00 Intro call with Lena Marsh <lena@client.example>.\n"
    )


def test_a_person_chooses_which_meeting_was_missed(call, world):
    for number in (-2, -1):
        meet(world, day(number))
    code, screen = at_terminal("no-show", "lena", answers=[("Which one?", "2")])
    assert code == 0
    assert f"Marked as a no-show: {day(-1)} 14:00" in screen
    found = rows(call("agenda", "--from", str(day(-2)), "--to", str(day(-1)), "--status", "no_show"))
    assert [row["start_local"] for row in found] == [f"{day(-1)} 14:00"]


def test_another_email_is_not_an_invitee(call, world):
    meet(world, day(-1))
    code, _, err = call("no-show", f"{day(-1)} 14:00", "--email", "omar@client.example")
    assert code == 2
    assert "--email: isn't an invitee of this meeting" in err


# links


def test_a_terminal_shows_only_the_link():
    code, screen = at_terminal(
        "links", "intro", *LENA, "--answer", f"{DISCUSS}=Pricing", "--utm", "source=web"
    )
    assert code == 0
    assert re.fullmatch(
        r"https://calendly\.com/s/[\w-]+\?name=Lena%20Marsh&email=lena%40client\.example&a1=Pricing&utm_source=web\n",
        screen,
    )


def test_a_link_without_data_is_just_a_link(call):
    made = record(call("links", "intro"))
    assert made["url"] == made["prefilled_url"]


def test_wrong_data_of_a_link_is_reported_before_it_is_made(call, world):
    code, _, err = call("links", "intro", "--email", "lena", "--answer", "Color?=Red")
    assert code == 2
    assert "--email: " in err
    assert writes(world) == []


def test_links_for_a_file_are_made_once(call, world, tmp_path):
    source, output = tmp_path / "candidates.csv", tmp_path / "links.csv"
    source.write_text("name,email\nLena,lena@client.example\nOmar,omar@client.example\n", encoding="utf-8")
    command = ("links", "intro", "--each", str(source), "--output", str(output), "--utm", "source=jobs")
    code, out, err = call(*command)
    assert (code, out) == (0, "")
    assert err == f"2 rows: 2 done. Results: {output}\n"
    first = output.read_bytes()
    with source.open("a", encoding="utf-8") as file:
        file.write("Zoë,zoe@client.example\n")
    code, out, err = call(*command, "--json")
    assert json.loads(out) == {"rows": 3, "done": 1, "failed": 0, "unknown": 0, "skipped": 2, "left": 0}
    assert output.read_bytes().startswith(first)
    assert len(writes(world)) == 3
    found = list(csv.DictReader(output.read_text(encoding="utf-8").splitlines()))
    assert {row["status"] for row in found} == {"done"}
    assert all("utm_source=jobs" in row["prefilled_url"] for row in found)


def test_a_row_that_fails_is_reported_by_its_number(call, tmp_path):
    source, output = tmp_path / "candidates.csv", tmp_path / "links.csv"
    source.write_text("name,email\nLena,lena\nOmar,omar@client.example\n", encoding="utf-8")
    code, _, err = call("links", "intro", "--each", str(source), "--output", str(output))
    assert code == 1
    assert err.startswith("problem: row 1: ")
    assert "2 rows: 1 done, 1 failed." in err
