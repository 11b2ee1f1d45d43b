"""The only door to the log and the live state."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Incoming:
    """What a source brings: the exact bytes of a body, or of a frame that holds none (`rejected` says why)."""

    body: bytes
    received_at: datetime
    transport: str = "websocket"
    rejected: str = ""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What one batch came to."""

    revision: int
    new: int
    duplicates: int
    rejected: int


def record(batch: Sequence[Incoming], *, fence: tuple[int, int] | None = None) -> Recorded:
    raise NotImplementedError
