"""Values from outside, of whatever type they came: clean text, numbers, instants. Nothing here raises.

Text is cleaned so that every database takes it: NUL and lone surrogates become U+FFFD.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

MIN_MS, MAX_MS = 0, 4_102_444_800_000  # 1970 to 2100: an instant outside is no evidence
ID, SHORT, TEXT, EMAIL = 128, 64, 300, 320


def mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def text(value: object, width: int) -> str:
    """Clean text of at most `width` characters; "" for what is no text and no number."""
    if isinstance(value, str):
        if not value.isprintable():
            value = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\0", "\ufffd")
        return value[:width].strip()
    if isinstance(value, bool) or not isinstance(value, int):
        return ""
    return str(value)[:width] if value.bit_length() < 4096 else ""


def first(of: Mapping[str, Any], *members: str, width: int = ID) -> str:
    """The first of these members that says something."""
    for member in members:
        if said := text(of.get(member), width):
            return said
    return ""


def person_name(person: Mapping[str, Any]) -> str:
    name = first(person, "user_name", "display_name", "name", "sender_name", width=TEXT)
    return name or " ".join(filter(None, (first(person, "first_name"), first(person, "last_name"))))[:TEXT]


def integer(value: Any) -> int | None:
    """A whole number that a 64-bit column takes."""
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if abs(value) < 2**63 else None


def milliseconds(value: Any) -> int | None:
    number = integer(value)
    return number if number is not None and MIN_MS < number < MAX_MS else None


def instant(value: Any) -> int | None:
    """An ISO 8601 time as ms since the epoch; without a zone it is UTC, as Zoom writes it."""
    return _instant(value) if isinstance(value, str) and 10 <= len(value) <= 40 else None


@lru_cache(maxsize=4096)  # every event of a run repeats when it started
def _instant(value: str) -> int | None:
    try:
        parsed = datetime.fromisoformat(value)
        aware = parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
        return milliseconds(round(aware.timestamp() * 1000))
    except (ValueError, OverflowError):
        return None


def https(value: Any) -> str:
    """A link that a page may show; anything but https is dropped here and stays in the body."""
    link = text(value, 2000)
    return link if link.startswith("https://") else ""
