"""Zoom's webhooks, the second source of events: one POST each, committed to the log before it is answered.

An ASGI application of its own beside Django's, because a view would be asked too late and too slowly. Django takes in
a body of any size before any code of ours runs; and its middleware leads each request through a thread of its own and a
dozen hops, which was measured to cost seven eighths of the deliveries a second, and three seconds where a thousand come
at once. This one knows nothing of pages, sessions or cookies: the signature is the only way in.

Zoom waits three seconds for an answer. It tries again after 5, 20 and 60 minutes when the status is 500 or above, and
never after 3xx or 4xx: so trouble of our own is always a 503, and whatever is rightly signed is kept and taken, even
when it cannot be read. A delivery that came twice is logged once, whichever way it came.
"""

import asyncio
import json
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from weakref import WeakKeyDictionary

from django.conf import settings

from zoomfeed import metrics, signature
from zoomfeed.database import Database
from zoomfeed.models import Transport
from zoomfeed.protocol import MAX_BODY_BYTES, Delivery, is_signed
from zoomfeed.record import Incoming, record, where

logger = logging.getLogger(__name__)

PATH = "/zoom/webhook"

DEADLINE_S = 2.5
"""From the first byte that we see to our answer; Zoom gives three seconds."""

MOST_WAITING = 5_000
MOST_WAITING_BYTES = 64 * 1024 * 1024
"""What may wait for the database. The next one is answered 503 at once, and Zoom keeps it for us."""

MOST_IN_BATCH = 500
LINE_EVERY_S = 60.0

Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes = b""
    headers: tuple[tuple[bytes, bytes], ...] = ()


async def application(scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
    """Take one delivery. Whoever went away before the end of the body gets no answer, and nothing is kept."""
    try:
        answer = await _answer(scope, receive)
    except ConnectionAbortedError:
        return
    metrics.answered(answer.status)
    headers = [*answer.headers, (b"content-length", str(len(answer.body)).encode())]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


async def _answer(scope: Mapping[str, Any], receive: Receive) -> Answer:
    if not settings.ZOOM_WEBHOOK_SECRET_TOKEN:
        return Answer(404)
    if scope["method"] != "POST":
        return Answer(405, headers=((b"allow", b"POST"),))
    try:
        async with asyncio.timeout(DEADLINE_S):
            return await _take(scope, receive)
    except TimeoutError:
        return Answer(503)


async def _take(scope: Mapping[str, Any], receive: Receive) -> Answer:
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    body = await _body(headers.get("content-length", ""), receive)
    if body is None:
        return Answer(413)
    endpoint = current()
    delivery = Delivery(body, headers.get("x-zm-request-timestamp", ""), headers.get("x-zm-signature", ""))
    if refusal := endpoint.refusal(delivery):
        return refusal
    if request := signature.validation(body):
        return _validated(request)
    is_stored = await endpoint.intake.store(Incoming(body, datetime.now(UTC), Transport.WEBHOOK))
    return Answer(200 if is_stored else 503)


async def _body(length: str, receive: Receive) -> bytes | None:
    """The whole body; None when it is too large, by its own word or in fact. Raises ConnectionAbortedError."""
    if length.isdecimal() and int(length[:12]) > MAX_BODY_BYTES:
        return None
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionAbortedError
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES:
            return None
        if not message.get("more_body", False):
            return bytes(body)


def _validated(request: dict[str, Any]) -> Answer:
    """Not an event of the account, so nothing to log."""
    answer = signature.validation_answer(settings.ZOOM_WEBHOOK_SECRET_TOKEN, request)
    if answer is None:
        return Answer(400)
    return Answer(200, json.dumps(answer).encode(), ((b"content-type", b"application/json"),))


class Seldom:
    """Keeps a line that anybody can provoke from filling the log: one a minute, with the count of all."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.unsaid = 0
        self.next_at = float("-inf")

    def count(self, more: int = 1) -> int:
        """How many there were since the last line, when it is time for another; 0 when it is not."""
        self.unsaid += more
        if self.clock() < self.next_at:
            return 0
        self.next_at = self.clock() + LINE_EVERY_S
        said, self.unsaid = self.unsaid, 0
        return said


class Intake:
    """Group commit: the first delivery is committed at once, and what comes meanwhile makes the next batch.

    The writer lives as long as something waits, and its thread and its connection end with it: servers do not tell
    an application of their end. What is still waiting when its request ran out of time is committed all the same.
    """

    def __init__(self) -> None:
        self.waiting: deque[tuple[Incoming, asyncio.Future[bool]]] = deque()
        self.waiting_bytes = 0
        self.is_writing = False
        self.writers: set[asyncio.Task[None]] = set()
        self.failures = Seldom()

    async def store(self, incoming: Incoming) -> bool:
        """Whether it is committed; False when the database refuses, and at once when too many wait."""
        if len(self.waiting) >= MOST_WAITING or self.waiting_bytes >= MOST_WAITING_BYTES:
            return False
        stored: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self.waiting.append((incoming, stored))
        self.waiting_bytes += len(incoming.body)
        if not self.is_writing:
            self._start()
        return await stored

    def _start(self) -> None:
        self.is_writing = True
        writer = asyncio.create_task(self._write(), name="webhook writer")
        self.writers.add(writer)  # asyncio holds tasks weakly
        writer.add_done_callback(self.writers.discard)

    async def _write(self) -> None:
        database = Database()
        try:
            while self.waiting:
                await self._commit(database, self._next_batch())
        finally:
            self.is_writing = False  # what comes while this one closes gets a new one
            await database.close()

    def _next_batch(self) -> list[tuple[Incoming, asyncio.Future[bool]]]:
        batch = [self.waiting.popleft() for _ in range(min(MOST_IN_BATCH, len(self.waiting)))]
        self.waiting_bytes -= sum(len(incoming.body) for incoming, _ in batch)
        return batch

    async def _commit(self, database: Database, batch: Iterable[tuple[Incoming, asyncio.Future[bool]]]) -> None:
        bodies = [incoming for incoming, _ in batch]
        try:
            await database.run(record, bodies)
        except Exception as error:  # noqa: BLE001 - protects those that come after; Zoom brings these again
            if count := self.failures.count(len(bodies)):
                logger.warning("%d webhooks could not be stored, Zoom will send them again: %s", count, where(error))
            is_stored = False
        else:
            is_stored = True
        for _, stored in batch:
            if not stored.done():
                stored.set_result(is_stored)


class Endpoint:
    """What the deliveries to one event loop share."""

    def __init__(self) -> None:
        self.intake = Intake()
        self.forged = Seldom()
        self.skewed = Seldom()

    def refusal(self, delivery: Delivery) -> Answer | None:
        """None when it comes from Zoom, and now. Clocks are spoken of only to who has the secret.

        A clock that is wrong is trouble of our own, and Zoom dates its next try anew: so that is a 503.
        """
        skew_s = signature.skew_s(delivery.timestamp, time.time())
        if skew_s is None or not is_signed(settings.ZOOM_WEBHOOK_SECRET_TOKEN, delivery):
            if count := self.forged.count():
                logger.warning("refused %d webhooks without the right signature", count)
            return Answer(401)
        if abs(skew_s) <= signature.MOST_SKEW_S:
            return None
        if count := self.skewed.count():
            logger.warning(
                "refused %d rightly signed webhooks, the last one dated %+.0f s from now (%d s are allowed). "
                "If that repeats, the clock of this machine is wrong.",
                count,
                skew_s,
                signature.MOST_SKEW_S,
            )
        return Answer(503)


_endpoints: WeakKeyDictionary[asyncio.AbstractEventLoop, Endpoint] = WeakKeyDictionary()


def current() -> Endpoint:
    """The endpoint of this process: of the running event loop, to be exact."""
    loop = asyncio.get_running_loop()
    if loop not in _endpoints:
        _endpoints[loop] = Endpoint()
    return _endpoints[loop]
