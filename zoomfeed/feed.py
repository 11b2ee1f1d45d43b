"""The life around the connections: who may hold the socket, and what runs beside it.

The reader hands every event to the writer and never waits for the database. Database work has one thread of its own.
"""

import asyncio
import contextlib
import logging
import os
import socket as sockets
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, InterfaceError

from zoomfeed import lease, metrics, systemd, upstream
from zoomfeed.backoff import sleep
from zoomfeed.connections import Connections
from zoomfeed.counting import keep_counting
from zoomfeed.database import Database
from zoomfeed.exceptions import LeaseLost
from zoomfeed.oauth import Issuer
from zoomfeed.presence import Presence
from zoomfeed.repair.reconcile import Reconciler
from zoomfeed.spool import Spool
from zoomfeed.status import Status
from zoomfeed.subscription import Subscription
from zoomfeed.writer import Writer

logger = logging.getLogger(__name__)

SETTLE_S = 1.0
"""How long a holder that is told to stop may write before it lets the standby in."""

ASK_S = 2.0
"""How long the database may take to say whose the lease is, when the socket was taken from us."""


class FeedRunner:
    """Holds one subscription's socket for as long as it holds its lease."""

    def __init__(self, subscription: Subscription, stop: asyncio.Event, timing: upstream.Timing) -> None:
        self.subscription = subscription
        self.stop = stop
        self.timing = timing
        self.key = upstream.subscription_id(subscription.subscription_id)
        self.presence = Presence(Path(settings.SPOOL_DIR), self.key)
        self.holder = f"{sockets.gethostname()}:{os.getpid()}:{self.presence.token}"
        self.issuer = Issuer(
            subscription.oauth_url, subscription.account_id, subscription.client_id, subscription.client_secret
        )
        self.database = Database()
        self.writer = Writer(self.database, Spool(Path(settings.SPOOL_DIR), self.key))
        self._renewed_at = 0.0

    async def run(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                writing = group.create_task(self.writer.run())
                watchdog = group.create_task(systemd.keep_alive())
                while held := await self._stand_by():
                    await self._hold(held)
                systemd.notify("STOPPING=1")
                self.writer.finish()
                await writing
                watchdog.cancel()
        finally:
            self.presence.end()
            await self.database.close()

    async def _stand_by(self) -> tuple[int, int] | None:
        """Wait for the lease; None when told to stop."""
        has_said = False
        while not self.stop.is_set():
            asked_at = asyncio.get_running_loop().time()
            try:
                if held := await self._acquire():
                    self._renewed_at = asked_at
                    metrics.lease_changed()
                    return held
                if not has_said:
                    has_said = True
                    await self._say_standby()
            except (DatabaseError, InterfaceError) as error:
                logger.warning("the database is away: %r", error)
            await sleep(lease.LOOK_S, self.stop)
        return None

    async def _acquire(self) -> tuple[int, int] | None:
        held = await self.database.run(
            lease.acquire,
            self.key,
            self.holder,
            simulated=self.subscription.simulated,
            gone=self.presence.gone(),
        )
        if held:
            self.presence.sign()
        return held

    async def _say_standby(self) -> None:
        holder = await self.database.run(lease.holder_of, self.key)
        logger.info("standing by: %s holds the feed", holder)
        systemd.notify("READY=1", f"STATUS=Standing by: {holder} holds the feed.")

    async def _hold(self, held: tuple[int, int]) -> None:
        """Connect, read and write until told to stop or until the lease is lost."""
        self.writer.fence = held
        self.writer.lease_lost.clear()
        reconciler = Reconciler(self.subscription, self.issuer, self.database, held)
        status = Status(self.database, held, self.writer, reconciler.wake)
        connections = Connections(
            self.subscription, self.issuer, status, self.writer.take, lambda: self._confirm(held), self.timing
        )
        try:
            async with asyncio.TaskGroup() as group:
                helpers = [
                    group.create_task(self._keep_lease(held)),
                    group.create_task(self._notice_loss(held)),
                    group.create_task(status.keep_noting()),
                    group.create_task(keep_counting(self.database, held)),
                ]
                if self.subscription.api_url:
                    helpers.append(group.create_task(reconciler.keep()))
                await connections.keep(self.stop)
                await self.writer.settled(SETTLE_S)
                for task in helpers:
                    task.cancel()
            with contextlib.suppress(TimeoutError):  # a database that hangs must not keep us from ending
                async with asyncio.timeout(ASK_S):
                    status.stopped()
                    await status.write()
                    await self._let_go(held)
        except* LeaseLost:
            metrics.lease_changed()
            logger.warning("another process holds the feed now; standing by")
        finally:
            self.writer.fence = None

    async def _keep_lease(self, held: tuple[int, int]) -> None:
        while True:
            await asyncio.sleep(lease.RENEW_S)
            try:
                await self._renew(held)
            except (DatabaseError, InterfaceError) as error:
                # nobody else can take the lease either while the database is away: keep the socket
                logger.warning("the lease could not be renewed: %r", error)

    async def _renew(self, held: tuple[int, int]) -> None:
        asked_at = asyncio.get_running_loop().time()
        await self.database.run(lease.renew, *held)
        self._renewed_at = asked_at

    async def _confirm(self, held: tuple[int, int]) -> None:
        """Return when it is certain that the lease is still ours, however long the database is away.

        Raises LeaseLost.
        """
        while not self.stop.is_set():
            try:
                async with asyncio.timeout(ASK_S):
                    await self._renew(held)
            except (DatabaseError, InterfaceError, TimeoutError) as error:
                if asyncio.get_running_loop().time() - self._renewed_at < lease.LEASE.total_seconds():
                    return  # nobody else can have it yet
                logger.warning("the lease cannot be confirmed: %r", error)
                await sleep(lease.LOOK_S, self.stop)
            else:
                return

    async def _notice_loss(self, held: tuple[int, int]) -> None:
        await self.writer.lease_lost.wait()
        raise LeaseLost(held[0])

    async def _let_go(self, held: tuple[int, int]) -> None:
        try:
            await self.database.run(lease.release, *held)
        except (DatabaseError, InterfaceError) as error:
            logger.warning("the lease could not be given back, it will run out: %r", error)


async def run_feed(subscription: Subscription, stop: asyncio.Event, timing: upstream.Timing | None = None) -> None:
    """Feed the log from one subscription until `stop` is set; then finish what is in hand and let go of the lease."""
    await FeedRunner(subscription, stop, timing or upstream.Timing()).run()
