"""The pure half of webhooks: clocks, and the check of the endpoint."""

import hashlib
import hmac
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoomfeed.protocol import Delivery, is_signed
from zoomfeed.signature import MOST_TOKEN_LENGTH, skew_s, validation, validation_answer

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=200),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["plainToken", "x"]), inner),
    max_leaves=5,
)


@pytest.mark.parametrize(("timestamp", "expected"), [("1000", 0), ("1060", 60), ("940", -60), ("0", -1000)])
def test_the_skew_is_in_seconds_and_negative_in_the_past(timestamp, expected):
    assert skew_s(timestamp, 1000) == expected


@pytest.mark.parametrize("timestamp", ["", "-5", "+5", "1e3", "1_0", " 1", "1\n", "²", "٣", "1" * 13, "nan"])
def test_what_is_no_plain_number_of_seconds_has_no_skew(timestamp):
    assert skew_s(timestamp, 1000) is None


def test_the_answer_is_the_hmac_of_the_token():
    encrypted = hmac.new(b"secret", b"token", hashlib.sha256).hexdigest()

    assert asked("token") == {"plainToken": "token", "encryptedToken": encrypted}


def test_a_token_may_be_so_long_and_no_longer():
    assert asked("a" * MOST_TOKEN_LENGTH)
    assert asked("a" * (MOST_TOKEN_LENGTH + 1)) is None


@given(JSON, st.text(max_size=30), st.text(max_size=60))
def test_no_answer_ever_signs_an_event(payload, timestamp, body):
    """Whatever is asked, the answer opens no door: neither with a token of its own nor with one like a signed text."""
    raw = body.encode("utf-8", "replace")
    for request in ({"payload": payload}, {"payload": {"plainToken": f"v0:{timestamp}:{body}"}}):
        answer = validation_answer("secret", request)
        if answer:
            signature = "v0=" + answer["encryptedToken"]
            assert not is_signed("secret", Delivery(raw, timestamp.encode("utf-8", "replace").decode(), signature))


@pytest.mark.parametrize(
    "body", [b"", b"endpoint.url_validation", b'"endpoint.url_validation"', b'{"event":["endpoint.url_validation"]}']
)
def test_what_only_looks_like_a_check_is_none(body):
    assert validation(body) is None


def asked(token):
    request = validation(json.dumps({"event": "endpoint.url_validation", "payload": {"plainToken": token}}).encode())
    return validation_answer("secret", request)
