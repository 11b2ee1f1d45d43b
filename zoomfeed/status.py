"""What pages are told of the link to Zoom: the Feed row of the subscription that this process holds, and its gaps.

A page can wait for such news; a socket cannot. So a database that is away costs a warning here, and nothing else:
what could not be written is kept and written later.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from django.db import DatabaseError, InterfaceError
from django.db.models import Case, F, When

from zoomfeed import gaps, lease, metrics, protocol, room, systemd
from zoomfeed.database import Database
from zoomfeed.exceptions import LeaseLost
from zoomfeed.models import Feed, FeedState
from zoomfeed.notify import notify
from zoomfeed.record import where
from zoomfeed.silence import Watch
from zoomfeed.writer import Writer

logger = logging.getLogger(__name__)
T = TypeVar("T")

NOTE_EVERY_S = 5.0
NOT_RUNNING = "the feed was not running"

LEAVING = timedelta(seconds=5)
"""So long may pass between our goodbye to Zoom and the end of the reading."""


class Status:
    """Of one lease: `held` is the Feed row's primary key and the fencing number.

    Nothing on the way of a connection waits for the database: what is to be written is queued, and `keep_noting`
    writes it, in order, as soon as the database takes it.
    """

    def __init__(
        self, database: Database, held: tuple[int, int], writer: Writer, on_connected: Callable[[], None]
    ) -> None:
        self.database = database
        self.held = held
        self.writer = writer
        self.on_connected = on_connected
        self.watch = Watch()
        self.state, self.reason = FeedState.STANDBY, ""
        self.connected_at: datetime | None = None
        self.last_frame_at: datetime | None = None
        self.last_event_at: datetime | None = None
        self.last_heartbeat_at: datetime | None = None
        self.unwritten: deque[Callable[[], None]] = deque([self._resume])
        self.untold: dict[str, Any] = {}
        self.uncounted = 0  # connections that the row does not count yet: several may end before one is written
        self.disk_was_low = False
        self._news = asyncio.Event()

    def heard(self, now: datetime, frame: protocol.Frame) -> None:
        self.last_frame_at = now
        match frame:
            case protocol.Delivery():
                self.last_event_at = now
            case protocol.Heartbeat():
                self.last_heartbeat_at = now

    def say(self, state: FeedState, *, reason: str = "", attempt: int = 0, retry_at: datetime | None = None) -> None:
        self.state, self.reason = state, reason
        # ready is who looks after itself, also while refused
        systemd.notify("READY=1", f"STATUS={state.label}. {reason}")
        self._tell(state=state, reason=reason[:500], attempt=attempt, retry_at=retry_at)

    def connected(self, now: datetime, *, token_at: datetime, token_until: datetime) -> None:
        """Live, and the end of the gap since the last frame that any process heard."""
        metrics.connected()
        self.connected_at = self.last_frame_at = now
        self.unwritten.append(partial(self._close_gap, now))
        self.say(FeedState.LIVE)
        self._tell(
            connected_at=now,
            last_frame_at=_earliest(now, self.writer.oldest_at),
            token_at=token_at,
            token_until=token_until,
        )
        self.uncounted += 1

    def lost(self, cause: str, *, since_s: float | None = None) -> None:
        """Nobody listens since the last frame; or since then, in seconds since the epoch, when that was earlier."""
        heard_until = datetime.fromtimestamp(since_s, UTC) if since_s else None
        self._listen_no_more(_earliest(self.last_frame_at, heard_until) or datetime.now(UTC), cause)

    def stopped(self) -> None:
        """Told to stop: nobody listens since we said goodbye, until somebody does again."""
        if self.state in (FeedState.LIVE, FeedState.SILENT):
            left_at = datetime.now(UTC) - LEAVING
            self._listen_no_more(max(self.last_frame_at or left_at, left_at), NOT_RUNNING)

    async def keep_noting(self) -> None:
        """Write what is new at once, and now and then the times of the last frame and event, and what follows."""
        clock = asyncio.get_running_loop().time
        note_at = clock() + NOTE_EVERY_S
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(note_at):
                    await self._news.wait()
            self._news.clear()
            is_time = clock() >= note_at
            note_at = clock() + NOTE_EVERY_S if is_time else note_at
            try:
                await self.write()
                if is_time:
                    await self._look_around()
            except LeaseLost:
                raise
            except Exception as error:  # noqa: BLE001 - a defect in what is told must not end what listens
                logger.error("the feed's state could not be told: %s", where(error))  # noqa: TRY400

    async def write(self) -> None:
        """What is not in the database yet, in order; what fails is tried again at the next call. Raises LeaseLost."""
        has_gaps = bool(self.unwritten)
        while self.unwritten:
            try:
                await self.database.run(self.unwritten[0])
            except (DatabaseError, InterfaceError) as error:
                logger.warning("a gap could not be written, it will be later: %r", error)
                return
            self.unwritten.popleft()
        if has_gaps and self.state == FeedState.LIVE:
            self.on_connected()  # only now repair can see the gap
        untold, self.untold = self.untold, {}
        count, self.uncounted = self.uncounted, 0
        counted = {"reconnects": _with(count)} if count else {}
        if untold and not await self._try(self._update, **untold, **counted):
            self.untold = untold | self.untold
            self.uncounted += count

    async def _look_around(self) -> None:
        self._look_at_disk()
        if not self.unwritten:  # a note that is newer than a gap would hide the gap, should this process be killed
            await self._try(self._note, _earliest(self.last_frame_at, self.writer.oldest_at))
        await self._try(gaps.cover)
        await self._write_loss()
        await self._look_at_silence()

    def _listen_no_more(self, since: datetime, cause: str) -> None:
        metrics.disconnected()
        self.unwritten.append(partial(gaps.open_gap, self.held, since, cause))
        self._news.set()

    def _tell(self, **values: Any) -> None:
        self.untold |= values
        self._news.set()

    def _look_at_disk(self) -> None:
        with contextlib.suppress(OSError):  # a disk that cannot even be asked shows when it is written to
            metrics.disk_free(room.free_bytes())
            if (is_low := room.is_low()) and not self.disk_was_low:
                logger.error("the disk is nearly full: soon neither a database file nor the spool can grow")
            self.disk_was_low = is_low

    async def _look_at_silence(self) -> None:
        if self.state not in (FeedState.LIVE, FeedState.SILENT) or self.connected_at is None:
            return
        looked_at = self.state, self.connected_at
        reason = await self._try(self.watch.look, datetime.now(UTC), self.connected_at, self.last_event_at) or ""
        if (self.state, self.connected_at) == looked_at and reason != self.reason:
            self.say(FeedState.SILENT if reason else FeedState.LIVE, reason=reason)

    async def _write_loss(self) -> None:
        """Events that came and found no room are a gap like any other; written when there is room again."""
        loss = self.writer.loss
        if loss is None or self.writer.behind_since is not None:
            return
        cause = f"{loss.events} events were lost: neither the database nor the disk had room for them"
        if await self._try(self._write_lost, loss.first_at, loss.last_at, cause):
            self.writer.loss = None

    async def _try(self, call: Callable[..., T], *args: Any, **kwargs: Any) -> T | None:
        try:
            return await self.database.run(call, *args, **kwargs)
        except (DatabaseError, InterfaceError) as error:
            logger.warning("the feed's state could not be written: %r", error)
            return None

    # In the thread of the database

    def _resume(self) -> None:
        """Take over what the holder before knew: when it last heard anything, and nobody did since."""
        noted = Feed.objects.values_list("last_event_at", flat=True).get(pk=self.held[0])
        self.last_event_at = self.last_event_at or noted
        heard_at = gaps.last_heard(self.held[0])
        if heard_at is not None:
            gaps.open_gap(self.held, heard_at, NOT_RUNNING)

    def _close_gap(self, ended_at: datetime) -> None:
        metrics.missed(gaps.close_gap(self.held, ended_at))

    def _write_lost(self, first_at: datetime, last_at: datetime, cause: str) -> bool:
        gaps.add_gap(self.held, first_at, last_at, cause)
        return True

    def _update(self, **values: Any) -> bool:
        """Write, unless somebody else holds the lease by now."""
        feed_pk, fence = self.held
        if Feed.objects.filter(pk=feed_pk, fence=fence).update(**values):
            notify(0)
        return True

    def _note(self, heard_at: datetime | None) -> None:
        feed_pk, fence = self.held
        skew_s = (datetime.now(UTC) - lease.now()).total_seconds()
        is_behind = self.writer.behind_since is not None
        times = {
            "last_frame_at": heard_at,
            "last_event_at": self.last_event_at,
            "last_heartbeat_at": self.last_heartbeat_at,
        }
        Feed.objects.filter(pk=feed_pk, fence=fence).update(
            clock_skew_s=round(skew_s, 1),
            behind_since=self.writer.behind_since,
            spooled=self.writer.behind if is_behind else 0,
            metrics=metrics.dump(),
            **{name: at for name, at in times.items() if at},
        )


def _with(connections: int) -> Case:
    """How often the feed has connected again; the first time of all is not again."""
    return Case(When(connected_at=None, then=connections - 1), default=F("reconnects") + connections)


def _earliest(*instants: datetime | None) -> datetime | None:
    return min(filter(None, instants), default=None)
