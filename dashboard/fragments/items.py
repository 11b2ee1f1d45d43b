"""What a stream owes its pages: items as HTML, and when they are too many to send."""

from dataclasses import dataclass, field

MOST = 500
"""More items than this are dearer than a fresh page."""

LOG_LENGTH = 100
"""How many events a live list holds."""


class TooMuch(Exception):
    """So much has changed that the page had better be fetched again."""


@dataclass
class Changes:
    """`put`: replace the item if it is there. `add`: replace it, and have it in that list. `say`: read it out."""

    put: dict[str, str] = field(default_factory=dict)
    add: list[tuple[str, str, str, None]] = field(default_factory=list)
    delete: list[str] = field(default_factory=list)
    say: str = ""
