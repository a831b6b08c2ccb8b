"""Generated parts of the documents: `tools/docs.py`."""

from calendly_connector.catalog.manifest import catalog

import docs


def test_a_part_is_replaced_wherever_a_page_has_its_markers():
    page = "All <!-- generated: count -->1<!-- end --> of <!-- generated: count --><!-- end -->, <!-- end -->"
    assert docs.filled(page, {"count": "2", "other": "x"}) == (
        "All <!-- generated: count -->2<!-- end --> of <!-- generated: count -->2<!-- end -->, <!-- end -->"
    )


def test_a_page_without_markers_stays_as_it_is():
    assert docs.filled("All of them.", {"count": "2"}) == "All of them."


def test_the_documents_are_up_to_date():
    stale = [path.name for path, text in docs.pages().items() if path.read_text(encoding="utf-8") != text]
    assert stale == []


def test_the_number_of_actions_is_generated():
    page = docs.pages()[docs.ROOT / "README.md"]
    assert f"<!-- generated: count -->{len(catalog())}<!-- end -->" in page
