"""What the simulator plays, heard by a real client over a real socket."""

import asyncio
import json
import time
from contextlib import asynccontextmanager

import pytest
import requests
from websockets.asyncio.client import connect

from zoomfeed import protocol
from zoomfeed.simulator import recorded, scenarios
from zoomfeed.simulator.script import Dispatch
from zoomfeed.simulator.server import App, SimulatedZoom

APP = App("account", "client", "secret", "subscription", "signing")
NOON = 1_775_217_600.0
"""An hour of demo, so that the tests see the same one: 2026-04-03 12:00 UTC."""


@asynccontextmanager
async def listening(zoom):
    """Connect as a client does; the list that it gives grows with every body that arrives."""
    form = {"grant_type": "client_credentials"}
    answer = await asyncio.to_thread(requests.post, zoom.oauth_url, data=form, auth=("client", "secret"), timeout=5)
    url = f"{zoom.ws_url}?subscriptionId=subscription&access_token={answer.json()['access_token']}"
    async with connect(url) as socket:
        assert protocol.parse(await socket.recv(decode=False)).success
        await zoom.wait_connected()
        heard = []
        listener = asyncio.create_task(hear(socket, heard))
        yield heard
        listener.cancel()


async def hear(socket, heard):
    async for raw in socket:
        heard.append(protocol.parse(raw.encode()).body)


async def until(claim, timeout_s=5):
    """Wait for something that nobody announces."""
    async with asyncio.timeout(timeout_s):
        while not claim():  # noqa: ASYNC110 - the list that a socket fills has no event
            await asyncio.sleep(0.01)


def at_speed(speed):
    begin = time.monotonic()
    return lambda: NOON + (time.monotonic() - begin) * speed


def names(bodies):
    return {json.loads(body)["event"] for body in bodies}


@pytest.fixture
async def zoom():
    async with SimulatedZoom(APP) as zoom:
        yield zoom


@pytest.mark.parametrize("name", recorded.NAMES)
async def test_a_recorded_sequence_arrives_byte_for_byte_and_in_order(zoom, name):
    async with listening(zoom) as heard:
        await scenarios.play(zoom, recorded.sequence(name), speed=0)
        await until(lambda: len(heard) >= len(recorded.sequence(name)))
    assert heard == [body for _, body in recorded.sequence(name)]


async def test_play_keeps_the_pauses_at_its_speed(zoom):
    begin = time.monotonic()
    await scenarios.play(zoom, [Dispatch(0, b"[1]"), Dispatch(2000, b"[2]"), Dispatch(3000, b"[3]")], speed=10)
    assert 0.3 <= time.monotonic() - begin < 0.6


async def test_load_sends_what_it_says_at_its_rate(zoom):
    begin = time.monotonic()
    async with listening(zoom) as heard:
        sent = await scenarios.load(zoom, rate=200, seconds=0.5)
        assert 0.4 < time.monotonic() - begin < 1.5
        await until(lambda: len(heard) >= sent)
    assert sent == len(set(heard)) == 100


async def test_the_demo_shows_people_come_and_go_within_seconds(zoom):
    async with listening(zoom) as heard:
        playing = asyncio.create_task(scenarios.demo(zoom, clock=at_speed(20)))
        await until(lambda: len(heard) > 1000)
        backlog = len(heard)
        shown = {"meeting.started", "meeting.participant_joined", "meeting.participant_left", "meeting.ended"}
        await until(lambda: shown <= names(heard[backlog:]))
        playing.cancel()


async def test_the_demo_waits_for_somebody_to_listen(zoom):
    playing = asyncio.create_task(scenarios.demo(zoom, clock=at_speed(1)))
    await asyncio.sleep(0.3)
    playing.cancel()
    assert zoom.ledger == []
