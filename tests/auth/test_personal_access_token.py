import pytest
from calendly_connector.auth.personal_access_token import PersonalAccessToken, read_token
from calendly_connector.errors import InvalidCredential
from hypothesis import given
from hypothesis import strategies as st

TOKEN = "eyJh.made-up_1.SIG="

AROUND = "removed spaces or quotes around the token"
HEADER = "removed the header name or 'Bearer' before the token"
WRAPPED = "removed line breaks inside the token"

pasted = st.text(st.sampled_from("ab.=\"' \t\r\n\x00é\u200b") | st.characters()) | st.builds(
    "{}{}{}".format,
    st.sampled_from(["", "-H ", '-H "', "Authorization: ", "authorization=", "Bearer ", "Bearer\n"]),
    st.sampled_from(["", "Bearer ", "'", "\n"]),
    st.text(),
)


@pytest.mark.parametrize(
    ("text", "normalizations"),
    [
        (TOKEN, ()),
        (f" {TOKEN}", (AROUND,)),
        (f"{TOKEN}\n", (AROUND,)),
        (f"\t{TOKEN}\r\n", (AROUND,)),
        (f"\u00a0{TOKEN}\u00a0", (AROUND,)),
        (f"'{TOKEN}'", (AROUND,)),
        (f' "{TOKEN}" ', (AROUND,)),
        (f'" {TOKEN} "', (AROUND,)),
        (f"Bearer {TOKEN}", (HEADER,)),
        (f"bearer   {TOKEN}", (HEADER,)),
        (f"BEARER\n{TOKEN}", (HEADER,)),
        (f"Bearer '{TOKEN}'", (AROUND, HEADER)),
        (f"Authorization: Bearer {TOKEN}", (HEADER,)),
        (f"authorization:Bearer {TOKEN}", (HEADER,)),
        (f"Authorization={TOKEN}", (HEADER,)),
        (f"-H 'Authorization: Bearer {TOKEN}'", (AROUND, HEADER)),
        (f'-H "Authorization: Bearer {TOKEN}"', (AROUND, HEADER)),
        (f"{TOKEN[:6]}\n{TOKEN[6:]}", (WRAPPED,)),
        (f"{TOKEN[:6]} \r\n\t {TOKEN[6:]}", (WRAPPED,)),
        ("\n".join(TOKEN), (WRAPPED,)),
        (f" Bearer {TOKEN[:6]}\n{TOKEN[6:]} ", (AROUND, HEADER, WRAPPED)),
    ],
)
def test_token_is_read_as_people_paste_it(text, normalizations):
    assert read_token(text) == PersonalAccessToken(TOKEN, normalizations)


@pytest.mark.parametrize("token", ["bearerXYZ", "BearerToken.1", "authorizationX", "-Habc", "x"])
def test_a_token_that_looks_like_a_header_name_stays_unchanged(token):
    assert read_token(token) == PersonalAccessToken(token)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        " ",
        "\n\t ",
        "''",
        '" "',
        "Bearer",
        "Bearer ",
        "bearer\n",
        "Authorization:",
        "Authorization: Bearer ",
    ],
)
def test_an_empty_text_is_a_missing_token(text):
    with pytest.raises(InvalidCredential, match=r"^No token found\.") as caught:
        read_token(text)
    assert caught.value.outcome == "missing_token"


@pytest.mark.parametrize(
    "broken",
    [
        "secr et",
        "secret secret",
        "secr\tet",
        "Bearer Bearer secret",
        "Token secret",
        "curl -H 'Authorization: Bearer secret' https://api.calendly.com",
        "sécret",
        "secr\u200bet",
        "\ufeffsecret",
        "\u201csecret\u201d",
        "secr\x00et",
        "secr\x1b[31met",
        "secr\x7fet",
        "secr\u2028et",
        "secr\x0bet",
        "secr\u00a0et",
        "secret\ud800",
        pytest.param("secr" + " " * 100_000 + "et", id="long"),
    ],
    ids=ascii,
)
def test_damaged_token_is_rejected_without_being_repeated(broken):
    with pytest.raises(InvalidCredential) as caught:
        read_token(broken)
    assert caught.value.outcome == "malformed_token"
    text = f"{caught.value!r} {caught.value} {caught.value.to_dict()}"
    assert "secr" not in text


def test_token_never_shows_in_a_repr():
    token = read_token(f" Bearer {TOKEN} ")
    assert TOKEN not in repr(token)
    assert TOKEN not in repr([token])


def test_token_goes_out_as_a_bearer():
    assert read_token(TOKEN).authorization() == f"Bearer {TOKEN}"


@given(pasted)
def test_any_text_is_a_sendable_token_or_an_invalid_credential(text):
    try:
        token = read_token(text)
    except InvalidCredential as error:
        assert error.outcome in {"missing_token", "malformed_token"}  # noqa: PT017 - both outcomes are right
        return
    assert token.value.isascii()
    assert token.value.isprintable()
    assert token.value.split() == [token.value]
    assert bool(token.normalizations) is (token.value != text)


@given(pasted)
def test_no_text_is_added_to_a_token(text):
    try:
        token = read_token(text)
    except InvalidCredential:
        return
    left = iter(text)
    assert all(char in left for char in token.value)


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=4).map("tok-{}-end".format))
def test_a_valid_token_is_unchanged_and_absent_from_reprs(value):
    token = read_token(value)
    assert token == PersonalAccessToken(value)
    assert value not in repr(token)
