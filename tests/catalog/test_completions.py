"""What an editor offers inside of a `~{…}~` function."""

import pytest
from calendly_connector.catalog.completions import completions, signature
from calendly_connector.catalog.expressions import ExpressionError, calls
from calendly_connector.catalog.manifest import manifest
from calendly_connector.contract import Field
from hypothesis import example, given
from hypothesis import strategies as st

FUNCTIONS = manifest().functions
TIMES = [name for name, function in FUNCTIONS.items() if function.type == "date-time"]


def at(marked, field=None):
    """Return what is offered where a text has its |."""
    before, _, after = marked.partition("|")
    return before + after, completions(before + after, len(before), FUNCTIONS, field)


def labels(marked, field=None):
    return [each.label for each in at(marked, field)[1]]


def chosen(marked, label, field=None):
    """Return the text after choosing one, with a | at the cursor."""
    text, offered = at(marked, field)
    [one] = [each for each in offered if each.label == label]
    changed = text[: one.start] + one.insert + text[one.end :]
    return f"{changed[: one.cursor]}|{changed[one.cursor :]}"


@pytest.mark.parametrize(
    "text",
    ["|", "Now|", "~|", "|~{", "~{Now}~|", "~~{|", "~~{No|", "~{Now}~ and |", "~~~{|", "a }~{N}~ b|"],
)
def test_nothing_is_offered_outside_of_a_function(text):
    assert labels(text) == []


@pytest.mark.parametrize("text", ["~{|", "~{ |", "a ~{|", "~{Now}~~{|", "~~{~{|", "~{|}~", "}~{|"])
def test_every_function_but_secrets_is_offered_at_the_start(text):
    assert labels(text) == [name for name in FUNCTIONS if name != "GetSigningKey"]


@pytest.mark.parametrize(
    ("text", "offered"),
    [
        ("~{No|", ["Now"]),
        ("~{no|", ["Now"]),
        ("~{GetU|", ["GetUserUrl"]),
        ("~{endof|", ["EndOfDay", "EndOfWeek", "EndOfMonth"]),
        ("~{day|", ["Today", "StartOfDay", "EndOfDay"]),
        ("~{toda|", ["Today"]),
        ("~{zzz|", []),
        ("~{x ~{No|", ["Now"]),
        ("~{StartOfDay(new y|", ["America/New_York"]),
        ("~{StartOfDay(berl|", ["Europe/Berlin"]),
        ("~{StartOfWeek(Sunday, Monday|", []),
        ("~{StartOfWeek(Europe/Berlin,S|", ["Saturday", "Sunday", "Tuesday", "Wednesday", "Thursday"]),
        ("~{StartOfDay(UTC,|", []),
        ("~{Now(|", []),
        ("~{GetUserUrl(|", []),
        ("~{Nonsense(|", []),
        ("~{Now+|", []),
        ("~{Now+7|", ["s", "m", "h", "d", "w", "mo"]),
        ("~{Now+7m|", ["m", "mo"]),
        ("~{StartOfDay(Etc/GMT+5)-1|", ["s", "m", "h", "d", "w", "mo"]),
        ("~{GetUserUrl+7|", []),
        ("~{Now+123456|", []),
        ("~{Now+7d |", []),
    ],
)
def test_what_fits_at_the_cursor_is_offered(text, offered):
    assert labels(text) == offered


def test_names_that_begin_with_the_text_come_first_then_cities():
    offered = labels("~{StartOfWeek(mon|")
    assert offered[0] == "Monday"
    cities = [label.rpartition("/")[2].startswith("Mon") for label in offered[1:]]
    assert cities[0]
    assert cities == sorted(cities, reverse=True)


def test_a_weekday_is_offered_only_where_it_fits():
    assert labels("~{StartOfWeek(sun|")[0] == "Sunday"
    assert "Sunday" not in labels("~{StartOfDay(sun|")
    assert "Monday" not in labels("~{StartOfWeek(Sunday, mon|")


def test_at_most_100_are_offered():
    assert len(labels("~{StartOfDay(|")) == 100


@pytest.mark.parametrize(
    ("kind", "offered"),
    [
        ("date-time", TIMES),
        ("uri", ["GetOrganizationUrl", "GetUserUrl", "GetSchedulingUrl"]),
        ("time-zone", ["GetTimezone"]),
        ("text", [name for name in FUNCTIONS if name != "GetSigningKey"]),
        ("object", [name for name in FUNCTIONS if name != "GetSigningKey"]),
        ("date", []),
        ("email", []),
        ("integer", []),
        ("number", []),
        ("boolean", []),
    ],
)
def test_a_field_is_offered_the_functions_that_fit(kind, offered):
    assert labels("~{|", Field("x", "X", kind)) == offered


def test_only_a_secret_field_is_offered_secrets():
    assert "GetSigningKey" in labels("~{|", Field("x", "X", secret=True))


@pytest.mark.parametrize(
    ("text", "label", "changed"),
    [
        ("~{|", "GetUserUrl", "~{GetUserUrl}~|"),
        ("~{|", "Now", "~{Now|}~"),
        ("~{no|}~", "Now", "~{Now|}~"),
        ("~{N|ow}~", "Now", "~{Now|}~"),
        ("~{S|tartOfWeek+1d}~", "StartOfDay", "~{StartOfDay|+1d}~"),
        ("~{|Today is", "Now", "~{Now|}~Today is"),
        ("from ~{n| to ~{Today}~", "Now", "from ~{Now|}~ to ~{Today}~"),
        ("~{StartOfDay(berl|", "Europe/Berlin", "~{StartOfDay(Europe/Berlin)|}~"),
        ("~{StartOfDay(ber|)+1d}~", "Europe/Berlin", "~{StartOfDay(Europe/Berlin)|+1d}~"),
        ("~{StartOfDay(Europe/P|aris)}~", "Europe/Prague", "~{StartOfDay(Europe/Prague)|}~"),
        ("~{StartOfWeek(Asia/Tokyo, s|}~", "Sunday", "~{StartOfWeek(Asia/Tokyo, Sunday)|}~"),
        ("~{Now+7|", "mo", "~{Now+7mo}~|"),
        ("~{Now+7|d}~", "w", "~{Now+7w}~|"),
    ],
)  # fmt: skip
def test_a_choice_replaces_the_word_at_the_cursor(text, label, changed):
    assert chosen(text, label) == changed


def test_an_offer_explains_itself():
    [offer] = at("~{StartOfW|")[1]
    function = FUNCTIONS["StartOfWeek"]
    assert offer.detail == signature(function) == "StartOfWeek(time zone, weekday)±offset"
    assert (offer.description, offer.example, offer.example_value) == (
        function.description,
        function.example,
        function.example_value,
    )


tricky = st.text(st.sampled_from("~{}()+-,7dmoNw /") | st.characters(), max_size=60)


@given(tricky, tricky)
@example("~{", "}~")
@example("~{StartOfDay(", "")
@example("~{StartOfDay(x" + "y" * 100_000, "}~")
@example("~{" * 50_000, "")
@example("~{Now}~" * 15_000, "")
@example("~{A(" + "a," * 50_000, "")
def test_a_choice_is_within_the_text_and_can_be_read(before, after):
    text = before + after
    for offer in completions(text, len(before), FUNCTIONS):
        assert 0 <= offer.start <= len(before) <= offer.end <= len(text)
        changed = text[: offer.start] + offer.insert + text[offer.end :]
        assert offer.start < offer.cursor <= len(changed)


@given(st.sampled_from([name for name in FUNCTIONS if name != "GetSigningKey"]), st.integers(0, 8))
def test_a_chosen_function_is_a_call_of_it(name, length):
    changed = chosen("~{" + name[:length] + "|", name).replace("|", "")
    try:
        [call] = calls(changed)
    except ExpressionError as error:
        pytest.fail(str(error))
    assert call.name == name
