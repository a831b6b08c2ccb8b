"""URIs and ids: which are accepted, and which are rejected before anything is sent."""

from string import ascii_letters, digits

import pytest
from calendly_connector.catalog.identifiers import ids_within, resource_id, resource_uri
from hypothesis import given
from hypothesis import strategies as st

HOME = "https://api.calendly.com"
LOCAL = "http://127.0.0.1:8000"
ORIGINS = (HOME, LOCAL)
ID = "0841fe7d-3e7e-50d2-b88d-11f826a41ca2"
INVITEES = "/scheduled_events/{event}/invitees/{uuid}"


def forms(*kinds):
    return {kind: INVITEES if kind == "invitees" else f"/{kind}/{{uuid}}" for kind in kinds}


@pytest.mark.parametrize(
    ("value", "collections", "last"),
    [
        (ID, forms("users"), ID),
        (ID.upper(), forms("users"), ID.upper()),
        ("GBGBDCAADAEDCRZ2", forms("users"), "GBGBDCAADAEDCRZ2"),
        (f"{HOME}/users/{ID}", forms("users"), ID),
        (f"{LOCAL}/users/{ID}", forms("users"), ID),
        (f"{HOME}/groups/{ID}", forms("users", "groups"), ID),
        (f"{HOME}/scheduled_events/E-1/invitees/{ID}", forms("invitees"), ID),
    ],
)
def test_id_of_a_resource(value, collections, last):
    assert resource_id(value, collections, ORIGINS) == last


@pytest.mark.parametrize(
    "value",
    [
        f"https://api.calendly.com.evil.example/users/{ID}",
        f"https://api.calendly.com@evil.example/users/{ID}",
        f"https://api.calendly.com:pw@evil.example/users/{ID}",
        f"https://evil.example@api.calendly.com/users/{ID}",
        f"https://api.calendly.com\\@evil.example/users/{ID}",
        f"https://api.calendly.com:8443/users/{ID}",
        f"https://api.calendly.com.:443/users/{ID}",
        f"https://xapi.calendly.com/users/{ID}",
        f"https://calendly.com/users/{ID}",
        f"https://api.calendly.com%2f.evil.example/users/{ID}",
        f"https://\u0430pi.calendly.com/users/{ID}",  # a Cyrillic a
        f"https://evil.example/{HOME}/users/{ID}",
        f"http://api.calendly.com/users/{ID}",
        f"https://127.0.0.1:8000/users/{ID}",
        f"http://127.0.0.1:80000/users/{ID}",
        f"ftp://api.calendly.com/users/{ID}",
        f"https:///users/{ID}",
        f"http://[::1/users/{ID}",
        f"https://\u2100/users/{ID}",
        f" {HOME}/users/{ID}",
        f"{HOME}\\users\\{ID}",
    ],
)
def test_a_uri_on_another_host_is_rejected(value):
    for form in (resource_id, resource_uri):
        with pytest.raises(ValueError, match=r"^is a URI on a host other than"):
            form(value, forms("users"), ORIGINS)


@pytest.mark.parametrize(
    "value",
    [
        "",
        ".",
        "..",
        "a b",
        "a/b",
        "Bob",
        "me",
        "some-old-id",
        "AAAAAAAAAAAAAAA",
        "aaaaaaaaaaaaaaaa",
        ID.replace("-", ""),
        f"{ID}\n",
        f"{ID}?x",
        f"\u0661{ID}",
        f"users/{ID}",
        f"/users/{ID}",
        f"//api.calendly.com/users/{ID}",
        "javascript:alert(1)",
        HOME,
        f"{HOME}/",
        f"{HOME}/users",
        f"{HOME}/users/",
        f"{HOME}//{ID}",
        f"{HOME}/users/{ID}/",
        f"{HOME}/users/{ID}?expand=all",
        f"{HOME}/users/{ID}?",
        f"{HOME}/users/{ID}#",
        f"{HOME}/users/{ID}#top",
        f"{HOME}/users/{ID}\n",
        f"{HOME}/us\ners/{ID}",
        f"{HOME}/users/a%2Fb",
        f"{HOME}/users/..",
        f"{HOME}/users/../{ID}",
        f"{HOME}//users/{ID}",
        f"{HOME}/v2/users/{ID}",
    ],
)
def test_other_texts_are_not_resources(value):
    for form in (resource_id, resource_uri):
        with pytest.raises(ValueError, match=r"^must be a URI of users, or the id at the end of one$"):
            form(value, forms("users"), ORIGINS)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (f"{HOME}/groups/{ID}", "is a URI of groups; expected users or organizations"),
        (f"{HOME}/users/U/invitees/{ID}", "is a URI of invitees; expected users or organizations"),
        (f"{HOME}/USERS/{ID}", "is a URI of USERS; expected users or organizations"),
    ],
)
def test_a_uri_of_another_collection_is_rejected(value, expected):
    with pytest.raises(ValueError, match=f"^{expected}$"):
        resource_id(value, forms("users", "organizations"), ORIGINS)


@pytest.mark.parametrize(
    ("value", "uri"),
    [
        (ID, f"{HOME}/users/{ID}"),
        (f"{HOME}/users/{ID}", f"{HOME}/users/{ID}"),
        (f"{LOCAL}/users/{ID}", f"{LOCAL}/users/{ID}"),
    ],
)
def test_uri_of_a_resource(value, uri):
    assert resource_uri(value, forms("users"), ORIGINS) == uri


@given(st.text() | st.text(st.sampled_from("users/abc..:@?#%\\ \n")).map(f"{HOME}/{{}}".format))
def test_any_text_becomes_a_clean_id_or_is_rejected(value):
    try:
        last = resource_id(value, forms("users"), ORIGINS)
    except ValueError:
        return
    assert last
    assert set(last) <= set(f"{ascii_letters}{digits}-_")
    assert value.endswith(last)


def test_a_nested_resource_needs_its_full_uri():
    with pytest.raises(ValueError, match="full URI"):
        resource_uri(ID, forms("invitees"), ORIGINS)


def test_a_full_uri_yields_all_ids_of_a_path():
    assert ids_within(f"{HOME}/scheduled_events/E/invitees/{ID}", INVITEES, ORIGINS) == {
        "event": "E",
        "uuid": ID,
    }


@pytest.mark.parametrize(
    "uri", ["", ID, f"{HOME}/users/{ID}", f"{HOME}/a/b/c/d", f"{HOME}/scheduled_events//invitees/{ID}"]
)
def test_a_uri_of_another_form_yields_no_ids(uri):
    assert ids_within(uri, INVITEES, ORIGINS) == {}
