"""A client of the simulated Zoom that is not ours: requests and websockets, by the letter of Zoom's page."""

import asyncio
from contextlib import asynccontextmanager

import pytest
import requests
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from zoomfeed import protocol
from zoomfeed.simulator.server import App

APP = App("account", "client", "secret", "subscription", "signing")
GOOD = {"grant_type": "client_credentials"}
ACCOUNT = {"grant_type": "account_credentials", "account_id": "account"}
APRIL = {"from": "2026-04-01", "to": "2026-04-30"}


async def ask(zoom, auth=("client", "secret"), **form):
    return await asyncio.to_thread(requests.post, zoom.oauth_url, data=form, auth=auth, timeout=5)


async def token(zoom, form=GOOD):
    return (await ask(zoom, **form)).json()["access_token"]


async def get(zoom, path, bearer=None, **query):
    headers = {"Authorization": f"Bearer {bearer or await token(zoom, ACCOUNT)}"}
    return await asyncio.to_thread(requests.get, zoom.api_url + path, params=query, headers=headers, timeout=5)


async def found(zoom, path, **query):
    answer = await get(zoom, path, **query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def refused(zoom, path, **query):
    answer = await get(zoom, path, **query)
    return answer.status_code, answer.json()["code"]


def url(zoom, token, subscription="subscription"):
    return f"{zoom.ws_url}?subscriptionId={subscription}&access_token={token}"


async def hear(socket):
    async with asyncio.timeout(5):
        return protocol.parse(await socket.recv(decode=False))


async def closed(socket):
    """Hear the socket out; what its close says, if anything was said."""
    with pytest.raises(ConnectionClosed) as caught:
        await _hear_out(socket)
    return caught.value.rcvd


async def _hear_out(socket):
    while True:
        await hear(socket)


@asynccontextmanager
async def connected(zoom):
    """A socket with a good verdict."""
    async with connect(url(zoom, await token(zoom)), max_queue=None, close_timeout=1) as socket:
        assert (await hear(socket)).success
        await zoom.wait_connected()
        yield socket


@asynccontextmanager
async def listening(zoom):
    """A list that grows with every frame that arrives."""
    async with connected(zoom) as socket:
        heard = []
        listener = asyncio.create_task(_listen(socket, heard))
        yield heard
        listener.cancel()


async def _listen(socket, heard):
    async for raw in socket:
        heard.append(protocol.parse(raw.encode()))


async def until(claim, timeout_s=5):
    """Wait for something that nobody announces."""
    async with asyncio.timeout(timeout_s):
        while not claim():  # noqa: ASYNC110 - the list that a socket fills has no event
            await asyncio.sleep(0.01)
