"""Names, numbers and durations as people read them."""

import unicodedata
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dashboard.words import HUES, clock_times, duration, grouped, hue, leave_reason, number
from zoomfeed.text import initials, shown

TURNS_AROUND = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
ODD = "\u200b\u200e\u200f\u202a\u202e\u2066\u2069\u061c\ufeff\u00ad\ufff9\u2028\u2029\u0085\0\x1b\x7f\r\n\t <>&\"'"
JOINED = "👩\u200d🚀"

texts = st.text() | st.text(alphabet=ODD + "aä漢ع")


@given(texts)
def test_shown_text_is_one_line_that_nothing_turns_around(text):
    found = shown(text)

    assert found == " ".join(found.split())
    for char in found:
        assert unicodedata.category(char) not in ("Cc", "Zl", "Zp")
        assert unicodedata.bidirectional(char) not in TURNS_AROUND
        assert char not in "\u200b\u200e\u200f\u061c\u00ad\ufeff"


@given(texts)
def test_what_was_shown_once_stays_as_it_is(text):
    assert shown(shown(text)) == shown(text)


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "S", "M"]), min_size=1))
def test_visible_text_is_shown_as_it_came(text):
    assert shown(text) == text


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("", ""),
        ("  Zoë \t Smith\r\n", "Zoë Smith"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("a\0b", "a b"),
        ("one\u2028two\u2029three\x85four", "one two three four"),
        ("zero\u200bwidth", "zerowidth"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        (JOINED, JOINED),
        ("<b>&amp;", "<b>&amp;"),
    ],
)
def test_what_hides_or_breaks_is_taken_out(text, seen):
    assert shown(text) == seen


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("Jill Chill", "JC"),
        ("jill", "J"),
        ("Jill von der Chill", "JC"),
        ("Ada Lovelace (guest)", "AG"),
        ("Zoë Ångström", "ZÅ"),
        ("Zoe\u0308 A\u030angstro\u0308m", "ZÅ"),
        ("'Jo' \"Bo\"", "JB"),
        ("- Jill -", "J"),
        ("3rd Floor", "3F"),
        ("+49 170 1234567", "41"),
        ("Ирина Петрова", "ИП"),
        ("Ελένη Παπαδοπούλου", "ΕΠ"),
        ("محمد علي", "مع"),
        ("דוד לוי", "דל"),
        ("किरण शाह", "किशा"),
        ("สมชาย ใจดี", "สใ"),
        ("山田 太郎", "山"),
        ("ひらの あい", "ひ"),
        ("サトウ ケン", "サ"),
        ("김 민수", "김"),
        ("王小明", "王"),
        ("\u202eJill Chill", "JC"),
        ("🙂 Jill", "J"),
        ("🙂", "?"),
        ("", "?"),
        (" \0 ", "?"),
        ("<script>alert(1)</script>", "S"),
    ],
)
def test_initials_of_many_scripts(name, short):
    assert initials(name) == short


@given(texts)
@example("\u1112\u1161\u11ab" * 3)
@example("a" + "\u0301" * 5000)
def test_initials_are_few_visible_characters(name):
    short = initials(name)

    assert 0 < len(short) <= 12
    assert shown(short) == short
    assert short == "?" or not set(short) & set("<>&\"'")


@given(texts)
def test_a_name_keeps_its_colour_however_it_is_written(name):
    assert 0 <= hue(name) < HUES
    assert hue(f" {shown(name)}\u200b") == hue(name)


def test_colours_are_the_same_in_every_process():
    assert [hue(name) for name in ("Jill", "JILL", "Alice", "Bob", "")] == [6, 6, 5, 4, 0]


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (-5, "0 s"),
        (0, "0 s"),
        (0.9, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (3599, "59 min"),
        (3600, "1 h 00 min"),
        (3720, "1 h 02 min"),
        (100 * 3600, "100 h 00 min"),
    ],
)
def test_durations(seconds, written):
    assert duration(timedelta(seconds=seconds)) == written


@pytest.mark.parametrize(
    ("digits", "grouped"),
    [
        ("83455219078", "834 5521 9078"),
        ("8345521907", "834 552 1907"),
        ("834552190", "834 552 190"),
        ("12345678", "12345678"),
        ("123456789012", "123456789012"),
        ("", ""),
        ("83455x19078", "83455x19078"),
        ("12\u202e34", "1234"),
        ("８３４５５２１９０７８", "８３４５５２１９０７８"),
    ],
)
def test_numbers_are_grouped_as_zoom_groups_them(digits, grouped):
    assert number(digits) == grouped


@given(st.text(alphabet="0123456789"))
def test_grouping_loses_no_digit(digits):
    assert number(digits).replace(" ", "") == digits


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("", ""),
        ("left the meeting", ""),
        ("Left the webinar.", ""),
        ("left the meeting with Unknown Failover Reason", ""),
        ("Host ended the meeting.", "Host ended the meeting"),
        ("left the meeting to join breakout room", "left the meeting to join breakout room"),
        ("network\u202e  connection\nerror", "network connection error"),
        ("because " * 20, "because because because because because because because…"),
        ("x" * 100, "x" * 59 + "…"),
    ],
)
def test_a_leave_reason_is_short_and_says_something(said, reason):
    assert leave_reason(said) == reason


def test_times_without_an_element_say_their_zone():
    start = datetime(2026, 4, 3, 19, 2, tzinfo=timezone(timedelta(hours=2)))

    assert clock_times(start) == "17:02 UTC"
    assert clock_times(start, start + timedelta(minutes=18)) == "17:02–17:20 UTC"


def test_counts_are_grouped():
    assert [grouped(count) for count in (0, 999, 2218, 1234567)] == ["0", "999", "2,218", "1,234,567"]
