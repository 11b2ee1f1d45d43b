"""What pages are told of the link to Zoom: the Feed row of the subscription that this process holds, and its gaps.

A page can wait for such news; a socket cannot. So a database that is away costs a warning here, and nothing else:
what could not be written is kept and written later.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from django.db import DatabaseError, InterfaceError

from zoomfeed import gaps, lease, metrics, room, systemd
from zoomfeed.database import Database
from zoomfeed.models import Feed, FeedState
from zoomfeed.notify import notify
from zoomfeed.silence import Watch
from zoomfeed.writer import Writer

logger = logging.getLogger(__name__)
T = TypeVar("T")

NOTE_EVERY_S = 5.0
NOT_RUNNING = "the feed was not running"


@dataclass
class Unwritten:
    """A gap that is over and not in the database yet."""

    started_at: datetime | None
    ended_at: datetime
    cause: str


class Status:
    """Of one lease: `held` is the Feed row's primary key and the fencing number."""

    def __init__(
        self, database: Database, held: tuple[int, int], writer: Writer, on_connected: Callable[[], None]
    ) -> None:
        self.database = database
        self.held = held
        self.writer = writer
        self.on_connected = on_connected
        self.watch = Watch()
        self.state, self.reason = FeedState.STANDBY, ""
        self.gap_cause = NOT_RUNNING
        self.gap_started_at: datetime | None = None
        self.connected_at: datetime | None = None
        self.last_frame_at: datetime | None = None
        self.last_event_at: datetime | None = None
        self.unwritten: list[Unwritten] = []
        self.disk_was_low = False

    async def begin(self) -> None:
        """Take over what the holder before knew: when it last heard anything."""
        self.last_event_at = await self._try(self._last_event_at)
        heard_at = await self._try(gaps.last_heard, self.held[0])
        if heard_at is not None:
            await self._listen_no_more(heard_at, NOT_RUNNING)

    def heard(self, now: datetime, *, is_event: bool) -> None:
        self.last_frame_at = now
        if is_event:
            self.last_event_at = now

    async def say(
        self, state: FeedState, *, reason: str = "", attempt: int = 0, retry_at: datetime | None = None
    ) -> None:
        self.state, self.reason = state, reason
        systemd.notify(
            "READY=1", f"STATUS={state.label}. {reason}"
        )  # ready is who looks after itself, also while refused
        await self._try(self._update, state=state, reason=reason[:500], attempt=attempt, retry_at=retry_at)

    async def connected(self, now: datetime) -> None:
        """Live, and the end of the gap since the last frame that any process heard."""
        self.state, self.reason, self.connected_at = FeedState.LIVE, "", now
        metrics.connected()
        systemd.notify("READY=1", "STATUS=Connected to Zoom.")
        self.unwritten.append(Unwritten(self.gap_started_at, now, self.gap_cause))
        if self.gap_started_at is not None:
            metrics.missed((now - self.gap_started_at).total_seconds())
        self.gap_started_at, self.last_frame_at = None, now
        await self._write_gaps()
        await self._try(self._write_connected, now)
        self.on_connected()

    async def lost(self, cause: str) -> None:
        """Nobody listens since the last frame."""
        await self._listen_no_more(self.last_frame_at or datetime.now(UTC), cause)

    async def stopped(self) -> None:
        """Told to stop: from now on nobody listens, until somebody does."""
        if self.state in (FeedState.LIVE, FeedState.SILENT):
            await self._listen_no_more(datetime.now(UTC), NOT_RUNNING)

    async def keep_noting(self) -> None:
        """Write the times of the last frame and event now and then, and tell when the silence gets long."""
        while True:
            await asyncio.sleep(NOTE_EVERY_S)
            self._look_at_disk()
            await self._write_gaps()
            await self._try(self._note)
            await self._try(gaps.cover)
            await self._write_loss()
            await self._look_at_silence()

    async def _listen_no_more(self, since: datetime, cause: str) -> None:
        metrics.disconnected()
        self.gap_started_at, self.gap_cause = since, cause
        await self._try(gaps.open_gap, self.held, since, cause)

    def _look_at_disk(self) -> None:
        with contextlib.suppress(OSError):  # a disk that cannot even be asked shows when it is written to
            metrics.disk_free(room.free_bytes())
            if (is_low := room.is_low()) and not self.disk_was_low:
                logger.error("the disk is nearly full: soon neither a database file nor the spool can grow")
            self.disk_was_low = is_low

    async def _look_at_silence(self) -> None:
        if self.state not in (FeedState.LIVE, FeedState.SILENT) or self.connected_at is None:
            return
        reason = await self._try(self.watch.look, datetime.now(UTC), self.connected_at, self.last_event_at) or ""
        if reason != self.reason:
            await self.say(FeedState.SILENT if reason else FeedState.LIVE, reason=reason)

    async def _write_gaps(self) -> None:
        while self.unwritten:
            gap = self.unwritten[0]
            try:
                await self.database.run(gaps.close_gap, self.held, gap.started_at, gap.ended_at, gap.cause)
            except (DatabaseError, InterfaceError) as error:
                logger.warning("a gap could not be written, it will be later: %r", error)
                return
            self.unwritten.pop(0)

    async def _write_loss(self) -> None:
        """Events that came and found no room are a gap like any other; written when there is room again."""
        loss = self.writer.loss
        if loss is None or self.writer.behind_since is not None:
            return
        cause = f"{loss.events} events were lost: neither the database nor the disk had room for them"
        if await self._try(self._write_lost, loss.first_at, loss.last_at, cause):
            self.writer.loss = None

    def _write_lost(self, first_at: datetime, last_at: datetime, cause: str) -> bool:
        gaps.add_gap(self.held, first_at, last_at, cause)
        return True

    async def _try(self, call: Callable[..., T], *args: Any, **kwargs: Any) -> T | None:
        try:
            return await self.database.run(call, *args, **kwargs)
        except (DatabaseError, InterfaceError) as error:
            logger.warning("the feed's state could not be written: %r", error)
            return None

    def _last_event_at(self) -> datetime | None:
        return Feed.objects.values_list("last_event_at", flat=True).get(pk=self.held[0])

    def _update(self, **values: Any) -> None:
        """Write, unless somebody else holds the lease by now."""
        feed_pk, fence = self.held
        if Feed.objects.filter(pk=feed_pk, fence=fence).update(**values):
            notify(0)

    def _write_connected(self, now: datetime) -> None:
        feed = Feed.objects.get(pk=self.held[0])
        self._update(
            state=FeedState.LIVE,
            reason="",
            attempt=0,
            retry_at=None,
            connected_at=now,
            last_frame_at=now,
            reconnects=feed.reconnects + (feed.connected_at is not None),
        )

    def _note(self) -> None:
        feed_pk, fence = self.held
        skew_s = (datetime.now(UTC) - lease.now()).total_seconds()
        is_behind = self.writer.behind_since is not None
        times = {"last_frame_at": self.last_frame_at, "last_event_at": self.last_event_at}
        Feed.objects.filter(pk=feed_pk, fence=fence).update(
            clock_skew_s=round(skew_s, 1),
            behind_since=self.writer.behind_since,
            spooled=self.writer.behind if is_behind else 0,
            metrics=metrics.dump(),
            **{name: at for name, at in times.items() if at},
        )
