"""The live protocol as pure code: frames as text, what a page may be sent, and what it may send.

No socket, no database and no clock: instants are passed in, in seconds of any clock that only grows.
"""

import json
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

FRAME_INTERVAL_S = 0.25
"""The first change goes at once, the next ones of a stream at most this often."""

TICK_S = 5.0
CHECK_S = 3.0
"""How often to ask whom open pages belong to, so that none outlives its login by five seconds."""

WINDOW_FRAMES = 64
WINDOW_S = 5.0
CUT_S = 30.0
MAX_INBOUND_BYTES = 4096
MAX_INBOUND_PER_S = 20

UNWELCOME = 4400
SESSION_OVER = 4401
TOO_SLOW = 4408
TOO_MANY_OF_USER = 4429
BROKEN = 4500
FULL = 4503
"""Why a socket is closed, after the statuses of HTTP. Daphne lets an application close with 1000 and with 3000 to 4999
only, and leaves a socket open that should be closed with any other code."""

MOST_IN_FRAME = 256 * 1024
"""Characters, of up to four bytes each: servers refuse to send a frame of more than a megabyte, and close nothing."""


def _text(frame: Mapping[str, Any]) -> str:
    return json.dumps(frame, ensure_ascii=False, separators=(",", ":"))


RESYNC = _text({"resync": True})


def update(
    since: int,
    to: int,
    *,
    put: Mapping[str, str] | None = None,
    add: Iterable[Iterable[str | None]] = (),
    delete: Iterable[str] = (),
    say: str = "",
) -> str:
    """A frame that takes pages at `since` or later to `to`. Whole items, so applying one twice is harmless."""
    parts = {"put": dict(put or {}), "add": [list(item) for item in add], "del": list(delete), "say": say}
    return _text({"from": since, "to": to} | {name: part for name, part in parts.items() if part})


def tick(revision: int, epoch: str, now_ms: int, feed: Mapping[str, Any]) -> str:
    """Proof of life. A page below `revision` has lost a frame; one of another `epoch` shows another database."""
    return _text({"tick": revision, "epoch": epoch, "now": now_ms, "feed": feed})


class Verdict(Enum):
    """What to do with an update for a page."""

    SEND = "send"
    HOLD = "hold"
    CLOSE = "close"


@dataclass(slots=True)
class Flow:
    """Flow control of one page: sends never wait, so a page that stops reading must stop being written to."""

    unacked: deque[tuple[int, float]] = field(default_factory=deque)
    cut_at: float | None = None

    def offer(self, revision: int, now: float) -> Verdict:
        """May an update to `revision` be sent? If so it counts as sent."""
        verdict = self.look(now)
        if verdict is Verdict.SEND:
            self.unacked.append((revision, now))
        return verdict

    def look(self, now: float) -> Verdict:
        """Where the page stands, without sending anything."""
        if self.cut_at is None and self._is_behind(now):
            self.cut_at = now
        if self.cut_at is None:
            return Verdict.SEND
        return Verdict.CLOSE if now - self.cut_at >= CUT_S else Verdict.HOLD

    def ack(self, revision: int) -> bool:
        """The page applied everything up to `revision`. True: it was cut off and needs a resync."""
        while self.unacked and self.unacked[0][0] <= revision:
            self.unacked.popleft()
        if self.cut_at is None:
            return False
        self.cut_at = None
        self.unacked.clear()
        return True

    def _is_behind(self, now: float) -> bool:
        return bool(self.unacked) and (len(self.unacked) >= WINDOW_FRAMES or now - self.unacked[0][1] > WINDOW_S)


@dataclass(slots=True)
class Places:
    """How many sockets a process has open, in all and of each user. Whoever takes a place gives it back."""

    most: int
    most_per_user: int
    taken: Counter[str] = field(default_factory=Counter)

    def take(self, user: str) -> int | None:
        """A place for one more; or else the code to close it with, and then there is nothing to give back."""
        if self.taken[user] >= self.most_per_user:
            return TOO_MANY_OF_USER
        if self.taken.total() >= self.most:
            return FULL
        self.taken[user] += 1
        return None

    def give(self, user: str) -> None:
        self.taken[user] -= 1
        self.taken += Counter()  # forgets who has none


class UnwelcomeFrame(Exception):
    """A page sent what no page of ours sends."""


@dataclass(slots=True)
class Inbound:
    """Reads what one page sends: acks only, small and few."""

    arrivals: deque[float] = field(default_factory=deque)

    def read(self, text: str | None, now: float) -> int:
        """The revision that the frame acknowledges. Raises UnwelcomeFrame."""
        self._count(now)
        if text is None or len(text.encode(errors="replace")) > MAX_INBOUND_BYTES:
            raise UnwelcomeFrame("not a short text")
        try:
            frame = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise UnwelcomeFrame("not JSON") from error
        if not isinstance(frame, dict) or frame.keys() != {"ack"} or not _is_revision(frame["ack"]):
            raise UnwelcomeFrame("not an ack")
        return int(frame["ack"])

    def _count(self, now: float) -> None:
        while self.arrivals and now - self.arrivals[0] >= 1:
            self.arrivals.popleft()
        self.arrivals.append(now)
        if len(self.arrivals) > MAX_INBOUND_PER_S:
            raise UnwelcomeFrame("too many")


def _is_revision(value: object) -> bool:
    return type(value) is int and 0 <= value < 2**63
