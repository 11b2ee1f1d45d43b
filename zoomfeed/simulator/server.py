"""A Zoom to run against: the token endpoint over HTTP and the event socket, on two ports of this machine.

It keeps what the real one is known to do: the verdict comes as the first frame, a newer socket of a subscription
closes the older with 1000 "Bye", nobody replays what was sent while no socket was open, silence is cut.
"""

import asyncio
import json
import time
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from zoomfeed import protocol
from zoomfeed.simulator.faults import MALFORMED, Faults
from zoomfeed.simulator.oauth import TokenEndpoint

LIVE = '{"module":"heartbeat","success":true,"content":"live","header":{}}'


@dataclass(frozen=True, slots=True)
class App:
    """An app as it is set up at Zoom, with one event subscription."""

    account_id: str
    client_id: str
    client_secret: str
    subscription_id: str
    secret_token: str


class SimulatedZoom:
    """An `async with` block in which Zoom answers.

    `ledger` holds the body of every event given to `send`, whether or not a socket was there to take it; without
    `keeps_ledger` it stays empty, for what runs for days.
    """

    def __init__(
        self,
        app: App,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        token_life_s: float = 3600,
        idle_s: float = 60,
        keeps_ledger: bool = True,
    ) -> None:
        self.app, self.host, self.port, self.idle_s = app, host, port, idle_s
        self.keeps_ledger = keeps_ledger
        self.faults = Faults()
        self.ledger: list[bytes] = []
        self.heartbeats = 0
        self.connections = 0
        self.tokens = TokenEndpoint(
            (app.client_id, app.client_secret), app.account_id, token_life_s, lambda: self.faults
        )
        self._socket: ServerConnection | None = None
        self._connected = asyncio.Event()
        self._held: bytes | None = None
        self._later: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._http = await asyncio.start_server(self.tokens.serve, self.host, self.port)
        self._ws: Server = await serve(
            self._serve, self.host, self.port + 1 if self.port else 0, ping_interval=None, close_timeout=1
        )
        http, ws = self._http.sockets[0].getsockname()[1], next(iter(self._ws.sockets)).getsockname()[1]
        self.oauth_url = f"http://{self.host}:{http}/oauth/token"
        self.api_url = self.tokens.api_url = f"http://{self.host}:{http}"
        self.ws_url = f"ws://{self.host}:{ws}/ws"
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._later:
            task.cancel()
        await asyncio.gather(*self._later, return_exceptions=True)
        self._http.close()
        self._ws.close()
        await self._ws.wait_closed()
        await self._http.wait_closed()

    @property
    def is_connected(self) -> bool:
        return self._connected.is_set()

    async def wait_connected(self) -> None:
        """Until a socket has got a good verdict."""
        await self._connected.wait()

    async def drop(self) -> None:
        """Cut the TCP connection without a closing word."""
        if self._socket is not None:
            self._socket.transport.abort()
            await self._socket.wait_closed()

    async def send(self, event: dict[str, Any] | bytes) -> None:
        """Deliver one event to the socket that is open, if one is."""
        body = event if isinstance(event, bytes) else encode(event)
        if self.keeps_ledger:
            self.ledger.append(body)
        if self.faults.late_s > 0:
            task = asyncio.create_task(self._send_late(body, self.faults.late_s))
            self._later.add(task)
            task.add_done_callback(self._later.discard)
        else:
            await self._send_with_faults(body)

    async def _send_late(self, body: bytes, late_s: float) -> None:
        await asyncio.sleep(late_s)
        await self._send_with_faults(body)

    async def _send_with_faults(self, body: bytes) -> None:
        faults = self.faults
        if self._held is None and faults.happens(faults.reorder):
            self._held = body
            return
        if faults.happens(faults.malformed):
            await self.send_frame(MALFORMED)
        for _ in range(2 if faults.happens(faults.duplicates) else 1):
            await self.send_frame(self.frame(body))
        if self._held is not None:
            held, self._held = self._held, None
            await self.send_frame(self.frame(held))

    def frame(self, body: bytes) -> bytes:
        """The envelope around a body: its text as a JSON string, and the signature of a webhook."""
        timestamp = str(int(time.time()))
        header = {
            "x-zm-request-timestamp": timestamp,
            "x-zm-signature": protocol.sign(self.app.secret_token, timestamp, body),
        }
        return encode({"module": "message", "content": body.decode(), "header": header})

    async def send_frame(self, raw: bytes) -> None:
        """Send these bytes as a text frame, whatever they are."""
        if self._socket is None or self.faults.half_open:
            return
        try:
            await self._socket.send(raw, text=True)
        except ConnectionClosed:
            return  # lost, as with the real one

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
            async with asyncio.timeout(self.faults.drop_after_s or None):
                await self._answer(socket, token)
        except TimeoutError:
            socket.transport.abort()
        except ConnectionClosed:
            pass
        finally:
            if self._socket is socket:
                self._socket = None
                self._connected.clear()

    def _refusal(self, subscription_id: str, token: str) -> str:
        if self.faults.verdict:
            return self.faults.verdict
        if not token:
            return "token is empty"
        if self.tokens.left_s(token) <= 0:
            return "Invalid Token"
        if self.faults.socket_grant not in ("", self.tokens.grants[token]):
            return "Invalid Token"
        return "" if subscription_id == self.app.subscription_id else "Invalid subscription"

    async def _take_over(self, socket: ServerConnection) -> None:
        older, self._socket = self._socket, None
        if older is not None:
            await older.close(1000, "Bye")
        await socket.send(_verdict(success=True, text="ok"))
        self._socket = socket
        self.connections += 1
        self._connected.set()

    async def _answer(self, socket: ServerConnection, token: str) -> None:
        """Answer heartbeats until the client is silent for too long, or its token ends."""
        while (left_s := self.tokens.left_s(token)) > 0:
            try:
                async with asyncio.timeout(min(self.idle_s, left_s)):
                    raw = await socket.recv(decode=False)
            except TimeoutError:
                break
            if protocol.loads(raw if isinstance(raw, bytes) else raw.encode()) == {"module": "heartbeat"}:
                self.heartbeats += 1
                if not self.faults.half_open:
                    await socket.send(LIVE)
        await socket.close(1000, "Bye")


def encode(value: dict[str, Any]) -> bytes:
    """JSON as Zoom writes it: compact, other scripts as they are."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def _verdict(*, success: bool, text: str) -> str:
    return json.dumps({"module": "build_connection", "success": success, "content": text, "header": {}})
