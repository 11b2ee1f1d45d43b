"""A body for people to read: JSON indented and its parts marked by classes. Nothing of it is left out."""

import json
import re

from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

from zoomfeed.protocol import loads

TOKEN = re.compile(r'("(?:[^"\\]|\\.)*")(\s*:)?|(-?\d[\d.eE+-]*)|\b(true|false|null)\b')
INVISIBLE = re.compile(
    "[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]"
)
"""What turns text around, or hides in it: a body is shown with its escapes, so that nobody is fooled."""


def pretty(body: bytes) -> str:
    """Indented; as it came when it is no JSON. Characters that cannot be seen are written as escapes."""
    try:
        text = json.dumps(loads(body), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        text = body.decode("utf-8", "backslashreplace")
    text = text.encode("utf-8", "backslashreplace").decode()
    return INVISIBLE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def highlighted(text: str) -> SafeString:
    """What `pretty` made, as HTML: names, texts, numbers and words each in a class of their own."""
    parts, last = [], 0
    for match in TOKEN.finditer(text):
        parts += [escape(text[last : match.start()]), _marked(match)]
        last = match.end()
    return mark_safe("".join([*parts, escape(text[last:])]))  # noqa: S308 - all of it is escaped


def _marked(match: re.Match[str]) -> SafeString:
    string, colon, number, _ = match.groups()
    if string and colon:
        return format_html('<span class="j-name">{}</span>{}', string, colon)
    kind = "text" if string else "number" if number else "word"
    return format_html('<span class="j-{}">{}</span>', kind, match[0])
