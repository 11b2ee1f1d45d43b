"""What stands in a body for whoever may not see names, or has not asked for secrets."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoomfeed.personal import What, tell
from zoomfeed.veil import HIDDEN, body_without_names, body_without_secrets, letters, topic, without_secrets

BODIES = sorted((Path(__file__).parents[1] / "bodies").glob("*.json"))
OPENING = re.compile(r"token|passw|passcode|pwd|host_key|_pin")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Jill Chill", "J. C."),
        ("jill", "J."),
        ("王伟", "王."),
        ("", ""),
        (" ", ""),
        ("\u202eevil", "E."),
        ("J. C.", "J. C."),
        ("q\u0308ueen \U0001f600", "Q\u0308."),
        ("\U0001f600", "?"),
    ],
)
def test_letters(name, expected):
    assert letters(name) == expected


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("Jill Chill's Zoom Meeting", "J. C.'s Zoom Meeting"),
        ("Jill Chill\u2019s Personal Meeting Room", "J. C.\u2019s Personal Meeting Room"),
        ("James' Zoom Meeting", "J.' Zoom Meeting"),
        ("Ward round", "Ward round"),
        ("", ""),
    ],
)
def test_a_topic_that_zoom_made_of_a_name(said, expected):
    assert topic(said) == expected


@pytest.mark.parametrize("path", BODIES, ids=lambda path: path.stem)
def test_no_recorded_body_names_anybody(path):
    said = json.loads(path.read_bytes())
    veiled = body_without_names(json.dumps(said).encode()).decode()

    for kind, text in tell(said):
        if kind in (What.NAME, What.EMAIL) and len(text) > 5:
            assert text.casefold() not in veiled.casefold()


def secrets_of(said, key=""):
    if isinstance(said, dict):
        for name, value in said.items():
            yield from secrets_of(value, name)
    elif isinstance(said, list):
        for one in said:
            yield from secrets_of(one, key)
    elif isinstance(said, str | int) and not isinstance(said, bool) and OPENING.search(key):
        yield said
    elif isinstance(said, str):
        yield from re.findall(r"[?&](?:pwd|tk|zak|token|access_token)=([^&#\s\"]+)", said)


@pytest.mark.parametrize("path", BODIES, ids=lambda path: path.stem)
def test_no_recorded_body_shows_a_secret(path):
    said = json.loads(path.read_bytes())
    shown = json.loads(body_without_secrets(path.read_bytes()))

    assert [secret for secret in secrets_of(shown) if secret not in ("", 0, HIDDEN)] == []
    if not any(secrets_of(said)):
        assert shown == said


def test_some_recorded_bodies_hold_secrets():
    assert sum(any(secrets_of(json.loads(path.read_bytes()))) for path in BODIES) > 8


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"password": "x", "topic": "y"}, {"password": HIDDEN, "topic": "y"}),
        ({"passcode": 1234, "protected": True}, {"passcode": 0, "protected": True}),
        ({"tokens": ["a", {"b": "c"}]}, {"tokens": [HIDDEN, {"b": HIDDEN}]}),
        ({"has_password": True, "password": ""}, {"has_password": True, "password": ""}),
        ("https://zoom.us/j/1?pwd=abc&x=1#y", f"https://zoom.us/j/1?pwd={HIDDEN}&x=1#y"),
        ("see https://zoom.us/rec/play/x?pwd=abc\nand more", f"see https://zoom.us/rec/play/x?pwd={HIDDEN}\nand more"),
    ],
)
def test_secrets_are_hidden_and_nothing_else(said, expected):
    assert without_secrets(said) == expected


def test_what_is_no_json_names_nobody_and_opens_nothing():
    broken = b'{"user_name": "Jill", "join_url": "https://zoom.us/j/1?pwd=abc" \xff'

    assert body_without_names(broken) == HIDDEN.encode()
    assert body_without_secrets(broken) == broken.replace(b"abc", HIDDEN.encode())


@pytest.mark.parametrize("spelt", ['"download_token": "abc"', '"passcode":abc', "password=abc&x", "'host_key' : 'abc'"])
def test_a_broken_body_shows_no_secret_either(spelt):
    shown = body_without_secrets(f'{{"topic": "abcd", {spelt}, "id": 5'.encode()).decode()

    assert "abcd" in shown
    assert "abc" not in shown.replace("abcd", "")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["user_name", "password", "id", "participant", "topic"]) | st.text(), inner)
    ),
    max_leaves=12,
)


@given(json_values)
def test_any_body_can_be_veiled_and_stays_json(said):
    body = json.dumps(said).encode()

    json.loads(body_without_names(body_without_secrets(body)))
