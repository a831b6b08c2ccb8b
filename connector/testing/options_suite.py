"""The suite for the choices of fields."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ..contract import Connection, Connector, Field, OptionPage
from ..errors import ConnectorError
from .connection_suite import MOST_OPTIONS, UNKNOWN, Connect, ConnectionSuite
from .form_check import form_fields
from .subject import Subject

_MOST_PAGES = 200


class OptionsSuite(ConnectionSuite):
    """Options come in pages, depend on other fields, can be searched, and are never silently missing."""

    def test_options_come_in_pages_or_with_a_reason(
        self, connection: Connection, connector: Connector
    ) -> None:
        for of, field, _, page in _listed(connection, connector):
            assert len(page.options) <= MOST_OPTIONS, (
                f"{of}, {field.path}: {len(page.options)} options in a page"
            )
            assert not (page.reason and page.options), f"{of}, {field.path}: both options and a reason"
            assert all(option.label and option.value for option in page.options), (
                f"{of}, {field.path}: no label"
            )

    def test_pages_of_options_have_each_option_once(
        self, connection: Connection, connector: Connector
    ) -> None:
        for of, field, values, page in _listed(connection, connector):
            seen: set[str] = set()
            for one in _pages(connection, of, field.path, values, page):
                found = [option.value for option in one.options]
                assert len(set(found)) == len(found), f"{of}, {field.path}: a page has an option twice"
                assert not seen & set(found), f"{of}, {field.path}: an option is on two pages"
                seen |= set(found)

    def test_a_search_narrows_options(self, connection: Connection, connector: Connector) -> None:
        for of, field, values, page in _listed(connection, connector):
            for option in page.options[-1:]:
                found = connection.options(of, field.path, values, search=option.label).options
                where = f"{of}, {field.path}: searching {option.label!r}"
                assert option in found, f"{where} doesn't find it"
                text = option.label.casefold()
                assert all(text in one.label.casefold() for one in found), f"{where} finds others, too"
                nothing = connection.options(of, field.path, values, search=UNKNOWN)
                assert not nothing.options, f"{of}, {field.path}: a search for nonsense finds something"

    def test_dependent_options_say_what_they_need(self, connection: Connection, connector: Connector) -> None:
        for of, field in form_fields(connector):
            if field.has_options and field.depends_on:
                page = connection.options(of, field.path)
                where = f"{of}, {field.path}, without other values"
                assert page.options or page.reason, f"{where}: neither options nor a reason"
                needed = set(page.needs)
                assert page.options or needed, f"{where}: it doesn't say which field it needs"
                assert needed <= set(field.depends_on), f"{where}: it needs {', '.join(needed)}, undeclared"

    def test_options_that_cant_be_read_are_no_empty_list(
        self, connect: Connect, connector: Connector, subject: Subject
    ) -> None:
        credential, _ = subject.bad_credentials[0]
        with connect(credential) as connection:
            for of, field in form_fields(connector):
                if field.has_options:
                    try:
                        page = connection.options(of, field.path, _example_input(connector, of))
                    except ConnectorError:
                        continue  # it says why
                    assert page.options or page.reason, f"{of}, {field.path}: an empty list hides a failure"


class _Listed(NamedTuple):
    """The first page of a field's options, with the values that the form had by then."""

    of: str
    field: Field
    values: Mapping[str, Any]
    page: OptionPage


def _listed(connection: Connection, connector: Connector) -> Iterator[_Listed]:
    """Fill in each form from above, with the first option of each field, as a person would."""
    values: dict[str, dict[str, Any]] = {}
    for of, field in form_fields(connector):
        if field.has_options:
            form = values.setdefault(of, {})
            page = connection.options(of, field.path, form)
            yield _Listed(of, field, dict(form), page)
            if page.options and "." not in field.path:
                value = page.options[0].value
                form[field.name] = [value] if field.is_list else value


def _pages(
    connection: Connection, of: str, path: str, values: Mapping[str, Any], page: OptionPage
) -> Iterator[OptionPage]:
    yield page
    for _ in range(_MOST_PAGES):
        if page.next_page is None:
            return
        page = connection.options(of, path, values, page=page.next_page)
        yield page
    raise AssertionError(f"{of}, {path}: more than {_MOST_PAGES} pages of options")


def _example_input(connector: Connector, of: str) -> Mapping[str, Any]:
    action = connector.actions().get(of)
    example: Mapping[str, Any] = action.examples[0]["input"] if action else {}
    return example
