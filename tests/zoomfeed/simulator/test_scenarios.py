"""What the simulator plays, heard by a real client over a real socket."""

import asyncio
import json
import time

import pytest

from tests.zoomfeed.simulator.client import APP, listening, until
from zoomfeed.simulator import recorded, scenarios
from zoomfeed.simulator.programme import Programme
from zoomfeed.simulator.script import Dispatch
from zoomfeed.simulator.server import SimulatedZoom

NOON = 1_775_217_600.0
"""An hour of demo, so that the tests see the same one: 2026-04-03 12:00 UTC."""


def at_speed(speed):
    begin = time.monotonic()
    return lambda: NOON + (time.monotonic() - begin) * speed


def names(frames):
    return {json.loads(frame.body)["event"] for frame in frames}


@pytest.mark.parametrize("name", recorded.NAMES)
async def test_a_recorded_sequence_arrives_byte_for_byte_and_in_order(zoom, name):
    async with listening(zoom) as heard:
        await scenarios.play(zoom, recorded.sequence(name), speed=0)
        await until(lambda: len(heard) >= len(recorded.sequence(name)))
    assert [frame.body for frame in heard] == [body for _, body in recorded.sequence(name)]


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
    assert sent == len({frame.body for frame in heard}) == 100


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


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(scenarios, "BREATH_S", 0)


async def test_a_demo_that_starts_again_sends_the_same_bytes(zoom, impatient):
    expected = [body for _, body in Programme(scenarios.DEMO_SEED, NOON).due(NOON)]
    for _ in ("first", "again"):
        async with listening(zoom) as heard:
            playing = asyncio.create_task(scenarios.demo(zoom, clock=lambda: NOON))
            await until(lambda heard=heard: len(heard) >= len(expected))
            playing.cancel()
        assert [frame.body for frame in heard] == expected


async def test_every_connection_hears_what_the_one_before_may_have_missed(zoom, impatient):
    playing = asyncio.create_task(scenarios.demo(zoom, clock=lambda: NOON))
    async with listening(zoom) as missed:
        await until(lambda: missed)
    async with listening(zoom) as heard:
        await until(lambda: len(heard) > 1000)
    playing.cancel()
    assert {frame.body for frame in missed[:10]} <= {frame.body for frame in heard}


async def test_what_runs_for_days_keeps_no_ledger():
    async with SimulatedZoom(APP, keeps_ledger=False) as zoom:
        await zoom.send(b"{}")
    assert zoom.ledger == []
