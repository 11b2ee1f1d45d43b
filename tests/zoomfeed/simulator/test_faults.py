"""Each fault by its name, as a client that is not ours meets it."""

import asyncio

import pytest
import requests
from websockets.asyncio.client import connect

from tests.zoomfeed.simulator.client import GOOD, ask, closed, connected, hear, listening, token, until, url
from zoomfeed import protocol
from zoomfeed.simulator import faults
from zoomfeed.simulator.faults import Faults

BODIES = [b'{"number":%d}' % number for number in range(100)]


async def heard_of(zoom, name, enough):
    """What a client hears of a hundred events while this goes wrong."""
    async with listening(zoom) as heard:
        zoom.faults = Faults.named([name])
        for body in BODIES:
            await zoom.send(body)
        await until(lambda: len(heard) >= enough)
        return [frame.body if isinstance(frame, protocol.Delivery) else None for frame in heard]


async def drop(zoom):
    zoom.faults = Faults.named(["drop"])
    assert zoom.faults.drop_after_s == 20
    zoom.faults.drop_after_s = 0.05
    async with connected(zoom) as socket:
        assert await closed(socket) is None
    assert not zoom.is_connected


async def half_open(zoom):
    async with connected(zoom) as socket:
        zoom.faults = Faults.named(["half-open"])
        await socket.send(protocol.HEARTBEAT)
        await zoom.send(BODIES[0])
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(socket.recv(), 0.1)


def refuse(status, media_type, reason):
    async def refused(zoom):
        zoom.faults = Faults.named([f"refuse-{status}"])
        answer = await ask(zoom, **GOOD)
        assert (answer.status_code, answer.headers["Content-Type"]) == (status, media_type)
        assert reason in answer.text
        assert answer.headers.get("Retry-After") == ("1" if status == 429 else None)

    return refused


async def bad_verdict(zoom):
    good = await token(zoom)
    zoom.faults = Faults.named(["bad-verdict"])
    async with connect(url(zoom, good)) as socket:
        assert await hear(socket) == protocol.Verdict(False, "Token is invalid")
        assert (await closed(socket)).reason == "Bye"


async def malformed(zoom):
    heard = await heard_of(zoom, "malformed", 105)
    assert heard.count(None) > 5
    assert [body for body in heard if body] == BODIES


async def duplicates(zoom):
    heard = await heard_of(zoom, "duplicates", 105)
    assert len(heard) > 105
    assert list(dict.fromkeys(heard)) == BODIES


async def reorder(zoom):
    heard = await heard_of(zoom, "reorder", 99)
    assert heard != sorted(heard, key=BODIES.index)
    assert set(BODIES[:-1]) <= set(heard)


async def late(zoom):
    async with listening(zoom) as heard:
        zoom.faults = Faults.named(["late"])
        assert zoom.faults.late_s == 5
        zoom.faults.late_s = 0.2
        await zoom.send(BODIES[0])
        await asyncio.sleep(0.1)
        assert heard == []
        await until(lambda: heard)


async def takeover(zoom):
    zoom.faults = Faults.named(["takeover"])
    async with connected(zoom) as socket:
        assert (await closed(socket)).reason == "Bye"
    assert zoom.connections == 1


def rest(status, word):
    async def refused(zoom):
        zoom.faults = Faults.named([f"rest-{status}"])
        answer = await asyncio.to_thread(requests.get, f"{zoom.api_url}/meetings/1", timeout=5)
        assert answer.status_code == status
        assert word in answer.text

    return refused


async def no_dashboard(zoom):
    form = {"grant_type": "account_credentials", "account_id": "account"}
    headers = {"Authorization": f"Bearer {(await ask(zoom, **form)).json()['access_token']}"}
    zoom.faults = Faults.named(["no-dashboard"])
    for path, code in (("metrics/meetings", 200), ("past_meetings/1", 3001)):
        answer = await asyncio.to_thread(requests.get, f"{zoom.api_url}/{path}", headers=headers, timeout=5)
        assert answer.json()["code"] == code


MEETINGS_WITH = {
    "drop": drop,
    "half-open": half_open,
    "refuse-400": refuse(400, "application/json", "invalid_client"),
    "refuse-401": refuse(401, "application/json", "invalid_client"),
    "refuse-429": refuse(429, "application/json", "Too many requests"),
    "refuse-500": refuse(500, "text/html", "<html>"),
    "bad-verdict": bad_verdict,
    "malformed": malformed,
    "duplicates": duplicates,
    "reorder": reorder,
    "late": late,
    "takeover": takeover,
    "rest-429": rest(429, "per-second"),
    "rest-500": rest(500, "<html>"),
    "no-dashboard": no_dashboard,
}


@pytest.mark.parametrize("name", faults.NAMES)
async def test_a_fault_does_what_its_name_says(zoom, name):
    await MEETINGS_WITH[name](zoom)


def test_an_unknown_fault_is_refused():
    with pytest.raises(ValueError, match="no such fault: nope"):
        Faults.named(["nope"])
