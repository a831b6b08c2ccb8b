"""Texts laid out in cells: columns that fit, cut texts and wrapped lines."""

import pytest
from calendly_connector.cli import tables, terminal
from calendly_connector.cli.columns import View
from calendly_connector.cli.record_table import RecordTable
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

SIZES = st.integers(1, 200)


class Shape:
    """An action with one declared column per property."""

    id = "things.list"
    returns = "many"
    output = {"type": "object", "properties": {"name": {"type": "string"}, "n": {"type": "integer"}}}  # noqa: RUF012
    columns = ()


def shown(records, *, width=80, colors=False, returns="many", output=None):
    written = []
    shape = Shape()
    shape.returns, shape.output = returns, output or Shape.output
    table = RecordTable(written.append, shape, View(), width=width, colors=colors)
    table.page(records)
    table.end({})
    return b"".join(written).decode()


def test_columns_have_their_natural_width_without_a_limit():
    assert tables.fit([10, 500], [True, False], None) == [10, 500]


@pytest.mark.parametrize(
    ("natural", "whole", "width", "expected"),
    [
        ([10, 20, 30], [True, False, False], 64, [10, 20, 30]),
        ([10, 20, 30], [True, False, False], 63, [10, 20, 29]),
        ([10, 20, 30], [True, False, False], 44, [10, 15, 15]),
        ([10, 20, 30], [True, False, False], 38, [10, 12, 12]),
        ([10, 20, 30], [True, False, False], 37, [10, 20]),
        ([10, 20, 36], [True, False, True], 61, [10, 20]),
        ([50, 20], [True, False], 40, [50]),
        ([50, 20], [False, False], 8, [12]),
    ],
)
def test_long_texts_are_cut_before_columns_are_left_out(natural, whole, width, expected):
    assert tables.fit(natural, whole, width) == expected


@given(st.lists(st.tuples(SIZES, st.booleans()), min_size=1, max_size=9), SIZES)
def test_fitted_columns_never_exceed_the_width(columns, width):
    natural, whole = zip(*columns, strict=True)
    widths = tables.fit(natural, whole, width)
    total = sum(widths) + tables.GAP * (len(widths) - 1)
    assert total <= width or len(widths) == 1
    for size, wanted, is_whole in zip(widths, natural, whole, strict=False):
        assert size == wanted if is_whole else size <= wanted


@given(st.text(max_size=30), st.integers(1, 20))
def test_a_cut_text_is_never_wider(text, width):
    assert cell_len(tables.cut(text, width)) <= max(width, 1)


@given(st.text("ab 李é", max_size=60), st.integers(2, 20))
def test_wrapping_keeps_every_letter(text, width):
    lines = tables.wrapped(text, width)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(cell_len(line) <= width or " " not in line for line in lines)


def test_a_link_is_never_broken():
    link = f"https://calendly.com/{'a' * 100}"
    assert tables.wrapped(f"see {link} now", 20) == ["see", link, "now"]


def test_wide_characters_are_aligned():
    lines = shown([{"name": "李雷", "n": 1}, {"name": "Zoë", "n": 22}]).splitlines()
    assert [cell_len(line) for line in lines] == [len("NAME   N")] * 3
    assert lines[1] == "李雷   1"


def test_numbers_are_on_the_right_and_missing_values_a_dash():
    assert shown([{"name": None, "n": 5}, {"n": 10}]) == "NAME   N\n-      5\n-     10\n"


def test_control_characters_and_line_breaks_stay_in_their_row():
    text = shown([{"name": "a\nb\x1b[31m\tc", "n": 1}])
    assert len(text.splitlines()) == 2
    assert all(letter.isprintable() or letter == "\n" for letter in text)


def test_a_later_page_with_longer_texts_keeps_the_widths():
    written = []
    table = RecordTable(written.append, Shape(), View(), width=40, colors=False)
    table.page([])
    table.page([{"name": "abc", "n": 1}])
    table.page([{"name": "a much longer name", "n": 2}])
    table.end({})
    assert b"".join(written).decode() == "NAME  N\nabc   1\na m…  2\n"


STATUS = {"type": "object", "properties": {"status": {"type": "string"}, "name": {"type": "string"}}}


@pytest.mark.parametrize(("status", "code"), [("active", 32), ("canceled", 31), ("no_show", 33)])
def test_a_status_has_a_color(status, code):
    text = shown([{"status": status, "name": "active"}], colors=True, output=STATUS)
    assert f"\x1b[{code}m{status}\x1b[0m  active\n" in text
    assert "\x1b" not in shown([{"status": status, "name": "active"}], output=STATUS)


@pytest.mark.parametrize("status", ["strange", None, 5, {"active": 1}])
def test_another_status_has_no_color(status):
    assert shown([{"status": status}], colors=True, output=STATUS).count("\x1b[3") == 0


def test_one_record_is_lines_with_nested_objects_indented():
    record = {
        "name": "Ada",
        "empty": {},
        "none": None,
        "place": {"type": "zoom", "data": {"id": 5}},
        "hosts": [{"name": "Ada", "mail": "a@b.example"}, {"name": "Ben"}],
        "tags": ["a", True, None],
        "mixed": [{"a": 1}, 2],
    }
    assert shown([record], returns="one") == (
        "name   Ada\n"
        "empty  {}\n"
        "none   -\n"
        "place\n"
        "  type  zoom\n"
        "  data\n"
        "    id  5\n"
        "hosts\n"
        "  - name  Ada\n"
        "    mail  a@b.example\n"
        "  - name  Ben\n"
        "tags   a, yes, -\n"
        'mixed  [{"a":1},2]\n'
    )


def test_one_record_is_wrapped_at_the_width_and_keeps_its_line_breaks():
    text = shown([{"body": f"first line\n{'word ' * 20}"}], returns="one", width=40)
    assert text.startswith("body  first line\n      word word")
    assert all(len(line) <= 40 for line in text.splitlines())


def test_deeply_nested_records_are_shown():
    record = {}
    for _ in range(50):
        record = {"in": [{"in": record}]}
    assert shown([record], returns="one", width=80).count("in") == 100


def test_a_declared_column_that_no_record_has_is_left_out():
    assert shown([{"n": 1}, {"n": 2}]) == "N\n1\n2\n"
    assert shown([{"name": None, "n": 1}]) == "NAME  N\n-     1\n"
    assert shown([{}]) == "NAME  N\n-     -\n"


def test_answers_by_question_are_readable():
    output = {"type": "object", "properties": {"answers": {"type": "object"}}}
    text = shown([{"answers": {"Seats": 40, "Why?": "a\nb"}}], output=output)
    assert text.splitlines()[1] == "Seats: 40; Why?: a b"


def test_a_label_that_is_too_long_still_ends_before_its_text(capsys):
    terminal.print_labeled("record.start_time", "today", indent=2, label_width=4)
    assert capsys.readouterr().out == "  record.start_time  today\n"
