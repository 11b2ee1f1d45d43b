"""The socket itself: verdict, heartbeat, first event; under a lease of its own, so that no feed is thrown out unasked.

Zoom keeps one socket per subscription and repeats nothing. So while this one is open it is the feed: what comes is
written to the log, and the lease is renewed. It does not move the times of the last frame and event on: the feed that
follows notes one gap from its predecessor's last frame on, which covers the moments between the two sockets as well.
"""

import asyncio
import contextlib
import os
import socket as sockets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from websockets.asyncio.client import ClientConnection

from zoomfeed import lease, protocol, upstream
from zoomfeed.checkup import verdicts
from zoomfeed.checkup.steps import Tell, skipped
from zoomfeed.database import Database
from zoomfeed.exceptions import ConnectionFailed, ConnectionLost, LeaseLost
from zoomfeed.models import Feed, FeedState
from zoomfeed.notify import notify
from zoomfeed.oauth import Token, redact
from zoomfeed.record import Incoming
from zoomfeed.spool import Spool
from zoomfeed.subscription import Subscription
from zoomfeed.writer import Writer


@dataclass(frozen=True, slots=True)
class Patience:
    """How far to go: seconds to wait for the first event, 0 for not at all; whether to interrupt a feed that runs."""

    wait_s: float = 30.0
    take_over: bool = False
    answer_s: float = 10.0
    """How long Zoom may take to answer a heartbeat; it does so at once."""

    timing: upstream.Timing = field(default_factory=upstream.Timing)


async def check_socket(subscription: Subscription, tokens: Mapping[str, Token], patience: Patience, tell: Tell) -> None:
    """Hold the socket for a moment, unless a feed does. `tokens` by grant, the one to try first comes first."""
    if not tokens:
        tell(skipped("socket", "there is no token to open it with"))
        return
    database = Database()
    try:
        await _under_lease(subscription, tokens, patience, tell, database)
    except (DatabaseError, InterfaceError) as error:
        tell(verdicts.database_is_away(error))
    finally:
        await database.close()


async def _under_lease(
    subscription: Subscription, tokens: Mapping[str, Token], patience: Patience, tell: Tell, database: Database
) -> None:
    key = upstream.subscription_id(subscription.subscription_id)
    holder = f"checkzoom on {sockets.gethostname()}:{os.getpid()}"
    # a feed that is thrown out by its successor confirms its lease, finds it gone, and stands by
    take = lease.seize if patience.take_over else lease.acquire
    held = await database.run(take, key, holder, simulated=subscription.simulated)
    if held is None:
        tell(await database.run(verdicts.in_use, key))
        return
    writer = Writer(database, Spool(Path(settings.SPOOL_DIR), key))
    writing = asyncio.create_task(writer.run(), name="writer")
    try:
        await database.run(_say_who_listens, *held)
        await _keeping_lease(database, held, _Listener(subscription, tokens, patience, tell, writer))
    except* LeaseLost:
        tell(verdicts.lease_lost())
    finally:
        writer.finish()
        await writing
        if writer.behind_since is not None:
            tell(verdicts.spooled())
        with contextlib.suppress(DatabaseError, InterfaceError):  # then the lease runs out
            await database.run(lease.release, *held)


def _say_who_listens(feed_pk: int, fence: int) -> None:
    reason = "manage.py checkzoom holds the socket for a moment."
    Feed.objects.filter(pk=feed_pk, fence=fence).update(state=FeedState.CONNECTING, reason=reason, retry_at=None)
    notify(0)


async def _keeping_lease(database: Database, held: tuple[int, int], listener: "_Listener") -> None:
    async with asyncio.TaskGroup() as group:
        keeping = group.create_task(_keep_lease(database, held), name="lease")
        await listener.connect()
        keeping.cancel()


async def _keep_lease(database: Database, held: tuple[int, int]) -> None:
    while True:
        await asyncio.sleep(lease.RENEW_S)
        try:
            await database.run(lease.renew, *held)
        except (DatabaseError, InterfaceError):
            continue  # nobody else can take it either while the database is away


class _Listener:
    """One connection, and what comes of it."""

    def __init__(
        self,
        subscription: Subscription,
        tokens: Mapping[str, Token],
        patience: Patience,
        tell: Tell,
        writer: Writer,
    ) -> None:
        self.subscription, self.tokens, self.patience = subscription, tokens, patience
        self.tell, self.writer = tell, writer
        self.refusals: dict[str, str] = {}
        self.answered, self.delivered = asyncio.Event(), asyncio.Event()
        self.first_event = ""

    async def connect(self) -> None:
        """With one token after the other until one is taken: apps differ in which grant the socket takes."""
        for grant, token in self.tokens.items():
            try:
                await self._listen(grant, token)
            except upstream.Refused as refused:
                self.refusals[grant] = redact(refused.text[:200])
            except ConnectionFailed as error:
                self.tell(verdicts.not_opened(error))
                return
            else:
                return
        self.tell(verdicts.refused(self.refusals))

    async def _listen(self, grant: str, token: Token) -> None:
        url = upstream.endpoint(self.subscription.ws_url, self.subscription.subscription_id, token.value)
        async with upstream.open_socket(url, self.patience.timing) as socket:
            self.tell(verdicts.accepted(grant, self.refusals))
            try:
                await self._hear(socket)
            except* ConnectionLost as lost:
                self.tell(verdicts.lost(lost.exceptions[0]))

    async def _hear(self, socket: ClientConnection) -> None:
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._wait(stop), name="waiting")
            await upstream.read(socket, self._take, self.patience.timing, stop)

    async def _wait(self, stop: asyncio.Event) -> None:
        clock = asyncio.get_running_loop().time
        began = clock()
        is_answered = await _comes(self.answered, self.patience.answer_s)
        self.tell(verdicts.heartbeat(is_answered=is_answered, after_s=clock() - began))
        if self.patience.wait_s:
            await _comes(self.delivered, self.patience.wait_s)
            self.tell(verdicts.first_event(self.first_event, clock() - began))
        stop.set()

    async def _take(self, raw: bytes, frame: protocol.Frame) -> None:
        now = datetime.now(UTC)
        match frame:
            case protocol.Heartbeat(success=True):
                self.answered.set()
            case protocol.Delivery():
                await self.writer.take(Incoming(frame.body, now))
                self.first_event = self.first_event or verdicts.event_type(frame.body)
                self.delivered.set()
            case protocol.Unreadable():
                await self.writer.take(Incoming(raw, now, rejected=frame.reason))


async def _comes(event: asyncio.Event, within_s: float) -> bool:
    try:
        async with asyncio.timeout(within_s):
            return await event.wait()
    except TimeoutError:
        return False
