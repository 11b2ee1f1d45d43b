"""Frames as pure code: whatever comes is some value, and nothing raises."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoomfeed.protocol import Delivery, Unreadable, digest, parse

json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.binary(max_size=200))
def test_no_bytes_raise(raw):
    parse(raw)


@pytest.mark.parametrize("content", ['{"event":"x","a":1e400}', '{"event":"x","a":' + "[" * 992 + "]" * 992 + "}"])
def test_content_that_is_an_object_and_cannot_be_written_as_json_is_kept_as_it_came(content):
    raw = f'{{"module":"message","content":{content}}}'.encode()
    frame = parse(raw)

    assert isinstance(frame, Unreadable)
    assert frame.raw == raw


def test_content_that_is_an_object_is_an_event():
    assert parse(b'{"module":"message","content":{"event":"x"}}') == Delivery(b'{"event":"x"}')


@given(json_values)
def test_a_digest_never_raises_and_says_the_same_of_the_same(said):
    assert digest(b"body", said) == digest(b"body", said)
    assert digest(b"body") != digest(b"another")
