"""The product's own consumers and hub under Daphne, with rows that change as the benchmark says.

`BENCHMARK_FLOOD` frames are made as fast as pages take them once the control channel says "flood"; else each ring of
the bell makes one frame that carries the time at which it was rung.
"""

import asyncio
import os
from types import SimpleNamespace

import django

django.setup()

from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.urls import path  # noqa: E402

import dashboard.asgi  # noqa: E402, F401 - tunes the collector, as in earnest
from dashboard import consumers, hub, protocol  # noqa: E402
from dashboard.source import Position  # noqa: E402
from dashboard.visitors import Visitor  # noqa: E402
from zoomfeed.viewer import EVERYTHING, Viewer  # noqa: E402

protocol.FRAME_INTERVAL_S = 0.0  # a page gets four frames a second at most; here we want to know what it could get
CARD = "<article>" + "x" * 1000 + "</article>"
FLOOD = int(os.environ["BENCHMARK_FLOOD"])


class Rows:
    """A source in memory."""

    too_much = OverflowError

    def __init__(self) -> None:
        self.revision = 0
        self.stamp = "0"
        self.flooding = False

    def position(self) -> Position:
        if self.flooding and self.revision < FLOOD:
            self.revision += 1
            loop.call_soon_threadsafe(ours.rung.set)
        return Position("epoch", self.revision)

    def changes(self, _viewer: Viewer, _stream: str, _since: int) -> SimpleNamespace:
        return SimpleNamespace(put={f"at-{self.stamp}": CARD}, add=[], delete=[], say="")

    def by_the_clock(self, _viewer: Viewer, _stream: str) -> dict[str, str]:
        return {}

    def feed_status(self) -> dict[str, str]:
        return {"state": "live"}

    def welcome(self, session_keys: set[str]) -> dict[str, Visitor]:
        return dict.fromkeys(session_keys, Visitor("somebody", EVERYTHING))


rows = Rows()
ours = hub.Hub(rows)
hub.current = lambda: ours
loop: asyncio.AbstractEventLoop


async def control(_scope: object, _receive: object, send: object) -> None:
    """POST /control/<stamp>: one change; /control/flood: as many as there are."""
    global loop  # noqa: PLW0603
    loop = asyncio.get_running_loop()
    stamp = _scope["path"].rpartition("/")[2]  # type: ignore[index]
    rows.flooding = stamp == "flood"
    if not rows.flooding:
        rows.stamp = stamp
        rows.revision += 1
    ours.rung.set()
    await send({"type": "http.response.start", "status": 204, "headers": []})  # type: ignore[operator]
    await send({"type": "http.response.body", "body": b""})  # type: ignore[operator]


application = ProtocolTypeRouter(
    {"http": control, "websocket": URLRouter([path("ws/live/", consumers.BoardConsumer.as_asgi())])}
)
