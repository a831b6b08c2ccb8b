"""The forms of the example host: any action, trigger and credential of any connector, in a terminal."""

import builtins
import json
import os
import sys
from pathlib import Path

import another_connector
import pytest
import shelf_application
from another_connector import ShelfConnector
from calendly_connector.contract import Field, Option, OptionPage
from calendly_connector.examples import tiny_form, tiny_host
from shelf_application import Shelf
from shelf_catalog import ACTIONS, MANIFEST
from terminal import at_terminal

KEY = shelf_application.KEY
BOOKS = "https://api.shelf.example/books"


@pytest.fixture
def answer(monkeypatch):
    """Return a function that sets the answers to all questions, hidden ones included."""

    def script(*answers):
        waiting = iter(answers)

        def read(prompt):
            sys.stdout.write(prompt)
            if (text := next(waiting, None)) is None:
                raise EOFError
            return text

        monkeypatch.setattr(builtins, "input", read)
        monkeypatch.setattr(tiny_form, "getpass", read)

    return script


@pytest.fixture
def found(monkeypatch):
    """Make the host find a library's connector; returns the library."""
    library = Shelf()
    monkeypatch.setattr(tiny_host, "discover", lambda: {"shelf": ShelfConnector(library)})
    monkeypatch.setenv("SHELF_KEY", KEY)
    return library


def fill_in(*fields, options=None):
    return tiny_form.Form(fields, options).fill_in()


# Typed values


@pytest.mark.parametrize(
    ("kind", "wrong", "text", "value"),
    [
        ("integer", "many", "12", 12),
        ("number", "1,5", "1.5", 1.5),
        ("boolean", "perhaps", "Yes", True),
        ("date", "1 December", "2026-12-01", "2026-12-01"),
        ("date-time", "noon", "2026-12-01T12:00:00Z", "2026-12-01T12:00:00Z"),
        ("time-zone", "Nowhere/Land", "Europe/Berlin", "Europe/Berlin"),
    ],
)
def test_a_value_is_asked_for_until_it_has_the_fields_type(kind, wrong, text, value, answer, capsys):
    answer(wrong, text)
    assert fill_in(Field("x", "X", kind)) == {"x": value}
    assert f"Not a valid {kind}: {wrong!r}." in capsys.readouterr().out


def test_a_pattern_is_explained_in_its_words(answer, capsys):
    answer("Up", "down")
    assert fill_in(Field("x", "X", pattern="^[a-z]+$", expected="small letters")) == {"x": "down"}
    assert "It must be small letters." in capsys.readouterr().out


def test_a_required_field_is_asked_for_again(answer, capsys):
    answer("", "x")
    assert fill_in(Field("x", "X", required=True)) == {"x": "x"}
    assert "This is required." in capsys.readouterr().out


def test_an_empty_answer_leaves_a_field_out(answer):
    answer("")
    assert fill_in(Field("x", "X", default=5)) == {}


def test_a_heading_says_what_is_expected():
    field = Field("x", "Days", "integer", required=True, placeholder="3", default=1, is_list=True)
    assert tiny_form.heading(field) == "Days (required, list, integer, such as 3, default: 1)"


def test_a_text_of_several_lines_ends_with_a_dot(answer):
    answer("one", "", "  two", ".")
    assert fill_in(Field("x", "X", multiline=True)) == {"x": "one\n\n  two"}


def test_a_secret_is_not_echoed(answer, monkeypatch):
    answer()
    monkeypatch.setattr(tiny_form, "getpass", lambda _: "hidden")
    assert fill_in(Field("x", "X", secret=True)) == {"x": "hidden"}


# Order and nesting


def test_advanced_fields_come_last_and_only_if_wanted(answer, capsys):
    fields = (Field("rare", "Rare", group="advanced"), Field("usual", "Usual"))
    answer("1", "n")
    assert fill_in(*fields) == {"usual": "1"}
    assert "Rare" not in capsys.readouterr().out
    answer("1", "y", "2")
    assert fill_in(*fields) == {"usual": "1", "rare": "2"}


def test_a_list_ends_with_an_empty_answer(answer):
    answer("a", "b", "", "")
    assert fill_in(Field("x", "X", is_list=True), Field("y", "Y", is_list=True)) == {"x": ["a", "b"]}


def test_a_required_list_needs_one_value(answer):
    answer("", "a", "")
    assert fill_in(Field("x", "X", is_list=True, required=True)) == {"x": ["a"]}


def test_objects_nest_and_repeat(answer):
    step = Field("steps[].step", "Step", required=True)
    answer("kim", "y", "first", "y", "second", "n")
    values = fill_in(
        Field("who", "Who", "object", required=True, fields=(Field("who.name", "Name"),)),
        Field("steps", "Steps", "object", is_list=True, fields=(step,)),
    )
    assert values == {"who": {"name": "kim"}, "steps": [{"step": "first"}, {"step": "second"}]}


def test_an_optional_object_may_be_left_out(answer):
    answer("n")
    assert fill_in(Field("who", "Who", "object", fields=(Field("who.name", "Name", required=True),))) == {}


def test_an_object_without_fields_takes_any(answer):
    answer("color = red", "size=a=b", "")
    assert fill_in(Field("x", "X", "object")) == {"x": {"color": "red", "size": "a=b"}}


# Choices


def test_a_choice_is_made_by_its_number(answer, capsys):
    answer("3", "first", "0", "2")
    assert fill_in(Field("x", "X", choices=(Option("First", "1st"), Option("Second", "2nd")))) == {"x": "2nd"}
    assert "Not a number of the list: 'first'." in capsys.readouterr().out


class Books:
    """Options of a field in pages of 25, which remember how they were asked for."""

    def __init__(self):
        self.asked = []

    def __call__(self, path, values, *, search="", page=None):
        self.asked.append((path, json.dumps(values), search, page))
        found = [Option(f"Volume {n}", f"urn:{n}") for n in range(60) if search.lower() in f"volume {n}"]
        start = int(page or 0)
        return OptionPage(
            tuple(found[start : start + 25]), str(start + 25) if len(found) > start + 25 else None
        )


BOOK = Field("book", "Book", has_options=True)


def test_options_are_read_page_by_page_and_shown_in_screens(answer):
    books = Books()
    answer("+", "+", "25")
    assert fill_in(BOOK, options=books) == {"book": "urn:49"}
    assert [page for *_, page in books.asked] == [None, None, "25"]


def test_options_are_searched_by_typing_text(answer, capsys):
    answer("nothing", "", "volume 3", "11")
    assert fill_in(BOOK, options=Books()) == {"book": "urn:39"}
    assert "Nothing contains 'nothing'." in capsys.readouterr().out


def test_options_get_the_values_so_far_even_inside_an_object(answer):
    books = Books()
    rows = Field(
        "rows", "Rows", "object", is_list=True, fields=(Field("rows[].book", "Book", has_options=True),)
    )
    answer("kim", "y", "1", "n")
    assert fill_in(Field("who", "Who"), rows, options=books) == {"who": "kim", "rows": [{"book": "urn:0"}]}
    assert books.asked == [("rows[].book", '{"who": "kim", "rows": [{}]}', "", None)]


def test_a_reason_for_no_options_is_shown_and_a_value_can_be_typed(answer, capsys):
    answer("urn:7")
    assert fill_in(BOOK, options=lambda *_, **__: OptionPage(reason="Not on this plan.")) == {"book": "urn:7"}
    assert "Not on this plan." in capsys.readouterr().out


def test_an_empty_list_says_that_there_are_none(answer, capsys):
    answer("")
    assert fill_in(BOOK, options=lambda *_, **__: OptionPage()) == {}
    assert "There are none." in capsys.readouterr().out


# With a connector


def test_an_action_is_filled_in_previewed_and_run(found, answer, capsys):
    answer("2", "3", "kim@client.example", "", "2026-12-01", "n", "n", "y")
    assert tiny_host.main("form", "shelf", "loans.create") == 0
    shown = capsys.readouterr().out
    assert '"method": "POST"' in shown
    assert f'"book": "{BOOKS}/harbour-3"' in shown
    assert found.writes == 1


def test_nothing_is_sent_without_a_yes(found, answer):
    answer("2", "3", "kim@client.example", "", "", "n", "n", "")
    assert tiny_host.main("form", "shelf", "loans.create") == 0
    assert found.writes == 0


@pytest.mark.usefixtures("found")
def test_the_choices_of_a_field_depend_on_an_earlier_one(answer, capsys):
    answer("2", "1")
    assert tiny_host.main("form", "shelf", "loan.created") == 0
    shown = capsys.readouterr().out
    assert "Chart 1" in shown
    assert "Volume 1" not in shown.partition('"filters"')[0]


@pytest.mark.usefixtures("found")
def test_a_trigger_shows_a_sample(answer, capsys):
    answer("", "")
    assert tiny_host.main("form", "shelf", "loan.created") == 0
    assert '"kind": "loan.created"' in capsys.readouterr().out


@pytest.mark.usefixtures("found")
def test_an_invalid_input_is_reported_in_a_sentence(answer):
    answer("", "not an address")
    with pytest.raises(SystemExit, match="isn't a valid uri"):
        tiny_host.main("form", "shelf", "loan.created")


@pytest.mark.usefixtures("found")
def test_a_credential_that_the_environment_lacks_is_asked_for(answer, monkeypatch, capsys):
    monkeypatch.delenv("SHELF_KEY")
    answer(KEY, "n")
    assert tiny_host.main("form", "shelf", "key") == 0
    assert "Signed in as Robin Reader." in capsys.readouterr().out


@pytest.mark.usefixtures("found")
def test_a_bad_credential_ends_it_with_the_connectors_message(answer, monkeypatch, capsys):
    monkeypatch.setenv("SHELF_KEY", "shelf_unknown")
    answer()
    assert tiny_host.main("form", "shelf", "books.list") == 1
    assert "Make a new key" in capsys.readouterr().out


def test_a_person_signs_in_with_their_browser(found, answer, monkeypatch, capsys):
    monkeypatch.setattr(tiny_host, "ask", lambda _: found.consent(opened(capsys)))
    answer("a-web-host", "the-secret-of-the-web-host", "https://flows.acme.example/callback", "n")
    assert tiny_host.main("form", "shelf", "oauth") == 0
    assert "Signed in as Robin Reader." in capsys.readouterr().out


def opened(capsys):
    return capsys.readouterr().out.partition("Open ")[2].split()[0]


@pytest.mark.parametrize("arguments", [("shelve", "books.list"), ("shelf", "books.burn")])
@pytest.mark.usefixtures("found")
def test_an_unknown_connector_or_form_is_named(arguments):
    with pytest.raises(SystemExit, match=f"{arguments[0]}.*|{arguments[1]}"):
        tiny_host.main("form", *arguments)


@pytest.mark.usefixtures("found")
def test_the_end_of_the_input_ends_the_program(answer):
    answer("1")
    assert tiny_host.main("form", "shelf", "loans.create") == 1


@pytest.mark.parametrize("of", [*ACTIONS, *MANIFEST.triggers])
@pytest.mark.usefixtures("found")
def test_every_form_can_be_drawn(of, answer, capsys):
    answer()
    assert tiny_host.main("form", "shelf", of) == 1
    entry = {**ACTIONS, **MANIFEST.triggers}[of]
    shown = capsys.readouterr().out
    assert all(text in shown for text in (entry.title, *(field.title for field in entry.fields[:1])))


# In a terminal


@pytest.fixture
def _installed(tmp_path, monkeypatch):
    """Install the connector for programs that are started."""
    info = tmp_path / "shelf-1.0.dist-info"
    info.mkdir()
    info.joinpath("METADATA").write_text("Metadata-Version: 2.1\nName: shelf\nVersion: 1.0\n")
    entry_point = "[integration_platform.connectors]\nshelf = another_connector:connector\n"
    info.joinpath("entry_points.txt").write_text(entry_point)
    tests = Path(another_connector.__file__).parent
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, (tmp_path, tests, tests / "support"))))


@pytest.mark.usefixtures("_installed")
def test_in_a_terminal_it_fits_80_columns_and_hides_the_key():
    answers = [
        ("(hidden)> ", KEY),
        ("advanced field(s)? y/N> ", "n"),
        ("number, text to search> ", "1"),
        ("number, text to search, + for more> ", "volume 24"),
        ("number, text to search> ", "5"),
        ("    > ", "kim@client.example"),
        ("    > ", ""),
        ("  > ", ""),
        ("Add to Reminders? y/N> ", "n"),
        ("advanced field(s)? y/N> ", "n"),
        ("Lend a book? y/N> ", "y"),
    ]
    program = (sys.executable, tiny_host.__file__)
    code, screen = at_terminal("form", "shelf", "loans.create", answers=answers, program=program)
    assert code == 0, screen
    assert KEY not in screen
    assert max(map(len, screen.splitlines())) < 80
    assert '"uri": "https://api.shelf.example/loans/1"' in screen
