"""Where faults happen: the whole of Rollcall as real processes, with servers of its own and a proxy on each line.

A simulated Zoom, PostgreSQL and Redis that may die, a feed, two web processes; or all in one process on SQLite. Every
process is one that we started, and ends by its id.
"""

import asyncio
import contextlib
import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import psycopg

from tests.faults import scale
from tests.faults.live_pages import Browsers
from tests.faults.proxy import Proxy
from tests.faults.servers import OwnPostgres, OwnRedis
from tests.product import (
    PATIENCE,
    Process,
    Product,
    ZoomThread,
    base_environment,
    database_of_its_own,
    endpoint,
    free_port,
    is_up,
    set_up,
    until,
)
from zoomfeed.simulator.faults import Faults
from zoomfeed.simulator.traffic import traffic

COMMAND = ["manage.py"] if scale.IS_FULL else ["-m", "tests.faults.scaled"]
FEED = "feed-1"
DATABASE = "rollcall"


@dataclass
class Stage(Product):
    """A product with what may go wrong around it."""

    database: OwnPostgres | None = None
    redis: OwnRedis | None = None
    tokens: Proxy | None = None
    socket: Proxy | None = None
    feeds_database: Proxy | None = None
    browsers: Browsers | None = None

    @property
    def feed(self) -> Process:
        return self.processes[FEED]

    def start_feed(self, name: str = FEED, **environment: str) -> Process:
        """One more feed. The first one alone reaches the database through a proxy."""
        ways = {"DATABASE_URL": self.database.url(DATABASE, self.feeds_database.port)} if name == FEED else {}
        made = Process([*COMMAND, "runfeed"], self.environment | ways | environment, self.folder / f"{name}.log")
        self.processes[name] = made
        return made.start()

    def end_feed(self, name: str) -> None:
        self.processes.pop(name).stop()

    def start_web(self, number: int, port: int, **options: str) -> None:
        words = [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", value)]
        daphne = ["-m", "daphne", *PATIENCE, *endpoint(port), *words, "dashboard.asgi:application"]
        self.process(f"web-{number}", *daphne)

    def wait_right(self, within_s: float = scale.PAGES_RIGHT_S) -> None:
        """Until Zoom has a socket and every web process answers."""
        until(lambda: self.zoom.zoom.is_connected, within_s, self.last_words)
        for address in self.web:
            until(lambda address=address: is_up(address), within_s, self.last_words)

    def last_words(self) -> str:
        return "\n".join(f"{name}: {process.said()[-1500:]}" for name, process in self.processes.items())

    def heal(self) -> None:
        """End every fault that this stage knows of, whatever a test has left behind."""
        if self.browsers:
            self.browsers.close_all()
        self.zoom.zoom.faults = Faults()
        for proxy in filter(None, (self.tokens, self.socket, self.feeds_database)):
            proxy.heal()
        for server in filter(None, (self.database, self.redis)):
            server.thaw()
            if server.running.poll() is not None:
                server.start()
        for name in [name for name in self.processes if name.startswith("feed-") and name != FEED]:
            self.end_feed(name)
        for process in self.processes.values():
            with contextlib.suppress(ProcessLookupError):
                process.thaw()
            if not process.is_alive:
                process.start()
        if not self.zoom.zoom.is_connected and FEED in self.processes:
            self.feed.stop()  # it may have learnt to wait long
            self.feed.start()
        self.wait_right(60)
        self._end_meetings()

    def _end_meetings(self) -> None:
        """What the next one does must not depend on how many meetings others have left open."""
        runs = [run for run in self.zoom.zoom.world.runs() if run.ended_at is None]
        self.zoom.send(*(ended(run.kind, run.uuid, run.number) for run in runs))


def ended(kind: str, uuid: str, number: str) -> bytes:
    """The end of a run, now."""
    now = datetime.now(UTC)
    about = {"uuid": uuid, "id": number, "end_time": now.isoformat(timespec="seconds")}
    body = {"event": f"{kind}.ended", "event_ts": round(now.timestamp() * 1000), "payload": {"object": about}}
    return json.dumps(body).encode()


MANY_PAGES = {"ROLLCALL_MOST_PAGES": "3000", "ROLLCALL_MOST_PAGES_PER_USER": "3000"}
"""All pages of these tests are of one person."""


@contextmanager
def stage(folder: Path) -> Iterator[Stage]:
    """A feed and two web processes on a PostgreSQL and a Redis of their own; only the feed's lines have proxies."""
    with ExitStack() as stack:
        database = stack.enter_context(OwnPostgres(stack.enter_context(own_folder())))
        redis = stack.enter_context(OwnRedis(stack.enter_context(own_folder())))
        zoom = stack.enter_context(ZoomThread())
        tokens, socket = (stack.enter_context(Proxy(end_of(url))) for url in (zoom.zoom.oauth_url, zoom.zoom.ws_url))
        feeds_database = stack.enter_context(Proxy(("127.0.0.1", database.port)))
        environment = base_environment(zoom, database.url(DATABASE), folder) | {
            **MANY_PAGES,
            "REDIS_URL": redis.url,
            "ZOOM_OAUTH_URL": _through(tokens, zoom.zoom.oauth_url),
            "ZOOM_WS_URL": _through(socket, zoom.zoom.ws_url),
        }
        made = Stage(zoom, environment, folder)
        made.database, made.redis, made.tokens, made.socket = database, redis, tokens, socket
        made.feeds_database = feeds_database
        with psycopg.connect(database.url(), autocommit=True) as server:
            server.execute(f"CREATE DATABASE {DATABASE}")
        set_up(made)
        stack.callback(_end_all, made)
        made.start_feed()
        for number in (1, 2):
            port = free_port()
            made.web.append(f"http://127.0.0.1:{port}")
            made.start_web(number, port)
        made.wait_for_pages()
        made.wait_right()
        made.browsers = stack.enter_context(Browsers(made))
        yield made


@contextmanager
def small_stage(folder: Path, data: Path | None = None) -> Iterator[Stage]:
    """All in one process, on SQLite. `data` is where its database and its spool are, else in the folder, too."""
    data = data or folder
    with ExitStack() as stack:
        zoom = stack.enter_context(ZoomThread())
        made = Stage(zoom, base_environment(zoom, database_of_its_own(data), data) | MANY_PAGES, folder)
        stack.callback(_end_all, made)
        port = free_port()
        made.web.append(f"http://127.0.0.1:{port}")
        made.process("all-in-one", *COMMAND, "rundashboard", "--port", str(port))
        made.wait_for_pages()
        made.wait_right()
        made.browsers = stack.enter_context(Browsers(made))
        yield made


@contextmanager
def own_folder() -> Iterator[Path]:
    """One that another account can reach, which a test's own cannot be."""
    folder = tempfile.mkdtemp(prefix="rollcall-")
    try:
        yield Path(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def end_of(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname, parts.port


def _through(proxy: Proxy, url: str) -> str:
    return urlsplit(url)._replace(netloc=f"127.0.0.1:{proxy.port}").geturl()


def _end_all(made: Stage) -> None:
    for process in made.processes.values():
        with contextlib.suppress(ProcessLookupError):
            process.thaw()
    made.stop()


class Load:
    """Events at a steady rate, whoever listens, from the beginning of the block to its end."""

    def __init__(self, product: Product, rate: float = scale.RATE) -> None:
        self.zoom, self.rate = product.zoom, rate

    def __enter__(self) -> Self:
        self.ends = asyncio.Event()
        self.running = asyncio.run_coroutine_threadsafe(self._run(), self.zoom.loop)
        return self

    def __exit__(self, *_: object) -> None:
        self.zoom.loop.call_soon_threadsafe(self.ends.set)
        self.running.result(60)

    async def _run(self) -> None:
        begin = time.monotonic()
        for number, body in enumerate(traffic(time.time_ns())):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, begin + number / self.rate - time.monotonic())):
                    await self.ends.wait()
            if self.ends.is_set():
                return
            await self.zoom.zoom.send(body)
