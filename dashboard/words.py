"""How names, numbers and durations are shown. Pure; knows nothing of HTML, which escapes by itself."""

import zlib
from datetime import UTC, datetime, timedelta

from zoomfeed.text import shown

HUES = 10


def hue(name: str) -> int:
    """A number of a colour that a name keeps, on every page and in every process."""
    return zlib.crc32(shown(name).casefold().encode()) % HUES


def duration(length: timedelta) -> str:
    """'40 s', '14 min', '1 h 02 min', as clock.js writes it."""
    seconds = max(0, int(length.total_seconds()))
    hours, minutes = seconds // 3600, seconds // 60 % 60
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min" if minutes else f"{seconds} s"


def grouped(count: int) -> str:
    """A count as this page's language writes it: 2,218."""
    return f"{count:,}"


def number(digits: str) -> str:
    """A meeting's number as Zoom's own windows group it: 834 5521 9078."""
    match len(digits) if digits.isascii() and digits.isdigit() else 0:
        case 9 | 10:
            return f"{digits[:3]} {digits[3:6]} {digits[6:]}"
        case 11:
            return f"{digits[:3]} {digits[3:7]} {digits[7:]}"
        case _:
            return shown(digits)


def clock_times(*instants: datetime) -> str:
    """'17:02 UTC', '17:02–17:20 UTC'. For where no element fits that a browser could put into the reader's zone."""
    return f"{'–'.join(at.astimezone(UTC).strftime('%H:%M') for at in instants)} UTC"


NO_REASON = ("left the meeting", "left the webinar", "left the meeting with unknown failover reason")
REASON_LENGTH = 60


def leave_reason(said: str) -> str:
    """What of Zoom's reason for a leave is news, and short: that somebody left is none."""
    reason = shown(said).rstrip(". ")
    return "" if reason.casefold() in NO_REASON else shortened(reason, REASON_LENGTH)


def shortened(text: str, length: int) -> str:
    """At most so many characters, and whole words as long as there are any."""
    if len(text) <= length:
        return text
    cut = text[: length - 1]
    return f"{cut.rpartition(' ')[0] or cut}…"
