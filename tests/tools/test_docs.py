"""Generated parts of the documents: `tools/docs.py`."""

import pytest

import docs


@pytest.fixture(scope="module")
def pages():
    return docs.pages()


def test_a_part_is_replaced_wherever_a_page_has_its_markers():
    page = "All <!-- generated: count -->1<!-- end --> of <!-- generated: count --><!-- end -->, <!-- end -->"
    assert docs.filled(page, {"count": "2", "other": "x"}) == (
        "All <!-- generated: count -->2<!-- end --> of <!-- generated: count -->2<!-- end -->, <!-- end -->"
    )


def test_a_page_without_markers_stays_as_it_is():
    assert docs.filled("All of them.", {"count": "2"}) == "All of them."


def test_the_documents_are_up_to_date(pages):
    stale = [
        path.name for path, text in pages.items() if not path.exists() or path.read_text("utf-8") != text
    ]
    assert stale == []
    assert docs.left_over(pages) == []


def test_a_page_that_is_no_longer_generated_is_left_over(pages):
    removed = docs.ROOT / "docs/reference/actions/meetings.md"
    assert docs.left_over({path: text for path, text in pages.items() if path != removed}) == [removed]
