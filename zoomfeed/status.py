"""What pages are told of the link to Zoom: the Feed row of the subscription that this process holds, and its gaps.

A page can wait for such news; a socket cannot. So a database that is away costs a warning here, and nothing else.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import DatabaseError, InterfaceError

from zoomfeed.database import Database
from zoomfeed.models import Feed, FeedState, Gap
from zoomfeed.notify import notify

logger = logging.getLogger(__name__)

NOTE_EVERY_S = 5.0
QUIET = timedelta(hours=1)
NEVER_HEARD = timedelta(minutes=2)

SAVE_ANEW = (
    "Connected, but no event has ever come. If a meeting has started since, remove the event subscription in the "
    "app's settings at Zoom and save it anew."
)
QUIET_FOR_LONG = "Connected, and Zoom answers, but no event has come for an hour. That is right when nobody meets."


def silence(now: datetime, connected_at: datetime, last_event_at: datetime | None) -> str:
    """Why an open socket may deserve no trust, or nothing. Zoom can accept a subscription and never deliver."""
    if last_event_at is None:
        return SAVE_ANEW if now - connected_at >= NEVER_HEARD else ""
    return QUIET_FOR_LONG if now - max(connected_at, last_event_at) >= QUIET else ""


class Status:
    """Of one lease: `held` is the Feed row's primary key and the fencing number."""

    def __init__(self, database: Database, held: tuple[int, int]) -> None:
        self.database = database
        self.feed_pk, self.fence = held
        self.state = FeedState.STANDBY
        self.gap_cause = "the feed was not running"
        self.connected_at: datetime | None = None
        self.last_frame_at: datetime | None = None
        self.last_event_at: datetime | None = None

    def heard(self, now: datetime, *, is_event: bool) -> None:
        self.last_frame_at = now
        if is_event:
            self.last_event_at = now

    async def say(
        self, state: FeedState, *, reason: str = "", attempt: int = 0, retry_at: datetime | None = None
    ) -> None:
        self.state = state
        await self._try(self._update, state=state, reason=reason[:500], attempt=attempt, retry_at=retry_at)

    async def connected(self, now: datetime) -> None:
        """Live, and a gap since the last frame that any process heard."""
        self.state, self.connected_at = FeedState.LIVE, now
        await self._try(self._write_connected, now)
        self.last_frame_at = now

    def lost(self, cause: str) -> None:
        self.gap_cause = cause

    async def keep_noting(self) -> None:
        """Write the times of the last frame and event now and then, and tell when the silence gets long."""
        while True:
            await asyncio.sleep(NOTE_EVERY_S)
            await self._try(self._write_times)
            if self.state in (FeedState.LIVE, FeedState.SILENT) and self.connected_at:
                reason = silence(datetime.now(UTC), self.connected_at, self.last_event_at)
                state = FeedState.SILENT if reason else FeedState.LIVE
                if state != self.state:
                    await self.say(state, reason=reason)

    async def _try(self, call: Callable[..., None], *args: Any, **kwargs: Any) -> None:
        try:
            await self.database.run(call, *args, **kwargs)
        except (DatabaseError, InterfaceError) as error:
            logger.warning("the feed's state could not be written: %r", error)

    def _row(self) -> Any:
        return Feed.objects.filter(pk=self.feed_pk, fence=self.fence)

    def _update(self, **values: Any) -> None:
        if self._row().update(**values):
            notify(0)

    def _write_connected(self, now: datetime) -> None:
        feed = Feed.objects.get(pk=self.feed_pk)
        self.last_event_at = max(filter(None, (self.last_event_at, feed.last_event_at)), default=None)
        heard_at = max(filter(None, (self.last_frame_at, feed.last_frame_at)), default=None)
        if heard_at and now > heard_at:
            Gap.objects.create(feed=feed, started_at=heard_at, ended_at=now, cause=self.gap_cause[:300])
        self._update(
            state=FeedState.LIVE,
            reason="",
            attempt=0,
            retry_at=None,
            connected_at=now,
            last_frame_at=now,
            reconnects=feed.reconnects + (feed.connected_at is not None),
        )

    def _write_times(self) -> None:
        times = {"last_frame_at": self.last_frame_at, "last_event_at": self.last_event_at}
        if known := {name: at for name, at in times.items() if at}:
            self._row().update(**known)
