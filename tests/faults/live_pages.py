"""Open pages without a browser: real HTTP, a real WebSocket, a real session, and live.js's rules in Python.

`tests.dashboard.pages` says what a page shows; here is how it stays in step. One thread with one event loop keeps all
pages; their fields may be read from anywhere.
"""

import asyncio
import contextlib
import json
import random
import re
import threading
import time
from collections import deque
from types import SimpleNamespace
from typing import Self
from urllib.parse import urlencode, urlsplit

import requests
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from tests.dashboard.pages import Page, read

SILENCE_S = 12.0
FIRST_RETRY_S, LAST_RETRY_S = 0.5, 30.0
ACK_S = 1.0
NOT_OPENED = 0
"""Stands for a close code where no socket came to be."""
GIVEN_UP = 4000
"""The page itself closes a socket that has been silent for too long."""


class Line:
    """The half of live.js that holds a socket: reconnects, acknowledges, notices silence.

    `closes` are (time, code) of sockets that ended; `ticks` and `updates` are times, on the monotonic clock.
    """

    def __init__(self, address: str, cookie: str) -> None:
        self.address, self.cookie = address, cookie
        self.epoch, self.revision, self.stream_url = "", 0, ""
        self.closes: list[tuple[float, int]] = []
        self.ticks: list[float] = []
        self.updates: list[float] = []
        self.feed: dict = {}
        self.opened = self.resyncs = 0
        self.is_open = False
        self.error: BaseException | None = None
        self.heard: deque[str] = deque(maxlen=12)
        self._acked_at = 0.0

    @property
    def is_stale(self) -> bool:
        """Whether it has turned grey."""
        return not self.ticks or time.monotonic() - self.ticks[-1] > SILENCE_S

    async def live(self) -> None:
        """Until cancelled. What breaks the page itself stays in `error`."""
        try:
            await self._keep_connected()
        except Exception as error:
            self.error = error
            raise

    async def _keep_connected(self) -> None:
        tries = 0
        while True:
            ticked = len(self.ticks)
            with contextlib.suppress(OSError, TimeoutError, InvalidHandshake, ConnectionClosed):
                await self._connected()
            self.is_open = False
            tries = 0 if len(self.ticks) > ticked else tries + 1
            delay_s = min(LAST_RETRY_S, FIRST_RETRY_S * 2 ** min(tries, 10))
            await asyncio.sleep(delay_s * random.uniform(0.5, 1))

    async def _connected(self) -> None:
        query = urlencode({"revision": self.revision, "epoch": self.epoch})
        url = f"{self.address.replace('http', 'ws', 1)}{self.stream_url}{'&' if '?' in self.stream_url else '?'}{query}"
        headers = {"Cookie": self.cookie, "Origin": self.address}
        code = NOT_OPENED
        try:
            async with connect(
                url, additional_headers=headers, proxy=None, max_queue=None, ping_interval=None, close_timeout=1
            ) as socket:
                self.opened += 1
                self.is_open = True
                code = 1006
                await self._follow(socket)
        except ConnectionClosed as error:
            code = error.rcvd.code if error.rcvd else 1006
            raise
        except TimeoutError:
            code = GIVEN_UP if self.is_open else NOT_OPENED
            raise
        finally:
            self.closes.append((time.monotonic(), code))

    async def _follow(self, socket) -> None:
        while True:
            async with asyncio.timeout(SILENCE_S):
                frame = json.loads(await socket.recv())
            self.heard.append(f"at {self.revision}: {brief(frame)}")
            await self._take(frame)
            if "tick" in frame or time.monotonic() - self._acked_at >= ACK_S:
                self._acked_at = time.monotonic()
                await socket.send(json.dumps({"ack": self.revision}))

    async def _take(self, frame: dict) -> None:
        if frame.get("resync"):
            await self._resync()
        elif "tick" in frame:
            self.ticks.append(time.monotonic())
            self.feed = frame["feed"]
            if frame["epoch"] != self.epoch or frame["tick"] > self.revision:
                await self._resync()
        elif frame["from"] == frame["to"]:
            self._draw(frame)  # what time has changed, whatever the revision
        elif frame["from"] > self.revision:
            await self._resync()
        elif frame["to"] >= self.revision:
            self.revision = frame["to"]
            self.updates.append(time.monotonic())
            self._draw(frame)

    def _draw(self, frame: dict) -> None:
        """Who only counts draws nothing."""

    async def _resync(self) -> None:
        self.resyncs += 1
        text = await asyncio.to_thread(self._fetch)
        self._takes_over(text)

    def _fetch(self) -> str:
        """The page itself, as often as it takes."""
        while True:
            with contextlib.suppress(requests.RequestException):
                return self.fetch_once()
            time.sleep(2)

    def fetch_once(self) -> str:
        answer = requests.get(self.address + self.path, headers={"Cookie": self.cookie}, timeout=60)
        answer.raise_for_status()
        assert "data-epoch" in answer.text, "led to the login"
        return answer.text

    path = "/"

    def _takes_over(self, text: str) -> None:
        about = read(text[: text.index("<body")] + "</html>").root.children[0].attributes
        self.epoch, self.revision = about["data-epoch"], int(about["data-revision"])
        self.stream_url = urlsplit(about["data-stream-url"]).path
        if query := urlsplit(about["data-stream-url"]).query:
            self.stream_url += f"?{query}"
        self.updates.append(time.monotonic())


def brief(frame: dict) -> str:
    """What a frame is about, for people who look for a fault."""
    if "from" not in frame:
        return str(frame)[:60]
    named = [*frame.get("put", {}), *(item[1] for item in frame.get("add", []))]
    return f"{frame['from']} to {frame['to']}: {' '.join(named)[:80]}"


class LivePage(Line):
    """A page whole: what it shows can be compared with what a fresh load shows."""

    def __init__(self, address: str, cookie: str, path: str) -> None:
        super().__init__(address, cookie)
        self.path = path
        self.page: Page | None = None

    def _draw(self, frame: dict) -> None:
        changes = SimpleNamespace(put=frame.get("put", {}), add=frame.get("add", []), delete=frame.get("del", []))
        self.page.apply(changes)

    def _takes_over(self, text: str) -> None:
        super()._takes_over(text)
        self.page = Page(text)

    def shows(self) -> dict:
        return without_the_clock(self.page.shows)

    def fresh(self) -> dict:
        """What somebody sees who opens the same address now."""
        return without_the_clock(Page(self.fetch_once()).shows)


def without_the_clock(shown: dict) -> dict:
    """What a page shows, but for what its own clock writes into it: ages, and bars that reach to now."""
    return {name: _still(value) for name, value in shown.items()}


def _still(value):
    if not isinstance(value, str):
        return [_still(part) for part in value]
    value = re.sub(r"(<time[^>]*>)[^<]*", r"\1", value)
    value = re.sub(r' title="[^"]*"(?=[^<]*<)', "", value)
    value = re.sub(r"<[^>]*data-open[^>]*>", lambda found: re.sub(r' width="[^"]*"', "", found[0]), value)
    return re.sub(r"\s+", " ", value)


class Browsers:
    """Signed-in staff with open pages. A page lives until the block ends, or until `close_all`."""

    def __init__(self, product) -> None:
        self.product = product

    def __enter__(self) -> Self:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True, name="browsers")
        self.thread.start()
        self.tasks: list[asyncio.Task[None]] = []
        self.cookie = sign_in(self.product.web[0], self.product.user, self.product.password)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self.loop).result(20)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()

    def open(self, path: str = "/", address: str = "") -> LivePage:
        """A page, loaded and then kept in step."""
        page = LivePage(address or self.product.web[0], self.cookie, path)
        page._takes_over(page.fetch_once())
        self._keep(page)
        return page

    def open_lines(self, how_many: int, address: str = "", loaded: LivePage | None = None) -> list[Line]:
        """Many pages that only say how far they are: of them all, only sockets, revisions and ticks are kept."""
        like = loaded or self.open(address=address)
        lines = [Line(address or like.address, self.cookie) for _ in range(how_many)]
        for line in lines:
            line.epoch, line.revision, line.stream_url = like.epoch, like.revision, like.stream_url
            self._keep(line)
        return lines

    def _keep(self, line: Line) -> None:
        def begin() -> None:
            self.tasks.append(self.loop.create_task(line.live()))

        self.loop.call_soon_threadsafe(begin)

    def close_all(self) -> None:
        """Close every page that is open."""
        asyncio.run_coroutine_threadsafe(self._close_all(), self.loop).result(30)

    async def _close_all(self) -> None:
        tasks, self.tasks = self.tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _end(self) -> None:
        await self._close_all()
        await self.loop.shutdown_default_executor()


def sign_in(address: str, user: str, password: str) -> str:
    """The Cookie header of a session that just began."""
    with requests.Session() as session:
        form = session.get(f"{address}/login/", timeout=30).text
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', form)[1]
        answer = session.post(
            f"{address}/login/",
            {"username": user, "password": password, "csrfmiddlewaretoken": token},
            headers={"Referer": f"{address}/login/"},
            timeout=30,
        )
        assert "data-epoch" in answer.text, f"not signed in: {answer.status_code}"
        return "; ".join(f"{name}={value}" for name, value in session.cookies.items())
