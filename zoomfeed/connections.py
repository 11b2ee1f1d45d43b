"""One connection to Zoom after the other, and what to do between them."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from zoomfeed import metrics, protocol, upstream
from zoomfeed.backoff import backoff, sleep
from zoomfeed.exceptions import (
    ConnectionLost,
    CredentialsRefused,
    PersonMustAct,
    SubscriptionRefused,
    TimeMayMend,
    TokenUnavailable,
)
from zoomfeed.metrics import Cause
from zoomfeed.models import FeedState
from zoomfeed.oauth import GRANTS, Issuer, Token, redact
from zoomfeed.record import Incoming
from zoomfeed.status import Status
from zoomfeed.subscription import Subscription

logger = logging.getLogger(__name__)

HEALTHY_S = 300.0
"""A connection that lasted this long makes the next failure the first one again."""

SOON_S = 10.0
"""A connection that Zoom closes politely before it is so old was taken over by another client."""

PERSON_S = 30.0
"""How long to wait at least while a person has to act."""

MOST_TAKEOVERS = 3
CONTESTED_S = 30.0
"""How long to wait at least before the socket is taken back from another client, so that not both go blind."""

Take = Callable[[Incoming], Awaitable[None]]
Confirm = Callable[[], Awaitable[None]]


class Connections:
    """Of one lease. `take` gets what came; `confirm` returns when the lease is certain, or raises LeaseLost."""

    def __init__(
        self,
        subscription: Subscription,
        issuer: Issuer,
        status: Status,
        take: Take,
        confirm: Confirm,
        timing: upstream.Timing,
    ) -> None:
        self.subscription, self.issuer, self.status = subscription, issuer, status
        self.take, self.confirm, self.timing = take, confirm, timing
        self.grant = subscription.grant
        self.attempt = 0
        self.refusals = 0
        self.appeals = 0  # problems for a person in a row; an old token is the first of none
        self.takeovers = 0
        self.reason = ""  # of the last failure, as long as nothing better is known
        self.unknown_modules: set[str] = set()

    async def keep(self, stop: asyncio.Event) -> None:
        """Be connected until told to stop."""
        clock = asyncio.get_running_loop().time
        while not stop.is_set():
            state = FeedState.RECONNECTING if self.attempt else FeedState.CONNECTING
            self.status.say(state, reason=self.reason, attempt=self.attempt)
            opened_at = clock()
            try:
                await self._one(stop)
            except upstream.Recycle:
                self._renew()
            except upstream.Refused as refused:
                self._refused()
                await self._wait_for_a_person(SubscriptionRefused(redact(refused.text[:200])), stop)
            except PersonMustAct as error:
                self.attempt += 1
                await self._wait_for_a_person(error, stop)
            except TimeMayMend as error:
                lasted_s = clock() - opened_at
                self.attempt = 1 if lasted_s > HEALTHY_S else self.attempt + 1
                await self._wait_for_better_weather(error, lasted_s, stop)

    async def _one(self, stop: asyncio.Event) -> None:
        token = await asyncio.to_thread(self.issuer.token, self.grant)
        url = upstream.endpoint(self.subscription.ws_url, self.subscription.subscription_id, token.value)
        async with upstream.open_socket(url, self.timing) as socket:
            logger.info("connected: Zoom accepted the subscription")
            self.refusals, self.appeals, self.reason = 0, 0, ""
            now, clock = datetime.now(UTC), self.issuer.clock()
            self.status.connected(
                now,
                token_at=now - timedelta(seconds=clock - token.issued_at),
                token_until=now + timedelta(seconds=token.expires_at - clock),
            )
            try:
                await upstream.read(socket, self._take, self._timing(token), stop)
            except ConnectionLost as error:
                self.status.lost(str(error), since_s=error.heard_until_s)
                raise

    def _timing(self, token: Token) -> upstream.Timing:
        """Renew before the token ends, too: nobody knows whether an open socket outlives it."""
        left_s = token.expires_at - self.issuer.clock()
        return replace(self.timing, recycle_s=min(self.timing.recycle_s, max(left_s - 300, left_s / 2)))

    def _renew(self) -> None:
        logger.info("the connection is old enough: opening a new one")
        metrics.reconnected(Cause.RENEWED)
        self.status.lost("the connection was renewed before its token ended")
        self.issuer.drop(self.grant)
        self.attempt = 0

    def _refused(self) -> None:
        """Try again with a fresh token, and then with the other grant: apps differ in which one the socket takes."""
        self.issuer.drop(self.grant)
        self.attempt += 1
        self.refusals += 1
        if self.refusals == 2:
            self.grant = next(other for other in GRANTS if other != self.grant)

    async def _wait_for_a_person(self, problem: PersonMustAct, stop: asyncio.Event) -> None:
        """Three quick tries, for Zoom errs at times, too, and tokens end early; then slowly.

        What went before does not count: a line that was cut often is no reason to wait with a fresh token.
        """
        self.appeals += 1
        metrics.reconnected(Cause.CREDENTIALS if isinstance(problem, CredentialsRefused) else Cause.REFUSED)
        wait_s = backoff(self.appeals, random.random())  # noqa: S311 - jitter
        if self.appeals > 3:
            wait_s = max(wait_s, PERSON_S * (1 + random.random()))  # noqa: S311
        logger.error("%s", problem)
        await self._wait(FeedState.REFUSED, str(problem), wait_s, stop)

    async def _wait_for_better_weather(self, problem: TimeMayMend, lasted_s: float, stop: asyncio.Event) -> None:
        wait_s = max(backoff(self.attempt, random.random()), problem.retry_after_s or 0.0)  # noqa: S311
        state, reason, cause = FeedState.RECONNECTING, str(problem), _cause(problem)
        if _is_takeover(problem):
            await self.confirm()  # it may have been our own successor: then it is not ours to take back
            self.takeovers = self.takeovers + 1 if lasted_s < SOON_S else 0
        if self.takeovers >= MOST_TAKEOVERS:
            state, reason, cause = FeedState.CONTESTED, CONTESTED, Cause.CONTESTED
            wait_s = max(wait_s, CONTESTED_S * (1 + random.random()))  # noqa: S311
        metrics.reconnected(cause)
        logger.warning("%s Trying again in %.1f s.", reason, wait_s)
        await self._wait(state, reason, wait_s, stop)

    async def _wait(self, state: FeedState, reason: str, wait_s: float, stop: asyncio.Event) -> None:
        self.reason = reason
        retry_at = datetime.now(UTC) + timedelta(seconds=wait_s)
        self.status.say(state, reason=reason, attempt=self.attempt, retry_at=retry_at)
        await sleep(wait_s, stop)

    async def _take(self, raw: bytes, frame: protocol.Frame) -> None:
        now = datetime.now(UTC)
        metrics.heard(frame)
        self.status.heard(now, frame)
        match frame:
            case protocol.Delivery():
                await self.take(Incoming(frame.body, now))
            case protocol.Unreadable():
                await self.take(Incoming(raw, now, rejected=frame.reason))
            case protocol.UnknownModule() if frame.module not in self.unknown_modules:
                self.unknown_modules.add(frame.module)
                logger.warning("Zoom sent a frame of an unknown kind: %r", frame.module[:80])


CONTESTED = (
    "Another client uses the same subscription: Zoom closes our socket as soon as it is open. Stop the other one, or "
    "make a subscription of its own for it; Zoom gives each subscription one socket."
)


def _is_takeover(problem: TimeMayMend) -> bool:
    """Zoom says "Bye" to the older of two sockets of one subscription."""
    return isinstance(problem, ConnectionLost) and problem.code == 1000


def _cause(problem: TimeMayMend) -> Cause:
    if isinstance(problem, TokenUnavailable):
        return Cause.TOKEN
    return Cause.LOST if isinstance(problem, ConnectionLost) else Cause.FAILED
