"""The words of templates."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from django.template import Context, Template

AT = datetime(2026, 4, 3, 23, 30, 5, 123456, tzinfo=timezone(timedelta(hours=-5)))


def rendered(text, **context):
    return Template("{% load rollcall %}" + text).render(Context(context))


@pytest.mark.parametrize(
    ("text", "markup"),
    [
        ("{% clock at %}", '<time datetime="2026-04-04T04:30:05.123Z" data-clock>04:30 UTC</time>'),
        ("{% moment at %}", '<time datetime="2026-04-04T04:30:05.123Z" data-moment>2026-04-04 04:30:05 UTC</time>'),
        ("{% age at %}", '<time datetime="2026-04-04T04:30:05.123Z" data-age>since 04:30 UTC</time>'),
    ],
)
def test_times_are_said_in_utc_for_browsers_to_rewrite(text, markup):
    assert rendered(text, at=AT) == markup


@pytest.mark.parametrize("tag", ["clock", "moment", "age"])
def test_no_time_is_no_markup(tag):
    assert rendered("{% " + tag + " at %}", at=None) == ""


def test_a_whole_second_is_written_like_any_other():
    at = datetime(2026, 4, 3, 12, tzinfo=UTC)

    assert 'datetime="2026-04-03T12:00:00.000Z"' in rendered("{% clock at %}", at=at)


@pytest.mark.parametrize(
    ("text", "value", "words"),
    [
        ("{{ value|shown }}", "a\u202e<b>", "a&lt;b&gt;"),
        ("{{ value|initials }}", "Jill Chill", "JC"),
        ("{{ value|hue }}", "Jill", "h6"),
        ("{{ value|duration }}", timedelta(hours=1), "1 h 00 min"),
        ("{{ value|number }}", "83455219078", "834 5521 9078"),
        ("{% firstof value|shown 'Unknown' %}", "\u202e\0", "Unknown"),
        ("{% firstof value|shown 'Unknown' %}", "<i>", "&lt;i&gt;"),
    ],
)
def test_filters_are_escaped_like_all_text(text, value, words):
    assert rendered(text, value=value) == words
