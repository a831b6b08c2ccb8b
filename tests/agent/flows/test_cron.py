import pytest
from calendly_connector.agent.flows import cron


@pytest.mark.parametrize(
    "expression",
    [
        "* * * * *",
        "*/5 * * * *",
        "0 8 * * 1-5",
        "0 8 * * mon-fri",
        "0,30 9-17/2 1,15 JAN-mar,dec 0",
        "59 23 31 12 7",
        "5/10 * * * *",
        "0 0 29 2 *",
        "0 0 31 2 1",
    ],
)
def test_a_valid_expression(expression):
    assert cron.problem(expression) == ""


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("", "must have 5 fields"),
        ("* * * *", "must have 5 fields"),
        ("0 * * * * *", "must have 5 fields"),
        ("@daily", "must have 5 fields"),
        ("60 * * * *", "the minute '60', which isn't from 0 to 59"),
        ("* 24 * * *", "the hour '24'"),
        ("* * 0 * *", "the day of the month '0'"),
        ("* * 32 * *", "the day of the month '32'"),
        ("* * * 13 *", "the month '13'"),
        ("* * * foo *", "the month 'foo'"),
        ("* * * * 8", "the day of the week '8'"),
        ("* * * * mon-xyz", "the day of the week 'mon-xyz'"),
        ("*/0 * * * *", "the minute '*/0'"),
        ("5-1 * * * *", "the minute '5-1'"),
        ("1, * * * *", "the minute '1,'"),
        ("-1 * * * *", "the minute '-1'"),
        ("\u0661 * * * *", "the minute"),
        ("0 0 30 2 *", "never happens"),
        ("0 0 31 4,6,9,11 *", "never happens"),
    ],
)
def test_an_invalid_expression_is_explained(expression, text):
    assert text in cron.problem(expression)
