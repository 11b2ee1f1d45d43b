"""One connection to Zoom's socket, from handshake to close.

The HTTP upgrade says nothing: the first frame is the verdict. WebSocket pings are off, because Zoom does not rely on
them and a reader that is late for its own pong would lose what the kernel had buffered; a JSON heartbeat goes out
every 30 seconds, and 45 seconds without any frame mean that the line is dead. Source: Zoom's page "WebSockets".
"""

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import parse_qs, quote, urlsplit, urlunsplit

from websockets import CloseCode
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidProxy, InvalidStatus, InvalidURI

from zoomfeed import events, protocol
from zoomfeed.exceptions import ConnectionFailed, ConnectionLost
from zoomfeed.oauth import ZOOM_HOST, wait_asked

MAX_FRAME_BYTES = 16 * 1024 * 1024

TURN_S = 0.5
STOOD_STILL_S = 1.5
"""A process that did not turn for so long was suspended, and so was its line;"""
WAKING_S = 60.0
"""a line that lives so long afterwards has outlived it."""


@dataclass(frozen=True, slots=True)
class Timing:
    """How long things may take, in seconds. Tests scale them."""

    open_s: float = 15
    verdict_s: float = 15
    heartbeat_s: float = 30
    silence_s: float = 45
    recycle_s: float = 50 * 60
    quiet_s: float = 2
    """A connection is renewed when nothing came for so long,"""
    grace_s: float = 5 * 60
    """or so long after it was due, at the latest."""
    answer_s: float = 2
    """How long to wait for the last heartbeat's answer before a renewal."""


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


class _Elsewhere(InvalidHandshake):
    """A redirect to a host that is neither Zoom's nor the one we asked."""


class _connect(connect):  # noqa: N801 - as the class that it is
    """Follows redirects to this host and to Zoom's only: whoever may be Zoom may say who is in which meeting."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        try:
            to = super().process_redirect(exc)
            return to if isinstance(to, Exception) or _leads_home(to, self.uri) else _Elsewhere()
        except ValueError:  # no address at all
            return _Elsewhere()


def _leads_home(to: str, asked: str) -> bool:
    there, here = urlsplit(to), urlsplit(asked)
    is_same = (there.hostname, there.port) == (here.hostname, here.port)
    return is_same or re.fullmatch(ZOOM_HOST, there.hostname or "") is not None


@asynccontextmanager
async def open_socket(url: str, timing: Timing) -> AsyncIterator[ClientConnection]:
    """Connect and hear the verdict.

    Raises Refused when it is no, ConnectionFailed when none came.
    """
    try:
        socket = await _connect(
            url,
            ping_interval=None,
            open_timeout=timing.open_s,
            close_timeout=2,
            max_size=MAX_FRAME_BYTES,
            max_queue=None,
            compression="deflate",
        )
    except InvalidStatus as error:
        response = error.response
        raise ConnectionFailed(
            f"HTTP {response.status_code}", wait_asked(response.headers.get("Retry-After", ""))
        ) from None
    except _Elsewhere:
        raise ConnectionFailed("it leads to a host that is not Zoom's, where nobody goes") from None
    except (OSError, TimeoutError, InvalidHandshake, InvalidProxy, InvalidURI, ImportError) as error:
        # the text of these errors may hold the URL, and with it the token, or that of a proxy, and its password
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
    if error.rcvd:
        return f"{error.rcvd.code} {error.rcvd.reason[:100]}".strip()
    if error.sent and error.sent.code == CloseCode.MESSAGE_TOO_BIG:
        return f"Zoom sent a frame of more than {MAX_FRAME_BYTES // 2**20} MiB"
    return "without a word"


Take = Callable[[bytes, protocol.Frame], Awaitable[None]]


async def read(socket: ClientConnection, take: Take, timing: Timing, stop: asyncio.Event) -> None:
    """Read until told to stop; `take` gets each frame's bytes and what they are.

    What Zoom has sent before it hears that we leave is read, too.

    Raises ConnectionLost when the socket ends or is silent for too long, Recycle when it is old enough.
    """
    reader = _Reader(socket, take, timing)
    reading = asyncio.create_task(reader.run(), name="reader")
    watching = asyncio.create_task(reader.watch(), name="watchdog")
    stopping = asyncio.create_task(stop.wait(), name="stop")
    beating = asyncio.create_task(reader.beat(), name="heartbeat")
    turning = asyncio.create_task(reader.turn(), name="turn")
    try:
        done, _ = await asyncio.wait({reading, watching, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if reading not in done:
            await socket.close()
            await asyncio.wait({reading}, timeout=timing.answer_s)
        for task in done:
            await task
    finally:
        tasks = (reading, watching, stopping, beating, turning)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _Reader:
    """Does nothing but read, note the time and hand over."""

    def __init__(self, socket: ClientConnection, take: Take, timing: Timing) -> None:
        self.socket = socket
        self.take = take
        self.timing = timing
        self.clock = asyncio.get_running_loop().time
        self.opened_at = self.last_at = self.clock()
        self.is_handing_over = False
        self.heard = asyncio.Event()
        self.turned_at = self.woke_at = self.began_s = self.read_s = time.time()
        self.stood_still_at: float | None = None
        self.newest: protocol.Frame | None = None
        self.asked_s: float | None = None  # the oldest heartbeat that has no answer
        self.answer_s = self.began_s  # when that was sent which was answered last

    async def run(self) -> None:
        try:
            while True:
                raw = _bytes(await self.socket.recv(decode=False))
                self.is_handing_over = True
                await self.take(raw, self._note(protocol.parse(raw)))
                self.last_at, self.is_handing_over = self.clock(), False
                self.heard.set()
        except ConnectionClosed as error:
            raise self._lost(_close(error), error.rcvd.code if error.rcvd else None) from None

    def _note(self, frame: protocol.Frame) -> protocol.Frame:
        self.newest, self.read_s = frame, time.time()
        if isinstance(frame, protocol.Heartbeat) and self.asked_s is not None:
            self.answer_s, self.asked_s = self.asked_s, None
        return frame

    async def watch(self) -> None:
        """Until the line is dead, or old enough."""
        timing = self.timing
        while True:
            now = self.clock()
            if now - self.last_at >= timing.silence_s and not self.is_handing_over:
                raise self._lost(f"no frame for {timing.silence_s:g} s, though we sent heartbeats")
            renewal_at = self._renewal_at()
            if now >= renewal_at:
                await self._hear_once_more()
                raise Recycle
            await asyncio.sleep(max(0.01, min(self.last_at + timing.silence_s, renewal_at) - now))

    async def turn(self) -> None:
        """Notice that the process stood still, as on a machine that slept: what is read then may be old."""
        while True:
            self._note_turn()
            await asyncio.sleep(TURN_S)

    def _note_turn(self) -> None:
        now = time.time()  # the other clocks stand still, too
        if now - self.turned_at > STOOD_STILL_S:
            self.stood_still_at, self.woke_at = self.turned_at, now
        elif now - self.woke_at > WAKING_S:
            self.stood_still_at = None
        self.turned_at = now

    def _lost(self, problem: str, code: int | None = None) -> ConnectionLost:
        self._note_turn()
        return ConnectionLost(problem, code, min(self.stood_still_at or self.read_s, self._newest_made_at()))

    def _newest_made_at(self) -> float:
        """When Zoom made what we read last: a line that stalls before it breaks brings old frames late, and no others.

        What seems older than a line may be silent was no frame that stalled, but a notice that Zoom made late, or by a
        clock that is not ours.
        """
        made_s: float | None = None
        match self.newest:
            case protocol.Delivery(body):
                made_s = events.made_at_s(body)
            case protocol.Heartbeat():
                made_s = self.answer_s
        if made_s is None or self.read_s - made_s > self.timing.silence_s:
            return self.read_s
        return max(made_s, self.began_s)

    def _renewal_at(self) -> float:
        """When nothing has come for a while, so that little can happen between the old connection and the new."""
        timing = self.timing
        due = self.opened_at + timing.recycle_s
        return min(max(due, self.last_at + timing.quiet_s), due + timing.grace_s)

    async def _hear_once_more(self) -> None:
        """A last sign of life, so that the gap begins now and not at a frame of half a minute ago."""
        self.heard.clear()
        with contextlib.suppress(ConnectionClosed, TimeoutError):
            await self._ask()
            async with asyncio.timeout(self.timing.answer_s):
                await self.heard.wait()

    async def beat(self) -> None:
        """Send heartbeats until cancelled; that the line is dead is found by who reads."""
        with contextlib.suppress(ConnectionClosed):
            while True:
                await self._ask()
                await asyncio.sleep(self.timing.heartbeat_s)

    async def _ask(self) -> None:
        self.asked_s = self.asked_s or time.time()
        await self.socket.send(protocol.HEARTBEAT)
