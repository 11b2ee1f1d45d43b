"""The event socket of the simulated Zoom: handshake, verdict, heartbeats, frames, and all the ways in which it ends."""

import asyncio
import json
import socket as sockets
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from zoomfeed import protocol
from zoomfeed.simulator.faults import HANDSHAKE_FAULTS, Faults
from zoomfeed.simulator.oauth import TokenEndpoint

LIVE = '{"module":"heartbeat","success":true,"content":"live","header":{}}'
TAKEOVER_S = 0.3
"""How long after a success a foreign client takes the subscription over, when that is to go wrong."""


class EventSocket:
    """One subscription: the newest client that gets a good verdict has it.

    `opened` and `ended` tell when each connection began and ended, by its number, on the monotonic clock.
    """

    def __init__(
        self, subscription_id: str, tokens: TokenEndpoint, faults: Callable[[], Faults], idle_s: float
    ) -> None:
        self.subscription_id, self.tokens, self.faults, self.idle_s = subscription_id, tokens, faults, idle_s
        self.connections = 0
        self.heartbeats = 0
        self.connected = asyncio.Event()
        self.opened: dict[int, float] = {}
        self.ended: dict[int, float] = {}
        self._socket: ServerConnection | None = None
        self._leaving = asyncio.Event()

    async def start(self, host: str, port: int) -> int:
        """Listen; returns the port, which is a free one for 0."""
        self._leaving.clear()
        self._server: Server = await serve(
            self._serve,
            host,
            port,
            process_request=self._shake_hands,
            ping_interval=None,
            open_timeout=None,
            close_timeout=1,
        )
        return int(next(iter(self._server.sockets)).getsockname()[1])

    async def stop(self, *, cuts: bool = False) -> None:
        """Listen no more; connections that are left are closed with 1001, or cut without a closing word."""
        self._leaving.set()
        if cuts:
            for socket in self._server.connections:
                socket.transport.abort()
        self._server.close()
        await self._server.wait_closed()

    async def drop(self) -> None:
        """Cut the TCP connection without a closing word."""
        await self._cut(lambda socket: socket.transport.abort())

    async def reset(self) -> None:
        """Cut it with a TCP reset."""
        await self._cut(_reset)

    async def close(self, code: int, reason: str) -> None:
        if self._socket is not None:
            await self._socket.close(code, reason)

    async def _cut(self, cut: Callable[[ServerConnection], None]) -> None:
        if self._socket is not None:
            socket = self._socket
            cut(socket)
            await socket.wait_closed()

    async def send_frame(self, raw: bytes) -> int:
        """Send these bytes as a text frame, whatever they are.

        Returns the number of the connection that took them, 0 when none did.
        """
        if self._socket is None or self.faults().half_open:
            return 0
        number = self.connections
        try:
            await self._socket.send(raw, text=True)
        except ConnectionClosed:
            return 0  # lost, as with the real one
        return number

    async def _shake_hands(self, _: ServerConnection, __: Request) -> Response | None:
        if self.faults().handshake_delay_s > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._leaving.wait(), self.faults().handshake_delay_s)
        if not (fault := self.faults().handshake):
            return None
        status, headers, body = HANDSHAKE_FAULTS[fault]
        lines = {"Content-Type": "application/json", **headers, "Content-Length": str(len(body))}
        return Response(status, HTTPStatus(status).phrase, Headers(lines), body)

    async def _serve(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        query = {name: values[0] for name, values in parse_qs(urlsplit(socket.request.path).query).items()}
        token = query.get("access_token", "")
        try:
            if text := self._refusal(query.get("subscriptionId", ""), token):
                await socket.send(_verdict(success=False, text=text))
                await socket.close(1000, "Bye")
                return
            await self._take_over(socket)
            async with asyncio.timeout(TAKEOVER_S if self.faults().takeover else self.faults().drop_after_s or None):
                await self._answer(socket, self.tokens.left_s(token))
        except TimeoutError:
            await self._end(socket)
        except ConnectionClosed:
            pass
        finally:
            self._forget(socket)

    def _refusal(self, subscription_id: str, token: str) -> str:
        if self.faults().verdict:
            return self.faults().verdict
        if not token:
            return "token is empty"
        if self.tokens.left_s(token) <= 0:
            return "Invalid Token"
        if self.faults().socket_grant not in ("", self.tokens.grants[token]):
            return "Invalid Token"
        return "" if subscription_id == self.subscription_id else "Invalid subscription"

    async def _take_over(self, socket: ServerConnection) -> None:
        older, self._socket = self._socket, None
        if older is not None:
            await older.close(1000, "Bye")
        await socket.send(_verdict(success=True, text="ok"))
        self._end_life()
        self._socket = socket
        self.connections += 1
        self.opened[self.connections] = time.monotonic()
        self.connected.set()

    async def _answer(self, socket: ServerConnection, left_s: float) -> None:
        """Answer heartbeats until the client is silent for too long, or its token ends."""
        ends_at = time.monotonic() + left_s
        while (left_s := ends_at - time.monotonic()) > 0:
            try:
                async with asyncio.timeout(min(self.idle_s, left_s)):
                    raw = await socket.recv(decode=False)
            except TimeoutError:
                break
            if protocol.loads(raw if isinstance(raw, bytes) else raw.encode()) == {"module": "heartbeat"}:
                self.heartbeats += 1
                if not self.faults().half_open:
                    await socket.send(LIVE)
        await socket.close(1000, "Bye")

    async def _end(self, socket: ServerConnection) -> None:
        """Its time is over: in which way depends on what is to go wrong."""
        faults = self.faults()
        if faults.takeover:
            await socket.close(1000, "Bye")
        elif faults.close_code:
            await socket.close(faults.close_code)
        elif faults.reset:
            _reset(socket)
        else:
            socket.transport.abort()

    def _forget(self, socket: ServerConnection) -> None:
        if self._socket is socket:
            self._socket = None
            self._end_life()

    def _end_life(self) -> None:
        self.connected.clear()
        if self.connections:
            self.ended.setdefault(self.connections, time.monotonic())


def _reset(socket: ServerConnection) -> None:
    """Without lingering, the end of a connection is a reset."""
    raw = socket.transport.get_extra_info("socket")
    raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_LINGER, struct.pack("ii", 1, 0))
    socket.transport.abort()


def _verdict(*, success: bool, text: str) -> str:
    return json.dumps({"module": "build_connection", "success": success, "content": text, "header": {}})
