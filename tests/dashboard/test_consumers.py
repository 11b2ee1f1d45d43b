"""The live sockets: who may open one, and what becomes of one that cannot be written to."""

import asyncio

import pytest
from channels.exceptions import StopConsumer
from django.db import OperationalError

from dashboard import protocol
from dashboard.consumers import BoardConsumer, is_own_origin
from dashboard.streams import Page
from dashboard.visitors import Visitor
from zoomfeed.viewer import EVERYTHING


def scope(origin, host="rollcall.test:8000", scheme="ws", **headers):
    pairs = {"host": host} | {name.replace("_", "-"): value for name, value in headers.items()}
    if origin is not None:
        pairs["origin"] = origin
    return {"scheme": scheme, "headers": [(name.encode(), value.encode()) for name, value in pairs.items()]}


@pytest.fixture(autouse=True)
def _hosts(settings):
    settings.ALLOWED_HOSTS = ["rollcall.test"]
    settings.CSRF_TRUSTED_ORIGINS = []
    settings.SECURE_PROXY_SSL_HEADER = None


def test_the_pages_own_origin_opens():
    assert is_own_origin(scope("http://rollcall.test:8000"))


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "",
        "null",
        "http://rollcall.test",
        "http://rollcall.test:8001",
        "https://rollcall.test:8000",
        "HTTP://ROLLCALL.TEST:8000",
        "file://rollcall.test:8000",
        "chrome-extension://rollcall.test:8000",
        "http://rollcall.test:8000.evil.test",
    ],
)
def test_any_other_origin_is_refused(origin):
    assert not is_own_origin(scope(origin))


def test_a_host_that_is_not_ours_is_refused():
    assert not is_own_origin(scope("http://evil.test", host="evil.test"))


def test_a_trusted_origin_opens(settings):
    settings.CSRF_TRUSTED_ORIGINS = ["https://wall.test"]

    assert is_own_origin(scope("https://wall.test"))


def test_a_forwarded_scheme_counts_only_behind_a_proxy_that_we_trust(settings):
    request = scope("https://rollcall.test:8000", x_forwarded_proto="https")

    assert not is_own_origin(request)
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    assert is_own_origin(request)


async def test_a_socket_that_cannot_be_written_to_is_closed():
    sent = []

    async def refuse_texts(message):
        if message["type"] == "websocket.send":
            raise RuntimeError("larger than this server sends")
        sent.append(message)

    consumer = BoardConsumer()
    consumer.send = refuse_texts
    page = Page("board", "session", Visitor("1", EVERYTHING))
    page.post("news")
    async with asyncio.timeout(5):
        await consumer.write(page)

    assert sent == [{"type": "websocket.close", "code": protocol.BROKEN}]


async def test_while_the_database_is_away_a_page_is_asked_to_come_back(monkeypatch):
    async def away(self):
        raise OperationalError("connection refused")

    sent = []

    async def send(message):
        sent.append(message)

    monkeypatch.setattr(BoardConsumer, "open", away)
    consumer = BoardConsumer()
    consumer.send = send
    with pytest.raises(StopConsumer):
        await consumer.connect()

    assert sent == [{"type": "websocket.close", "code": protocol.FULL}]
