"""Words for templates; what they say is decided in `dashboard.words`."""

from datetime import UTC, datetime

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from dashboard import words

register = template.Library()

register.filter("shown", words.shown)
register.filter("initials", words.initials)
register.filter("duration", words.duration)
register.filter("number", words.number)


@register.filter
def hue(name: str) -> str:
    return f"h{words.hue(name)}"


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _time(at: datetime | None, how: str, fallback: str) -> SafeString:
    if at is None:
        return SafeString("")
    return format_html('<time datetime="{}" data-{}>{}</time>', _iso(at), how, at.astimezone(UTC).strftime(fallback))


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
