"""From what the reader hands over to the log: at once, and what comes meanwhile in the next batch.

While the database is away or slow, everything goes to the spool, so that the end of the process loses nothing; when
it is back, the spool is drained first. Only when the disk takes no more does anything wait in memory, and only when
that is full is anything lost, which is counted and said.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice

from django.db import DatabaseError, InterfaceError, OperationalError

from zoomfeed import metrics
from zoomfeed.database import Database
from zoomfeed.exceptions import LeaseLost
from zoomfeed.metrics import Loss
from zoomfeed.notify import ring
from zoomfeed.recent import Recent, forgotten
from zoomfeed.record import Incoming, record, where
from zoomfeed.segment import Entry
from zoomfeed.spool import Spool

logger = logging.getLogger(__name__)

MOST_WAITING = 10_000
MOST_IN_BATCH = 1000
PATIENCE_S = 1.0
"""A commit that takes longer is no reason to keep what waits in memory only,"""

SPILL_S = 0.25
"""and from then on it goes to the disk so often."""

LAST_WAIT_S = 3.2
"""The longest pause between two tries of the database."""

SAY_S = 2.0
"""How often pages and the log are told that the database is away."""

ADOPT_S = 60.0
FINISH_S = 2.5
"""How long the database may take at the end; then what waits stays in the spool for the next start."""

AWAY = (DatabaseError, InterfaceError)


@dataclass
class Batch:
    """What is being committed. The first `on_disk` of its items are the oldest entries of the spool."""

    items: list[Incoming]
    on_disk: int = 0


@dataclass
class Losing:
    """Events that neither the database nor the disk took: from when to when they came, and how many."""

    first_at: datetime
    last_at: datetime
    events: int = 1


class Writer:
    """Lives as long as its process. `fence` is that of the lease while the process has it.

    What a holder read before it lost the lease is entered all the same: the log takes what Zoom has sent, once,
    whoever brings it. Only as the holder it may not write any more.
    """

    def __init__(self, database: Database, spool: Spool) -> None:
        self.database = database
        self.spool = spool
        self.fence: tuple[int, int] | None = None
        self.lease_lost = asyncio.Event()
        self.behind_since: datetime | None = None
        self.loss: Losing | None = None
        self._waiting: deque[Incoming] = deque()
        self._in_hand: Batch | None = None
        self._recent, self._lives = Recent(), 0
        self._came, self._room, self._settled = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._is_full = False
        self._finish_at: float | None = None
        self._said_at = self._adopt_at = float("-inf")
        self._telling: asyncio.Task[None] | None = None
        self._clock = asyncio.get_running_loop().time

    @property
    def behind(self) -> int:
        """How many events wait for the database."""
        return len(self.spool) + len(self._waiting)

    @property
    def oldest_at(self) -> datetime | None:
        """When the oldest came that the end of this process would lose."""
        in_hand = self._in_hand.items[self._in_hand.on_disk :] if self._in_hand else []
        return next((item.received_at for item in (*in_hand[:1], *islice(self._waiting, 1))), None)

    async def take(self, incoming: Incoming) -> None:
        """Accept one. Waits for room in memory, never for the database."""
        while len(self._waiting) >= MOST_WAITING:
            if self._is_full:
                self._lose(incoming)
                return
            self._room.clear()
            await self._room.wait()
        self._settled.clear()
        self._waiting.append(incoming)
        self._came.set()

    async def run(self) -> None:
        """Until told to finish."""
        wait_s = 0.1
        try:
            while (batch := await self._next()) is not None:
                self._in_hand = batch
                is_done = await self._commit(batch)
                self._in_hand = None
                if is_done:
                    wait_s = 0.1
                else:
                    await self._pause(wait_s)
                    wait_s = min(wait_s * 2, LAST_WAIT_S)
        finally:
            await self._leave()

    def finish(self) -> None:
        """Write what there is, and end; what the database does not take within a few seconds stays in the spool."""
        self._finish_at = self._clock() + FINISH_S
        self._came.set()

    async def settled(self, within_s: float) -> None:
        """Until everything is in the log, or so long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._settled.wait()

    # Batches

    async def _next(self) -> Batch | None:
        """The oldest that there is; None when there is nothing and no more will come."""
        while self._finish_at is None or (self.behind and not self._is_over()):
            if self.database.lives != self._lives:
                await self._look_back()
            if len(self.spool):
                await self._spill(None)  # what came meanwhile is as safe as what came before it
                if entries := await self._from_disk():
                    items = [_incoming(entry) for entry in entries]
                    self.behind_since = self.behind_since or items[0].received_at
                    return Batch(items, len(items))
            elif self._waiting:
                items = [self._waiting.popleft() for _ in range(min(MOST_IN_BATCH, len(self._waiting)))]
                self._room.set()
                return Batch(items)
            else:
                await self._idle()
        return None

    async def _look_back(self) -> None:
        """After each new connection: does the database behind it still have what was committed?"""
        lives = self.database.lives
        try:
            gone = await self.database.run(forgotten, self._recent.items())
        except AWAY:
            return  # asked again before the next batch
        self._lives = lives
        if gone:
            logger.warning("the database has lost %d events that it had: entering them again", len(gone))
            self._waiting.extendleft(reversed(gone))

    async def _idle(self) -> None:
        """Until something comes, or it is time to look for what others left."""
        self._settled.set()
        self._came.clear()
        if self._finish_at is not None:
            return  # that was said while the database was asked, and is cleared with the rest
        if self._clock() >= self._adopt_at:
            await self._adopt()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(self._adopt_at):
                await self._came.wait()

    async def _from_disk(self) -> list[Entry]:
        """The oldest that can be read. None: what waited was damaged, and is kept aside."""
        if not (entries := await asyncio.to_thread(self.spool.peek, MOST_IN_BATCH)):
            await asyncio.to_thread(self.spool.drop, 0)
        return entries

    async def _adopt(self) -> None:
        """Take over what a process left that died on this machine."""
        self._adopt_at = self._clock() + ADOPT_S
        try:
            if adopted := await asyncio.to_thread(self.spool.adopt):
                logger.warning("%d events of an earlier process wait in the spool: entering them", adopted)
                self._came.set()
        except OSError as error:
            logger.error("the spool cannot be read: %r", error)  # noqa: TRY400 - where it happened says nothing

    async def _commit(self, batch: Batch) -> bool:
        """Try once; whether it is done with. Writing twice is harmless."""
        fence = self.fence
        commit = asyncio.ensure_future(self.database.run(record, batch.items, fence=fence))
        patience_s = SPILL_S if batch.on_disk else PATIENCE_S
        while not (await asyncio.wait([commit], timeout=patience_s))[0]:
            patience_s = SPILL_S
            await self._spill(batch, "the database is slow")
            if self._is_over():
                self._put_back(batch)
                return False
        try:
            commit.result()
        except LeaseLost:
            if self.fence == fence:  # else it was an older lease, and there is a new one
                self.fence = None
                self.lease_lost.set()
            self._put_back(batch)
            return True  # without the fence at once
        except AWAY as error:
            return await self._failed(batch, error)
        except Exception as error:  # noqa: BLE001 - whatever it is, the events must not be lost for it
            # a trace would print what strangers wrote
            logger.error("%d events could not be recorded together: %s", len(batch.items), where(error))  # noqa: TRY400
            return await self._one_by_one(batch)
        await self._done(batch)
        return True

    async def _one_by_one(self, batch: Batch) -> bool:
        """Keep what breaks `record` itself as a rejected frame, so that it cannot break it for ever."""
        try:
            for item in batch.items:
                await self._record_or_reject(item)
        except AWAY as error:
            return await self._failed(batch, error)
        await self._done(batch)
        return True

    async def _record_or_reject(self, item: Incoming) -> None:
        try:
            await self.database.run(record, [item])
        except AWAY:
            raise
        except Exception as error:  # noqa: BLE001 - kept below, with what it was
            rejected = replace(item, rejected=f"could not be recorded: {where(error)}")
            await self.database.run(record, [rejected])

    async def _failed(self, batch: Batch, error: Exception) -> bool:
        is_weather = isinstance(error, OperationalError | InterfaceError)
        await self._spill(batch, repr(error) if is_weather else where(error))  # others may print a row
        self._put_back(batch)
        return False

    async def _done(self, batch: Batch) -> None:
        self._recent.add(batch.items, self._clock())
        if batch.on_disk:
            try:
                await asyncio.to_thread(self.spool.drop, batch.on_disk)
            except OSError as error:
                logger.warning("the spool cannot be written: %r", error)
        self._is_full = False
        self._room.set()
        if self.behind_since is not None and not len(self.spool):
            self.behind_since = None
            logger.warning("the database is up to date again")
        self._measure()

    def _put_back(self, batch: Batch) -> None:
        self._waiting.extendleft(reversed(batch.items[batch.on_disk :]))

    # When the database does not answer

    async def _spill(self, batch: Batch | None, reason: str = "") -> None:
        """Put on the disk what is in memory only: the batch in hand first, for it is older."""
        if batch is not None:
            self.behind_since = self.behind_since or batch.items[0].received_at
            self._say(reason, len(batch.items) - batch.on_disk)
        in_hand = batch.items[batch.on_disk :] if batch else []
        items = [*in_hand, *self._waiting]
        kept = await self._to_disk(items)
        if batch is not None:
            batch.on_disk += min(kept, len(in_hand))
        for _ in range(kept - len(in_hand)):
            self._waiting.popleft()
        self._is_full = kept < len(items)
        self._room.set()
        self._measure()

    async def _to_disk(self, items: Sequence[Incoming]) -> int:
        """How many fitted, from the first."""
        kept = 0
        try:
            while kept < len(items):
                entries = [_entry(item) for item in items[kept : kept + MOST_IN_BATCH]]
                fitted = await asyncio.to_thread(self.spool.append, entries)
                kept += fitted
                if fitted < len(entries):
                    self._say("the spool is full", 0)
                    break
        except OSError as error:
            self._say(f"the spool cannot be written ({error.strerror or error!r})", 0)
        return kept

    async def _pause(self, seconds: float) -> None:
        """Wait before the next try, while what comes goes to the disk."""
        ends = self._clock() + seconds
        while (left_s := ends - self._clock()) > 0 and not self._is_over():
            await asyncio.sleep(min(SPILL_S, left_s))
            await self._spill(None)

    async def _leave(self) -> None:
        """What waits in memory goes to the disk, for the next start."""
        if self._in_hand is not None:  # cancelled in the middle of a commit
            self._put_back(self._in_hand)
        if self._waiting:
            kept = await self._to_disk(list(self._waiting))
            if lost := len(self._waiting) - kept:
                metrics.lost(lost, Loss.STOPPED)
                logger.error("%d events are lost: the database is away, and the spool takes no more", lost)
        if len(self.spool):
            logger.warning("%d events wait in the spool for the next start", len(self.spool))
        await asyncio.to_thread(self.spool.close)

    def _is_over(self) -> bool:
        return self._finish_at is not None and self._clock() >= self._finish_at

    def _lose(self, incoming: Incoming) -> None:
        metrics.lost(1, Loss.SPOOL_FULL)
        if self.loss is None:
            self.loss = Losing(incoming.received_at, incoming.received_at)
        else:
            self.loss.last_at, self.loss.events = incoming.received_at, self.loss.events + 1
        self._say("EVENTS ARE BEING LOST: neither the database nor the disk takes them", 0)

    def _say(self, reason: str, in_hand: int) -> None:
        """Loudly, but not for every batch."""
        if self._clock() - self._said_at < SAY_S:
            return
        self._said_at = self._clock()
        logger.error("%d events wait for the database: %s", self.behind + in_hand, reason)
        if self.behind_since is not None and (self._telling is None or self._telling.done()):
            self._telling = asyncio.create_task(_tell(self.behind_since))

    def _measure(self) -> None:
        metrics.waiting(len(self._waiting))
        metrics.spooled(len(self.spool), self.spool.bytes)


async def _tell(behind_since: datetime) -> None:
    """Ring without news, so that pages learn since when the log is behind, though the database cannot tell them."""
    with contextlib.suppress(Exception):
        await ring(0, behind_since=behind_since)


def _entry(item: Incoming) -> Entry:
    return Entry(item.body, item.received_at.timestamp(), item.transport, item.rejected)


def _incoming(entry: Entry) -> Incoming:
    return Incoming(entry.body, datetime.fromtimestamp(entry.received_at, UTC), entry.transport, entry.rejected)
