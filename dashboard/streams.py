"""The open pages of one web process, and the streams that they share."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from dashboard import metrics, protocol
from dashboard.protocol import Flow, Verdict
from dashboard.visitors import Visitor
from zoomfeed.viewer import Viewer

Key = tuple[str, Viewer]
"""Of a stream, as whoever looks sees it."""


@dataclass(eq=False)
class Page:
    """One open page: what it is owed. `outbox` holds texts to send, then perhaps a close code."""

    stream: str
    session_key: str
    visitor: Visitor
    outbox: asyncio.Queue[str | int] = field(default_factory=asyncio.Queue)
    flow: Flow = field(default_factory=Flow)
    code: int | None = None

    @property
    def is_closing(self) -> bool:
        return self.code is not None

    @property
    def key(self) -> Key:
        """Pages with the same are owed the same."""
        return self.stream, self.visitor.viewer.painted()

    def post(self, text: str) -> None:
        if not self.is_closing:
            self.outbox.put_nowait(text)
            if text is protocol.RESYNC:
                metrics.resynced()

    def close(self, code: int) -> None:
        """Forget what is still unsent, and say goodbye."""
        while not self.outbox.empty():
            self.outbox.get_nowait()
        self.code = code
        self.outbox.put_nowait(code)

    def update(self, text: str, revision: int, now: float) -> None:
        match self.flow.offer(revision, now):
            case Verdict.SEND:
                self.post(text)
            case Verdict.CLOSE:
                self.close(protocol.TOO_SLOW)

    def tick(self, text: str, now: float) -> None:
        match self.flow.look(now):
            case Verdict.SEND:
                self.post(text)
            case Verdict.CLOSE:
                self.close(protocol.TOO_SLOW)


@dataclass(eq=False)
class Stream:
    """Pages that get the same updates, as seen by `viewer`.

    `sent`: where the last frame ended; `looked`: nothing is unsent up to there.

    `aged`: the items that change with time alone, as they were sent last.
    """

    name: str
    viewer: Viewer
    sent: int
    looked: int
    pages: set[Page] = field(default_factory=set)
    sent_at: float = 0.0
    failing_since: float | None = None
    aged: dict[str, str] = field(default_factory=dict)
    task: asyncio.Task[None] | None = None

    @property
    def kind(self) -> str:
        """The name without what people search for, which is for no log."""
        return self.name.partition(":")[0]


def frame_of(changes: Any, since: int, to: int) -> str:
    add = [item[:3] for item in changes.add]
    return protocol.update(since, to, put=changes.put, add=add, delete=changes.delete, say=changes.say)


def is_worth_sending(changes: Any) -> bool:
    return bool(changes.put or changes.add or changes.delete or changes.say)
