"""The life around a connection: lease, reconnect, batches, state.

The reader hands every event to the intake and never waits for the database. The writer commits the first event at
once; what arrives while a commit runs makes the next batch. Database work has one thread of its own.
"""

import asyncio
import logging
import os
import random
import socket as sockets
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from django.conf import settings
from django.db import DatabaseError, InterfaceError, close_old_connections, connection

from zoomfeed import lease, protocol, upstream
from zoomfeed.exceptions import (
    ConnectionLost,
    LeaseLost,
    PersonMustAct,
    SettingMissing,
    SubscriptionRefused,
    TimeMayMend,
)
from zoomfeed.models import Feed, FeedState, Gap
from zoomfeed.notify import notify
from zoomfeed.oauth import GRANTS, Issuer, redact
from zoomfeed.record import Incoming, Recorded
from zoomfeed.record import record as record_batch

logger = logging.getLogger(__name__)

MOST_WAITING = 10_000
MOST_IN_BATCH = 500
HEALTHY_S = 300.0
SOON_CLOSED_S = 10.0
NOTE_EVERY_S = 5.0

T = TypeVar("T")
Record = Callable[..., Recorded]


@dataclass(frozen=True, slots=True)
class Subscription:
    """One event subscription of a Zoom app, and where to reach Zoom."""

    account_id: str
    client_id: str
    client_secret: str = field(repr=False)
    subscription_id: str
    grant: str
    oauth_url: str
    ws_url: str
    secret_token: str = field(default="", repr=False)
    simulated: bool = False

    @classmethod
    def from_settings(cls) -> "Subscription":
        """Raises SettingMissing, which names the first variable that is empty and where to find its value."""
        page = "It stands on the credentials page of your app in Zoom's App Marketplace."
        needed = {
            "ZOOM_ACCOUNT_ID": page,
            "ZOOM_CLIENT_ID": page,
            "ZOOM_CLIENT_SECRET": page,
            "ZOOM_SUBSCRIPTION_ID": "It is the endpoint URL that the app's event subscription shows.",
        }
        for name, where in needed.items():
            if not getattr(settings, name):
                raise SettingMissing(name, where)
        return cls(
            settings.ZOOM_ACCOUNT_ID,
            settings.ZOOM_CLIENT_ID,
            settings.ZOOM_CLIENT_SECRET,
            settings.ZOOM_SUBSCRIPTION_ID,
            settings.ZOOM_OAUTH_GRANT,
            settings.ZOOM_OAUTH_URL,
            settings.ZOOM_WS_URL,
            settings.ZOOM_WEBHOOK_SECRET_TOKEN,
        )


def backoff(attempt: int, chance: float, *, cap_s: float = 60.0) -> float:
    """Seconds to wait before try number `attempt` (from 1): full jitter below a doubling ceiling, a second at first.

    `chance` is a random number from 0 to 1.
    """
    return chance * min(cap_s, 2.0 ** min(attempt - 1, 16))


class Database:
    """The feed's one thread for the database, with one persistent connection."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="feed-database")

    async def run(self, call: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        def in_thread() -> T:
            close_old_connections()
            return call(*args, **kwargs)

        return await asyncio.get_running_loop().run_in_executor(self._executor, in_thread)

    async def close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._executor, connection.close)
        self._executor.shutdown(wait=False)


class FeedRunner:
    """Holds one subscription's socket for as long as it holds its lease."""

    def __init__(
        self, subscription: Subscription, stop: asyncio.Event, *, timing: upstream.Timing, record: Record
    ) -> None:
        self.subscription = subscription
        self.stop = stop
        self.timing = timing
        self.record = record
        self.key = upstream.subscription_id(subscription.subscription_id)
        self.holder = f"{sockets.gethostname()}:{os.getpid()}"
        self.issuer = Issuer(
            subscription.oauth_url, subscription.account_id, subscription.client_id, subscription.client_secret
        )
        self.database = Database()
        self.intake: asyncio.Queue[Incoming | None] = asyncio.Queue(MOST_WAITING)
        self.held: tuple[int, int] | None = None
        self.last_frame_at: datetime | None = None
        self.last_event_at: datetime | None = None
        self.unknown_modules: set[str] = set()

    async def run(self) -> None:
        try:
            while not self.stop.is_set():
                await self._stand_by()
                if self.held:
                    await self._hold()
        finally:
            await self.database.close()

    async def _stand_by(self) -> None:
        """Wait for the lease."""
        while not self.stop.is_set():
            try:
                self.held = await self.database.run(
                    lease.acquire, self.key, self.holder, simulated=self.subscription.simulated
                )
            except (DatabaseError, InterfaceError) as error:
                logger.warning("the database is away: %r", error)
            if self.held:
                return
            await self._sleep(lease.RENEW_S)

    async def _hold(self) -> None:
        """Connect, read and write until told to stop or until the lease is lost."""
        try:
            async with asyncio.TaskGroup() as group:
                keeper = group.create_task(self._keep_lease(), name="lease")
                writer = group.create_task(self._write(), name="writer")
                noter = group.create_task(self._note_times(), name="notes")
                await self._keep_connected()
                await self.intake.put(None)
                await writer
                keeper.cancel()
                noter.cancel()
            if self.held:
                await self.database.run(lease.release, *self.held)
                notify(0)
        except* LeaseLost:
            logger.warning("another process holds the feed now; standing by")
        finally:
            self.held = None

    async def _keep_lease(self) -> None:
        assert self.held
        while True:
            await asyncio.sleep(lease.RENEW_S)
            try:
                await self.database.run(lease.renew, *self.held)
            except (DatabaseError, InterfaceError) as error:
                # nobody else can take the lease either while the database is away: keep the socket
                logger.warning("the lease could not be renewed: %r", error)

    # Connections

    async def _keep_connected(self) -> None:
        attempt, other_grant_tried, grant = 0, False, self.subscription.grant
        while not self.stop.is_set():
            await self._state(FeedState.CONNECTING if not attempt else FeedState.RECONNECTING, attempt=attempt)
            opened_at = asyncio.get_running_loop().time()
            try:
                await self._one_connection(grant)
            except upstream.Recycle:
                logger.info("connection is old enough: opening a new one")
                self.issuer.drop(grant)
                attempt = 0
                continue
            except upstream.Refused as refused:
                self.issuer.drop(grant)
                attempt += 1
                if attempt >= 2 and not other_grant_tried:
                    grant, other_grant_tried = next(other for other in GRANTS if other != grant), True
                problem: Exception = SubscriptionRefused(redact(refused.text[:200]))
            except (TimeMayMend, PersonMustAct) as error:
                problem = error
                healthy = asyncio.get_running_loop().time() - opened_at > HEALTHY_S
                attempt = 1 if healthy else attempt + 1
            else:
                return
            await self._wait_to_retry(problem, attempt, asyncio.get_running_loop().time() - opened_at)

    async def _wait_to_retry(self, problem: Exception, attempt: int, lasted_s: float) -> None:
        wait_s = backoff(attempt, random.random())  # noqa: S311 - jitter
        state, reason = FeedState.RECONNECTING, str(problem)
        if isinstance(problem, PersonMustAct):
            state, wait_s = FeedState.REFUSED, wait_s if attempt <= 3 else max(wait_s, 30.0 + 30.0 * random.random())  # noqa: S311
            logger.error("%s", problem)
        else:
            logger.warning("%s Trying again in %.1f s.", problem, wait_s)
        if isinstance(problem, ConnectionLost) and problem.code == 1000 and lasted_s < SOON_CLOSED_S and attempt > 2:
            reason = "Zoom closes the socket as soon as it is open: another client uses the same subscription."
            wait_s = max(wait_s, 10.0)
        wait_s = max(wait_s, getattr(problem, "retry_after_s", None) or 0.0)
        retry_at = datetime.now(UTC) + timedelta(seconds=wait_s)
        await self._state(state, reason=reason, attempt=attempt, retry_at=retry_at)
        await self._sleep(wait_s)

    async def _one_connection(self, grant: str) -> None:
        token = await asyncio.to_thread(self.issuer.token, grant)
        url = upstream.endpoint(self.subscription.ws_url, self.subscription.subscription_id, token.value)
        async with upstream.open_socket(url, self.timing) as socket:
            now = datetime.now(UTC)
            logger.info("connected: Zoom accepted the subscription")
            await self._try_database(self._note_connected, now)
            self.last_frame_at = now
            cause = "the feed was stopped"
            try:
                await upstream.read(socket, self._take, self.timing, self.stop)
            except ConnectionLost as error:
                cause = str(error)
                raise
            finally:
                self.gap_cause = cause

    gap_cause = "the feed was not running"

    async def _take(self, raw: bytes, frame: protocol.Frame) -> None:
        now = datetime.now(UTC)
        self.last_frame_at = now
        match frame:
            case protocol.Delivery():
                self.last_event_at = now
                await self.intake.put(Incoming(frame.body, now))
            case protocol.Unreadable():
                await self.intake.put(Incoming(raw, now, rejected=frame.reason))
            case protocol.UnknownModule() if frame.module not in self.unknown_modules:
                self.unknown_modules.add(frame.module)
                logger.warning("Zoom sent a frame of an unknown kind: %r", frame.module[:80])

    # Writing

    async def _write(self) -> None:
        while (batch := await self._gather()) is not None:
            await self._commit(batch)

    async def _gather(self) -> list[Incoming] | None:
        """The next batch: what waits by now; None when the reader has ended and all is written."""
        first = await self.intake.get()
        if first is None:
            return None
        batch = [first]
        while len(batch) < MOST_IN_BATCH and not self.intake.empty():
            following = self.intake.get_nowait()
            if following is None:
                self.intake.put_nowait(None)
                break
            batch.append(following)
        return batch

    async def _commit(self, batch: Sequence[Incoming]) -> None:
        """Write one batch, however long the database is away; recording it twice is harmless."""
        for wait_s in _retries():
            try:
                await self.database.run(self.record, batch, fence=self.held)
            except (DatabaseError, InterfaceError) as error:
                logger.warning("%d events wait for the database: %r", len(batch) + self.intake.qsize(), error)
            else:
                return
            await asyncio.sleep(wait_s)

    # What pages are told

    async def _state(
        self, state: FeedState, *, reason: str = "", attempt: int = 0, retry_at: datetime | None = None
    ) -> None:
        values = {"state": state, "reason": reason[:500], "attempt": attempt, "retry_at": retry_at}
        await self._try_database(self._update, values)

    def _update(self, values: dict[str, Any]) -> None:
        if self.held and Feed.objects.filter(pk=self.held[0], fence=self.held[1]).update(**values):
            notify(0)

    def _note_connected(self, now: datetime) -> None:
        """Say that we are live, and that we were not since the last frame that any process heard."""
        assert self.held
        feed = Feed.objects.get(pk=self.held[0])
        heard_at = max(filter(None, (self.last_frame_at, feed.last_frame_at)), default=None)
        if heard_at and now > heard_at:
            Gap.objects.create(feed=feed, started_at=heard_at, ended_at=now, cause=self.gap_cause[:300])
        self._update(
            {
                "state": FeedState.LIVE,
                "reason": "",
                "attempt": 0,
                "retry_at": None,
                "connected_at": now,
                "last_frame_at": now,
                "reconnects": feed.reconnects + (feed.connected_at is not None),
            }
        )

    async def _note_times(self) -> None:
        """Keep the times of the last frame and event in the Feed row, without a write for each."""
        while True:
            await asyncio.sleep(NOTE_EVERY_S)
            await self._try_database(self._write_times)

    def _write_times(self) -> None:
        assert self.held
        Feed.objects.filter(pk=self.held[0], fence=self.held[1]).update(
            last_frame_at=self.last_frame_at, last_event_at=self.last_event_at
        )

    async def _try_database(self, call: Callable[..., None], *args: Any) -> None:
        """For what pages may be told later as well: a database that is away must not cost the socket."""
        try:
            await self.database.run(call, *args)
        except (DatabaseError, InterfaceError) as error:
            logger.warning("the feed's state could not be written: %r", error)

    async def _sleep(self, seconds: float) -> None:
        """Sleep, or less when told to stop."""
        try:
            async with asyncio.timeout(seconds):
                await self.stop.wait()
        except TimeoutError:
            return


def _retries() -> Iterator[float]:
    wait_s = 0.1
    while True:
        yield wait_s
        wait_s = min(wait_s * 2, 5.0)


async def run_feed(
    subscription: Subscription,
    stop: asyncio.Event,
    *,
    timing: upstream.Timing | None = None,
    record: Record = record_batch,
) -> None:
    """Feed the log from one subscription until `stop` is set; then finish the batch in hand and let go of the lease."""
    await FeedRunner(subscription, stop, timing=timing or upstream.Timing(), record=record).run()
