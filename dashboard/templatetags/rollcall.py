"""Words for templates; what they say is decided in `dashboard.words`."""

from datetime import UTC, datetime

from django import template
from django.utils.dateparse import parse_datetime
from django.utils.html import format_html
from django.utils.safestring import SafeString

from dashboard import json_html, words
from zoomfeed import text

register = template.Library()

register.filter("shown", text.shown)
register.filter("initials", text.initials)
register.filter("duration", words.duration)
register.filter("number", words.number)
register.filter("reason", words.leave_reason)
register.filter("grouped", words.grouped)
register.filter("json_html", json_html.highlighted)


@register.filter
def hue(name: str) -> str:
    return f"h{words.hue(name)}"


@register.filter
def instant(said: str) -> datetime | None:
    """What stands in JSON, for the tags below."""
    return parse_datetime(said)


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _time(at: datetime | None, how: str, fallback: str) -> SafeString:
    if at is None:
        return SafeString("")
    return format_html('<time datetime="{}" data-{}>{}</time>', _iso(at), how, at.astimezone(UTC).strftime(fallback))


@register.simple_tag
def iso(at: datetime) -> str:
    """An instant as browsers read it."""
    return _iso(at)


@register.simple_tag
def clock(at: datetime | None) -> SafeString:
    """The hour and minute; the browser writes it in the zone of whoever looks."""
    return _time(at, "clock", "%H:%M UTC")


@register.simple_tag
def moment(at: datetime | None) -> SafeString:
    """To the second, with the day where it is another; the browser writes it in the zone of whoever looks."""
    return _time(at, "moment", "%Y-%m-%d %H:%M:%S UTC")


@register.simple_tag
def age(since: datetime | None) -> SafeString:
    """How long ago; the browser counts on. Markup never depends on the clock, so a page without scripts says when."""
    return _time(since, "age", "since %H:%M UTC")


@register.simple_tag
def ago(at: datetime | None) -> SafeString:
    """How long ago, as '3 s ago'; the browser counts on, and a page without scripts says when."""
    return _time(at, "ago", "%Y-%m-%d %H:%M:%S UTC")
