"""One task per web process that keeps every open page of it in step.

It is rung through the channel layer's one group and also looks by its own clock, so neither a lost ring nor a Redis
that is away costs more than seconds. What changed is read and rendered once per stream, and the same text goes to all
pages of that stream. Pages hold no channel of their own: nothing that happens to Redis can close them.
"""

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

from django.conf import settings
from django.contrib.auth.signals import user_logged_out
from django.dispatch import receiver
from django.http import HttpRequest

from dashboard import metrics, protocol
from dashboard.feed_status import NOBODY
from dashboard.protocol import Places
from dashboard.rings import Listener
from dashboard.source import Database, Position, Source, Threads
from dashboard.streams import Key, Page, Stream, frame_of, is_worth_sending
from dashboard.visitors import Visitor
from zoomfeed.notify import Ring
from zoomfeed.viewer import Right

logger = logging.getLogger(__name__)

LOOK_S = 5.0
"""How often to look without being rung."""

BEHIND_S = 5.0
"""How long the feed's word stands that the log is behind; it repeats it every few seconds."""

TOLD_AT_ONCE = ("state", "attempt", "behind_since", "gap")
"""What of the feed's state is not left to the next tick."""

FAILING_S = 10.0
"""A stream that cannot be rendered for so long is left to its pages, which then see for themselves and say so."""

CATCH_UPS = 3
"""How often a page that connects may be overtaken by live frames before it is told to resync."""

UNREADABLE = NOBODY | {
    "state": "unreadable",
    "label": "Database away",
    "reason": "The server cannot read its database. These numbers may be old.",
}
"""The feed's state as far as pages can know it while nothing can be read."""


class Hub:
    """See the module's docstring. The first `join` starts it, and it ends by itself when the last page has left."""

    def __init__(self, source: Source | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self.source = source or Database()
        self.clock = clock
        self.streams: dict[Key, Stream] = {}
        self.position: Position | None = None
        self.position_at = float("-inf")
        self.catching_up: dict[tuple[Key, int, Position], asyncio.Task[Any]] = {}
        self.coming: tuple[set[str], asyncio.Task[dict[str, Visitor]]] | None = None
        self.asking = asyncio.Lock()
        self.feed: dict[str, Any] = UNREADABLE
        self.behind: tuple[str, float] | None = None
        self.commits: deque[tuple[int, float]] = deque(maxlen=256)  # revision, and when it was committed
        self.places = Places(settings.ROLLCALL_MOST_PAGES, settings.ROLLCALL_MOST_PAGES_PER_USER)
        self.rung = asyncio.Event()
        self.threads = Threads()
        self.listener = Listener(self._on_ring, clock)
        self.tasks: list[asyncio.Task[None]] = []

    # Pages

    async def admit(self, session_key: str, right: Right) -> Visitor | None:
        """Who may have a page open in this session; None when it is not active staff with the right to that page."""
        visitor = await self._known_as(session_key)
        return visitor if visitor and visitor.viewer.may(right) else None

    async def _known_as(self, session_key: str) -> Visitor | None:
        """Whose session it is. Those who come while the database is asked are asked for together."""
        if self.coming is None:
            self.coming = {session_key}, asyncio.get_running_loop().create_task(self._ask())
        keys, answer = self.coming
        keys.add(session_key)
        return (await asyncio.shield(answer)).get(session_key)

    async def _ask(self) -> dict[str, Visitor]:
        async with self.asking:
            assert self.coming is not None
            (keys, _), self.coming = self.coming, None
            return await self.threads.run(self.source.welcome, keys)

    async def join(self, page: Page, *, epoch: str, revision: int) -> None:
        """Bring a page that shows `revision` up to date, and keep it so until `leave`."""
        caught_up = await self._catch_up(page, epoch, revision)
        position = self.position
        assert position is not None
        stream = self.streams.get(page.key)
        if stream is None:
            viewer = page.visitor.viewer.painted()
            stream = self.streams[page.key] = Stream(page.stream, viewer, position.revision, position.revision)
        if not caught_up:
            page.post(protocol.RESYNC)
        stream.pages.add(page)
        metrics.opened(page.stream)
        if self.tasks:
            page.post(self._tick_text(stream))
            if stream.aged:
                page.post(protocol.update(stream.sent, stream.sent, put=stream.aged))
        else:
            self._start()  # ticks at once

    def leave(self, page: Page) -> None:
        stream = self.streams.get(page.key)
        if stream is None or page not in stream.pages:
            return
        stream.pages.discard(page)
        metrics.closed(page.stream, page.code)
        if not stream.pages:
            del self.streams[page.key]
        if not self.streams:
            self._stop()

    def end(self, session_key: str) -> None:
        """Close what is open of a session that is over."""
        for page in self._pages():
            if page.session_key == session_key:
                page.close(protocol.SESSION_OVER)

    def _pages(self) -> list[Page]:
        return [page for stream in self.streams.values() for page in stream.pages]

    def ack(self, page: Page, revision: int) -> None:
        if page.flow.ack(revision):
            page.post(protocol.RESYNC)

    async def _catch_up(self, page: Page, epoch: str, revision: int) -> bool:
        for _ in range(CATCH_UPS):
            position = await self._position(epoch, revision)
            if epoch != position.epoch or revision > position.revision:
                return False
            try:
                changes = await self._changes(page, revision, position)
            except self.source.too_much:
                return False
            text = frame_of(changes, revision, position.revision)
            if len(text) > protocol.MOST_IN_FRAME:
                return False
            page.update(text, position.revision, self.clock())
            revision = position.revision
            stream = self.streams.get(page.key)
            if stream is None or stream.sent <= revision:
                # nothing awaits between here and the page's entry into its stream
                return True
        return False

    async def _position(self, epoch: str, revision: int) -> Position:
        """How far the database is; as of a moment ago where that is enough, so that a crowd begins at one place."""
        known, is_fresh = self.position, self.clock() - self.position_at <= protocol.FRAME_INTERVAL_S
        if known and is_fresh and known.epoch == epoch and known.revision >= revision:
            return known
        position = await self.threads.run(self.source.position)
        self._move_to(position)
        return position

    async def _changes(self, page: Page, revision: int, position: Position) -> Any:
        """What a page has missed. Worked out once for all who ask the same meanwhile."""
        asked = (page.key, revision, position)
        if asked not in self.catching_up:
            work = self.threads.run(self.source.changes, page.visitor.viewer, page.stream, revision)
            self.catching_up[asked] = task = asyncio.get_running_loop().create_task(work)
            task.add_done_callback(lambda _: self.catching_up.pop(asked, None))
        return await asyncio.shield(self.catching_up[asked])

    # Life

    def _start(self) -> None:
        if not self.tasks:
            self.tasks = [
                asyncio.create_task(job()) for job in (self.listener.listen, self._watch, self._tick, self._guard)
            ]

    def _stop(self) -> None:
        for task in self.tasks:
            task.cancel()
        self.tasks = []

    def _on_ring(self, ring: Ring) -> None:
        """Something is new, or cannot be written."""
        if ring.committed_s:
            self.commits.append((ring.revision, ring.committed_s))
        if ring.behind_since:
            self.behind = ring.behind_since.isoformat(), self.clock()
        self.rung.set()

    def _known(self, feed: dict[str, Any]) -> dict[str, Any]:
        """With what the database could not say of itself."""
        if self.behind is None or self.clock() - self.behind[1] > BEHIND_S:
            return feed
        return feed | {"behind_since": self.behind[0]}

    async def _watch(self) -> None:
        """Look when rung or when it is time; never more often than pages may be sent frames."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self.rung.wait()
            was_rung = self.rung.is_set()
            self.rung.clear()
            try:
                await self._look(was_rung)
            except Exception as error:  # noqa: BLE001 - protects the pages while the database is away
                logger.warning("cannot read what is new (%s)", error)
            await asyncio.sleep(protocol.FRAME_INTERVAL_S / 5)

    async def _look(self, was_rung: bool) -> None:
        position = await self.threads.run(self.source.position)
        self._move_to(position)
        for stream in self.streams.values():
            if stream.looked < position.revision and (stream.task is None or stream.task.done()):
                stream.task = asyncio.create_task(self._follow(stream))
        if was_rung:
            feed = self._known(await self.threads.run(self.source.feed_status))
            if any(feed.get(name) != self.feed.get(name) for name in TOLD_AT_ONCE):
                self.feed = feed
                self._send_ticks()

    def _move_to(self, position: Position) -> None:
        """What was sent of another database counts for nothing in this one."""
        if self.position is not None and position.epoch != self.position.epoch:
            for stream in self.streams.values():
                stream.sent = stream.looked = position.revision
        self.position, self.position_at = position, self.clock()

    async def _follow(self, stream: Stream) -> None:
        """Send what is new on one stream until there is nothing: at once first, then at the pace of frames."""
        while stream.pages and self.position and stream.looked < self.position.revision:
            await asyncio.sleep(max(0.0, stream.sent_at + protocol.FRAME_INTERVAL_S - self.clock()))
            to = self.position.revision
            try:
                changes = await self.threads.run(self.source.changes, stream.viewer, stream.name, stream.looked)
                text = frame_of(changes, stream.sent, to) if is_worth_sending(changes) else ""
                text = protocol.RESYNC if len(text) > protocol.MOST_IN_FRAME else text
            except self.source.too_much:
                text = protocol.RESYNC
            except Exception as error:  # noqa: BLE001 - the next look tries again
                logger.warning("cannot render what is new on %s (%s)", stream.kind, error)
                stream.failing_since = stream.failing_since or self.clock()
                if self.clock() - stream.failing_since < FAILING_S:
                    return
                text = protocol.RESYNC
            else:
                stream.failing_since = None
            since, stream.looked = stream.looked, to
            if text:
                stream.sent, stream.sent_at = to, self.clock()
                for page in stream.pages:
                    page.update(text, to, stream.sent_at)
                for committed_s in [at for revision, at in self.commits if since < revision <= to]:
                    metrics.delivered(committed_s)

    # Ticks

    async def _tick(self) -> None:
        while True:
            try:
                self.feed = self._known(await self.threads.run(self.source.feed_status))
            except Exception as error:  # noqa: BLE001 - pages stay while the database is away, and say so
                logger.warning("cannot read how the feed is (%s)", error)
                self.feed = self._known(UNREADABLE)
            self._send_ticks()
            await self._age()
            await asyncio.sleep(protocol.TICK_S)

    async def _age(self) -> None:
        """Send what time alone has changed. It moves no revision, so a page need not acknowledge it."""
        for stream in list(self.streams.values()):
            try:
                items = await self.threads.run(self.source.by_the_clock, stream.viewer, stream.name)
            except Exception as error:  # noqa: BLE001 - the next tick tries again
                logger.warning("cannot render what has aged on %s (%s)", stream.kind, error)
                continue
            if changed := {name: item for name, item in items.items() if stream.aged.get(name) != item}:
                stream.aged = items
                text, now = protocol.update(stream.sent, stream.sent, put=changed), self.clock()
                for page in stream.pages:
                    page.tick(text, now)

    async def _guard(self) -> None:
        """Beside the ticks, because one that is late must not let anybody stay."""
        while True:
            try:
                await self._check()
            except Exception as error:  # noqa: BLE001 - pages stay while the database is away, and say so
                logger.warning("cannot check who is watching (%s)", error)
            await asyncio.sleep(protocol.CHECK_S)

    async def _check(self) -> None:
        """Open sockets outlive logout, deactivation, deletion and roles: look whom they belong to, and as whom."""
        pages = self._pages()
        still_welcome = await self.threads.run(self.source.welcome, {page.session_key for page in pages})
        for page in pages:
            if still_welcome.get(page.session_key) != page.visitor:
                page.close(protocol.SESSION_OVER)

    def _send_ticks(self) -> None:
        now = self.clock()
        for stream in self.streams.values():
            text = self._tick_text(stream)
            for page in stream.pages:
                page.tick(text, now)

    def _tick_text(self, stream: Stream) -> str:
        epoch = self.position.epoch if self.position else ""
        return protocol.tick(stream.sent, epoch, int(time.time() * 1000), self.feed)


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def current() -> Hub:
    """The hub of this process: of the running event loop, to be exact."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = Hub()
    return _hubs[loop]


@receiver(user_logged_out)
def end_session(request: HttpRequest, **_: object) -> None:
    """Close at once what this process shows of a session whose user signs out, from whatever thread that is said.

    The session goes first: a page that is told loads itself again, and must be led to the login then.
    """
    if session_key := request.session.session_key:
        request.session.delete()
        for loop, hub in list(_hubs.items()):
            with contextlib.suppress(RuntimeError):  # a loop that has ended shows nothing
                loop.call_soon_threadsafe(hub.end, session_key)
