import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoomfeed.identity import LONGEST, identity, is_by_name, search_key


@given(st.text())
def test_a_key_is_its_own_key(text):
    assert search_key(search_key(text)) == search_key(text)


@given(st.text(st.characters(codec="ascii")))
def test_case_makes_no_difference(text):
    assert search_key(text.upper()) == search_key(text.lower()) == search_key(text)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Zoë", "zoe"),
        ("ΣΊΣΥΦΟΣ", "σισυφοσ"),
        ("Jane\t\n Doe ", "jane doe"),
        ("J\u200bane", "jane"),
        ("\uff2aane", "jane"),
        ("が", "が"),
        ("한국", "한국"),
    ],
)
def test_what_looks_the_same_is_the_same(text, key):
    assert search_key(text) == key


def test_the_surest_of_what_is_known_says_who_it_is():
    assert identity(zoom_user_id="AbC", email="j@example.org", name="Jane") == "u:abc"
    assert identity(email="J@Example.org", name="Jane") == "e:j@example.org"
    assert identity(name="Jané") == "n:jane"
    assert identity(name="\u200b") == ""


def test_only_a_name_is_no_proof():
    assert [is_by_name(identity(**{known: "x"})) for known in ("zoom_user_id", "email", "name")] == [False, False, True]


@given(st.text(max_size=300))
def test_an_identity_fits_its_column(name):
    assert len(identity(name=name)) <= LONGEST
