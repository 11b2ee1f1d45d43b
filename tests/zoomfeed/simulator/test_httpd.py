"""The HTTP server under the simulated Zoom survives whatever knocks."""

import asyncio
from contextlib import suppress
from urllib.parse import urlsplit

import pytest

from tests.zoomfeed.simulator.client import GOOD, ask


@pytest.mark.parametrize(
    "said", [b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n", b"x" * 100_000, b""]
)
async def test_what_is_no_http_gets_no_answer(zoom, said):
    url = urlsplit(zoom.oauth_url)
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    writer.write(said)
    writer.write_eof()
    with suppress(ConnectionResetError):  # it need not read all of it
        assert await reader.read() == b""
    writer.close()
    assert (await ask(zoom, **GOOD)).status_code == 200


async def test_what_is_nowhere_is_not_found(zoom):
    url = urlsplit(zoom.oauth_url)
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    writer.write(b"GET /elsewhere HTTP/1.1\r\n\r\n")
    assert (await reader.readline()).startswith(b"HTTP/1.1 404 ")
    writer.close()
