"""Text from outside as it may be shown, and the letters that stand for a person. Pure."""

import re
import unicodedata

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
    return "".join(letters(name)) or "?"


def letters(name: str) -> list[str]:
    """The one or two of them; none of a name without any. Each may carry its marks."""
    words = [word for word in (_from_letter(word) for word in shown(name).split()) if word]
    if not words:
        return []
    first = _character(words[0]).upper()
    if unicodedata.name(first[0], "").startswith(ONE_IS_ENOUGH) or len(words) == 1:
        return [first]
    return [first, _character(words[-1]).upper()]


def _from_letter(word: str) -> str:
    return next((word[at:] for at, char in enumerate(word) if char.isalnum()), "")


def _character(word: str) -> str:
    """The first letter with the marks that belong to it."""
    composed = unicodedata.normalize("NFC", word)
    marks = 1
    while marks < min(len(composed), 4) and unicodedata.category(composed[marks]).startswith("M"):
        marks += 1
    return composed[:marks]
