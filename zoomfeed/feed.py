"""The life around a connection: lease, reconnect, batches, state.

The reader hands every event to the intake and never waits for the database. The writer commits the first event at
once; what arrives while a commit runs makes the next batch. Database work has one thread of its own.
"""

import asyncio
import logging
import os
import random
import socket as sockets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import DatabaseError, InterfaceError

from zoomfeed import lease, protocol, upstream
from zoomfeed.database import Database
from zoomfeed.exceptions import (
    ConnectionLost,
    LeaseLost,
    PersonMustAct,
    SettingMissing,
    SubscriptionRefused,
    TimeMayMend,
)
from zoomfeed.models import FeedState
from zoomfeed.oauth import GRANTS, Issuer, redact
from zoomfeed.record import Incoming, record
from zoomfeed.status import Status

logger = logging.getLogger(__name__)

MOST_WAITING = 10_000
MOST_IN_BATCH = 1000
HEALTHY_S = 300.0
"""A connection that lasted this long makes the next failure the first one again."""

SOON_S = 10.0
LAST_WAIT_S = 3.2
"""The longest pause between two tries of the database; one that is away this long at the end is given up."""


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


class FeedRunner:
    """Holds one subscription's socket for as long as it holds its lease."""

    def __init__(self, subscription: Subscription, stop: asyncio.Event, timing: upstream.Timing) -> None:
        self.subscription = subscription
        self.stop = stop
        self.timing = timing
        self.issuer = Issuer(
            subscription.oauth_url, subscription.account_id, subscription.client_id, subscription.client_secret
        )
        self.database = Database()

    async def run(self) -> None:
        try:
            while held := await self._stand_by():
                await self._hold(held)
        finally:
            await self.database.close()

    async def _stand_by(self) -> tuple[int, int] | None:
        """Wait for the lease; None when told to stop."""
        key = upstream.subscription_id(self.subscription.subscription_id)
        holder = f"{sockets.gethostname()}:{os.getpid()}"
        while not self.stop.is_set():
            try:
                held = await self.database.run(lease.acquire, key, holder, simulated=self.subscription.simulated)
            except (DatabaseError, InterfaceError) as error:
                logger.warning("the database is away: %r", error)
            else:
                if held:
                    return held
            await _sleep(lease.RENEW_S, self.stop)
        return None

    async def _hold(self, held: tuple[int, int]) -> None:
        """Connect, read and write until told to stop or until the lease is lost."""
        status = Status(self.database, held)
        writer = Writer(self.database, held, self.stop)
        try:
            async with asyncio.TaskGroup() as group:
                helpers = [group.create_task(self._keep_lease(held)), group.create_task(status.keep_noting())]
                writing = group.create_task(writer.run())
                await Connections(self, status, writer).keep()
                await writer.intake.put(None)
                await writing
                for task in helpers:
                    task.cancel()
            await self._let_go(held)
        except* LeaseLost:
            logger.warning("another process holds the feed now; standing by")

    async def _keep_lease(self, held: tuple[int, int]) -> None:
        while True:
            await asyncio.sleep(lease.RENEW_S)
            try:
                await self.database.run(lease.renew, *held)
            except (DatabaseError, InterfaceError) as error:
                # nobody else can take the lease either while the database is away: keep the socket
                logger.warning("the lease could not be renewed: %r", error)

    async def _let_go(self, held: tuple[int, int]) -> None:
        try:
            await self.database.run(lease.release, *held)
        except (DatabaseError, InterfaceError) as error:
            logger.warning("the lease could not be given back, it will run out: %r", error)


class Connections:
    """One connection after the other, and what to do between them."""

    def __init__(self, runner: FeedRunner, status: Status, writer: "Writer") -> None:
        self.runner = runner
        self.subscription, self.timing, self.stop = runner.subscription, runner.timing, runner.stop
        self.issuer = runner.issuer
        self.status = status
        self.writer = writer
        self.grant = runner.subscription.grant
        self.attempt = 0
        self.refusals = 0
        self.unknown_modules: set[str] = set()

    async def keep(self) -> None:
        """Be connected until told to stop."""
        clock = asyncio.get_running_loop().time
        while not self.stop.is_set():
            await self.status.say(
                FeedState.RECONNECTING if self.attempt else FeedState.CONNECTING, attempt=self.attempt
            )
            opened_at = clock()
            try:
                await self._one()
            except upstream.Recycle:
                logger.info("the connection is old enough: opening a new one")
                self.status.lost("the connection was renewed before its token ended")
                self.issuer.drop(self.grant)
                self.attempt = 0
            except upstream.Refused as refused:
                self._refused()
                await self._wait_for_a_person(SubscriptionRefused(redact(refused.text[:200])))
            except PersonMustAct as error:
                self.attempt += 1
                await self._wait_for_a_person(error)
            except TimeMayMend as error:
                lasted_s = clock() - opened_at
                self.attempt = 1 if lasted_s > HEALTHY_S else self.attempt + 1
                await self._wait_for_better_weather(error, lasted_s)

    async def _one(self) -> None:
        token = await asyncio.to_thread(self.issuer.token, self.grant)
        url = upstream.endpoint(self.subscription.ws_url, self.subscription.subscription_id, token.value)
        async with upstream.open_socket(url, self.timing) as socket:
            logger.info("connected: Zoom accepted the subscription")
            self.refusals = 0
            await self.status.connected(datetime.now(UTC))
            try:
                await upstream.read(socket, self._take, self.timing, self.stop)
            except ConnectionLost as error:
                self.status.lost(str(error))
                raise

    def _refused(self) -> None:
        """Try again with a fresh token, and then with the other grant: apps differ in which one the socket takes."""
        self.issuer.drop(self.grant)
        self.attempt += 1
        self.refusals += 1
        if self.refusals == 2:
            self.grant = next(other for other in GRANTS if other != self.grant)

    async def _wait_for_a_person(self, problem: PersonMustAct) -> None:
        """Three quick tries, for Zoom errs at times, too; then slowly."""
        wait_s = backoff(self.attempt, random.random())  # noqa: S311 - jitter
        if self.attempt > 3:
            wait_s = max(wait_s, 30.0 + 30.0 * random.random())  # noqa: S311
        logger.error("%s", problem)
        await self._wait(FeedState.REFUSED, str(problem), wait_s)

    async def _wait_for_better_weather(self, problem: TimeMayMend, lasted_s: float) -> None:
        wait_s = max(backoff(self.attempt, random.random()), problem.retry_after_s or 0.0)  # noqa: S311
        reason = str(problem)
        if isinstance(problem, ConnectionLost) and problem.code == 1000 and lasted_s < SOON_S and self.attempt > 2:
            reason = "Zoom closes the socket as soon as it is open: another client uses the same subscription."
            wait_s = max(wait_s, SOON_S)
        logger.warning("%s Trying again in %.1f s.", reason, wait_s)
        await self._wait(FeedState.RECONNECTING, reason, wait_s)

    async def _wait(self, state: FeedState, reason: str, wait_s: float) -> None:
        retry_at = datetime.now(UTC) + timedelta(seconds=wait_s)
        await self.status.say(state, reason=reason, attempt=self.attempt, retry_at=retry_at)
        await _sleep(wait_s, self.stop)

    async def _take(self, raw: bytes, frame: protocol.Frame) -> None:
        now = datetime.now(UTC)
        self.status.heard(now, is_event=isinstance(frame, protocol.Delivery))
        match frame:
            case protocol.Delivery():
                await self.writer.intake.put(Incoming(frame.body, now))
            case protocol.Unreadable():
                await self.writer.intake.put(Incoming(raw, now, rejected=frame.reason))
            case protocol.UnknownModule() if frame.module not in self.unknown_modules:
                self.unknown_modules.add(frame.module)
                logger.warning("Zoom sent a frame of an unknown kind: %r", frame.module[:80])


class Writer:
    """Commits what has come in: at once, and what comes meanwhile in the next batch."""

    def __init__(self, database: Database, held: tuple[int, int], stop: asyncio.Event) -> None:
        self.database = database
        self.held = held
        self.stop = stop
        self.intake: asyncio.Queue[Incoming | None] = asyncio.Queue(MOST_WAITING)

    async def run(self) -> None:
        """Until None comes in."""
        while (batch := await self._gather()) is not None:
            await self._commit(batch)

    async def _gather(self) -> list[Incoming] | None:
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
        """Write one batch, however long the database is away. Writing it twice is harmless."""
        for wait_s in _retries():
            try:
                await self.database.run(record, batch, fence=self.held)
            except (DatabaseError, InterfaceError) as error:
                logger.warning("%d events wait for the database: %r", len(batch) + self.intake.qsize(), error)
            else:
                return
            if self.stop.is_set() and wait_s >= LAST_WAIT_S:
                logger.error("%d events are lost: told to stop while the database is away", len(batch))
                return
            await asyncio.sleep(wait_s)


def _retries() -> Iterator[float]:
    wait_s = 0.1
    while True:
        yield wait_s
        wait_s = min(wait_s * 2, LAST_WAIT_S)


async def _sleep(seconds: float, stop: asyncio.Event) -> None:
    """Sleep, or less when told to stop."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return


async def run_feed(subscription: Subscription, stop: asyncio.Event, timing: upstream.Timing | None = None) -> None:
    """Feed the log from one subscription until `stop` is set; then finish the batch in hand and let go of the lease."""
    await FeedRunner(subscription, stop, timing or upstream.Timing()).run()
