"""The webhooks of the simulated Zoom: each event is also posted, signed, to the address that is set.

Kept as known of the real one: three seconds for an answer, three more tries after 5, 20 and 60 minutes, and these
only when nobody answered or with a status of 500 and above; a try again has the same bytes and request id, with a
timestamp and a signature of its own. Source: Zoom's page "Using webhooks", headers as recorded from real deliveries.
"""

import asyncio
import hashlib
import hmac
import http.client
import json
import secrets
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from zoomfeed import protocol

IN_FLIGHT = 16
RETRY_S = (300.0, 1200.0, 3600.0)
MAX_ANSWER = 64 * 1024
NOBODY = 0
"""Stands for a status when no answer came."""


@dataclass(slots=True)
class Delivery:
    body: bytes
    request_id: str = field(default_factory=lambda: str(uuid4()))
    tries: int = 0


class Webhooks:
    """Set `url` and it posts; the other switches are `timeout_s`, `retry_s` and `reorder_members`.

    `reorder_members` sends each object's members the other way round, so that the bytes are not those of the socket.
    `delivered` and `failed` count events that are done with, `pending` those that are not, `answers` the statuses of
    all tries.
    """

    def __init__(self, secret_token: str) -> None:
        self.secret_token = secret_token
        self.url = ""
        self.timeout_s = 3.0
        self.retry_s: Sequence[float] = RETRY_S
        self.reorder_members = False
        self.delivered = self.failed = self.pending = 0
        self.answers: Counter[int] = Counter()
        self._due: asyncio.Queue[Delivery] = asyncio.Queue()
        self._later: set[asyncio.TimerHandle] = set()

    async def start(self) -> None:
        self._threads = ThreadPoolExecutor(IN_FLIGHT, "webhook")
        self._clients = [_Client(self.secret_token) for _ in range(IN_FLIGHT)]
        self._workers = [asyncio.create_task(self._work(client), name="webhook") for client in self._clients]

    async def stop(self) -> None:
        """Post no more. What is pending stays undelivered."""
        for handle in self._later:
            handle.cancel()
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        await asyncio.to_thread(self._threads.shutdown)
        for client in self._clients:
            client.close()

    def push(self, body: bytes) -> None:
        """Have an event posted, in its turn."""
        if self.url:
            self.pending += 1
            self._due.put_nowait(Delivery(_reordered(body) if self.reorder_members else body))

    async def validate(self, plain_token: str | None = None) -> bool:
        """Check the address as Zoom does when it is saved, and every three days: is the answer right?"""
        token = plain_token or secrets.token_urlsafe(16)
        body = _json({
            "event": "endpoint.url_validation",
            "payload": {"plainToken": token},
            "event_ts": time.time_ns() // 1_000_000,
        })  # fmt: skip
        encrypted = hmac.new(self.secret_token.encode(), token.encode(), hashlib.sha256).hexdigest()
        with closing(_Client(self.secret_token)) as client:
            status, answer = await asyncio.to_thread(client.post, self.url, Delivery(body), self.timeout_s)
        return status == 200 and _parsed(answer) == {"plainToken": token, "encryptedToken": encrypted}

    async def _work(self, client: "_Client") -> None:
        loop = asyncio.get_running_loop()
        while True:
            delivery = await self._due.get()
            status, _ = await loop.run_in_executor(self._threads, client.post, self.url, delivery, self.timeout_s)
            self._note(delivery, status)

    def _note(self, delivery: Delivery, status: int) -> None:
        self.answers[status] += 1
        if 200 <= status < 300:
            self.delivered += 1
        elif (status == NOBODY or status >= 500) and delivery.tries < len(self.retry_s):
            self._try_again(delivery)
            return
        else:
            self.failed += 1
        self.pending -= 1

    def _try_again(self, delivery: Delivery) -> None:
        def put() -> None:
            self._later.discard(handle)
            self._due.put_nowait(delivery)

        handle = asyncio.get_running_loop().call_later(self.retry_s[delivery.tries], put)
        self._later.add(handle)
        delivery.tries += 1


class _Client:
    """Posts one at a time, over a connection that it keeps. Blocking: for a thread."""

    def __init__(self, secret_token: str) -> None:
        self.secret_token = secret_token
        self._origin = ("", "")
        self._connection: http.client.HTTPConnection | None = None

    def post(self, url: str, delivery: Delivery, timeout_s: float) -> tuple[int, bytes]:
        """Status and body of the answer. Redirects are not followed."""
        parts = urlsplit(url)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        try:
            if self._connection is not None and self._origin == (parts.scheme, parts.netloc):
                # a connection that is kept may have been closed meanwhile: that is no answer, a new one tells
                with suppress(ConnectionError, http.client.HTTPException):
                    return self._ask(self._connection, path, delivery, timeout_s)
            return self._ask(self._connect(parts.scheme, parts.netloc), path, delivery, timeout_s)
        except (OSError, http.client.HTTPException):
            self.close()
            return NOBODY, b""

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connect(self, scheme: str, netloc: str) -> http.client.HTTPConnection:
        self.close()
        kind = http.client.HTTPSConnection if scheme == "https" else http.client.HTTPConnection
        self._origin, self._connection = (scheme, netloc), kind(netloc)
        return self._connection

    def _ask(
        self, connection: http.client.HTTPConnection, path: str, delivery: Delivery, timeout_s: float
    ) -> tuple[int, bytes]:
        connection.timeout = timeout_s
        if connection.sock is not None:
            connection.sock.settimeout(timeout_s)
        connection.request("POST", path, delivery.body, self._headers(delivery))
        answer = connection.getresponse()
        return answer.status, answer.read(MAX_ANSWER)

    def _headers(self, delivery: Delivery) -> dict[str, str]:
        timestamp, request_id = str(int(time.time())), delivery.request_id
        return {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Zoom Marketplace/1.0a",
            "clientid": "simulated",
            "x-zm-request-timestamp": timestamp,
            "x-zm-signature": protocol.sign(self.secret_token, timestamp, delivery.body),
            "x-zm-request-id": request_id.replace("-", "_"),
            "x-zm-trackingid": f"EventService_{request_id.upper()}_3",
            "traceparent": f"00-{request_id.replace('-', '')}-{secrets.token_hex(8)}-01",
        }


def _reordered(body: bytes) -> bytes:
    """The same event with its members the other way round; what is no JSON stays as it is."""
    try:
        return _json(_turned(json.loads(body)))
    except ValueError:
        return body


def _turned(value: Any) -> Any:
    match value:
        case dict():
            return {name: _turned(value[name]) for name in reversed(value)}
        case list():
            return [_turned(item) for item in value]
    return value


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def _parsed(answer: bytes) -> Any:
    try:
        return json.loads(answer)
    except ValueError:
        return None
