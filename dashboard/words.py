"""How names, numbers and durations are shown. Pure; knows nothing of HTML, which escapes by itself."""

import re
import unicodedata
import zlib
from datetime import timedelta

HUES = 10

INVISIBLE = re.compile(
    "[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb]"
)
"""What turns text around or hides in it. The joiners U+200C and U+200D stay: Persian, Hindi and emoji need them."""

ONE_IS_ENOUGH = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL")
"""Scripts in which the first character is the family name, or a syllable that needs no second."""


def shown(text: str) -> str:
    """Text from outside as it may be shown: one line, nothing that turns it around or hides in it."""
    visible = INVISIBLE.sub("", text)
    printable = "".join(" " if unicodedata.category(char) in ("Cc", "Zl", "Zp") else char for char in visible)
    return " ".join(printable.split())


def initials(name: str) -> str:
    """One or two characters that stand for a person."""
    words = [word for word in (_from_letter(word) for word in shown(name).split()) if word]
    if not words:
        return "?"
    first = _character(words[0])
    if unicodedata.name(first[0], "").startswith(ONE_IS_ENOUGH) or len(words) == 1:
        return first.upper()
    return (first + _character(words[-1])).upper()


def _from_letter(word: str) -> str:
    return next((word[at:] for at, char in enumerate(word) if char.isalnum()), "")


def _character(word: str) -> str:
    """The first letter with the marks that belong to it."""
    composed = unicodedata.normalize("NFC", word)
    marks = 1
    while marks < min(len(composed), 4) and unicodedata.category(composed[marks]).startswith("M"):
        marks += 1
    return composed[:marks]


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


def number(digits: str) -> str:
    """A meeting's number as Zoom's own windows group it: 834 5521 9078."""
    match len(digits) if digits.isascii() and digits.isdigit() else 0:
        case 9 | 10:
            return f"{digits[:3]} {digits[3:6]} {digits[6:]}"
        case 11:
            return f"{digits[:3]} {digits[3:7]} {digits[7:]}"
        case _:
            return shown(digits)
