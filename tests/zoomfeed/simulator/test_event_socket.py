"""The event socket: handshake, verdict, heartbeats, and how it ends."""

import asyncio

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.zoomfeed.simulator.client import APP, closed, connected, hear, token, url
from zoomfeed import protocol
from zoomfeed.simulator.faults import Faults
from zoomfeed.simulator.server import SimulatedZoom


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


async def test_an_oversized_frame_is_sent_as_it_is(zoom):
    async with connect(url(zoom, await token(zoom)), max_size=None, max_queue=None) as socket:
        await hear(socket)
        await zoom.wait_connected()
        frame = b'"' + b"x" * (17 * 1024 * 1024) + b'"'
        assert await zoom.send_frame(frame) == 1
        assert await socket.recv(decode=False) == frame


# How a connection ends, or does not begin


@pytest.mark.parametrize("code", [1001, 1008, 1011])
async def test_a_socket_can_be_closed_with_any_code(zoom, code):
    async with connected(zoom) as socket:
        await zoom.close(code, "why")
        close = await closed(socket)
    assert (close.code, close.reason) == (code, "why")


async def test_a_reset_is_a_reset(zoom):
    async with connected(zoom) as socket:
        await zoom.reset()
        with pytest.raises(ConnectionClosed) as caught:
            await socket.recv()
    assert isinstance(caught.value.__cause__, ConnectionResetError)


@pytest.mark.parametrize(
    ("switches", "code"),
    [({}, None), ({"close_code": 1011}, 1011), ({"reset": True}, None), ({"takeover": True}, 1000)],
)
async def test_every_connection_ends_as_it_is_told_to(zoom, switches, code):
    zoom.faults = Faults(drop_after_s=0.05, **switches)
    for _ in range(2):
        async with connected(zoom) as socket:
            close = await closed(socket)
        assert (close and close.code) == code


@pytest.mark.parametrize(("fault", "status"), [("401", 401), ("429", 429), ("500", 500), ("html", 200)])
async def test_a_handshake_can_fail(zoom, fault, status):
    zoom.faults.handshake = fault
    with pytest.raises(InvalidStatus) as caught:
        await connect(url(zoom, "any"))
    assert caught.value.response.status_code == status
    assert ("Retry-After" in caught.value.response.headers) == (fault == "429")


async def test_a_handshake_can_be_slow(zoom):
    good = await token(zoom)
    zoom.faults.handshake_delay_s = 10
    with pytest.raises(TimeoutError):
        await connect(url(zoom, good), open_timeout=0.1)
    zoom.faults.handshake_delay_s = 0.1
    async with connect(url(zoom, good)) as socket:
        assert (await hear(socket)).success


@pytest.mark.parametrize("cuts", [False, True])
async def test_tokens_can_end_now_with_the_socket_or_without(zoom, cuts):
    old = await token(zoom)
    async with connect(url(zoom, old)) as socket:
        await hear(socket)
        await zoom.wait_connected()
        await zoom.expire_tokens(cuts_socket=cuts)
        if cuts:
            assert (await closed(socket)).reason == "Bye"
        else:
            await socket.send(protocol.HEARTBEAT)
            assert await hear(socket) == protocol.Heartbeat(True, "live")
        async with connect(url(zoom, old)) as refused:
            assert await hear(refused) == protocol.Verdict(False, "Invalid Token")
        async with connect(url(zoom, await token(zoom))) as accepted:
            assert (await hear(accepted)).success
