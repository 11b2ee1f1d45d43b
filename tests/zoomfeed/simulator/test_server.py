"""The simulated Zoom answers as the real one is known to."""

import asyncio
import json

import pytest
import requests
from websockets.asyncio.client import connect

from tests.zoomfeed.simulator.client import APP, GOOD, ask, closed, hear, token, url
from zoomfeed import protocol
from zoomfeed.simulator.faults import Faults
from zoomfeed.simulator.server import SimulatedZoom


async def test_both_grants_give_a_token(zoom):
    for form in (GOOD, {"grant_type": "account_credentials", "account_id": "account"}):
        answer = await ask(zoom, **form)
        assert (answer.status_code, answer.json()["token_type"]) == (200, "bearer")


async def test_parameters_may_stand_in_the_query(zoom):
    where = zoom.oauth_url + "?grant_type=client_credentials"
    answer = await asyncio.to_thread(requests.post, where, auth=("client", "secret"), timeout=5)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("auth", "form", "status", "error"),
    [
        (("client", "wrong"), GOOD, 401, "invalid_client"),
        (("client", "secret"), {"grant_type": "account_credentials", "account_id": "other"}, 400, "invalid_request"),
        (("client", "secret"), {"grant_type": "password"}, 400, "unsupported_grant_type"),
    ],
)
async def test_a_wrong_request_is_refused_with_reason_and_error(zoom, auth, form, status, error):
    answer = await ask(zoom, auth, **form)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.json()["reason"]


@pytest.mark.parametrize("fault", ["400", "401", "429", "500"])
async def test_token_faults_are_served(zoom, fault):
    zoom.faults.tokens = fault
    answer = await ask(zoom, **GOOD)
    assert answer.status_code == int(fault)
    assert ("Retry-After" in answer.headers) == (fault == "429")


@pytest.mark.parametrize(("token", "text"), [("", "token is empty"), ("made-up", "Invalid Token")])
async def test_the_upgrade_succeeds_and_the_verdict_refuses(zoom, token, text):
    async with connect(url(zoom, token)) as socket:
        assert await hear(socket) == protocol.Verdict(False, text)
        close = await closed(socket)
    assert (close.code, close.reason) == (1000, "Bye")


async def test_a_heartbeat_is_answered(zoom):
    async with connect(url(zoom, await token(zoom))) as socket:
        assert (await hear(socket)).success
        await socket.send(protocol.HEARTBEAT)
        assert await hear(socket) == protocol.Heartbeat(True, "live")


async def test_an_event_comes_signed_and_byte_for_byte(zoom):
    event = {"event": "meeting.started", "payload": {"object": {"topic": "Ünïted 会议 🎈"}}}
    async with connect(url(zoom, await token(zoom))) as socket:
        await hear(socket)
        await zoom.wait_connected()
        await zoom.send(event)
        delivery = await hear(socket)
    assert json.loads(delivery.body) == event
    assert zoom.ledger == [delivery.body]
    assert protocol.is_signed("signing", delivery)


async def test_the_newer_socket_closes_the_older(zoom):
    good = await token(zoom)
    async with connect(url(zoom, good)) as older, connect(url(zoom, good)) as newer:
        assert (await hear(newer)).success
        assert (await closed(older)).reason == "Bye"
        await zoom.wait_connected()


async def test_silence_is_cut_and_so_is_an_old_token():
    for life in ({"idle_s": 0.05}, {"token_life_s": 0.3}):
        async with SimulatedZoom(APP, **life) as zoom, connect(url(zoom, await token(zoom))) as socket:
            assert (await closed(socket)).code == 1000


async def test_a_drop_comes_without_a_closing_word(zoom):
    async with connect(url(zoom, await token(zoom))) as socket:
        await hear(socket)
        await zoom.wait_connected()
        await zoom.drop()
        assert await closed(socket) is None


async def test_faults_repeat_break_and_reorder(zoom):
    async with connect(url(zoom, await token(zoom))) as socket:
        await hear(socket)
        await zoom.wait_connected()
        zoom.faults = Faults(duplicates=1, malformed=1)
        await zoom.send(b"{}")
        assert isinstance(await hear(socket), protocol.Unreadable)
        assert (await hear(socket)).body == (await hear(socket)).body == b"{}"
        zoom.faults = Faults(reorder=1)
        await zoom.send(b"[1]")
        await zoom.send(b"[2]")
        assert [(await hear(socket)).body for _ in "12"] == [b"[2]", b"[1]"]


async def test_half_open_answers_nothing_but_stays(zoom):
    async with connect(url(zoom, await token(zoom))) as socket:
        await hear(socket)
        await zoom.wait_connected()
        zoom.faults.half_open = True
        await socket.send(protocol.HEARTBEAT)
        await zoom.send(b"{}")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await socket.recv()
        assert zoom.is_connected
