"""What stands in a row for whoever may not see names, and in a body for whoever has not asked for its secrets. Pure.

Names become initials, addresses and telephones nothing. What Zoom's topics say by themselves ("Jill Chill's Zoom
Meeting") is a name, too; what people write into a topic is the meeting's, and stays.
"""

import json
import re
from typing import Any

from zoomfeed import text
from zoomfeed.personal import Expiring, Mask, Needles, What
from zoomfeed.protocol import loads

HIDDEN = "(hidden)"

OWN_TOPIC = re.compile(r"^(.+?)(['\u2019]s? (?:Zoom Meeting|Zoom Webinar|Personal Meeting Room))$")
"""How Zoom calls a meeting that nobody gave a topic."""

SECRET = re.compile(r"token|passw(or)?d|passcode|pstn_password|host_key|leader_pin|participant_pin_code|^pwd$|^zak$")
"""Members that open something: recordings, meetings, an account at Zoom."""

SECRET_IN_ADDRESS = re.compile(r"([?&#](?:pwd|tk|zak|token|access_token|jwt|passcode)=)[^&#\s\"'<>]+", re.IGNORECASE)


def letters(name: str) -> str:
    """'Jill Chill' is 'J. C.', of which the initials are JC again."""
    return " ".join(f"{letter}." for letter in text.letters(name)) or ("?" if name.strip() else "")


def topic(said: str) -> str:
    if match := OWN_TOPIC.match(said):
        return letters(match[1]) + match[2]
    return said


def person(row: Any, name: str, *others: str) -> None:
    """Change a row in memory: its name, or what else it has of others, to initials; the others to nothing.

    Touches only what was read: what was not would be fetched, and is not wanted.
    """
    said = row.__dict__
    called = next((said[column] for column in (name, *others) if said.get(column)), "")
    if name in said:
        said[name] = letters(called)
    said.update({column: "" for column in others if column in said})


def mention(row: Any, column: str, name: str, email: str) -> None:
    """Change a text that may mention the row's person. Before `person`."""
    said = row.__dict__
    if said.get(column):
        needles = Needles.of([(What.NAME, said.get(name) or ""), (What.EMAIL, said.get(email) or "")])
        said[column] = needles.cut(said[column], Letters(b""))


def change(row: Any, column: str, to: Any) -> None:
    if column in row.__dict__:
        row.__dict__[column] = to(row.__dict__[column])


SECRET_AS_TEXT = re.compile(r"""(["']?([A-Za-z_]+)["']?\s*[:=]\s*["']?)([^"'\s,}&]+)""")
"""A member and its value in what is no JSON, or no longer."""


class Letters(Mask):
    """Initials for names; ids stay, for they name nobody who is not known otherwise."""

    def text(self, kind: What, value: str) -> str:
        if not value.strip() or kind == What.ID:
            return value
        return letters(value) if kind == What.NAME else HIDDEN

    def number(self, kind: What, value: int) -> int:
        return value if kind == What.ID else 0


def body_without_names(body: bytes) -> bytes:
    """What cannot be read might name anybody, and is hidden whole."""
    try:
        said = loads(body)
    except (ValueError, RecursionError):
        return HIDDEN.encode()
    return _spelt(Expiring(Letters(b""), topic).body(said))


def body_without_secrets(body: bytes) -> bytes:
    """What cannot be read loses what looks like a secret."""
    try:
        said = loads(body)
    except (ValueError, RecursionError):
        return _text_without_secrets(body.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
    changed = without_secrets(said)
    return body if changed == said else _spelt(changed)


def _text_without_secrets(said: str) -> str:
    without = SECRET_IN_ADDRESS.sub(rf"\1{HIDDEN}", said)
    return SECRET_AS_TEXT.sub(lambda match: match[1] + (HIDDEN if SECRET.search(match[2]) else match[3]), without)


def without_secrets(said: Any, key: str = "") -> Any:
    """A value of a body. Shapes stay: a secret that is a list or a record is hidden member by member."""
    match said:
        case dict():
            return {name: without_secrets(value, key if SECRET.search(key) else name) for name, value in said.items()}
        case list():
            return [without_secrets(value, key) for value in said]
        case str():
            return HIDDEN if said and SECRET.search(key) else SECRET_IN_ADDRESS.sub(rf"\1{HIDDEN}", said)
        case bool() | None:
            return said
        case int() | float() if SECRET.search(key):
            return 0
    return said


def _spelt(said: Any) -> bytes:
    return json.dumps(said, ensure_ascii=False).encode("utf-8", "surrogatepass")
