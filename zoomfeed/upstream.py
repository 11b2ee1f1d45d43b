"""One connection to Zoom's socket, from handshake to close.

The HTTP upgrade says nothing: the first frame is the verdict. WebSocket pings are off, because Zoom does not rely on
them and a reader that is late for its own pong would lose what the kernel had buffered; a JSON heartbeat goes out
every 30 seconds, and 45 seconds without any frame mean that the line is dead. Source: Zoom's page "WebSockets".
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import parse_qs, quote, urlsplit, urlunsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI

from zoomfeed import protocol
from zoomfeed.exceptions import ConnectionFailed, ConnectionLost

MAX_FRAME_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Timing:
    """How long things may take, in seconds. Tests scale them."""

    open_s: float = 15
    verdict_s: float = 15
    heartbeat_s: float = 30
    silence_s: float = 45
    recycle_s: float = 50 * 60


class Refused(Exception):
    """The verdict was no. `text` is Zoom's wording, which has changed before."""

    def __init__(self, text: str) -> None:
        self.text = text
        super().__init__(text)


class Recycle(Exception):
    """The connection is old enough; a new one is due before its token ends."""


def endpoint(ws_url: str, subscription: str, token: str) -> str:
    """The URL to open. `subscription` is a bare id or the whole endpoint URL of the app's settings page.

    It carries the token and must reach no log.
    """
    parts = urlsplit(subscription if "://" in subscription else ws_url)
    return urlunsplit(parts._replace(query=f"subscriptionId={quote(subscription_id(subscription), safe='')}"
                                           f"&access_token={quote(token, safe='')}"))  # fmt: skip


def subscription_id(subscription: str) -> str:
    if "://" not in subscription:
        return subscription
    return parse_qs(urlsplit(subscription).query).get("subscriptionId", [""])[0]


@asynccontextmanager
async def open_socket(url: str, timing: Timing) -> AsyncIterator[ClientConnection]:
    """Connect and hear the verdict.

    Raises Refused when it is no, ConnectionFailed when none came.
    """
    try:
        socket = await connect(
            url,
            ping_interval=None,
            open_timeout=timing.open_s,
            close_timeout=2,
            max_size=MAX_FRAME_BYTES,
            max_queue=None,
            compression="deflate",
        )
    except (OSError, TimeoutError, InvalidHandshake, InvalidURI) as error:
        # the text of these errors may hold the URL, and with it the token
        raise ConnectionFailed(type(error).__name__) from None
    try:
        await _hear_verdict(socket, timing)
        yield socket
    finally:
        await socket.close()


async def _hear_verdict(socket: ClientConnection, timing: Timing) -> None:
    try:
        async with asyncio.timeout(timing.verdict_s):
            frame = protocol.parse(_bytes(await socket.recv(decode=False)))
    except TimeoutError:
        raise ConnectionFailed("the socket opened, but no verdict came") from None
    except ConnectionClosed as error:
        raise ConnectionFailed(f"closed before the verdict ({_close(error)})") from None
    if not isinstance(frame, protocol.Verdict):
        raise ConnectionFailed("the first frame was no verdict")
    if not frame.success:
        raise Refused(frame.text)


def _bytes(data: str | bytes) -> bytes:
    return data.encode() if isinstance(data, str) else data


def _close(error: ConnectionClosed) -> str:
    return f"{error.rcvd.code} {error.rcvd.reason}".strip() if error.rcvd else "without a word"


Take = Callable[[bytes, protocol.Frame], Awaitable[None]]


async def read(socket: ClientConnection, take: Take, timing: Timing, stop: asyncio.Event) -> None:
    """Read until told to stop; `take` gets each frame's bytes and what they are.

    Raises ConnectionLost when the socket ends or is silent for too long, Recycle when it is old enough.
    """
    reader = _Reader(socket, take)
    tasks = {
        asyncio.create_task(reader.run(), name="reader"),
        asyncio.create_task(reader.watch(timing), name="watchdog"),
        asyncio.create_task(stop.wait(), name="stop"),
    }
    beat = asyncio.create_task(_beat(socket, timing), name="heartbeat")
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            await task
    finally:
        for task in (*tasks, beat):
            task.cancel()
        await asyncio.gather(*tasks, beat, return_exceptions=True)


class _Reader:
    """Does nothing but read, note the time and hand over."""

    def __init__(self, socket: ClientConnection, take: Take) -> None:
        self.socket = socket
        self.take = take
        self.clock = asyncio.get_running_loop().time
        self.opened_at = self.last_at = self.clock()

    async def run(self) -> None:
        try:
            while True:
                raw = await self.socket.recv(decode=False)
                self.last_at = self.clock()
                raw = _bytes(raw)
                await self.take(raw, protocol.parse(raw))
        except ConnectionClosed as error:
            raise ConnectionLost(_close(error), error.rcvd.code if error.rcvd else None) from None

    async def watch(self, timing: Timing) -> None:
        while True:
            now = self.clock()
            if now - self.last_at >= timing.silence_s:
                raise ConnectionLost(f"no frame for {timing.silence_s:g} s, though we sent heartbeats")
            if now - self.opened_at >= timing.recycle_s:
                raise Recycle
            due = min(self.last_at + timing.silence_s, self.opened_at + timing.recycle_s)
            await asyncio.sleep(max(0.01, due - now))


async def _beat(socket: ClientConnection, timing: Timing) -> None:
    """Send heartbeats until cancelled; that the line is dead is the reader's to find."""
    try:
        while True:
            await socket.send(protocol.HEARTBEAT)
            await asyncio.sleep(timing.heartbeat_s)
    except ConnectionClosed:
        return
