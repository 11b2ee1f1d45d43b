"""A simulated Zoom, and a feed that runs on it."""

import asyncio
import time
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import pytest
from django.db import connection

from zoomfeed.feed import run_feed
from zoomfeed.simulator.server import App, SimulatedZoom
from zoomfeed.subscription import Subscription
from zoomfeed.upstream import Timing

APP = App("account", "client", "secret-of-the-client", "subscription", "signing")
QUICK = Timing(open_s=2, verdict_s=1, heartbeat_s=0.2, silence_s=0.6)


class Scene:
    """A Zoom and a feed that is connected to it, seen from a test."""

    def __init__(self, zoom, timing=QUICK, **changes):
        self.zoom = zoom
        self.stop = asyncio.Event()
        self.subscription = replace(subscription_to(zoom), **changes)
        self.task = asyncio.create_task(run_feed(self.subscription, self.stop, timing))

    async def end(self):
        self.stop.set()
        async with asyncio.timeout(20):
            await self.task


def subscription_to(zoom):
    return Subscription(
        APP.account_id,
        APP.client_id,
        APP.client_secret,
        APP.subscription_id,
        "client_credentials",
        zoom.oauth_url,
        zoom.ws_url,
        simulated=True,
        api_url=zoom.api_url,
    )


async def ask(call):
    """What the database says, asked in a thread whose connection ends with the answer."""

    def in_thread():
        try:
            return call()
        finally:
            connection.close()

    return await asyncio.to_thread(in_thread)


async def until(call, within_s=30.0):
    """Wait for the database to say something true; returns it."""
    ends = time.monotonic() + within_s
    while not (answer := await ask(call)):
        assert time.monotonic() < ends, f"never came true: {call}"
        await asyncio.sleep(0.02)
    return answer


@asynccontextmanager
async def feeding(timing=QUICK, **changes):
    async with SimulatedZoom(APP) as zoom:
        scene = Scene(zoom, timing, **changes)
        try:
            yield scene
        finally:
            scene.stop.set()
            with suppress(TimeoutError):
                async with asyncio.timeout(15):
                    await scene.task


@pytest.fixture(autouse=True)
def spool(settings, tmp_path):
    """What waits on disk, away from what other tests left there."""
    settings.SPOOL_DIR = str(tmp_path / "spool")
    return tmp_path / "spool"


@pytest.fixture
def impatient(monkeypatch):
    """Pauses between tries a tenth as long."""
    monkeypatch.setattr("zoomfeed.connections.backoff", lambda attempt, chance: 0.02 * attempt)
    monkeypatch.setattr("zoomfeed.connections.PERSON_S", 0.5)
