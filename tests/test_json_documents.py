"""Untrusted JSON: everything that is parsed can be written, and deeper documents are rejected."""

import json

import orjson
import pytest
from calendly_connector.support.json_documents import MAX_DEPTH, TooDeepError, is_writable, parse


def nested(levels, inside="null", pair="[]"):
    opening, closing = (pair[0], pair[1]) if pair == "[]" else ('{"a":', "}")
    return (opening * levels + inside + closing * levels).encode()


@pytest.mark.parametrize("pair", ["[]", "{}"])
@pytest.mark.parametrize("levels", [0, 1, 8, MAX_DEPTH])
def test_a_document_within_the_limit_is_read_and_can_be_written(levels, pair):
    body = nested(levels, pair=pair)
    assert orjson.dumps(parse(body)) == body
    assert json.dumps(parse(body), indent=1)


@pytest.mark.parametrize("pair", ["[]", "{}"])
@pytest.mark.parametrize("levels", [MAX_DEPTH + 1, 254, 255, 1024])
def test_a_document_beyond_the_limit_is_rejected(levels, pair):
    with pytest.raises(TooDeepError, match="more than 100 levels deep"):
        parse(nested(levels, pair=pair))


def test_depth_counts_at_any_position_and_length_does_not():
    assert parse(b"[" + b",".join([nested(MAX_DEPTH - 1)] * 1000) + b"]")
    with pytest.raises(TooDeepError):
        parse(b"[1, [], {}, " + nested(MAX_DEPTH) + b", 2]")


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[1", b"[" * 100_000, b"\xff", b'"\\ud800"', b"NaN", b"1e400"]
)
def test_invalid_json_is_reported_as_invalid(body):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the library's message
        parse(body)
    assert not isinstance(caught.value, TooDeepError)


@pytest.mark.parametrize(
    "value", ["\ud800", {"\udcff": 1}, 2**64, {1: 2}, {1}, b"x", json.loads(nested(101))]
)
def test_values_that_cannot_be_written_are_recognized(value):
    assert not is_writable(value)
    assert is_writable([1, "ä", None, {"a": 1.5}])
