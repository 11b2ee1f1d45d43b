"""What a simulated Zoom can be made to play: something given, a steady load, or a demo without end.

What is sent while no client is connected is lost, as with the real Zoom. Only the demo tells it again.
"""

import asyncio
import time
from collections.abc import Callable, Iterable

from zoomfeed.simulator.programme import Programme
from zoomfeed.simulator.script import Dispatch
from zoomfeed.simulator.server import SimulatedZoom
from zoomfeed.simulator.traffic import traffic

DEMO_SEED = 7
TICK_S = 0.1
CHUNK, BREATH_S = 100, 0.02
"""A backlog goes out in chunks with pauses, so that whoever shares the event loop can work."""


async def play(zoom: SimulatedZoom, dispatches: Iterable[Dispatch], speed: float = 1.0) -> None:
    """Send in order, with the pauses between arrivals divided by `speed`; 0 is as fast as possible."""
    begin, first_ms = time.monotonic(), None
    for at_ms, body in dispatches:
        first_ms = at_ms if first_ms is None else first_ms
        offset_s = (at_ms - first_ms) / 1000 / speed if speed > 0 else 0
        await asyncio.sleep(max(0, begin + offset_s - time.monotonic()))
        await zoom.send(body)


async def load(zoom: SimulatedZoom, rate: float, seconds: float) -> int:
    """Send `rate` events a second for so many seconds, and say how many that were.

    Whoever cannot keep the rate gets the same number in more time. The last meetings stay open.
    """
    begin, events = time.monotonic(), round(rate * seconds)
    for number, body in zip(range(events), traffic(time.time_ns()), strict=False):
        await asyncio.sleep(max(0, begin + number / rate - time.monotonic()))
        await zoom.send(body)
    return events


async def demo(
    zoom: SimulatedZoom,
    *,
    seed: int = DEMO_SEED,
    since: float | None = None,
    clock: Callable[[], float] = time.time,
) -> None:
    """Play an organisation at work until cancelled, as soon as somebody listens.

    Every connection begins with what it may have missed, so that no meeting stays open for want of its end.
    `since` is when an earlier demo was last heard, in seconds since the epoch; see `programme` for what it does.
    `clock` tells the time in the same unit; tests let it run faster.
    """
    while True:
        await zoom.wait_connected()
        connection = zoom.connections
        programme = await asyncio.to_thread(Programme, seed, clock(), since)
        while zoom.is_connected and zoom.connections == connection:
            await _send_politely(zoom, await asyncio.to_thread(programme.due, clock()))
            await asyncio.sleep(TICK_S)
        since = clock()


async def _send_politely(zoom: SimulatedZoom, dispatches: Iterable[Dispatch]) -> None:
    for number, (_, body) in enumerate(dispatches, start=1):
        await zoom.send(body)
        if number % CHUNK == 0:
            await asyncio.sleep(BREATH_S)
