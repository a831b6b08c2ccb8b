import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest
from calendly_connector.errors import SignatureError, UsageError
from calendly_connector.events.webhooks.receiver import Receiver
from calendly_connector.events.webhooks.signature import HEADER, TOLERANCE_S, sign, verify
from hypothesis import example, given
from hypothesis import strategies as st
from locations import PAYLOADS

REFERENCE = json.loads((PAYLOADS / "webhooks" / "signature-vectors.json").read_bytes())
T = 1_795_015_301
KEY = "made-up-signing-key"
OTHER_KEY = "another-made-up-key"
BODY = b'{"event":"invitee.created"}'


@dataclass(frozen=True)
class Post:
    """A valid post; each test changes one part of it."""

    timestamp: str = str(T)
    v1: str = sign(BODY, KEY, T).partition("v1=")[2]
    header: str | None = None
    body: bytes = BODY
    keys: Sequence[str] = (KEY,)
    now: float = T

    def verify(self) -> int:
        header = self.header if self.header is not None else f"t={self.timestamp},v1={self.v1}"
        return verify(header, self.body, self.keys, self.now)


GOOD = Post()


def reason_for(post: Post) -> str:
    with pytest.raises(SignatureError) as caught:
        post.verify()
    text = f"{caught.value!r} {caught.value} {caught.value.to_dict()}"
    assert not any(len(key) > 1 and key in text for key in post.keys)
    return caught.value.reason


def test_a_valid_post_is_accepted():
    assert GOOD.verify() == T


def test_the_header_has_the_documented_name():
    assert REFERENCE["header_name"] == HEADER
    assert REFERENCE["tolerance_seconds_in_vendor_samples"] == TOLERANCE_S


@pytest.mark.parametrize("vector", REFERENCE["vectors"], ids=lambda vector: vector["name"])
def test_the_reference_vector_is_accepted(vector):
    body, key, t = vector["body_utf8"].encode(), vector["signing_key"], vector["timestamp"]
    assert verify(vector["header"], body, [key], t) == t
    assert sign(body, key, t) == vector["header"]


@pytest.mark.parametrize("vector", REFERENCE["vectors"], ids=lambda vector: vector["name"])
def test_the_reference_vector_with_an_extra_byte_is_rejected(vector):
    post = Post(
        header=vector["header"], body=vector["body_utf8"].encode() + b"\n", keys=[vector["signing_key"]]
    )
    assert reason_for(post) == "mismatch"


def test_the_same_json_in_other_bytes_is_rejected():
    body = b'{ "event" : "invitee.created" }'
    assert reason_for(replace(GOOD, body=body)) == "mismatch"


@pytest.mark.parametrize(
    ("spoiled", "reason"),
    [
        ({"body": b""}, "mismatch"),
        ({"body": BODY[:-1]}, "mismatch"),
        ({"body": BODY.replace(b"created", b"deleted")}, "mismatch"),
        ({"keys": [OTHER_KEY]}, "mismatch"),
        ({"keys": [KEY + "\n"]}, "mismatch"),
        ({"keys": [KEY.upper()]}, "mismatch"),
        ({"keys": ["\ud800"]}, "mismatch"),
        ({"v1": "0" * 64}, "mismatch"),
        ({"v1": GOOD.v1[:-1] + ("0" if GOOD.v1[-1] != "0" else "1")}, "mismatch"),
        ({"v1": GOOD.v1[::-1]}, "mismatch"),
        ({"timestamp": str(T - 1)}, "mismatch"),
        ({"timestamp": f"0{T}"}, "mismatch"),
        ({"timestamp": "0"}, "mismatch"),
        ({"v1": ""}, "malformed"),
        ({"v1": GOOD.v1[:-1]}, "malformed"),
        ({"v1": GOOD.v1 + "0"}, "malformed"),
        ({"v1": GOOD.v1 * 2}, "malformed"),
        ({"v1": GOOD.v1.upper()}, "malformed"),
        ({"v1": "g" * 64}, "malformed"),
        ({"v1": "\u00e9" * 64}, "malformed"),
        ({"v1": "\u0661" * 64}, "malformed"),
        ({"v1": GOOD.v1 + "="}, "malformed"),
        ({"v1": f" {GOOD.v1}"}, "malformed"),
        ({"v1": f"{GOOD.v1} "}, "malformed"),
        ({"v1": f"{GOOD.v1}\n"}, "malformed"),
        ({"v1": f"{GOOD.v1},"}, "malformed"),
        ({"v1": f"{GOOD.v1},,v0=0"}, "malformed"),
        ({"v1": f"{GOOD.v1},rubbish"}, "malformed"),
        ({"v1": f"{GOOD.v1},v1="}, "malformed"),
        ({"v1": f"{GOOD.v1},v1=short"}, "malformed"),
        ({"v1": f"{GOOD.v1},t={T}"}, "malformed"),
        ({"v1": f"{GOOD.v1},t={T + 9_999}"}, "malformed"),
        ({"timestamp": ""}, "malformed"),
        ({"timestamp": "now"}, "malformed"),
        ({"timestamp": f"-{T}"}, "malformed"),
        ({"timestamp": f"+{T}"}, "malformed"),
        ({"timestamp": f"{T}.0"}, "malformed"),
        ({"timestamp": "1e9"}, "malformed"),
        ({"timestamp": "1_795_015_301"}, "malformed"),
        ({"timestamp": "\uff11\uff12"}, "malformed"),
        ({"timestamp": "9" * 13}, "malformed"),
        ({"timestamp": f"{T}\n"}, "malformed"),
        ({"timestamp": f"{T},t={T}"}, "malformed"),
        ({"header": ""}, "malformed"),
        ({"header": ","}, "malformed"),
        ({"header": "t"}, "malformed"),
        ({"header": "="}, "malformed"),
        ({"header": f"t={T}"}, "malformed"),
        ({"header": f"v1={GOOD.v1}"}, "malformed"),
        ({"header": f"t={T},v0={GOOD.v1}"}, "malformed"),
        ({"header": f"t={T},v2={GOOD.v1}"}, "malformed"),
        ({"header": f"t={T},V1={GOOD.v1}"}, "malformed"),
        ({"header": f"T={T},v1={GOOD.v1}"}, "malformed"),
        ({"header": f"t={T}, v1={GOOD.v1}"}, "malformed"),
        ({"header": f"t={T};v1={GOOD.v1}"}, "malformed"),
        ({"header": f"t={T}v1={GOOD.v1}"}, "malformed"),
        ({"header": f"t={T},v1:{GOOD.v1}"}, "malformed"),
        ({"header": f"t={T},v1={GOOD.v1}".encode("utf-16").decode("latin-1")}, "malformed"),
        ({"header": f"t={T},v1={GOOD.v1}" + f",v1={'0' * 64}" * 20}, "malformed"),
        ({"header": f"t={T},v1={GOOD.v1}," + "a" * 5_000_000}, "malformed"),
        ({"header": "t=1," * 1_000_000}, "malformed"),
        ({"keys": []}, "no_key"),
        ({"keys": [""]}, "no_key"),
        ({"keys": ["", ""]}, "no_key"),
        ({"keys": [" "]}, "no_key"),
        ({"keys": ["\n\t"]}, "no_key"),
        ({"keys": ""}, "no_key"),
        ({"now": T + TOLERANCE_S + 0.001}, "old"),
        ({"now": T + 11 * 86_400}, "old"),
        ({"now": float("inf")}, "old"),
        ({"now": T - TOLERANCE_S - 0.001}, "future"),
        ({"now": 0}, "future"),
        ({"now": float("nan")}, "future"),
    ],
    ids=lambda value: ascii(value)[:60],
)
def test_a_post_with_one_invalid_part_is_rejected(spoiled, reason):
    assert reason_for(replace(GOOD, **spoiled)) == reason


def test_a_post_without_a_signature_is_rejected():
    with pytest.raises(SignatureError) as caught:
        verify(None, BODY, [KEY], T)
    assert caught.value.reason == "no_header"


def test_without_a_key_every_post_is_rejected():
    for key in ("", " "):
        with pytest.raises(SignatureError) as caught:
            verify(sign(BODY, key, T), BODY, [key], T)
        assert caught.value.reason == "no_key"


def test_keys_passed_as_text_are_one_key():
    assert verify(sign(BODY, KEY, T), BODY, KEY, T) == T
    assert reason_for(Post(header=sign(BODY, KEY[0], T), keys=KEY)) == "mismatch"


@pytest.mark.parametrize("now", [T - TOLERANCE_S, T - 1, T, T + 0.5, T + TOLERANCE_S])
def test_the_tolerance_applies_to_past_and_future_and_includes_its_limit(now):
    assert replace(GOOD, now=now).verify() == T


def test_a_tolerance_of_zero_does_not_disable_the_check():
    header = sign(BODY, KEY, T)
    assert verify(header, BODY, [KEY], T, tolerance_s=0) == T
    for now in (T - 1, T + 1):
        with pytest.raises(SignatureError):
            verify(header, BODY, [KEY], now, tolerance_s=0)


def test_a_forged_old_post_is_reported_as_forged():
    assert reason_for(replace(GOOD, keys=[OTHER_KEY], now=T + 9_999)) == "mismatch"


@pytest.mark.parametrize("keys", [[KEY, OTHER_KEY], [OTHER_KEY, KEY], ["", KEY], [KEY, KEY]])
def test_any_of_several_keys_may_have_signed(keys):
    assert replace(GOOD, keys=keys).verify() == T


@pytest.mark.parametrize(
    "header",
    [
        f"t={T},v1={'0' * 64},v1={GOOD.v1}",
        f"t={T},v1={GOOD.v1},v1={'0' * 64}",
        f"v1={GOOD.v1},t={T}",
        f"t={T},v0=old,v1={GOOD.v1}",
        f"t={T},v1={GOOD.v1},v2=new,kid=7",
    ],
)
def test_other_signatures_and_items_beside_the_valid_one_are_ignored(header):
    assert replace(GOOD, header=header).verify() == T


def padded(length: int) -> str:
    """Return a valid header of this length, filled up with well-formed items."""
    header = f"t={T},v1={GOOD.v1}"
    while length - len(header) > 128:
        header += f",kid={'0' * 90}"
    return header + ",kid=" + "0" * (length - len(header) - len(",kid="))


def test_a_header_may_be_1024_characters_long_and_no_longer():
    assert len(padded(1024)) == 1024
    assert replace(GOOD, header=padded(1024)).verify() == T
    assert reason_for(replace(GOOD, header=padded(1025))) == "malformed"
    assert reason_for(replace(GOOD, header=padded(9_999))) == "malformed"


def test_several_invalid_signatures_are_rejected():
    others = ",".join(f"v1={digit * 64}" for digit in "0123456789abc")
    assert reason_for(replace(GOOD, header=f"t={T},{others}", keys=[KEY, OTHER_KEY])) == "mismatch"


headers = (
    st.text()
    | st.text(st.sampled_from("tv10=,9af \n\u00e9"))
    | st.builds(
        "t={},v1={}".format,
        st.integers() | st.text(),
        st.text(st.sampled_from("0123456789abcdef"), max_size=70),
    )
    | st.lists(st.sampled_from(["t=1", f"t={T}", "v1=00", f"v1={'0' * 64}", "v0=x", ""])).map(",".join)
)


@given(headers, st.binary(), st.floats())
@example("\ud800", b"", 0.0)
@example("t=1,v1=" + "\udcff" * 64, b"", 1.0)
def test_any_invalid_header_raises_a_signature_error(header, body, now):
    with pytest.raises(SignatureError) as caught:
        verify(header, body, [KEY], now)
    assert caught.value.reason in {"malformed", "mismatch"}


@given(st.binary(), st.text(min_size=1).filter(lambda key: not key.isspace()), st.integers(0, 10**12 - 1))
def test_a_post_that_we_sign_is_accepted(body, key, t):
    assert verify(sign(body, key, t), body, [key], t) == t


@given(st.binary(), st.binary())
def test_a_signature_is_valid_for_one_body_only(body, other):
    header = sign(body, KEY, T)
    if body == other:
        assert verify(header, other, [KEY], T) == T
    else:
        with pytest.raises(SignatureError):
            verify(header, other, [KEY], T)


@pytest.mark.parametrize("tolerance_s", [0, 0.5, -180, float("nan")])
def test_a_tolerance_that_rejects_every_webhook_is_rejected(tolerance_s, inbox):
    with pytest.raises(UsageError, match="tolerance_s"):
        Receiver(inbox, [KEY], tolerance_s=tolerance_s)


def test_a_tolerance_of_one_second_is_accepted(inbox):
    assert Receiver(inbox, [KEY], tolerance_s=1)
